package portal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/kube"
	"github.com/slipway-dev/slipway/internal/scaffold"
	"github.com/slipway-dev/slipway/internal/scaffold/actions"
	"github.com/slipway-dev/slipway/internal/server/api"
)

// templateManager owns the fields that steps of templates apply.
const templateManager = "slipway-templates"

// clusters lets the steps of templates apply objects to the platform's own cluster: to namespaces of the run's team
// that are open to templates, and of the kinds that the API server lets the portal apply there.
type clusters struct {
	*Portal
	kube *kube.Client // nil where the server is in no cluster
}

func newClusters(p *Portal, client *kube.Client) clusters {
	if client != nil {
		client = client.As(templateManager)
	}
	return clusters{p, client}
}

// ownCluster are the names that published templates have for the cluster that their portal is in.
var ownCluster = []string{"", "local", "in-cluster"}

// Cluster gives the platform's own cluster, by any of its names.
func (c clusters) Cluster(_ context.Context, name string, _ scaffold.User) (actions.Cluster, error) {
	switch {
	case !slices.Contains(ownCluster, name) && name != c.config.Name:
		return nil, fault.Hint(fmt.Errorf("there is no cluster %q: %w", name, api.ErrInvalid),
			fmt.Sprintf("leave clusterName out, or write local or %s, for the platform's own", c.config.Name))
	case c.kube == nil:
		return nil, fmt.Errorf("this server is in no cluster: %w", api.ErrUnavailable)
	}
	return cluster(c), nil
}

// cluster is the platform's own.
type cluster clusters

// namespacesForTemplates are those that are open to a team's templates, in the order of their environments: those of
// the team's own environments, and those that its applications have for themselves. Previews, which end by
// themselves, are none of them.
func (p *Portal) namespacesForTemplates(team string) (own, shared []string, err error) {
	s, err := p.environments.now()
	if err != nil {
		return nil, nil, err
	}
	for _, n := range s.state.Namespaces() {
		switch {
		case n.Team != team || !n.OpenToTemplates() || n.Environment.Spec.Preview != nil:
		case n.Application == "":
			own = append(own, n.Name)
		default:
			shared = append(shared, n.Name)
		}
	}
	return own, shared, nil
}

// namespaceFor is the namespace of the run's team that a template means. Where it names none, or "default", which is
// nobody's here, that is the team's first environment of its own.
func (p *Portal) namespaceFor(ctx context.Context, named string) (string, error) {
	team := TeamOf(ctx)
	own, shared, err := p.namespacesForTemplates(team)
	if err != nil {
		return "", err
	}
	open := append(own, shared...)
	switch {
	case slices.Contains(open, named):
		return named, nil
	case named != "" && named != metav1.NamespaceDefault:
		return "", fault.Hint(fmt.Errorf("templates of team %s may not make anything in namespace %s; theirs are: %s: %w",
			team, named, orNone(open), api.ErrDenied), "leave the namespace out for the team's own environment")
	case len(own) == 0:
		return "", fault.Hint(fmt.Errorf("team %s has no environment for what the template makes: %w", team, api.ErrDenied),
			"make one: slipway env create NAME --team "+team)
	}
	return own[0], nil
}

func orNone(all []string) string {
	if len(all) == 0 {
		return "none"
	}
	return strings.Join(all, ", ")
}

// Prepare puts an object into the team's namespace, and tries it on the API server, which makes nothing.
func (c cluster) Prepare(ctx context.Context, manifest map[string]any) error {
	o := &unstructured.Unstructured{Object: manifest}
	mapping, err := c.kube.Mapping(o.GroupVersionKind())
	switch {
	case meta.IsNoMatchError(err):
		return fault.Hint(fmt.Errorf("the cluster has no kind %s in %s: %w", o.GetKind(), o.GetAPIVersion(), api.ErrInvalid),
			"have the platform's administrator install what defines it")
	case err != nil:
		return err
	case mapping.Scope.Name() != meta.RESTScopeNameNamespace:
		return fault.Hint(fmt.Errorf("it is no namespace's: it holds for the whole cluster: %w", api.ErrDenied),
			"the platform's administrator makes such objects, by a package in platform.yaml")
	}
	namespace, err := c.namespaceFor(ctx, o.GetNamespace())
	if err != nil {
		return err
	}
	o.SetNamespace(namespace)
	if there, err := c.hasNamespace(ctx, namespace); err != nil || !there {
		return errors.Join(err, fault.Hint(fmt.Errorf("namespace %s is not there yet: %w", namespace, api.ErrUnavailable),
			"run the template again in a moment; `slipway env list` says how the environment is"))
	}
	return c.apply(ctx, o, true)
}

