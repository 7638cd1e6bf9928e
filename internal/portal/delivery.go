package portal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/app"
	"github.com/slipway-dev/slipway/internal/deliver"
	"github.com/slipway-dev/slipway/internal/expr"
	"github.com/slipway-dev/slipway/internal/kube"
	"github.com/slipway-dev/slipway/internal/portal/config"
)

// labelWorkload is on what hands workloads over; it names the kind of workload.
const labelWorkload = "slipway.dev/workload"

// Kinds of workloads.
const (
	workloadApplication = "workload"
	workloadNamespaces  = "namespaces"
)

// namespacesUnit is the name of the unit that makes namespaces. It has no dot, and so is no application's.
const namespacesUnit = "environments-namespaces"

// workload is what the delivery tool is to apply: a folder of the environments' repository.
type workload struct {
	name, kind, path, namespace string
	environment, application    string
	// files is a digest of the folder, revision the first commit that is known to have it.
	files    [sha256.Size]byte
	revision string
}

// delivery has the delivery tool apply what the environments' repository says.
type delivery struct {
	kube    *kube.Client
	engine  v1alpha1.Delivery
	tool    config.Tool
	repoURL string
	log     *slog.Logger
	now     func() time.Time
	source  *repository
	woken   alarm
	health  *healths

	mu    sync.Mutex
	known map[string]workload // as they were applied last
}

func newDelivery(p *Portal, o Options) (*delivery, error) {
	if o.Delivery.Workload == nil {
		return nil, fmt.Errorf("tool %s: it does not say how applications are handed over (delivery.workload)", o.Config.Delivery.Tool)
	}
	d := &delivery{kube: o.Kube.As("slipway-portal"), engine: *o.Delivery, tool: *o.Config.Delivery, log: p.log, now: p.now,
		source: p.environments, woken: newAlarm(), known: map[string]workload{},
		repoURL: p.gitURL + "/" + p.environments.name.String() + ".git"}
	var err error
	if d.health, err = openHealths(o.DataDir, p); err != nil {
		return nil, err
	}
	p.environments.moved = func(*snapshot) { d.woken.ring(); d.health.woken.ring() }
	return d, nil
}

// workloads are all that is to be delivered at a snapshot, by name.
func workloads(s *snapshot) map[string]workload {
	out := map[string]workload{}
	add := func(w workload) {
		prefix := w.path + "/"
		sum := sha256.New()
		any := false
		for _, name := range slices.Sorted(maps.Keys(s.files)) {
			if strings.HasPrefix(name, prefix) {
				any = true
				fmt.Fprintf(sum, "%s %d ", name, len(s.files[name]))
				_, _ = sum.Write(s.files[name])
			}
		}
		if any {
			copy(w.files[:], sum.Sum(nil))
			w.revision = s.commit
			out[w.name] = w
		}
	}
	add(workload{name: namespacesUnit, kind: workloadNamespaces, path: app.NamespacesFolder})
	for environment, placed := range s.state.Placed {
		e, ok := s.state.Environments[environment]
		if !ok {
			continue
		}
		for application := range placed {
			if a, ok := s.state.Applications[application]; ok {
				add(workload{name: environment + "." + application, kind: workloadApplication,
					path: app.ManifestsFolder(environment, application), namespace: app.Namespace(e, a),
					environment: environment, application: application})
			}
		}
	}
	return out
}

// object is what hands a workload over.
func (d *delivery) object(w workload) (*unstructured.Unstructured, error) {
	scope, err := expr.New(map[string]any{
		"unit": map[string]any{"name": w.name, "kind": w.kind, "path": w.path, "namespace": w.namespace,
			"repoURL": d.repoURL, "revision": app.Branch},
	})
	if err != nil {
		return nil, err
	}
	v, err := scope.Value(d.engine.Workload)
	if err != nil {
		return nil, fmt.Errorf("tool %s: delivery.workload for %s: %w", d.tool.Tool, w.name, err)
	}
	content, _ := v.(map[string]any)
	o := &unstructured.Unstructured{Object: content}
	labels := o.GetLabels()
	if labels == nil {
		labels = map[string]string{}
	}
	labels[labelWorkload] = w.kind
	if w.application != "" {
		labels[app.LabelEnvironment], labels[app.LabelApplication] = w.environment, w.application
	}
	o.SetLabels(labels)
	return o, nil
}

// Rounds of delivery: eager is how often the tool is looked at while it has not seen what it should, calm
// otherwise.
const (
	eager = time.Second
	calm  = 30 * time.Second
	// remindEvery is how often the tool is asked again to look at one workload.
	remindEvery = 5 * time.Second
)

// run hands over what is new, takes away what is gone, and sees to it that the tool looks, until ctx ends.
func (d *delivery) run(ctx context.Context) error {
	reminded := map[string]time.Time{}
	for {
		waiting, err := d.round(ctx, reminded)
		if err != nil {
			return err
		}
		wait := calm
		if waiting {
			wait = eager
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-d.woken:
		case <-timer.C:
		}
		timer.Stop()
		if ctx.Err() != nil {
			return nil
		}
	}
}

