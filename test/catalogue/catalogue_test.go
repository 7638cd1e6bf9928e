//go:build catalogue

package catalogue

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/catalog"
	"github.com/slipway-dev/slipway/internal/plan"
	"github.com/slipway-dev/slipway/internal/platform"
	"github.com/slipway-dev/slipway/internal/progress"
	"github.com/slipway-dev/slipway/internal/render"
)

func load(t *testing.T) *catalog.Catalog {
	t.Helper()
	c, err := platform.LoadCatalog(nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// rendered resolves and renders a platform.
func rendered(t *testing.T, s platform.Selection, dir string) (plan.Plan, render.Tree) {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	home := platform.Home{State: t.TempDir(), Cache: filepath.Join(cache, "slipway")}
	line, err := platform.Open(t.Context(), home, dir, s)
	if err != nil {
		t.Fatal(err)
	}
	tree, err := line.Render(t.Context(), progress.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return line.Resolved(), tree
}

func TestLint_FindsNothing(t *testing.T) {
	for _, f := range load(t).Lint() {
		t.Error(f)
	}
}

func TestBlueprints_RenderTheSameEachTime(t *testing.T) {
	for name, b := range load(t).Blueprints {
		t.Run(name, func(t *testing.T) {
			if len(b.Page) == 0 {
				t.Error("it has no page (README.md)")
			}
			_, first := rendered(t, platform.Selection{Blueprint: name}, t.TempDir())
			_, second := rendered(t, platform.Selection{Blueprint: name}, t.TempDir())
			if len(first.Files) != len(second.Files) {
				t.Fatalf("%d files, then %d", len(first.Files), len(second.Files))
			}
			for i, f := range first.Files {
				if s := second.Files[i]; f.Path != s.Path || !bytes.Equal(f.Data, s.Data) {
					t.Errorf("%s differs from %s", f.Path, s.Path)
				}
			}
		})
	}
}

// TestTools_RenderWhereverTheyAreChosen chooses each tool for each capability it gives, on each
// kind of cluster it runs on.
func TestTools_RenderWhereverTheyAreChosen(t *testing.T) {
	c := load(t)
	for _, name := range slices.Sorted(maps.Keys(c.Tools)) {
		tool := c.Tools[name]
		providers := tool.Spec.Providers
		if len(providers) == 0 {
			providers = []string{v1alpha1.ProviderEmbedded}
		}
		for _, provider := range providers {
			if provider != v1alpha1.ProviderEmbedded {
				continue // resolving asks a cluster that is not there
			}
			t.Run(name, func(t *testing.T) {
				dir := t.TempDir()
				text := "apiVersion: slipway.dev/v1alpha1\nkind: Platform\nmetadata: {name: try}\nspec:\n  capabilities:\n"
				for _, capability := range slices.Sorted(maps.Keys(tool.Spec.Provides)) {
					text += fmt.Sprintf("    %s: {tool: %s}\n", capability, name)
				}
				if err := os.WriteFile(filepath.Join(dir, "platform.yaml"), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
				p, tree := rendered(t, platform.Selection{}, dir)
				if len(tree.Unit(name).Files) == 0 {
					t.Error("it renders to nothing")
				}
				checkImages(t, c, p, tree, name)
			})
		}
	}
}

// checkImages sees that every image that a tool's manifests ask for is made by one of the
// recipes that it names, so that nothing is pulled behind supply's back.
func checkImages(t *testing.T, c *catalog.Catalog, p plan.Plan, tree render.Tree, name string) {
	t.Helper()
	for _, u := range p.Units {
		if u.Name != name {
			continue
		}
		var made []string
		for _, component := range u.Components {
			made = append(made, c.Recipes[component].Spec.Images...)
		}
		for _, image := range tree.Unit(u.Name).Images() {
			if !slices.Contains(made, image) {
				t.Errorf("%s asks for %s; its components make %s", u.Name, image, strings.Join(made, ", "))
			}
		}
	}
}

// TestRecipes_AreAllUsed finds recipes that nothing needs any more.
func TestRecipes_AreAllUsed(t *testing.T) {
	c := load(t)
	used := map[string]bool{"kubernetes": true, "pause": true, // the embedded node's own
		"ci-cosign": true} // tests'
	for _, tool := range c.Tools {
		for _, component := range tool.Spec.Components {
			used[component] = true
		}
		for _, image := range tool.Spec.Publish {
			used[image.Component] = true
		}
		for _, s := range tool.Spec.Sources {
			switch {
			case s.Files != nil:
				used[s.Files.Component] = true
			case s.Kustomize != nil:
				used[s.Kustomize.Component] = true
			case s.Helm != nil:
				used[s.Helm.Component] = true
			}
		}
	}
	for range c.Recipes { // bases of bases
		for name := range used {
			for _, l := range c.Recipes[name].Spec.Layers {
				if l.Base != "" {
					used[l.Base] = true
				}
			}
		}
	}
	for name := range c.Recipes {
		if !used[name] {
			t.Errorf("nothing uses the recipe %s", name)
		}
	}
}
