package plan

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/catalog"
	"github.com/slipway-dev/slipway/internal/spec"
)

// drawCatalog makes a catalogue of capabilities c0... and tools t0..., with requirements that
// may lead in circles.
func drawCatalog(t *rapid.T) *catalog.Catalog {
	c := &catalog.Catalog{Capabilities: map[string]v1alpha1.Capability{}, Tools: map[string]catalog.Tool{}}
	capabilities := append([]string{"git", "delivery", "dns"}, "c0", "c1", "c2", "c3", "c4")
	capability := rapid.SampledFrom(capabilities)
	tools := rapid.IntRange(1, 10).Draw(t, "tools")
	for i := range tools {
		tool := v1alpha1.Tool{Metadata: v1alpha1.Metadata{Name: fmt.Sprintf("t%d", i)}}
		tool.Spec.Version, tool.Spec.Provides = "1", map[string]v1alpha1.Provision{}
		for _, name := range rapid.SliceOfNDistinct(capability, 1, 3, rapid.ID[string]).Draw(t, "provides") {
			tool.Spec.Provides[name] = v1alpha1.Provision{Outputs: map[string]any{"by": "${tool.name}"}}
		}
		for _, name := range rapid.SliceOfNDistinct(capability, 0, 1, rapid.ID[string]).Draw(t, "requires") {
			tool.Spec.Requires = append(tool.Spec.Requires, v1alpha1.Requirement{Capability: name, Optional: rapid.Bool().Draw(t, "optional")})
		}
		if rapid.IntRange(0, 9).Draw(t, "limited") == 9 {
			tool.Spec.Providers = []string{v1alpha1.ProviderKubeconfig}
		}
		tool.Spec.Values = map[string]any{"a": "${platform.name}"}
		c.Tools[tool.Metadata.Name] = catalog.Tool{Tool: tool}
	}
	for _, name := range capabilities {
		v := v1alpha1.Capability{Metadata: v1alpha1.Metadata{Name: name}}
		v.Spec.Outputs = map[string]v1alpha1.Output{"by": {Type: v1alpha1.OutputName}}
		var providers []string
		for tool, v := range c.Tools {
			if _, ok := v.Spec.Provides[name]; ok {
				providers = append(providers, tool)
			}
		}
		slices.Sort(providers)
		v.Spec.Standard = len(providers) > 0 && rapid.Bool().Draw(t, "standard")
		switch n := rapid.IntRange(0, 20).Draw(t, "default is"); {
		case n < 18 && len(providers) > 0:
			v.Spec.Default = rapid.SampledFrom(providers).Draw(t, "default")
		case n == 18:
			v.Spec.Default = fmt.Sprintf("t%d", rapid.IntRange(0, tools).Draw(t, "some tool"))
		}
		c.Capabilities[name] = v
	}
	return c
}

func drawPlatform(t *rapid.T) v1alpha1.Platform {
	p := v1alpha1.Platform{Metadata: v1alpha1.Metadata{Name: "demo"}}
	spec.SetDefaults(&p)
	p.Spec.Capabilities = map[string]v1alpha1.Choice{}
	for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"git", "delivery", "c0", "c1", "c2", "c9"}), 0, 2, rapid.ID[string]).Draw(t, "named") {
		choice := v1alpha1.Choice{Tool: rapid.SampledFrom([]string{"", "", "", "none", "t0", "t1"}).Draw(t, "tool")}
		if rapid.IntRange(0, 5).Draw(t, "has values") == 0 {
			choice.Values = map[string]any{rapid.SampledFrom([]string{"a", "b"}).Draw(t, "key"): "x"}
		}
		p.Spec.Capabilities[name] = choice
	}
	for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"p0", "p1", "t0"}), 0, 3, rapid.ID[string]).Draw(t, "packages") {
		p.Spec.Packages = append(p.Spec.Packages, v1alpha1.Package{Name: name, Path: name, Namespace: name})
	}
	return p
}

// turned is the same catalogue with every list reversed and every map built anew.
func turned(c *catalog.Catalog) *catalog.Catalog {
	out := &catalog.Catalog{Capabilities: map[string]v1alpha1.Capability{}, Tools: map[string]catalog.Tool{}}
	for name, v := range c.Capabilities {
		out.Capabilities[name] = v
	}
	for name, tool := range c.Tools {
		tool.Spec.Requires = slices.Clone(tool.Spec.Requires)
		slices.Reverse(tool.Spec.Requires)
		out.Tools[name] = tool
	}
	return out
}

