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
			live, err := c.Get(ctx, application)
			if err != nil {
				continue
			}
			done, err := expr.Bool(engine.Condition, map[string]any{"object": live.Object, "revision": target.revision(name)})
			if err == nil && !done {
				Refresh(ctx, c, engine, application)
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

// Refresh asks the engine to look at an application again. It never fails; whoever waits says
// what is missing.
func Refresh(ctx context.Context, c *kube.Client, engine *v1alpha1.Delivery, application *unstructured.Unstructured) {
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
