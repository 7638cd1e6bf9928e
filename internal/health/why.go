package health

import (
	"context"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/kube"
)

// Cause leads from a symptom to what is at the bottom of it: each step is explained by the next.
type Cause []Step

// Step is one link of a chain of causes.
type Step struct {
	// Subject is what the finding is about: an object, a unit or a probe.
	Subject string `json:"subject"`
	Finding string `json:"finding"`
	// Evidence are texts that show it: events, log lines, what a registry answered.
	Evidence []string `json:"evidence,omitempty"`
	// Next is a command that leads on; empty for most.
	Next string `json:"next,omitempty"`
}

// Root is the last step.
func (c Cause) Root() Step { return c[len(c)-1] }

// String draws the chain, each step below what it explains.
func (c Cause) String() string {
	var b strings.Builder
	for i, s := range c {
		if i > 0 {
			b.WriteString(strings.Repeat("   ", i-1) + "└─ ")
		}
		fmt.Fprintf(&b, "%s: %s\n", s.Subject, s.Finding)
		below := strings.Repeat("   ", i)
		for _, e := range s.Evidence {
			for _, line := range strings.Split(strings.TrimRight(e, "\n"), "\n") {
				b.WriteString(below + "   │ " + line + "\n")
			}
		}
		if s.Next != "" {
			b.WriteString(below + "   next: " + s.Next + "\n")
		}
	}
	return b.String()
}

// Explorer looks for causes.
type Explorer struct {
	Kube *kube.Client
	// Units are what is known by name besides objects.
	Units []Unit
	// Probes are the results of probes that were made just now; may be empty.
	Probes []ProbeResult
	// Image says what the registry knows of an image, as evidence for a pull that failed; may be nil.
	Image func(ctx context.Context, reference string) string
}

// Why follows thing to its root cause, and gives no cause where it is well. thing is a unit's
// name, or an object: "KIND/NAME", "KIND/NAMESPACE/NAME", or the NAME of an object of a unit. An
// empty thing means everything: a cause for each unit that is not well, in the order of
// installation, but only one where several units suffer from the same.
func (e Explorer) Why(ctx context.Context, thing string) ([]Cause, error) {
	if thing == "" {
		return e.all(ctx), nil
	}
	for _, u := range e.Units {
		if strings.EqualFold(u.Name, thing) {
			return some(e.walk().unit(ctx, u)), nil
		}
	}
	obj, err := e.find(ctx, thing)
	if err != nil {
		return nil, err
	}
	w := e.walk()
	w.follow(ctx, obj, w.unitOf(obj))
	return some(w.steps), nil
}

func some(c Cause) []Cause {
	if len(c) == 0 {
		return nil
	}
	return []Cause{c}
}

// all explains every unit, leaving out what an earlier one has explained already.
func (e Explorer) all(ctx context.Context) []Cause {
	var causes []Cause
	roots := map[string]bool{}
	w := e.walk()
	for _, u := range e.Units {
		w.steps, w.seen = nil, map[kube.ID]bool{}
		c := w.unit(ctx, u)
		if len(c) == 0 || roots[c.Root().Subject] {
			continue
		}
		roots[c.Root().Subject] = true
		causes = append(causes, c)
	}
	return causes
}

// find reads the object that thing names.
func (e Explorer) find(ctx context.Context, thing string) (*unstructured.Unstructured, error) {
	parts := strings.Split(thing, "/")
	var found []*unstructured.Unstructured
	for _, u := range e.Units {
		for _, o := range u.Objects {
			if named(o, parts) {
				found = append(found, o)
			}
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	if len(found) > 1 {
		ids := make([]string, 0, len(found))
		for _, o := range found {
			ids = append(ids, o.GetKind()+"/"+o.GetNamespace()+"/"+o.GetName())
		}
		return nil, fault.Invalid(fmt.Errorf("%q can be any of %s", thing, strings.Join(ids, ", ")), "name it as KIND/NAMESPACE/NAME")
	}
	if len(parts) == 1 {
		return nil, fault.Invalid(fmt.Errorf("nothing is called %q", thing), "name a unit that `slipway status` shows, or an object as KIND/NAMESPACE/NAME")
	}
	return e.elsewhere(ctx, thing, parts)
}

// named says whether obj is what "NAME", "KIND/NAME" or "KIND/NAMESPACE/NAME" names.
func named(obj *unstructured.Unstructured, parts []string) bool {
	switch len(parts) {
	case 1:
		return obj.GetName() == parts[0]
	case 2:
		return strings.EqualFold(obj.GetKind(), parts[0]) && obj.GetName() == parts[1]
	case 3:
		return strings.EqualFold(obj.GetKind(), parts[0]) && obj.GetNamespace() == parts[1] && obj.GetName() == parts[2]
	}
	return false
}

// elsewhere reads an object that belongs to no unit. Its kind may be written as a person does:
// in lower case, in plural or short.
func (e Explorer) elsewhere(ctx context.Context, thing string, parts []string) (*unstructured.Unstructured, error) {
	resource, err := e.Kube.FindResource(parts[0])
	if err != nil {
		return nil, fault.Invalid(fmt.Errorf("%q: %w", thing, err), "name an object as KIND/NAMESPACE/NAME")
	}
	obj := &unstructured.Unstructured{}
	obj.SetGroupVersionKind(resource.Kind)
	obj.SetName(parts[len(parts)-1])
	if len(parts) == 3 {
		obj.SetNamespace(parts[1])
	}
	live, err := e.Kube.Get(ctx, obj)
	if apierrors.IsNotFound(err) || meta.IsNoMatchError(err) {
		return nil, fault.Invalid(fmt.Errorf("%s does not exist", kube.IDOf(obj)), "")
	}
	return live, err
}