// round does what is to be done now; waiting says that the tool has not seen everything.
func (d *delivery) round(ctx context.Context, reminded map[string]time.Time) (waiting bool, err error) {
	s, err := d.source.now()
	if err != nil {
		return true, nil // it will be read
	}
	wanted := workloads(s)
	var errs []error
	// Namespaces come first: what is applied into one that is missing has to be tried again.
	order := slices.SortedFunc(maps.Keys(wanted), func(a, b string) int {
		if a == namespacesUnit || b == namespacesUnit {
			return strings.Compare(boolText(a != namespacesUnit), boolText(b != namespacesUnit))
		}
		return strings.Compare(a, b)
	})
	for _, name := range order {
		w := wanted[name]
		d.mu.Lock()
		before, known := d.known[name]
		d.mu.Unlock()
		if known && before.files == w.files {
			w.revision = before.revision
		}
		seen, err := d.handOver(ctx, w, known, reminded)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		waiting = waiting || !seen
		d.mu.Lock()
		d.known[name] = w
		d.mu.Unlock()
	}
	errs = append(errs, d.prune(ctx, wanted), d.pruneHandovers(ctx, s))
	return waiting, errors.Join(errs...)
}

func boolText(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

// handOver applies a workload's object, and says whether the tool has seen the workload's revision. Where it
// has not, it is asked to look.
func (d *delivery) handOver(ctx context.Context, w workload, known bool, reminded map[string]time.Time) (seen bool, err error) {
	o, err := d.object(w)
	if err != nil {
		return false, err
	}
	live, err := d.kube.Get(ctx, o)
	if apierrors.IsNotFound(err) || err == nil && !known {
		live, err = d.apply(ctx, o)
	}
	if err != nil {
		return false, fmt.Errorf("hand over %s: %w", w.name, err)
	}
	status, err := deliver.StatusOf(&d.engine, live)
	if err != nil {
		return false, fmt.Errorf("hand over %s: %w", w.name, err)
	}
	// A later commit is as good, as long as the folder is the same.
	s, err := d.source.now()
	if slices.Contains(status.Revisions, w.revision) || err == nil && slices.Contains(status.Revisions, s.commit) {
		delete(reminded, w.name)
		return true, nil
	}
	if d.now().Sub(reminded[w.name]) >= remindEvery {
		reminded[w.name] = d.now()
		deliver.Refresh(ctx, d.kube, &d.engine, o)
	}
	return false, nil
}

// apply makes the object what it should be (server-side apply).
func (d *delivery) apply(ctx context.Context, o *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	data, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	resource, err := d.kube.Resource(o)
	if err != nil {
		return nil, err
	}
	force := true
	return resource.Patch(ctx, o.GetName(), types.ApplyPatchType, data, metav1.PatchOptions{FieldManager: d.kube.Manager, Force: &force})
}

// prune takes away the objects of workloads that are gone; the tool then removes what it applied.
func (d *delivery) prune(ctx context.Context, wanted map[string]workload) error {
	example, err := d.object(workload{name: "example", kind: workloadApplication})
	if err != nil {
		return err
	}
	mapping, err := d.kube.Mapping(example.GroupVersionKind())
	if meta.IsNoMatchError(err) && len(wanted) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	resource := d.kube.Dynamic.Resource(mapping.Resource).Namespace(example.GetNamespace())
	list, err := resource.List(ctx, metav1.ListOptions{LabelSelector: labelWorkload})
	if err != nil {
		return fmt.Errorf("list what is delivered: %w", err)
	}
	names := map[string]bool{}
	for name := range wanted {
		o, err := d.object(wanted[name])
		if err != nil {
			return err
		}
		names[o.GetName()] = true
	}
	var errs []error
	for _, live := range list.Items {
		if names[live.GetName()] || live.GetDeletionTimestamp() != nil || live.GetLabels()[labelWorkload] == workloadRepository {
			continue
		}
		d.log.InfoContext(ctx, "no longer delivered", "object", live.GetName())
		if err := resource.Delete(ctx, live.GetName(), metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			errs = append(errs, err)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	maps.DeleteFunc(d.known, func(name string, _ workload) bool { _, stays := wanted[name]; return !stays })
	return errors.Join(errs...)
}

// objectsOf are the manifests of an application in an environment.
func objectsOf(s *snapshot, environment, application string) []*unstructured.Unstructured {
	prefix := app.ManifestsFolder(environment, application) + "/"
	var out []*unstructured.Unstructured
	for _, name := range slices.Sorted(maps.Keys(s.files)) {
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		if o := decode(s.files[name]); o != nil {
			out = append(out, o)
		}
	}
	return out
}

// decode reads one object; nil where it is none.
func decode(data []byte) *unstructured.Unstructured {
	content, err := tree(json.RawMessage(bytes.TrimSpace(toJSON(data))))
	if err != nil || content["kind"] == nil {
		return nil
	}
	return &unstructured.Unstructured{Object: content}
}
