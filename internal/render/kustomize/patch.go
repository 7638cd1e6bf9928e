//lint:file-ignore SA1019 the patch transformer has no other public place yet

package kustomize

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"

	"sigs.k8s.io/kustomize/api/builtins"
	"sigs.k8s.io/kustomize/api/provider"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/openapi"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
	"sigs.k8s.io/yaml"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/render/manifest"
)

// Matcher selects objects as Kustomize does: each field of a target is an anchored regular
// expression, an empty one matches everything. The target's unit is the caller's business.
type Matcher struct{ group, version, kind, namespace, name *regexp.Regexp }

// NewMatcher compiles a target.
func NewMatcher(t v1alpha1.Target) (*Matcher, error) {
	m := &Matcher{}
	for _, f := range []struct {
		field, pattern string
		to             **regexp.Regexp
	}{
		{"group", t.Group, &m.group}, {"version", t.Version, &m.version}, {"kind", t.Kind, &m.kind},
		{"namespace", t.Namespace, &m.namespace}, {"name", t.Name, &m.name},
	} {
		if f.pattern == "" {
			continue
		}
		compiled, err := regexp.Compile("^(?:" + f.pattern + ")$")
		if err != nil {
			return nil, fmt.Errorf("target %s %q: %w", f.field, f.pattern, err)
		}
		*f.to = compiled
	}
	return m, nil
}

// Match says whether o is selected.
func (m *Matcher) Match(o manifest.Object) bool {
	gvk := o.GroupVersionKind()
	return matches(m.group, gvk.Group) && matches(m.version, gvk.Version) && matches(m.kind, gvk.Kind) &&
		matches(m.namespace, o.GetNamespace()) && matches(m.name, o.GetName())
}

func matches(r *regexp.Regexp, s string) bool { return r == nil || r.MatchString(s) }

// Warm reads the schema of Kubernetes' own kinds, for which the first patch has to wait otherwise. It may run beside
// anything else.
func Warm() { openapi.SchemaForResourceType(kyaml.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}) }

// Patch applies a strategic merge patch (a map) or an RFC 6902 patch (a list) to each of the
// objects with Kustomize's own transformer and gives the patched objects in the same order; an
// object that the patch deletes is missing from the result. The patch needs no kind or name.
func Patch(targets []manifest.Object, patch string) ([]manifest.Object, error) {
	var decoded any
	if err := yaml.Unmarshal([]byte(patch), &decoded); err != nil {
		return nil, fmt.Errorf("patch: %w", err)
	}
	factory := resmap.NewFactory(provider.NewDefaultDepProvider().GetResourceFactory())
	var out []manifest.Object
	for _, o := range targets {
		// one at a time: patched objects keep their source, and an error names its object
		patched, err := patchOne(factory, o, decoded)
		if err != nil {
			return nil, fmt.Errorf("patch %s %s: %w", o.GetKind(), o.GetName(), err)
		}
		out = append(out, patched...)
	}
	return out, nil
}

func patchOne(factory *resmap.Factory, o manifest.Object, decoded any) ([]manifest.Object, error) {
	r, err := factory.RF().FromMap(o.Object)
	if err != nil {
		return nil, err
	}
	m := factory.FromResource(r)
	if merge, ok := decoded.(map[string]any); ok {
		decoded = identify(merge, o)
	}
	// as JSON: Kustomize takes every text that begins with a bracket for that
	patch, err := json.Marshal(decoded)
	if err != nil {
		return nil, err
	}
	config, err := yaml.Marshal(map[string]any{"patch": string(patch), "target": map[string]any{}})
	if err != nil {
		return nil, err
	}
	transformer := builtins.NewPatchTransformerPlugin()
	if err := transformer.Config(resmap.NewPluginHelpers(nil, nil, factory, types.DisabledPluginConfig()), config); err != nil {
		return nil, err
	}
	if err := transformer.Transform(m); err != nil {
		return nil, err
	}
	m.RemoveBuildAnnotations()
	return objects(m, o.Source)
}

// identify gives a strategic merge patch the identity of the object it is applied to: Kustomize
// insists that a patch has one, and takes the API version from it.
func identify(patch map[string]any, o manifest.Object) map[string]any {
	out := maps.Clone(patch)
	out["apiVersion"], out["kind"] = o.GetAPIVersion(), o.GetKind()
	metadata := map[string]any{}
	if m, ok := patch["metadata"].(map[string]any); ok {
		metadata = maps.Clone(m)
	}
	metadata["name"] = o.GetName()
	out["metadata"] = metadata
	return out
}

// MatchName says whether a name is selected.
func (m *Matcher) MatchName(name string) bool { return matches(m.name, name) }
