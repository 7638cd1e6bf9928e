// Package argoworkflows runs builds as workflows of Argo Workflows, made from the template that the tool of the capability ci brings. A
// workflow is the record of its run: labels and annotations say what is built, its nodes how the steps go. Logs are
// read from the pods, which are kept as long as the workflow.
package argoworkflows

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"github.com/slipway-dev/slipway/internal/ci"
)

// Name is what the capability's output "adapter" says for this one.
const Name = "argo-workflows"

// Options say where builds run.
type Options struct {
	Dynamic dynamic.Interface
	Core    kubernetes.Interface
	// Namespace is where the template is.
	Namespace string
	// RunURL is the page that shows a run, of which Spec and ID are known; may be nil.
	RunURL func(ci.Run) string
}

// Engine runs builds. It is safe for concurrent use.
type Engine struct{ Options }

var _ ci.Engine = (*Engine)(nil)

// New makes the adapter. It makes no call yet.
func New(o Options) *Engine { return &Engine{o} }

const (
	// template is the WorkflowTemplate's name, manager the field manager.
	template = "build"
	manager  = "slipway"

	labelApplication = "slipway.dev/application"
	labelTeam        = "slipway.dev/team"
	labelCommit      = "slipway.dev/commit"
	labelNumber      = "slipway.dev/run-number"
	annotationSpec   = "slipway.dev/build"
	annotationCancel = "slipway.dev/cancelled"
)

var workflows = schema.GroupVersionResource{Group: "argoproj.io", Version: "v1alpha1", Resource: "workflows"}

func (e *Engine) resource() dynamic.ResourceInterface {
	return e.Dynamic.Resource(workflows).Namespace(e.Namespace)
}

// id names the run of a spec: the same for the same repository, commit and attempt.
func id(s ci.Spec) string {
	sum := sha256.Sum256([]byte(s.Repository.String() + "\x00" + s.Commit + "\x00" + strconv.Itoa(s.Attempt)))
	return strings.TrimRight(s.Application[:min(len(s.Application), 36)], "-") + "-" + s.Commit[:min(len(s.Commit), 8)] + "-" + hex.EncodeToString(sum[:])[:8]
}

// Start implements [ci.Engine].
func (e *Engine) Start(ctx context.Context, s ci.Spec) (ci.Run, error) {
	name := id(s)
	if there, err := e.get(ctx, name); err != nil || there != nil {
		if err != nil {
			return ci.Run{}, err
		}
		return runOf(there)
	}
	before, err := e.List(ctx, ci.Query{Team: s.Team, Application: s.Application})
	if err != nil {
		return ci.Run{}, err
	}
	number := 1
	for _, r := range before {
		number = max(number, r.Number+1)
	}
	spec, err := json.Marshal(s)
	if err != nil {
		return ci.Run{}, err
	}
	url := ""
	if e.RunURL != nil {
		url = e.RunURL(ci.Run{ID: name, Spec: s, Number: number})
	}
	// What the default branch reuses is not what a proposed change may have left behind.
	cache := cacheFolder(s.Team, s.Application) + "/changes"
	if s.Release {
		cache = cacheFolder(s.Team, s.Application) + "/releases"
	}
	var parameters []any
	for _, p := range [][2]string{{"repository", s.CloneURL}, {"commit", s.Commit}, {"branch", s.Branch}, {"image", s.Image}, {"cache", cache}, {"url", url}} {
		parameters = append(parameters, map[string]any{"name": p[0], "value": p[1]})
	}
	w := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow",
		"metadata": map[string]any{"name": name, "namespace": e.Namespace,
			"labels": map[string]any{"app.kubernetes.io/managed-by": manager, labelApplication: s.Application, labelTeam: s.Team,
				labelCommit: s.Commit, labelNumber: strconv.Itoa(number)},
			"annotations": map[string]any{annotationSpec: string(spec)},
		},
		"spec": map[string]any{"workflowTemplateRef": map[string]any{"name": template}, "arguments": map[string]any{"parameters": parameters}},
	}}
	made, err := e.resource().Create(ctx, w, metav1.CreateOptions{FieldManager: manager})
	if apierrors.IsAlreadyExists(err) { // another process was faster
		made, err = e.resource().Get(ctx, name, metav1.GetOptions{})
	}
	if err != nil {
		return ci.Run{}, fmt.Errorf("start workflow %s: %w", name, err)
	}
	return runOf(made)
}

