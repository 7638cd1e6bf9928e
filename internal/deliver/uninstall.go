package deliver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/slipway-dev/slipway/internal/kube"
	"github.com/slipway-dev/slipway/internal/progress"
	"github.com/slipway-dev/slipway/internal/render"
)

// Kept is an object of the platform that Uninstall left where it is.
type Kept struct {
	Object kube.ID `json:"object"`
	Reason string  `json:"reason"`
}

// Uninstall removes the platform from a cluster: all objects that carry its label, what was made
// for it at run time, and the namespaces that were made for it, with all they hold. It keeps
// what was there before, and definitions of which others have objects. applications, from
// [Applications], are what the GitOps engine was handed: they go first, without their contents,
// so that the engine does not bring anything back. task may be nil.
func Uninstall(ctx context.Context, c *kube.Client, platform string, applications map[string]*unstructured.Unstructured, task *progress.Task) ([]Kept, error) {
	if task == nil {
		task = progress.Start(progress.Discard, "uninstall", "", 0)
	}
	defer c.Mapper.Reset() // kinds will be gone
	if err := release(ctx, c, platform, applications, task); err != nil {
		return nil, fmt.Errorf("uninstall: take the units from the delivery tool: %w", err)
	}
	inventory, err := inventory(ctx, c, platform)
	if err != nil {
		return nil, fmt.Errorf("uninstall: %w", err)
	}
	var kept []Kept
	for p := phaseCount - 1; p >= 0; p-- {
		var group []*unstructured.Unstructured
		for _, obj := range inventory {
			if removalPhase(obj) != p {
				continue
			}
			reason, err := keep(ctx, c, platform, obj)
			if err != nil {
				return kept, fmt.Errorf("uninstall: %w", err)
			}
			if reason != "" {
				kept = append(kept, Kept{kube.IDOf(obj), reason})
				continue
			}
			group = append(group, obj)
		}
		if err := remove(ctx, c, group, task); err != nil {
			return kept, fmt.Errorf("uninstall: %w", err)
		}
	}
	return kept, nil
}

// removalPhase is when an object goes: custom resources first, while those who clean up after
// them still run; definitions after the workloads that need them; namespaces last.
func removalPhase(obj *unstructured.Unstructured) phase {
	if obj.GroupVersionKind().Group == "admissionregistration.k8s.io" {
		return phaseCustom // a webhook whose pod is gone would block all further removal
	}
	return phaseOf(obj)
}

