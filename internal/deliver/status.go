package deliver

import (
	"encoding/json"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/expr"
)

// Status is what the GitOps engine says of an application.
type Status struct {
	// Revisions are the commits that it has compared the cluster with last.
	Revisions []string `json:"revisions"`
	// Synced says that the cluster is as they say.
	Synced bool `json:"synced"`
	// Message is what is in the way, in the engine's words; empty where nothing is.
	Message string `json:"message"`
}

// StatusOf reads what the engine says of an application from the object in the cluster.
func StatusOf(engine *v1alpha1.Delivery, application *unstructured.Unstructured) (Status, error) {
	var status Status
	if engine == nil || engine.Status == nil {
		return status, errors.New("the delivery tool does not say how its status is read (spec.delivery.status)")
	}
	scope, err := expr.New(map[string]any{"object": application.Object})
	if err != nil {
		return status, err
	}
	wanted := map[string]any{}
	for name, expression := range map[string]string{
		"revisions": engine.Status.Revisions, "synced": engine.Status.Synced, "message": engine.Status.Message} {
		if expression != "" {
			wanted[name] = "${" + expression + "}"
		}
	}
	v, err := scope.Value(wanted)
	if err != nil {
		return status, fmt.Errorf("spec.delivery.status: %w", err)
	}
	data, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(data, &status)
	}
	if err != nil {
		return Status{}, fmt.Errorf("spec.delivery.status of %s %s: %w", application.GetKind(), application.GetName(), err)
	}
	return status, nil
}
