package platform

import (
	"context"
	"fmt"

	"github.com/slipway-dev/slipway/internal/health"
	"github.com/slipway-dev/slipway/internal/progress"
)

// Why explains what is not well about a thing: a unit, a capability or an object, see
// [health.Explorer.Why]; about everything where thing is empty. A node that does not work
// explains everything else, so nothing else is looked at then.
func (l *Line) Why(ctx context.Context, thing string) ([]health.Cause, error) {
	if l.embedded() {
		node, err := l.node(progress.Discard).Status(ctx)
		if err != nil {
			return nil, err
		}
		if !node.Ready {
			return []health.Cause{l.nodeCause(node.Problem)}, nil
		}
	}
	client, err := l.connect()
	if err != nil {
		return nil, err
	}
	tree, err := l.knownTree(ctx)
	if err != nil {
		return nil, err
	}
	ca, err := l.CA()
	if err != nil {
		return nil, err
	}
	if u := l.provider(thing); u != nil {
		thing = u.Name
	}
	explorer := health.Explorer{
		Kube: client, Units: health.Units(l.plan, tree),
		Probes: health.Prober{HTTP: l.http(ca), Kube: client}.Check(ctx, l.plan),
		Image:  l.explainImage,
	}
	return explorer.Why(ctx, thing)
}

// nodeCause tells what is wrong with the embedded node.
func (l *Line) nodeCause(problem string) health.Cause {
	return health.Cause{
		{Subject: "platform " + l.Name(), Finding: "its node does not work"},
		{Subject: "node", Finding: problem, Next: "slipway up --name " + l.Name() + "; the logs are in " + l.node(progress.Discard).Logs()},
	}
}

// explainImage says what the image store, which the node pulls from first, knows of an image.
func (l *Line) explainImage(ctx context.Context, reference string) string {
	s, err := l.supplier(progress.Discard)
	if err != nil {
		return err.Error()
	}
	if s.Store.Has(reference) {
		return "the image store has " + reference
	}
	for name, r := range l.catalog.Recipes {
		for _, image := range r.Spec.Images {
			if image == reference {
				return fmt.Sprintf("the image store lacks it; the recipe %s makes it", name)
			}
		}
	}
	return "the image store lacks it, and no recipe makes it: the node asks its registry"
}
