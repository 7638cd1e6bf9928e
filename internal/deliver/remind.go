package deliver

import (
	"context"
	"encoding/json"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/expr"
	"github.com/slipway-dev/slipway/internal/kube"
	"github.com/slipway-dev/slipway/internal/plan"
)

// remindAfter is how long an application may be on its way before the engine is asked to look again.
const remindAfter = 10 * time.Second

// remind asks the engine, until ctx ends, to look again at applications that are not done: an
// engine can miss the event by which an object became ready, and would otherwise find out at its
// next full comparison, minutes later. It never fails; whoever waits says what is missing.
func remind(ctx context.Context, c *kube.Client, p plan.Plan, applications map[string]*unstructured.Unstructured, target Target) {
	engine := engineOf(p)
	if engine == nil {
		return
	}
	tick := time.NewTicker(remindAfter)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for name, application := range applications {
			if done, err := holds(ctx, c, engine.Condition, application, target.revision(name)); err == nil && !done {
				refresh(ctx, c, engine, application)
			}
		}
	}
}

// engineOf is how the plan's GitOps engine is spoken to; nil where there is none.
func engineOf(p plan.Plan) *v1alpha1.Delivery {
	if unit, _ := provider(p, "delivery"); unit != nil && unit.Tool != nil {
		return unit.Tool.Spec.Delivery
	}
	return nil
}

// holds says whether an expression of the engine's is true of an application as it is now.
func holds(ctx context.Context, c *kube.Client, expression string, application *unstructured.Unstructured, revision string) (bool, error) {
	live, err := c.Get(ctx, application)
	if err != nil {
		return false, err
	}
	return expr.Bool(expression, map[string]any{"object": live.Object, "revision": revision})
}

// refresh asks the engine to look at an application again. It never fails; whoever waits says
// what is missing.
func refresh(ctx context.Context, c *kube.Client, engine *v1alpha1.Delivery, application *unstructured.Unstructured) {
	if len(engine.Refresh) == 0 {
		return
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": engine.Refresh}})
	if err != nil {
		return
	}
	if resource, err := c.Resource(application); err == nil {
		_, _ = resource.Patch(ctx, application.GetName(), types.MergePatchType, patch, metav1.PatchOptions{FieldManager: kube.FieldManager})
	}
}
