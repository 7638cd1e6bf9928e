package portal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/slipway-dev/slipway/internal/app"
	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/expr"
	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/scaffold"
	"github.com/slipway-dev/slipway/internal/server/api"
	"github.com/slipway-dev/slipway/internal/spec"
)

// workloadRepository is the kind of what hands a team's own repository over; labelNamespace names the namespace on it.
const (
	workloadRepository = "repository"
	labelNamespace     = "slipway.dev/namespace"
)

// Handover is a team's own repository that is to be delivered.
type Handover struct {
	// Name is unique within the team, Label finds it for its entity.
	Name, Label string
	// RepoURL is the repository's on the platform's Git server, Path where its manifests are.
	RepoURL, Path string
	// Namespace is the one that the template names, see namespaceFor.
	Namespace string
}

// Handovers has the platform's delivery tool deliver repositories of the team for which ctx makes things, into its
// own namespaces that are not governed.
type Handovers struct{ portal *Portal }

// DeliveryActions are the actions of templates that bear a delivery tool's name, by tool.
type DeliveryActions map[string]func(Handovers) []scaffold.Action

// ErrHandedOver says that the team has something delivered under the name already.
var ErrHandedOver = errors.New("the team has something delivered under this name already")

// unitName is unlike any application's in an environment, which has one dot, and any unit's of the platform.
func unitName(team, name string) string { return "repository." + team + "." + name }

// objects are what hands a repository over, in the order in which they are made.
func (h Handovers) objects(team string, r Handover) ([]*unstructured.Unstructured, error) {
	d := h.portal.delivery
	if d == nil {
		return nil, fmt.Errorf("this server delivers nothing: %w", api.ErrUnavailable)
	}
	return d.repositoryObjects(team, r)
}

func (d *delivery) repositoryObjects(team string, r Handover) ([]*unstructured.Unstructured, error) {
	if len(d.engine.Repository) == 0 {
		return nil, fmt.Errorf("tool %s: it does not say how repositories of teams are handed over (delivery.repository): %w",
			d.tool.Tool, api.ErrUnavailable)
	}
	scope, err := expr.New(map[string]any{"unit": map[string]any{"name": unitName(team, r.Name), "team": team, "label": r.Label,
		"repoURL": r.RepoURL, "path": r.Path, "namespace": r.Namespace}})
	if err != nil {
		return nil, err
	}
	out := make([]*unstructured.Unstructured, len(d.engine.Repository))
	for i, object := range d.engine.Repository {
		v, err := scope.Value(object)
		if err != nil {
			return nil, fmt.Errorf("tool %s: delivery.repository[%d]: %w", d.tool.Tool, i, err)
		}
		content, _ := v.(map[string]any)
		out[i] = &unstructured.Unstructured{Object: content}
		labels := out[i].GetLabels()
		if labels == nil {
			labels = map[string]string{}
		}
		labels[labelWorkload], labels[app.LabelTeam], labels[labelNamespace] = workloadRepository, team, r.Namespace
		out[i].SetLabels(labels)
	}
	return out, nil
}

// Exists says whether the team has something delivered under a name.
func (h Handovers) Exists(ctx context.Context, name string) (bool, error) {
	all, err := h.objects(TeamOf(ctx), Handover{Name: name})
	if err != nil {
		return false, err
	}
	_, err = h.portal.delivery.kube.Get(ctx, all[len(all)-1])
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	return err == nil, err
}

