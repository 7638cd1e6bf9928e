package deliver

import (
	"context"
	"encoding/json"
	"fmt"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/kube"
	"github.com/slipway-dev/slipway/internal/render"
)

// AnnotationFound is on objects that were in the cluster before the platform it names was
// delivered there: they are changed as the tree says, but never deleted.
const AnnotationFound = "slipway.dev/found-by"

// MarkFound marks those of objects that are in the cluster already without belonging to any
// platform, and gives their IDs. It has to come before the first delivery of an object: [Apply]
// does so itself, for what the GitOps engine will deliver it is to be called before pushing.
func MarkFound(ctx context.Context, c *kube.Client, platform string, objects []*unstructured.Unstructured) ([]kube.ID, error) {
	marked := make([]bool, len(objects))
	var group errgroup.Group
	group.SetLimit(driftWidth)
	for i, obj := range objects {
		group.Go(func() (err error) {
			marked[i], err = markFound(ctx, c, platform, obj)
			if err != nil {
				return &ObjectError{ID: kube.IDOf(obj), Err: err}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("look for what is in the cluster already: %w", err)
	}
	var found []kube.ID
	for i, obj := range objects {
		if marked[i] {
			found = append(found, kube.IDOf(obj))
		}
	}
	return found, nil
}

func markFound(ctx context.Context, c *kube.Client, platform string, obj *unstructured.Unstructured) (bool, error) {
	live, err := c.Get(ctx, obj)
	if meta.IsNoMatchError(err) || apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if owner := live.GetLabels()[render.LabelPlatform]; owner != "" && owner != platform {
		return false, fault.Hint(fmt.Errorf("it belongs to the platform %s", owner),
			"two platforms in one cluster cannot share an object: give them a cluster each, or remove one with `slipway down --purge`")
	} else if owner != "" || live.GetLabels()[LabelMadeBy] != "" {
		return false, nil
	}
	if live.GetAnnotations()[AnnotationFound] != "" {
		return true, nil
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]any{AnnotationFound: platform}}})
	if err != nil {
		return false, err
	}
	resource, err := c.Resource(obj)
	if err != nil {
		return false, err
	}
	_, err = resource.Patch(ctx, obj.GetName(), types.MergePatchType, patch, metav1.PatchOptions{FieldManager: kube.FieldManager + "-found"})
	return err == nil, err
}
