package health

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

func TestHolds_TellsWhatIsNotAsWanted(t *testing.T) {
	const condition = "has(object.status) && has(object.status.sync) && object.status.sync.status == 'Synced' && " +
		"object.status.sync.revision == revision && object.status.health.status == 'Healthy'"
	tests := []struct{ name, status, want string }{
		{"all is as wanted", "{sync: {status: Synced, revision: r2}, health: {status: Healthy}}", ""},
		{"nothing is known yet", "", "status is not set"},
		{"parts are out of step", `{sync: {status: OutOfSync, revision: r2}, health: {status: Healthy},
  resources: [{kind: Secret, name: fine, status: Synced}, {kind: Route, namespace: web, name: shop, status: OutOfSync}]}`,
			"status.sync.status is OutOfSync; Route web/shop is OutOfSync"},
		{"an older revision", "{sync: {status: Synced, revision: r1}, health: {status: Healthy}}", "status.sync.revision is r1"},
		{"it says itself what is wrong", "{sync: {status: Unknown, revision: r2}, health: {status: Healthy}, conditions: [{type: ComparisonError, message: no such path}]}",
			"ComparisonError: no such path; status.sync.status is Unknown"},
		{"words of success say nothing", "{sync: {status: Synced, revision: r1}, health: {status: Healthy}, operationState: {phase: Succeeded, message: all is well}}",
			"status.sync.revision is r1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			live := &unstructured.Unstructured{Object: map[string]any{"kind": "Application"}}
			if tt.status != "" {
				var status map[string]any
				if err := yaml.Unmarshal([]byte(tt.status), &status); err != nil {
					t.Fatal(err)
				}
				live.Object["status"] = status
			}
			reason, ok := (Unit{Vars: map[string]any{"revision": "r2"}}).holds(condition, live)
			if reason != tt.want || ok != (tt.want == "") {
				t.Errorf("holds = %q, %v; want %q", reason, ok, tt.want)
			}
		})
	}
}
