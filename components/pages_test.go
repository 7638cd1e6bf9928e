package components

import (
	"io/fs"
	"slices"
	"testing"
	"testing/fstest"
)

func TestFS_HoldsTheSourcesOfThePagesWhereTheirRecipeFindsThem(t *testing.T) {
	recipes := fstest.MapFS{"console-pages/recipe.yaml": {Data: []byte("r")}, "other/recipe.yaml": {Data: []byte("o")}}
	sources := fstest.MapFS{"package.json": {Data: []byte("{}")}, "src/main.tsx": {Data: []byte("m")}}
	all := joined{recipes, sources}
	var found []string
	err := fs.WalkDir(all, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			found = append(found, name)
		}
		return err
	})
	want := []string{"console-pages/recipe.yaml", "console-pages/web/package.json", "console-pages/web/src/main.tsx", "other/recipe.yaml"}
	if err != nil || !slices.Equal(found, want) {
		t.Errorf("got %v, %v", found, err)
	}
	below, err := fs.Sub(all, "console-pages")
	if err != nil {
		t.Fatal(err)
	}
	if text, err := fs.ReadFile(below, "web/src/main.tsx"); err != nil || string(text) != "m" {
		t.Errorf("got %q, %v", text, err)
	}
}

func TestFS_WithoutTheRecipeThereAreNoSources(t *testing.T) {
	entries, err := fs.ReadDir(joined{fstest.MapFS{"other/recipe.yaml": {}}, fstest.MapFS{"package.json": {}}}, ".")
	if err != nil || len(entries) != 1 {
		t.Errorf("got %v, %v", entries, err)
	}
}
