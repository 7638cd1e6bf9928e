package plan

import (
	"bytes"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	builtin "github.com/slipway-dev/slipway/catalog"
	"github.com/slipway-dev/slipway/components"
	"github.com/slipway-dev/slipway/internal/catalog"
	"github.com/slipway-dev/slipway/internal/spec"
)

// Every blueprint must resolve on every provider, to the same bytes each time, and its lock
// must find all components.
func TestResolve_EveryBlueprintOfTheCatalogue(t *testing.T) {
	recipes, err := components.FS()
	if err != nil {
		t.Fatal(err)
	}
	c, err := catalog.Load(builtin.FS(), recipes, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range c.Blueprints {
		for _, provider := range []string{v1alpha1.ProviderEmbedded, v1alpha1.ProviderKubeconfig} {
			t.Run(name+" on "+provider, func(t *testing.T) {
				p, _, err := spec.Decode(b.File, b.Data)
				if err != nil {
					t.Fatal(err)
				}
				p.Spec.Cluster.Provider = provider
				first, second := resolvedYAML(t, p, c), resolvedYAML(t, p, c)
				if !bytes.Equal(first, second) {
					t.Errorf("two runs differ:\n%s\n%s", first, second)
				}
			})
		}
	}
}

func resolvedYAML(t *testing.T, p v1alpha1.Platform, c *catalog.Catalog) []byte {
	t.Helper()
	got, err := Resolve(p, c, machine)
	if err != nil {
		t.Fatal(err)
	}
	checkWhole(t, got, c)
	lock, err := NewLock(got, c, Decisions{})
	if err != nil {
		t.Fatal(err)
	}
	data, err := yaml.Marshal(map[string]any{"plan": got, "lock": lock})
	if err != nil {
		t.Fatal(err)
	}
	return data
}
