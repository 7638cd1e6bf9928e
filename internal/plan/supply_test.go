package plan

import (
	"maps"
	"testing"

	"github.com/slipway-dev/slipway/internal/catalog"
)

func TestResolve_SupplyChangesWithEveryRecipeBelow(t *testing.T) {
	supply := func(change ...string) string {
		t.Helper()
		c := testCatalog(t)
		c.Recipes = maps.Clone(c.Recipes)
		for _, name := range change {
			recipe, ok := c.Recipes[name]
			if !ok {
				t.Fatalf("no recipe %s", name)
			}
			recipe.Digest = "sha256:changed"
			c.Recipes[name] = recipe
		}
		p, err := Resolve(platform(t, ""), c, machine)
		if err != nil {
			t.Fatal(err)
		}
		return unit(t, p, "forge").Supply
	}
	before := supply()
	if before == "" || before != supply() {
		t.Errorf("supply = %q, then %q: want the same twice", before, supply())
	}
	seen := map[string]string{before: "nothing"}
	for _, changed := range []string{"forge", "base", "static"} { // forge stands on base, base on static
		after := supply(changed)
		if other, same := seen[after]; same {
			t.Errorf("a change of %s gives %s, as a change of %s does", changed, after, other)
		}
		seen[after] = changed
	}
}

func TestSupplyHash_IsEmptyWithoutImages(t *testing.T) {
	c := testCatalog(t)
	c.Recipes["charts"] = catalog.Recipe{Digest: "sha256:1"} // no layers: it only pins a module
	for _, components := range [][]string{nil, {"charts"}, {"unknown"}} {
		if got := supplyHash(c, components); got != "" {
			t.Errorf("supply of %q = %q", components, got)
		}
	}
}
