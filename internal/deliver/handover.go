package deliver

import (
	"context"
	"errors"
	"fmt"
	"path"
	"sort"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/health"
	"github.com/slipway-dev/slipway/internal/kube"
	"github.com/slipway-dev/slipway/internal/plan"
	"github.com/slipway-dev/slipway/internal/progress"
	"github.com/slipway-dev/slipway/internal/render"
)

// Applications gives the objects by which the GitOps engine is handed the units, by unit name;
// the root, which holds all others, stands under [render.RepositoryName].
func Applications(tree render.Tree) map[string]*unstructured.Unstructured {
	all := map[string]*unstructured.Unstructured{}
	for _, f := range tree.Unit("").Files {
		if path.Dir(f.Path) == render.ApplicationsFolder {
			all[strings.TrimSuffix(path.Base(f.Path), ".yaml")] = f.Object
		}
	}
	return all
}

// Target is the state of the repository that the engine is to reach.
type Target struct {
	// Revision is the commit that was pushed.
	Revision string
	// Touched are the units that the push changed; nil where all count as changed. An engine need
	// not look at the others, and so need not know that there is a newer revision.
	Touched map[string]bool
	// Contents are the commits that were pushed for packages, by the repository's URL. The engine
	// is to look at them by then: it can miss the Git server's word.
	Contents map[string]string
}

// revision is what a unit has to be at; empty where any will do.
func (t Target) revision(unit string) string {
	if t.Touched == nil || t.Touched[unit] {
		return t.Revision
	}
	return ""
}

// HandOver gives everything to the GitOps engine, by the root application, and waits until the
// engine has taken over every unit at the target, and has removed the applications of units that
// left the tree. Every unit is a task of its own below prefix.
func HandOver(ctx context.Context, c *kube.Client, p plan.Plan, tree render.Tree, target Target, report progress.Reporter, prefix string) error {
	applications := Applications(tree)
	root, ok := applications[render.RepositoryName]
	if !ok {
		return errors.New("hand over: the tree has no root application")
	}
	if err := Apply(ctx, c, p.Name, []*unstructured.Unstructured{root}, nil); err != nil {
		return fmt.Errorf("hand over: %w", err)
	}
	waiting, done := context.WithCancel(ctx)
	go remind(waiting, c, p, applications, target)
	err := health.Wait(ctx, c, handedOver(p, applications, target), report, prefix)
	done()
	if err != nil {
		return fmt.Errorf("hand over: %w", err)
	}
	if err := showContents(ctx, c, p, tree, target.Contents, report, prefix); err != nil {
		return fmt.Errorf("hand over: %w", err)
	}
	return waitPruned(ctx, c, p, applications, report, prefix)
}

// handedOver is each application as something whose health can be looked at.
func handedOver(p plan.Plan, applications map[string]*unstructured.Unstructured, target Target) []health.Unit {
	var ready []v1alpha1.ReadyCheck
	if engine := engineOf(p); engine != nil && engine.Condition != "" {
		ready = []v1alpha1.ReadyCheck{{Condition: engine.Condition}}
	}
	units := make([]health.Unit, 0, len(applications))
	for name, application := range applications {
		units = append(units, health.Unit{
			Name: name, Objects: []*unstructured.Unstructured{application},
			Ready: ready, Vars: map[string]any{"revision": target.revision(name)},
		})
	}
	sort.Slice(units, func(i, j int) bool { return units[i].Name < units[j].Name })
	return units
}

// waitPruned waits until applications that are no longer in the tree are gone.
func waitPruned(ctx context.Context, c *kube.Client, p plan.Plan, applications map[string]*unstructured.Unstructured, report progress.Reporter, prefix string) error {
	var task *progress.Task
	for {
		left, err := leftOver(ctx, c, p, applications)
		switch {
		case err != nil:
			return err
		case len(left) == 0 && task == nil:
			return nil
		case len(left) == 0:
			return task.End("removed", nil)
		}
		if task == nil {
			task = progress.Start(report, prefix+"/removal", "", 0)
		}
		task.Wait("until the engine has removed " + strings.Join(left, ", "))
		select {
		case <-ctx.Done():
			return task.End("", fmt.Errorf("not removed: %s (%w)", strings.Join(left, ", "), context.Cause(ctx)))
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// leftOver names the platform's applications in the cluster that the tree does not have.
func leftOver(ctx context.Context, c *kube.Client, p plan.Plan, applications map[string]*unstructured.Unstructured) ([]string, error) {
	root := applications[render.RepositoryName]
	mapping, err := c.Mapping(root.GroupVersionKind())
	if err != nil {
		return nil, fmt.Errorf("list applications: %w", err)
	}
	wanted := map[string]bool{}
	for _, a := range applications {
		wanted[a.GetNamespace()+"/"+a.GetName()] = true
	}
	list, err := c.Dynamic.Resource(mapping.Resource).List(ctx, metav1.ListOptions{LabelSelector: render.LabelPlatform + "=" + p.Name})
	if err != nil {
		return nil, fmt.Errorf("list applications: %w", err)
	}
	var left []string
	for _, live := range list.Items {
		// Those of packages carry their unit's name; the engine's own have none.
		if live.GetLabels()[render.LabelUnit] == "" && !wanted[live.GetNamespace()+"/"+live.GetName()] {
			left = append(left, live.GetName())
		}
	}
	sort.Strings(left)
	return left, nil
}

// HandedOver says whether the engine owns everything already and is well, so that pushing is
// all that is left to do; otherwise reason says what is missing, and the bootstrap set has to be
// applied (again).
func HandedOver(ctx context.Context, c *kube.Client, p plan.Plan, tree render.Tree) (ok bool, reason string, err error) {
	root, found := Applications(tree)[render.RepositoryName]
	if !found {
		return false, "there is no delivery tool", nil
	}
	if _, err := c.Get(ctx, root); meta.IsNoMatchError(err) || apierrors.IsNotFound(err) {
		return false, "nothing was handed over yet", nil
	} else if err != nil {
		return false, "", fmt.Errorf("read %s: %w", kube.IDOf(root), err)
	}
	var bootstrap []health.Unit
	for i, u := range health.Units(p, tree) {
		if p.Units[i].Bootstrap {
			bootstrap = append(bootstrap, u)
		}
	}
	for _, h := range health.Check(ctx, c, bootstrap) {
		if h.State != health.Ready {
			return false, h.Unit + ": " + h.Reason, nil
		}
	}
	return true, "", nil
}
