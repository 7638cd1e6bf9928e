package render

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/slipway-dev/slipway/internal/render/manifest"
)

// AnnotationSupply on pod templates says what the images of the pods' unit are made from, see
// [plan.Unit]'s Supply. Manifests name images by upstream's tags, which stay the same when a recipe
// changes: it is the annotation's change that makes Kubernetes start new pods.
const AnnotationSupply = "slipway.dev/supply"

// podTemplates are the paths of the annotations on pod templates, by API group and kind. Jobs are
// left out: their templates can't be changed (https://kubernetes.io/docs/concepts/workloads/controllers/job/).
var podTemplates = map[[2]string][]string{
	{"apps", "Deployment"}:  {"spec", "template", "metadata", "annotations"},
	{"apps", "StatefulSet"}: {"spec", "template", "metadata", "annotations"},
	{"apps", "DaemonSet"}:   {"spec", "template", "metadata", "annotations"},
	{"batch", "CronJob"}:    {"spec", "jobTemplate", "spec", "template", "metadata", "annotations"},
}

// markSupply puts the units' supply on their pod templates.
func (r *renderer) markSupply(context.Context) error {
	for _, u := range r.units {
		if u.Supply == "" {
			continue
		}
		for _, o := range u.objects {
			if err := annotatePods(o, u.Supply); err != nil {
				return err
			}
		}
	}
	return nil
}

func annotatePods(o manifest.Object, supply string) error {
	kind := o.GroupVersionKind()
	path, ok := podTemplates[[2]string{kind.Group, kind.Kind}]
	if !ok {
		return nil
	}
	annotations, _, err := unstructured.NestedMap(o.Object, path...)
	if err == nil {
		if annotations == nil {
			annotations = map[string]any{}
		}
		annotations[AnnotationSupply] = supply
		err = unstructured.SetNestedMap(o.Object, annotations, path...)
	}
	if err != nil {
		return fmt.Errorf("%s: annotate the pod template: %w", o.Source, err)
	}
	return nil
}