// release deletes the applications without what they deliver.
func release(ctx context.Context, c *kube.Client, platform string, applications map[string]*unstructured.Unstructured, task *progress.Task) error {
	root, ok := applications[render.RepositoryName]
	if !ok {
		return nil
	}
	mapping, err := c.Mapping(root.GroupVersionKind())
	if meta.IsNoMatchError(err) {
		return nil
	}
	if err != nil {
		return err
	}
	list, err := c.Dynamic.Resource(mapping.Resource).List(ctx, metav1.ListOptions{LabelSelector: render.LabelPlatform + "=" + platform})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	var live []*unstructured.Unstructured
	for i := range list.Items {
		live = append(live, &list.Items[i])
	}
	// The root first: it would make the others again.
	slices.SortStableFunc(live, func(a, b *unstructured.Unstructured) int {
		return boolInt(b.GetName() == render.RepositoryName) - boolInt(a.GetName() == render.RepositoryName)
	})
	for _, application := range live {
		resource, err := c.Resource(application)
		if err != nil {
			return err
		}
		_, err = resource.Patch(ctx, application.GetName(), types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			return &ObjectError{kube.IDOf(application), err}
		}
		if err := remove(ctx, c, []*unstructured.Unstructured{application}, task); err != nil {
			return err
		}
	}
	return nil
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// inventory lists every object of the platform, of whatever kind.
func inventory(ctx context.Context, c *kube.Client, platform string) ([]*unstructured.Unstructured, error) {
	resources, err := c.Resources()
	if err != nil {
		return nil, err
	}
	lists := make([][]*unstructured.Unstructured, len(resources))
	var group errgroup.Group
	group.SetLimit(driftWidth)
	for i, r := range resources {
		group.Go(func() error {
			seen := map[types.UID]bool{}
			for _, label := range []string{render.LabelPlatform, LabelMadeBy} {
				list, err := c.Dynamic.Resource(r.Resource).List(ctx, metav1.ListOptions{LabelSelector: label + "=" + platform})
				if apierrors.IsMethodNotSupported(err) || apierrors.IsNotFound(err) {
					return nil
				}
				if err != nil {
					return fmt.Errorf("list %s: %w", r.Resource.Resource, err)
				}
				for j := range list.Items {
					if obj := &list.Items[j]; !seen[obj.GetUID()] {
						seen[obj.GetUID()] = true
						lists[i] = append(lists[i], obj)
					}
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return slices.Concat(lists...), nil
}

// keep says why an object stays; it is empty for one that goes.
func keep(ctx context.Context, c *kube.Client, platform string, obj *unstructured.Unstructured) (string, error) {
	if obj.GetAnnotations()[AnnotationFound] != "" {
		return "it was in the cluster before", nil
	}
	gk := obj.GroupVersionKind().GroupKind()
	if gk == namespaceKind && obj.GetLabels()[LabelMadeBy] != platform {
		return "the namespace was in the cluster before", nil
	}
	if gk != definitionKind {
		return "", nil
	}
	others, err := foreignObjects(ctx, c, platform, obj)
	if err != nil || len(others) == 0 {
		return "", err
	}
	const shown = 3
	text := "of its kind are objects that Slipway did not make: " + strings.Join(others[:min(len(others), shown)], ", ")
	if len(others) > shown {
		text += fmt.Sprintf(" and %d more", len(others)-shown)
	}
	return text, nil
}

// foreignObjects names the objects of a definition that others made: not the platform's, not in
// its namespaces, and owned by nothing else.
func foreignObjects(ctx context.Context, c *kube.Client, platform string, definition *unstructured.Unstructured) ([]string, error) {
	group, _, _ := unstructured.NestedString(definition.Object, "spec", "group")
	kind, _, _ := unstructured.NestedString(definition.Object, "spec", "names", "kind")
	mapping, err := c.Mapping(schema.GroupVersionKind{Group: group, Kind: kind})
	if meta.IsNoMatchError(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list objects of %s: %w", definition.GetName(), err)
	}
	list, err := c.Dynamic.Resource(mapping.Resource).List(ctx, metav1.ListOptions{LabelSelector: render.LabelPlatform + "!=" + platform})
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", mapping.Resource.Resource, err)
	}
	ours, err := c.Core.CoreV1().Namespaces().List(ctx, metav1.ListOptions{LabelSelector: LabelMadeBy + "=" + platform})
	if err != nil {
		return nil, fmt.Errorf("list namespaces: %w", err)
	}
	made := map[string]bool{}
	for _, ns := range ours.Items {
		made[ns.Name] = true
	}
	var names []string
	for i := range list.Items {
		obj := &list.Items[i]
		if len(obj.GetOwnerReferences()) == 0 && !made[obj.GetNamespace()] && obj.GetLabels()[LabelMadeBy] != platform {
			names = append(names, kube.IDOf(obj).String())
		}
	}
	sort.Strings(names)
	return names, nil
}

// remove deletes objects and waits until they are gone.
func remove(ctx context.Context, c *kube.Client, objects []*unstructured.Unstructured, task *progress.Task) error {
	background := metav1.DeletePropagationBackground
	var failures []error
	for _, obj := range objects {
		uid := obj.GetUID()
		resource, err := c.Resource(obj)
		if err == nil {
			err = resource.Delete(ctx, obj.GetName(), metav1.DeleteOptions{
				PropagationPolicy: &background, Preconditions: &metav1.Preconditions{UID: &uid},
			})
		}
		if err != nil && !gone(err) {
			failures = append(failures, &ObjectError{kube.IDOf(obj), err})
		}
	}
	if len(failures) > 0 {
		return errors.Join(failures...)
	}
	for len(objects) > 0 {
		var left []*unstructured.Unstructured
		for _, obj := range objects {
			if live, err := c.Get(ctx, obj); err == nil && live.GetUID() == obj.GetUID() {
				left = append(left, live)
			} else if err != nil && !gone(err) {
				return &ObjectError{kube.IDOf(obj), err}
			}
		}
		if objects = left; len(left) == 0 {
			return nil
		}
		waits := fmt.Sprintf("until %s is gone (%d left)%s", kube.IDOf(left[0]), len(left), held(left[0]))
		task.Wait(waits)
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited %s: %w", waits, context.Cause(ctx))
		case <-time.After(200 * time.Millisecond):
		}
	}
	return nil
}

// gone says whether err means that the object does not exist any more.
func gone(err error) bool {
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) { // a conflict of UIDs: another object of that name
		return true
	}
	return meta.IsNoMatchError(err)
}

// held says who has to agree before an object goes.
func held(obj *unstructured.Unstructured) string {
	finalizers := obj.GetFinalizers()
	if len(finalizers) == 0 {
		return ""
	}
	return ", held by " + strings.Join(finalizers, ", ")
}
