package render

import (
	"context"
	"fmt"
	"strings"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/render/kustomize"
	"github.com/slipway-dev/slipway/internal/render/manifest"
)

// NoMatchError says that a target selects nothing.
type NoMatchError struct {
	// Field is where the target stands, such as "tool web: spec.patches[0]".
	Field  string
	Target v1alpha1.Target
}

// Error names the field and the target.
func (e *NoMatchError) Error() string {
	return fmt.Sprintf("%s: the target %s matches no rendered object", e.Field, describe(e.Target))
}

// describe writes a target as people would: "kind Deployment, name web".
func describe(t v1alpha1.Target) string {
	var out []string
	for _, f := range []struct{ name, value string }{
		{"unit", t.Unit}, {"group", t.Group}, {"version", t.Version}, {"kind", t.Kind},
		{"namespace", t.Namespace}, {"name", t.Name},
	} {
		if f.value != "" {
			out = append(out, f.name+" "+f.value)
		}
	}
	if len(out) == 0 {
		return "(empty)"
	}
	return "(" + strings.Join(out, ", ") + ")"
}

// dropUnwanted takes out what the tools' Drop selects.
func (r *renderer) dropUnwanted(context.Context) error {
	for _, u := range r.units {
		if u.Tool == nil {
			continue
		}
		for i, t := range u.Tool.Spec.Drop {
			field := fmt.Sprintf("tool %s: spec.drop[%d]", u.Name, i)
			m, err := kustomize.NewMatcher(t)
			if err != nil {
				return fmt.Errorf("%s: %w", field, err)
			}
			kept := u.objects[:0:0]
			for _, o := range u.objects {
				if !m.Match(o) {
					kept = append(kept, o)
				}
			}
			if len(kept) == len(u.objects) {
				return fault.Hint(&NoMatchError{field, t}, "take the entry out, or correct its target")
			}
			u.objects = kept
		}
	}
	return nil
}

// patchUnits applies each tool's own patches.
func (r *renderer) patchUnits(context.Context) error {
	for _, u := range r.units {
		if u.Tool == nil {
			continue
		}
		for i, p := range u.Tool.Spec.Patches {
			field := fmt.Sprintf("tool %s: spec.patches[%d]", u.Name, i)
			if err := patch([]*unit{u}, p, field); err != nil {
				return err
			}
		}
	}
	return nil
}

// override applies the platform's overrides to all units, or to the one they name.
func (r *renderer) override(context.Context) error {
	for i, o := range r.plan.Platform.Spec.Overrides {
		units := r.units
		if o.Target.Unit != "" {
			units = nil
			m, err := kustomize.NewMatcher(v1alpha1.Target{Name: o.Target.Unit})
			if err != nil {
				return fmt.Errorf("spec.overrides[%d]: %w", i, err)
			}
			for _, u := range r.units {
				if m.MatchName(u.Name) {
					units = append(units, u)
				}
			}
		}
		if err := patch(units, o, fmt.Sprintf("spec.overrides[%d]", i)); err != nil {
			return err
		}
	}
	return nil
}

// patch applies p to what it selects in the units.
func patch(units []*unit, p v1alpha1.Override, field string) error {
	m, err := kustomize.NewMatcher(p.Target)
	if err != nil {
		return fmt.Errorf("%s: %w", field, err)
	}
	matched := false
	for _, u := range units {
		out := u.objects[:0:0]
		for _, o := range u.objects {
			if !m.Match(o) {
				out = append(out, o)
				continue
			}
			matched = true
			patched, err := kustomize.Patch([]manifest.Object{o}, p.Patch)
			if err != nil {
				return fmt.Errorf("%s: %w", field, err)
			}
			out = append(out, patched...)
		}
		u.objects = out
	}
	if !matched {
		return fault.Hint(&NoMatchError{field, p.Target}, "see what there is with: slipway plan -o yaml")
	}
	return nil
}
