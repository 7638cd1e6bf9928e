package deliver

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/slipway-dev/slipway/internal/expr"
	"github.com/slipway-dev/slipway/internal/kube"
	"github.com/slipway-dev/slipway/internal/plan"
)

// ForEngine readies a unit's objects for being applied before the GitOps engine runs: with the
// returned client and objects, the engine later finds them as if it had applied them itself, and
// nothing is applied twice. Without an engine, or one that says how it marks, they stay as they are.
func ForEngine(c *kube.Client, p plan.Plan, unit plan.Unit, objects []*unstructured.Unstructured) (*kube.Client, []*unstructured.Unstructured, error) {
	engine, _ := provider(p, "delivery")
	if engine == nil || engine.Tool == nil || engine.Tool.Spec.Delivery == nil {
		return c, objects, nil
	}
	d := engine.Tool.Spec.Delivery
	if d.FieldManager != "" {
		c = c.As(d.FieldManager)
	}
	if len(d.Tracking) == 0 {
		return c, objects, nil
	}
	marked := make([]*unstructured.Unstructured, 0, len(objects))
	for _, object := range objects {
		object = object.DeepCopy()
		annotations := object.GetAnnotations()
		if annotations == nil {
			annotations = map[string]string{}
		}
		vars := map[string]any{"object": object.Object, "unit": map[string]any{"name": unit.Name, "namespace": unit.Namespace}}
		for key, expression := range d.Tracking {
			value, err := expr.String(expression, vars)
			if err != nil {
				return nil, nil, fmt.Errorf("tool %s: delivery.tracking of %s: %w", engine.Name, kube.IDOf(object), err)
			}
			if value != "" {
				annotations[key] = value
			}
		}
		object.SetAnnotations(annotations)
		marked = append(marked, object)
	}
	return c, marked, nil
}
