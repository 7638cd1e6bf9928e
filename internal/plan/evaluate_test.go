package plan

import (
	"strings"
	"testing"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/expr"
)

func TestEvaluateTool_LeavesOutWhatIsNotWanted(t *testing.T) {
	tool := v1alpha1.Tool{}
	tool.Spec.Runtime = []v1alpha1.RuntimeObject{
		{Name: "always"},
		{Name: "wanted", When: "${has(inputs.git)}"},
		{Name: "${inputs.mesh.name}", When: "${has(inputs.mesh)}"}, // never evaluated
	}
	tool.Spec.Probes = []v1alpha1.Probe{{Name: "not this", URL: "${inputs.mesh.url}", When: "${has(inputs.mesh)}"}, {Name: "this"}}
	scope, err := expr.New(map[string]any{"inputs": map[string]any{"git": map[string]any{}}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := evaluateTool(scope, tool)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, o := range got.Spec.Runtime {
		names = append(names, o.Name)
	}
	for _, p := range got.Spec.Probes {
		names = append(names, p.Name)
	}
	if have := strings.Join(names, ", "); have != "always, wanted, this" {
		t.Errorf("got %s", have)
	}
	if len(tool.Spec.Runtime) != 3 {
		t.Error("the catalogue's own tool was changed")
	}

	tool.Spec.Runtime[1].When = "${inputs.git}"
	if _, err := evaluateTool(scope, tool); err == nil || !strings.Contains(err.Error(), "spec.runtime[1].when") || !strings.Contains(err.Error(), "neither true nor false") {
		t.Errorf("got %v", err)
	}
}
