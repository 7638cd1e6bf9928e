package deliver

import (
	"context"
	"encoding/json"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

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
	engine, _ := provider(p, "delivery")
	if engine == nil || engine.Tool == nil || engine.Tool.Spec.Delivery == nil || len(engine.Tool.Spec.Delivery.Refresh) == 0 {
		return
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": engine.Tool.Spec.Delivery.Refresh}})
	if err != nil {
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
			vars := map[string]any{"object": live.Object, "revision": target.revision(name)}
			if done, err := expr.Bool(engine.Tool.Spec.Delivery.Condition, vars); err == nil && done {
				continue
			}
			if resource, err := c.Resource(application); err == nil {
				_, _ = resource.Patch(ctx, application.GetName(), types.MergePatchType, patch, metav1.PatchOptions{FieldManager: kube.FieldManager})
			}
		}
	}
}