// Create hands a repository over. It can be called again where it was interrupted; the error is
// [ErrHandedOver] where somebody else was quicker.
func (h Handovers) Create(ctx context.Context, r Handover) error {
	p, team := h.portal, TeamOf(ctx)
	rest, ours := strings.CutPrefix(strings.TrimSuffix(r.RepoURL, ".git"), p.gitURL+"/")
	repository, err := forge.ParseRepository(rest)
	if !ours || err != nil {
		return fault.Hint(fmt.Errorf("%s is no repository on this platform's Git server: %w", r.RepoURL, api.ErrDenied),
			"name one of "+p.gitURL+"/"+team+", or the one that the template publishes")
	}
	if err := MayMakeIn(ctx, repository.Owner); err != nil {
		return err
	}
	r.RepoURL = p.gitURL + "/" + repository.String() + ".git"
	if !spec.IsName(r.Name) {
		return fmt.Errorf("%q is not a name (lower-case letters, digits and hyphens): %w", r.Name, api.ErrInvalid)
	}
	// Published templates make a namespace of the application's name up.
	if own, _, err := p.namespacesForTemplates(team); err == nil && r.Namespace == r.Name && !slices.Contains(own, r.Namespace) {
		r.Namespace = ""
	}
	if r.Namespace, err = p.namespaceFor(ctx, r.Namespace); err != nil {
		return err
	}
	all, err := h.objects(team, r)
	if err != nil {
		return err
	}
	for _, o := range all[:len(all)-1] {
		if _, err := p.delivery.apply(ctx, o); err != nil {
			return fmt.Errorf("hand over %s: %w", o.GetName(), err)
		}
	}
	last := all[len(all)-1]
	resource, err := p.delivery.kube.Resource(last)
	if err != nil {
		return err
	}
	_, err = resource.Create(ctx, last, metav1.CreateOptions{FieldManager: p.delivery.kube.Manager})
	if apierrors.IsAlreadyExists(err) {
		return ErrHandedOver
	}
	return err
}

// withdrawal is how long the delivery tool may take to remove what it delivered.
const withdrawal = 2 * time.Minute

// Delete takes a handover back, with what was delivered; one that is not there is no error.
func (h Handovers) Delete(ctx context.Context, name string) error {
	all, err := h.objects(TeamOf(ctx), Handover{Name: name})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, withdrawal)
	defer cancel()
	for _, o := range slices.Backward(all) {
		for {
			gone, err := h.portal.delivery.removeHandover(ctx, o)
			if err != nil {
				return err
			}
			if gone {
				break
			}
			if err := sleep(ctx, time.Second); err != nil {
				return fmt.Errorf("%s is not gone within %s: %w", o.GetName(), withdrawal, err)
			}
		}
	}
	return nil
}

// removeHandover deletes an object, and says whether it is gone.
func (d *delivery) removeHandover(ctx context.Context, o *unstructured.Unstructured) (gone bool, err error) {
	live, err := d.kube.Get(ctx, o)
	switch {
	case apierrors.IsNotFound(err):
		return true, nil
	case err != nil || live.GetLabels()[labelWorkload] != workloadRepository || live.GetDeletionTimestamp() != nil:
		return err == nil && live.GetLabels()[labelWorkload] != workloadRepository, err
	}
	resource, err := d.kube.Resource(live)
	if err != nil {
		return false, err
	}
	err = resource.Delete(ctx, live.GetName(), metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return true, nil
	}
	return false, err
}

// pruneHandovers takes back the handovers into namespaces that are gone, one object of each after the other.
func (d *delivery) pruneHandovers(ctx context.Context, s *snapshot) error {
	if len(d.engine.Repository) == 0 {
		return nil
	}
	namespaces := map[string]bool{}
	for _, n := range s.state.Namespaces() {
		namespaces[n.Name] = n.OpenToTemplates()
	}
	kinds, err := d.repositoryObjects("team", Handover{Name: "example"})
	if err != nil {
		return err
	}
	left := map[string]bool{} // names of which an object that was made later is still there
	for _, kind := range slices.Backward(kinds) {
		mapping, err := d.kube.Mapping(kind.GroupVersionKind())
		if err != nil {
			return err
		}
		list, err := d.kube.Dynamic.Resource(mapping.Resource).Namespace(kind.GetNamespace()).List(ctx,
			metav1.ListOptions{LabelSelector: labelWorkload + "=" + workloadRepository})
		if err != nil {
			return fmt.Errorf("list repositories of teams that are delivered: %w", err)
		}
		for i := range list.Items {
			live := &list.Items[i]
			if namespaces[live.GetLabels()[labelNamespace]] || left[live.GetName()] {
				continue
			}
			left[live.GetName()] = true
			d.log.InfoContext(ctx, "its namespace is gone", "object", live.GetName())
			if _, err := d.removeHandover(ctx, live); err != nil {
				return err
			}
		}
	}
	return nil
}
