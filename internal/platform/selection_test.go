package platform

import (
	"testing"

	"github.com/slipway-dev/slipway/catalog"
	"github.com/slipway-dev/slipway/components"
	loaded "github.com/slipway-dev/slipway/internal/catalog"
)

// An image that holds this program is another one when the program is, though its recipe stays the same.
func TestLoadCatalog_RecipesOfThisProgramChangeWithIt(t *testing.T) {
	recipes, err := components.FS()
	if err != nil {
		t.Fatal(err)
	}
	plain, err := loaded.Load(catalog.FS(), recipes, nil)
	if err != nil {
		t.Fatal(err)
	}
	marked, err := LoadCatalog(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, changed := range map[string]bool{"slipway": true, "static": false} {
		if (plain.Recipes[name].Digest != marked.Recipes[name].Digest) != changed {
			t.Errorf("%s: %s and %s", name, plain.Recipes[name].Digest, marked.Recipes[name].Digest)
		}
	}
}