func TestResolve_OrderOfMapsAndListsNeverMatters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, p := drawCatalog(t), drawPlatform(t)
		first, firstErr := Resolve(p, c, machine)
		q := p
		q.Spec.Packages = slices.Clone(p.Spec.Packages)
		slices.Reverse(q.Spec.Packages)
		second, secondErr := Resolve(q, turned(c), machine)
		// A duplicate's index depends on where it stands in the file.
		if a, b := fmt.Sprint(firstErr), fmt.Sprint(secondErr); a != b && !strings.Contains(a, "spec.packages") {
			t.Fatalf("errors differ:\n%s\n%s", a, b)
		}
		ignore := cmp.Options{cmpopts.IgnoreFields(Plan{}, "Platform"), cmpopts.IgnoreFields(v1alpha1.ToolSpec{}, "Requires")}
		if diff := cmp.Diff(first, second, ignore); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestResolve_EveryPlanIsWhole(t *testing.T) {
	valid := 0
	rapid.Check(t, func(t *rapid.T) {
		c, p := drawCatalog(t), drawPlatform(t)
		got, err := Resolve(p, c, machine)
		if err != nil {
			var all Errors
			if !errors.As(err, &all) || len(all) == 0 {
				t.Fatalf("an error without causes: %v", err)
			}
			return
		}
		valid++
		checkWhole(t, got, c)
	})
	if valid < 5 {
		t.Errorf("only %d platforms that were drawn could be resolved; the test proves little", valid)
	}
}

// checkWhole proves what every plan promises.
func checkWhole(t interface{ Fatalf(string, ...any) }, p Plan, c *catalog.Catalog) {
	seen := map[string]Unit{}
	provider := map[string]string{}
	for _, u := range p.Units {
		if _, twice := seen[u.Name]; twice {
			t.Fatalf("unit %s is there twice", u.Name)
		}
		for _, before := range u.After {
			b, there := seen[before]
			if !there {
				t.Fatalf("%s stands before %s, which it needs", u.Name, before)
			}
			if u.Bootstrap && !b.Bootstrap {
				t.Fatalf("%s is bootstrap and needs %s, which is not", u.Name, before)
			}
		}
		for _, capability := range u.Capabilities {
			if other, twice := provider[capability]; twice {
				t.Fatalf("%s and %s both provide %s", other, u.Name, capability)
			}
			provider[capability] = u.Name
		}
		seen[u.Name] = u
	}
	for _, u := range p.Units {
		if u.Kind != KindTool {
			continue
		}
		for _, r := range c.Tools[u.Name].Spec.Requires {
			by, there := provider[r.Capability]
			_, itself := c.Tools[u.Name].Spec.Provides[r.Capability]
			switch {
			case !there && !r.Optional && !itself:
				t.Fatalf("%s requires %s, which nothing provides", u.Name, r.Capability)
			case there && by != u.Name && !slices.Contains(u.After, by):
				t.Fatalf("%s does not wait for %s, which provides %s", u.Name, by, r.Capability)
			case there && by != u.Name && !cmp.Equal(u.Inputs[r.Capability], seen[by].Outputs[r.Capability]):
				t.Fatalf("%s has inputs %v for %s of %s", u.Name, u.Inputs, r.Capability, by)
			}
		}
	}
}

// FuzzResolve proves that any Platform file gives a whole plan, or errors that are typed.
func FuzzResolve(f *testing.F) {
	c := testCatalog(f)
	for _, text := range []string{
		"", "spec: {capabilities: {git: {tool: smithy}, registry: {values: {a: 1}}}}", "spec: {cluster: {provider: kubeconfig}}",
		"spec: {capabilities: {portal: {tool: desk}, identity: {tool: none}}}", "spec: {packages: [{name: a, path: b}, {name: forge, path: c}]}",
		"spec: {capabilities: {git: {version: v1.2.3, values: {resources: {requests: {cpu: [1]}}, title: '${x}'}}}}",
	} {
		f.Add([]byte(head + text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, _, err := spec.Decode("f.yaml", data)
		if err != nil {
			return
		}
		got, err := Resolve(p, c, machine)
		var all Errors
		switch {
		case err == nil:
			checkWhole(t, got, c)
		case !errors.As(err, &all):
			t.Fatalf("an error without causes: %v", err)
		}
	})
}
