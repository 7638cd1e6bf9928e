package health

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/slipway-dev/slipway/internal/kube"
)

// walk follows one symptom; seen keeps it from going in circles.
type walk struct {
	Explorer
	steps []Step
	seen  map[kube.ID]bool
	// namespaces are the owned objects of namespaces that were looked through.
	namespaces map[string][]*unstructured.Unstructured
}

// deepest is how many steps a chain may have.
const deepest = 12

func (w *walk) add(subject, finding string, evidence ...string) {
	w.steps = append(w.steps, Step{Subject: subject, Finding: finding, Evidence: evidence})
}

func (e Explorer) walk() *walk {
	return &walk{Explorer: e, seen: map[kube.ID]bool{}, namespaces: map[string][]*unstructured.Unstructured{}}
}

// unit explains a unit by its worst object, or by a probe that failed; nil where it is well.
func (w *walk) unit(ctx context.Context, u Unit) Cause {
	h := Check(ctx, w.Kube, []Unit{u})[0]
	probe := w.failedProbe(u.Name)
	switch {
	case h.State != Ready:
		objects := slices.Clone(h.Objects)
		slices.SortStableFunc(objects, func(a, b ObjectHealth) int { return cause(a) - cause(b) })
		w.add(u.Name, fmt.Sprintf("%d of %d objects are not ready", len(h.Objects), h.Total), others(objects)...)
		w.follow(ctx, reference(objects[0].Object, u.Objects), u)
	case probe != nil:
		w.add(u.Name, "its objects are ready, but it does not answer as it must")
		w.add(probe.Probe, probe.URL+": "+probe.Reason)
		w.behind(ctx, u, probe.URL)
	}
	return w.steps
}

// cause orders objects by how likely they are why others are not ready.
func cause(o ObjectHealth) int {
	switch {
	case o.Object.Kind == "CustomResourceDefinition" || o.Object.Kind == "Namespace":
		return 0
	case o.State == Failed:
		return 1
	case o.Object.Group == "apps" || o.Object.Group == "batch":
		return 2
	case o.State == Missing:
		return 3
	}
	return 4
}

// others tells the objects besides the one that is followed.
func others(objects []ObjectHealth) []string {
	var lines []string
	const shown = 5
	for i, o := range objects[1:] {
		if i == shown {
			lines = append(lines, fmt.Sprintf("and %d more", len(objects)-1-shown))
			break
		}
		lines = append(lines, fmt.Sprintf("also %s: %s", o.Object, o.Reason))
	}
	return lines
}

func reference(id kube.ID, objects []*unstructured.Unstructured) *unstructured.Unstructured {
	for _, o := range objects {
		if kube.IDOf(o) == id {
			return o
		}
	}
	return id.Object()
}

func (w *walk) failedProbe(unit string) *ProbeResult {
	for i, p := range w.Probes {
		if p.Unit == unit && !p.OK {
			return &w.Probes[i]
		}
	}
	return nil
}

// behind explains a URL that does not answer by what routes its host.
func (w *walk) behind(ctx context.Context, u Unit, address string) {
	parsed, err := url.Parse(address)
	if err != nil {
		return
	}
	for _, o := range u.Objects {
		hosts, _, _ := unstructured.NestedStringSlice(o.Object, "spec", "hostnames")
		if !slices.Contains(hosts, parsed.Hostname()) {
			continue
		}
		if w.follow(ctx, o, u) {
			return
		}
	}
}

// unitOf is the unit that holds obj, for its conditions.
func (w *walk) unitOf(obj *unstructured.Unstructured) Unit {
	for _, u := range w.Units {
		for _, o := range u.Objects {
			if kube.IDOf(o) == kube.IDOf(obj) {
				return u
			}
		}
	}
	return Unit{}
}

// follow adds the steps that explain obj and says whether there was anything to explain.
func (w *walk) follow(ctx context.Context, obj *unstructured.Unstructured, u Unit) bool {
	id := kube.IDOf(obj)
	if w.seen[id] || len(w.steps) >= deepest || ctx.Err() != nil {
		return false
	}
	w.seen[id] = true
	live, err := w.Kube.Get(ctx, obj)
	switch {
	case meta.IsNoMatchError(err):
		w.add(id.String(), "its kind is not defined: the CustomResourceDefinition is missing")
		return true
	case apierrors.IsNotFound(err):
		w.add(id.String(), "does not exist", w.namespaceMissing(ctx, id)...)
		return true
	case err != nil:
		w.add(id.String(), "cannot be read: "+err.Error())
		return true
	}
	if step, next, known := w.known(ctx, live); known {
		if step == nil {
			return false
		}
		w.steps = append(w.steps, *step)
		w.first(ctx, next)
		return true
	}
	state, reason := u.state(live)
	before := len(w.steps)
	w.add(id.String(), orElse(reason, "is "+string(state)), warnings(ctx, w.Kube, live.GetNamespace(), live.GetUID())...)
	deeper := w.first(ctx, w.related(ctx, live))
	if state == Ready && !deeper {
		w.steps = w.steps[:before]
		return false
	}
	if state == Ready {
		w.steps[before].Finding = "depends on what is not ready"
	}
	if !deeper {
		w.steps[before].Evidence = append(w.steps[before].Evidence, w.complaints(ctx, live)...)
	}
	return true
}

// first follows the first of next that is not well.
func (w *walk) first(ctx context.Context, next []*unstructured.Unstructured) bool {
	for _, n := range next {
		if w.follow(ctx, n, w.unitOf(n)) {
			return true
		}
	}
	return false
}

func (w *walk) namespaceMissing(ctx context.Context, id kube.ID) []string {
	if id.Namespace == "" {
		return nil
	}
	ns := kube.ID{Kind: "Namespace", Name: id.Namespace}
	if _, err := w.Kube.Get(ctx, ns.Object()); apierrors.IsNotFound(err) {
		return []string{"its namespace does not exist either"}
	}
	return nil
}

func orElse(text, other string) string {
	if strings.TrimSpace(text) == "" {
		return other
	}
	return text
}
