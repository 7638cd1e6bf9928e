package deliver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/kube"
	"github.com/slipway-dev/slipway/internal/progress"
)

// Labels that tell Slipway's objects in a cluster, besides those that rendering puts on.
const (
	LabelManagedBy = "app.kubernetes.io/managed-by"
	// LabelMadeBy is on what this package itself made for the platform it names: namespaces that
	// did not exist before, and objects made at run time.
	LabelMadeBy = "slipway.dev/made-by"
	managedBy   = "slipway"
)

// applyWidth is how many objects are applied at a time.
const applyWidth = 8

// ObjectError is what went wrong with one object.
type ObjectError struct {
	ID  kube.ID
	Err error
}

// Error names the object and its cause.
func (e *ObjectError) Error() string { return e.ID.String() + ": " + e.Err.Error() }

// Unwrap gives the cause.
func (e *ObjectError) Unwrap() error { return e.Err }

// Apply applies objects by server-side apply, taking over fields that others own: namespaces
// first, then definitions until they are established, then the rest. Objects that cannot be
// applied yet, because a kind or a webhook is still coming up, are tried again until ctx ends;
// task (which may be nil) says meanwhile what is waited for. All other failures come back
// together, each an [*ObjectError]. platform is whose namespaces those made here are; what was
// in the cluster before is marked as found.
func Apply(ctx context.Context, c *kube.Client, platform string, objects []*unstructured.Unstructured, task *progress.Task) error {
	done := 0
	for p, group := range phases(objects) {
		if len(group) == 0 {
			continue
		}
		if phase(p) == phaseNamespaces {
			for _, ns := range group {
				if err := ensureNamespace(ctx, c, platform, ns.GetName()); err != nil {
					return err
				}
			}
		}
		if err := applyAll(ctx, c, platform, group, task, done, len(objects)); err != nil {
			return err
		}
		if phase(p) == phaseDefinitions {
			if err := established(ctx, c, group, task); err != nil {
				return err
			}
		}
		done += len(group)
	}
	return nil
}

// applyAll applies one phase, side by side.
func applyAll(ctx context.Context, c *kube.Client, platform string, objects []*unstructured.Unstructured, task *progress.Task, before, total int) error {
	var (
		mu       sync.Mutex
		failures []error
		applied  = before
		waiting  = map[string]string{}
		group    errgroup.Group
	)
	tell := func(id, reason string) {
		mu.Lock()
		defer mu.Unlock()
		if reason == "" {
			applied++
			delete(waiting, id)
		} else {
			waiting[id] = reason
		}
		say(task, applied, total, waiting)
	}
	group.SetLimit(applyWidth)
	for _, obj := range objects {
		group.Go(func() error {
			id := kube.IDOf(obj)
			err := applyUntilSettled(ctx, c, platform, obj, func(reason string) { tell(id.String(), reason) })
			if err != nil {
				mu.Lock()
				failures = append(failures, &ObjectError{ID: id, Err: err})
				mu.Unlock()
				return nil
			}
			tell(id.String(), "")
			return nil
		})
	}
	_ = group.Wait()
	sort.Slice(failures, func(i, j int) bool { return failures[i].Error() < failures[j].Error() })
	return errors.Join(failures...)
}

// say reports how far the work is, and the first of what is waited for.
func say(task *progress.Task, applied, total int, waiting map[string]string) {
	if task == nil {
		return
	}
	if len(waiting) == 0 {
		task.Update(fmt.Sprintf("applied %d of %d objects", applied, total))
		return
	}
	ids := make([]string, 0, len(waiting))
	for id := range waiting {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	task.Wait(fmt.Sprintf("applied %d of %d objects; %s: %s", applied, total, ids[0], waiting[ids[0]]))
}

// applyUntilSettled tries until it succeeds, ctx ends, or the error is one that will stay.
func applyUntilSettled(ctx context.Context, c *kube.Client, platform string, obj *unstructured.Unstructured, waits func(reason string)) error {
	backoff := wait.Backoff{Duration: 100 * time.Millisecond, Factor: 1.6, Steps: 8, Cap: 2 * time.Second}
	for {
		_, err := markFound(ctx, c, platform, obj)
		if err == nil {
			_, err = applyOnce(ctx, c, obj, false)
		}
		if err == nil {
			return nil
		}
		reason, retry := settling(err)
		if !retry {
			return explain(err)
		}
		waits(reason)
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w (%w)", reason, err, ctx.Err())
		case <-time.After(backoff.Step()):
		}
	}
}