// get gives a workflow, nil where it is not there.
func (e *Engine) get(ctx context.Context, name string) (*unstructured.Unstructured, error) {
	w, err := e.resource().Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read workflow %s: %w", name, err)
	}
	return w, nil
}

// Cancel implements [ci.Engine].
func (e *Engine) Cancel(ctx context.Context, name, reason string) error {
	w, err := e.get(ctx, name)
	if err != nil || w == nil {
		return err
	}
	run, err := runOf(w)
	if err != nil || run.Phase.Done() {
		return err
	}
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"annotations": map[string]string{annotationCancel: reason}},
		"spec":     map[string]any{"shutdown": "Terminate"},
	})
	if err != nil {
		return err
	}
	_, err = e.resource().Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: manager})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cancel workflow %s: %w", name, err)
	}
	return nil
}

// sweep is the WorkflowTemplate that removes a folder of the cache.
const sweep = "forget"

// Forget implements [ci.Engine].
func (e *Engine) Forget(ctx context.Context, team, application string) error {
	runs, err := e.List(ctx, ci.Query{Team: team, Application: application})
	if err != nil {
		return err
	}
	background := metav1.DeletePropagationBackground // with their pods
	for _, r := range runs {
		if err := e.resource().Delete(ctx, r.ID, metav1.DeleteOptions{PropagationPolicy: &background}); err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("remove build %s: %w", r.ID, err)
		}
	}
	w := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow",
		"metadata": map[string]any{"generateName": sweep + "-", "namespace": e.Namespace},
		"spec": map[string]any{"workflowTemplateRef": map[string]any{"name": sweep}, "arguments": map[string]any{
			"parameters": []any{map[string]any{"name": "folder", "value": cacheFolder(team, application)}}}},
	}}
	if _, err := e.resource().Create(ctx, w, metav1.CreateOptions{FieldManager: manager}); err != nil {
		return fmt.Errorf("clear the cache of %s/%s: %w", team, application, err)
	}
	return nil
}

// cacheFolder is where an application's builds keep what they can use again.
func cacheFolder(team, application string) string { return team + "/" + application }

// List implements [ci.Engine].
func (e *Engine) List(ctx context.Context, q ci.Query) ([]ci.Run, error) {
	list, err := e.resource().List(ctx, metav1.ListOptions{LabelSelector: selector(q)})
	if err != nil {
		return nil, fmt.Errorf("list workflows: %w", err)
	}
	return runsOf(list.Items, q), nil
}

func selector(q ci.Query) string {
	set := labels.Set{"app.kubernetes.io/managed-by": manager}
	for label, value := range map[string]string{labelApplication: q.Application, labelTeam: q.Team, labelCommit: q.Commit} {
		if value != "" {
			set[label] = value
		}
	}
	return set.String()
}

// Watch implements [ci.Engine].
func (e *Engine) Watch(ctx context.Context, seen func(ci.Run)) error {
	for {
		if err := e.watch(ctx, seen); err != nil {
			return err
		}
	}
}

// watch gives all there is and what changes until the server ends the stream, as it does now and then.
func (e *Engine) watch(ctx context.Context, seen func(ci.Run)) error {
	list, err := e.resource().List(ctx, metav1.ListOptions{LabelSelector: selector(ci.Query{})})
	if err != nil {
		return fmt.Errorf("list workflows: %w", err)
	}
	for _, r := range runsOf(list.Items, ci.Query{}) {
		seen(r)
	}
	w, err := e.resource().Watch(ctx, metav1.ListOptions{LabelSelector: selector(ci.Query{}), ResourceVersion: list.GetResourceVersion()})
	if err != nil {
		return fmt.Errorf("watch workflows: %w", err)
	}
	defer w.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case event, open := <-w.ResultChan():
			if !open {
				return ctx.Err()
			}
			if event.Type == watch.Error {
				err := apierrors.FromObject(event.Object)
				if apierrors.IsResourceExpired(err) || apierrors.IsGone(err) {
					return nil
				}
				return fmt.Errorf("watch workflows: %w", err)
			}
			object, ok := event.Object.(*unstructured.Unstructured)
			if !ok || event.Type == watch.Deleted {
				continue
			}
			if run, err := runOf(object); err == nil {
				seen(run)
			}
		}
	}
}

// errNotOurs says that a workflow is not one that Start made.
var errNotOurs = errors.New("the workflow does not say what it builds")
