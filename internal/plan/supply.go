package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/slipway-dev/slipway/internal/catalog"
)

// supplyHash changes whenever the images of components do: it is over the recipes' digests and
// those of their bases. Recipes without layers only pin where manifests come from, and do not
// count. A component that has no recipe is found by whoever needs its image.
func supplyHash(c *catalog.Catalog, components []string) string {
	var known []string
	for _, name := range components {
		if _, ok := c.Recipes[name]; ok {
			known = append(known, name)
		}
	}
	names, err := withBases(c, known)
	if err != nil {
		return "" // a base that is missing: the catalogue's linter tells it, and no image can be made
	}
	sum, images := sha256.New(), false
	for _, name := range names {
		if recipe := c.Recipes[name]; len(recipe.Spec.Layers) > 0 {
			fmt.Fprintf(sum, "%s %s\n", name, recipe.Digest)
			images = true
		}
	}
	if !images {
		return ""
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}