// applyOnce sends one server-side apply and returns the object as the server holds it then;
// a dry run changes nothing.
func applyOnce(ctx context.Context, c *kube.Client, obj *unstructured.Unstructured, dryRun bool) (*unstructured.Unstructured, error) {
	resource, err := c.Resource(obj)
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(obj)
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	force := true
	options := metav1.PatchOptions{FieldManager: c.Manager, Force: &force}
	if dryRun {
		options.DryRun = []string{metav1.DryRunAll}
	}
	return resource.Patch(ctx, obj.GetName(), types.ApplyPatchType, data, options)
}

// explain adds the way out to errors that have one.
func explain(err error) error {
	if apierrors.IsInvalid(err) && strings.Contains(err.Error(), "field is immutable") {
		return fault.Hint(err, "Kubernetes cannot change this field of an existing object: delete the object, then run the command again")
	}
	return err
}

// ensureNamespace makes the namespace where it does not exist, and only then marks it as the
// platform's own, so that one that was there before is never deleted.
func ensureNamespace(ctx context.Context, c *kube.Client, platform, name string) error {
	ns := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Namespace",
		"metadata": map[string]any{
			"name":   name,
			"labels": map[string]any{LabelManagedBy: managedBy, LabelMadeBy: platform},
		},
	}}
	return retry(ctx, func() error {
		if _, err := c.Get(ctx, ns); !apierrors.IsNotFound(err) {
			return err
		}
		resource, err := c.Resource(ns)
		if err != nil {
			return err
		}
		_, err = resource.Create(ctx, ns, metav1.CreateOptions{FieldManager: kube.FieldManager})
		if apierrors.IsAlreadyExists(err) {
			return nil
		}
		return err
	}, "make namespace "+name)
}

// established waits until the API serves the kinds that definitions define.
func established(ctx context.Context, c *kube.Client, definitions []*unstructured.Unstructured, task *progress.Task) error {
	for _, definition := range definitions {
		err := wait.PollUntilContextCancel(ctx, 50*time.Millisecond, true, func(ctx context.Context) (bool, error) {
			live, err := c.Get(ctx, definition)
			if err != nil {
				if _, ok := settling(err); ok {
					return false, nil
				}
				return false, err
			}
			if condition(live, "NamesAccepted") == "False" {
				return false, fmt.Errorf("its names are taken by another definition: %s", conditionMessage(live, "NamesAccepted"))
			}
			if condition(live, "Established") == "True" {
				return true, nil
			}
			if task != nil {
				task.Wait("until " + definition.GetName() + " is served")
			}
			return false, nil
		})
		if err != nil {
			return &ObjectError{ID: kube.IDOf(definition), Err: fmt.Errorf("wait until it is established: %w", err)}
		}
	}
	c.Mapper.Reset()
	return nil
}

// retry repeats call while its error is one that settles.
func retry(ctx context.Context, call func() error, what string) error {
	backoff := wait.Backoff{Duration: 50 * time.Millisecond, Factor: 1.6, Steps: 8, Cap: 2 * time.Second}
	for {
		err := call()
		if err == nil {
			return nil
		}
		if _, ok := settling(err); !ok {
			return fmt.Errorf("%s: %w", what, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w (%w)", what, err, ctx.Err())
		case <-time.After(backoff.Step()):
		}
	}
}

// condition is the status of the object's condition of a type; "" where it has none.
func condition(obj *unstructured.Unstructured, conditionType string) string {
	status, _ := findCondition(obj, conditionType)["status"].(string)
	return status
}

func conditionMessage(obj *unstructured.Unstructured, conditionType string) string {
	message, _ := findCondition(obj, conditionType)["message"].(string)
	return message
}

func findCondition(obj *unstructured.Unstructured, conditionType string) map[string]any {
	conditions, _, _ := unstructured.NestedSlice(obj.Object, "status", "conditions")
	for _, item := range conditions {
		if c, ok := item.(map[string]any); ok && c["type"] == conditionType {
			return c
		}
	}
	return nil
}
