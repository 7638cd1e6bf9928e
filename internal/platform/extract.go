package platform

import (
	"context"
	"path/filepath"

	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/progress"
	"github.com/slipway-dev/slipway/internal/supply"
	"github.com/slipway-dev/slipway/internal/supply/unpack"
)

// Extraction says which image is unpacked where, of no platform in particular.
type Extraction struct {
	Recipe, Dir string
	// Mode of supply; auto where empty.
	Mode     string
	Catalogs []string
}

// Extract makes Dir hold the files of a recipe's image, which it brings to the store first where it
// is missing there. A directory that holds the image already is left as it is, and one that
// holds something else is an error.
func Extract(ctx context.Context, h Home, e Extraction, report progress.Reporter) error {
	catalog, err := LoadCatalog(e.Catalogs)
	if err != nil {
		return err
	}
	if _, ok := catalog.Recipes[e.Recipe]; !ok {
		return fault.Invalid(noRecipe(e.Recipe), "recipes are the directories below components/, and those of your own catalogues")
	}
	dir, err := filepath.Abs(e.Dir)
	if err != nil {
		return err
	}
	if err := unpack.Replaceable(dir); err != nil {
		return err
	}
	store, err := supply.OpenStore(h.Store())
	if err != nil {
		return err
	}
	supplier, err := supply.New(supply.Options{Store: store, Recipes: catalog.Recipes, CacheDir: h.Cache, Mode: e.Mode, Report: report})
	if err != nil {
		return err
	}
	images := supplier.Start(ctx, []string{e.Recipe})
	defer images.Close()
	if err := images.Wait(ctx, e.Recipe); err != nil {
		return err
	}
	return supplier.Extract(ctx, e.Recipe, dir)
}
