package catalog

import (
	"testing"

	builtin "github.com/slipway-dev/slipway/catalog"
	"github.com/slipway-dev/slipway/components"
)

func TestLint_TheRealCatalogueIsClean(t *testing.T) {
	recipes, err := components.FS()
	if err != nil {
		t.Fatal(err)
	}
	c, err := Load(builtin.FS(), recipes, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range c.Lint() {
		t.Error(f)
	}
}
