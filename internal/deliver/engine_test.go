package deliver

import (
	"maps"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/kube"
	"github.com/slipway-dev/slipway/internal/plan"
)

func TestForEngine(t *testing.T) {
	object := func(kind string) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{"apiVersion": "apps/v1", "kind": kind,
			"metadata": map[string]any{"name": "shop", "annotations": map[string]any{"theirs": "stays"}}}}
	}
	engine := func(d *v1alpha1.Delivery) plan.Plan {
		return plan.Plan{Units: []plan.Unit{{Name: "engine", Capabilities: []string{"delivery"}, Tool: &v1alpha1.Tool{Spec: v1alpha1.ToolSpec{Delivery: d}}}}}
	}
	unit := plan.Unit{Name: "web", Namespace: "web"}
	tests := []struct {
		name        string
		plan        plan.Plan
		manager     string
		annotations map[string]string
	}{
		{"no engine", plan.Plan{}, "slipway", map[string]string{"theirs": "stays"}},
		{"an engine that marks nothing", engine(&v1alpha1.Delivery{}), "slipway", map[string]string{"theirs": "stays"}},
		{"an engine that marks", engine(&v1alpha1.Delivery{FieldManager: "engine", Tracking: map[string]string{
			"engine/owner": "unit.name + '/' + object.kind", "engine/none": "object.kind == 'Deployment' ? '' : 'x'"}}),
			"engine", map[string]string{"theirs": "stays", "engine/owner": "web/Deployment"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			given := object("Deployment")
			c, objects, err := ForEngine(&kube.Client{Manager: "slipway"}, test.plan, unit, []*unstructured.Unstructured{given})
			if err != nil {
				t.Fatal(err)
			}
			if c.Manager != test.manager || !maps.Equal(objects[0].GetAnnotations(), test.annotations) {
				t.Errorf("manager %s, annotations %v", c.Manager, objects[0].GetAnnotations())
			}
			if len(given.GetAnnotations()) != 1 {
				t.Error("the rendered object was changed")
			}
		})
	}
	_, _, err := ForEngine(&kube.Client{}, engine(&v1alpha1.Delivery{Tracking: map[string]string{"a": "1"}}), unit, []*unstructured.Unstructured{object("Pod")})
	if err == nil || !strings.Contains(err.Error(), "tool engine: delivery.tracking of Pod shop: expression \"1\": gives 1, not text") {
		t.Error(err)
	}
}