func (c cluster) hasNamespace(ctx context.Context, name string) (bool, error) {
	_, err := c.kube.Core.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	return err == nil, err
}

// Exists says whether an object is there.
func (c cluster) Exists(ctx context.Context, o actions.Object) (bool, error) {
	_, err := c.kube.Get(ctx, liveObject(o))
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	return err == nil, explain(err, o.Kind, o.Namespace)
}

func liveObject(o actions.Object) *unstructured.Unstructured {
	out := &unstructured.Unstructured{}
	out.SetAPIVersion(o.APIVersion)
	out.SetKind(o.Kind)
	out.SetNamespace(o.Namespace)
	out.SetName(o.Name)
	return out
}

// Apply applies an object that was prepared.
func (c cluster) Apply(ctx context.Context, manifest map[string]any) error {
	o := &unstructured.Unstructured{Object: manifest}
	// The namespace may have become somebody else's since it was prepared.
	if namespace, err := c.namespaceFor(ctx, o.GetNamespace()); err != nil || namespace != o.GetNamespace() {
		return err
	}
	return c.apply(ctx, o, false)
}

func (c cluster) apply(ctx context.Context, o *unstructured.Unstructured, dry bool) error {
	data, err := json.Marshal(o)
	if err != nil {
		return err
	}
	resource, err := c.kube.Resource(o)
	if err != nil {
		return err
	}
	options := metav1.PatchOptions{FieldManager: c.kube.Manager, FieldValidation: metav1.FieldValidationStrict}
	if dry {
		options.DryRun = []string{metav1.DryRunAll}
	}
	_, err = resource.Patch(ctx, o.GetName(), types.ApplyPatchType, data, options)
	return explain(err, o.GetKind(), o.GetNamespace())
}

// explain says in our words why the API server refuses.
func explain(err error, kind, namespace string) error {
	switch {
	// What admission refuses is forbidden too, and says itself why.
	case apierrors.IsForbidden(err) && strings.Contains(err.Error(), " cannot "):
		return fault.Hint(fmt.Errorf("templates may not apply objects of kind %s in %s: %w", kind, namespace, api.ErrDenied),
			"the platform's administrator says what they may apply, in the portal's values (templates)")
	case apierrors.IsConflict(err):
		return fault.Hint(fmt.Errorf("it is there already, and somebody else's: %w", err), "choose another name")
	}
	return err
}

// Delete removes an object, if templates have applied it.
func (c cluster) Delete(ctx context.Context, o actions.Object) error {
	if there, err := c.hasNamespace(ctx, o.Namespace); err != nil || !there {
		return err // with its namespace the object is gone, and the right to look for it
	}
	live, err := c.kube.Get(ctx, liveObject(o))
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return explain(err, o.Kind, o.Namespace)
	}
	ours := func(f metav1.ManagedFieldsEntry) bool { return f.Manager == c.kube.Manager }
	if !slices.ContainsFunc(live.GetManagedFields(), ours) {
		return nil // another's, who was quicker
	}
	resource, err := c.kube.Resource(live)
	if err != nil {
		return err
	}
	id, background := live.GetUID(), metav1.DeletePropagationBackground
	err = resource.Delete(ctx, o.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &id}, PropagationPolicy: &background})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// Serves says whether the cluster knows a kind.
func (c cluster) Serves(_ context.Context, group, version, kind string) (bool, error) {
	_, err := c.kube.Mapping(schema.GroupVersionKind{Group: group, Version: version, Kind: kind})
	if meta.IsNoMatchError(err) {
		return false, nil
	}
	return err == nil, err
}

// Pods are the pods of a namespace, of all where it is "".
func (c cluster) Pods(ctx context.Context, namespace string) ([]actions.Pod, error) {
	list, err := c.kube.Core.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list pods: %w", err)
	}
	out := make([]actions.Pod, len(list.Items))
	for i, p := range list.Items {
		out[i] = actions.Pod{Namespace: p.Namespace, Name: p.Name, Phase: string(p.Status.Phase)}
	}
	return out, nil
}
