package catalog

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/spec"
)

func toolText(name, version string) string {
	return "apiVersion: slipway.dev/v1alpha1\nkind: Tool\nmetadata: {name: " + name + "}\nspec:\n  description: x\n  version: \"" + version +
		"\"\n  namespace: x\n  provides: {git: {}}\n"
}

func recipeText(name string) string {
	return "apiVersion: slipway.dev/v1alpha1\nkind: Recipe\nmetadata: {name: " + name + "}\nspec:\n  description: x\n  version: 1.0.0\n  layers: [{base: x}]\n"
}

func files(m map[string]string) fstest.MapFS {
	out := fstest.MapFS{}
	for name, text := range m {
		out[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	return out
}

var small = files(map[string]string{
	"capabilities/git.yaml":         "apiVersion: slipway.dev/v1alpha1\nkind: Capability\nmetadata: {name: git}\nspec: {description: x}\n",
	"capabilities/notes.txt":        "not a capability",
	"tools/forge/tool.yaml":         toolText("forge", "1"),
	"tools/forge/manifests/a.yaml":  "kind: A\n",
	"tools/README.md":               "not a tool",
	"blueprints/one/platform.yaml":  "apiVersion: slipway.dev/v1alpha1\nkind: Platform\nmetadata: {name: one}\n",
	"blueprints/one/README.md":      "# One\n\n## For whom\nEveryone who\nlikes it.\n\nMore.\n",
	"blueprints/bare/platform.yaml": "kind: x\n",
})

var recipes = files(map[string]string{
	"forge/recipe.yaml": recipeText("forge"),
	"forge/go.mod":      "module x\n",
	"doc.go":            "package components\n",
	"pack/main.go":      "package main\n",
})

func TestLoad_ReadsEverything(t *testing.T) {
	c, err := Load(small, recipes, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Capabilities) != 1 || len(c.Tools) != 1 || len(c.Recipes) != 1 || len(c.Blueprints) != 2 {
		t.Errorf("got %v", c)
	}
	if got := c.Blueprints["one"].Description; got != "Everyone who likes it." {
		t.Errorf("description %q", got)
	}
	if _, err := fs.Stat(c.Tools["forge"].FS, "manifests/a.yaml"); err != nil {
		t.Error(err)
	}
	if _, err := fs.Stat(c.Recipes["forge"].FS, "go.mod"); err != nil {
		t.Error(err)
	}
}

func TestLoad_WithoutComponents(t *testing.T) {
	if c, err := Load(small, nil, nil); err != nil || len(c.Recipes) != 0 {
		t.Error(c, err)
	}
}

// folder writes files below a new directory.
func folder(t *testing.T, m map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range m {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestLoad_AUsersFolderAddsAndShadows(t *testing.T) {
	first := folder(t, map[string]string{
		"tools/forge/tool.yaml": toolText("forge", "2"), "tools/smithy/tool.yaml": toolText("smithy", "1"),
		"components/smithy/recipe.yaml": recipeText("smithy"),
	})
	second := folder(t, map[string]string{"tools/smithy/tool.yaml": toolText("smithy", "3")})
	c, err := Load(small, recipes, []string{first, second})
	if err != nil {
		t.Fatal(err)
	}
	if forge, smithy := c.Tools["forge"].Spec.Version, c.Tools["smithy"].Spec.Version; forge != "2" || smithy != "3" {
		t.Errorf("versions %s, %s", forge, smithy)
	}
	if _, ok := c.Recipes["smithy"]; !ok || len(c.Recipes) != 2 {
		t.Errorf("recipes %v", c.Recipes)
	}
	if want := filepath.Join(second, "tools/smithy/tool.yaml"); c.Tools["smithy"].File != want {
		t.Errorf("file %s", c.Tools["smithy"].File)
	}
}

func TestLoad_AllMistakesOfAllFilesAtOnce(t *testing.T) {
	broken := folder(t, map[string]string{
		"tools/one/tool.yaml":         toolText("two", "1"),
		"tools/three/tool.yaml":       toolText("three", "v1"),
		"components/four/recipe.yaml": recipeText("four") + "  layer: x\n",
		"capabilities/five.yaml":      "kind: Capability\n",
	})
	_, err := Load(small, recipes, []string{broken})
	var found spec.Errors
	if !errors.As(err, &found) {
		t.Fatalf("got %v", err)
	}
	want := `capabilities/five.yaml:1:1: apiVersion: required, but missing
capabilities/five.yaml:1:1: metadata: required, but missing
capabilities/five.yaml:1:1: spec: required, but missing
components/four/recipe.yaml:8:3: spec.layer: unknown field; did you mean "layers"?
tools/one/tool.yaml:3:18: metadata.name: is "two", but the file stands under the name "one"; did you mean "one"?
tools/three/tool.yaml:6:12: spec.version: "v1" must have no leading v; did you mean "1"?`
	if diff := cmp.Diff(want, strings.ReplaceAll(err.Error(), broken+"/", "")); diff != "" {
		t.Error(diff)
	}
	if _, code := fault.Of(err); code != fault.ExitInvalid {
		t.Errorf("exit code %d", code)
	}
}

func TestLoad_AFolderThatIsNotThere(t *testing.T) {
	file := filepath.Join(folder(t, map[string]string{"a": ""}), "a")
	for _, dir := range []string{filepath.Join(t.TempDir(), "absent"), file} {
		if _, err := Load(small, recipes, []string{dir}); err == nil || !strings.Contains(err.Error(), "read catalogue "+dir) {
			t.Errorf("got %v", err)
		}
	}
}

func TestDigest_FollowsNamesAndContents(t *testing.T) {
	sum := func(m map[string]string) string {
		t.Helper()
		d, err := Digest(files(m))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	same := sum(map[string]string{"a": "1", "b/c": "2"})
	if again := sum(map[string]string{"b/c": "2", "a": "1"}); again != same || !strings.HasPrefix(same, "sha256:") || len(same) != 71 {
		t.Errorf("got %s and %s", same, again)
	}
	for name, other := range map[string]map[string]string{
		"content": {"a": "1", "b/c": "3"}, "name": {"a": "1", "b/d": "2"}, "fewer": {"a": "1"},
	} {
		if sum(other) == same {
			t.Errorf("another %s gives the same digest", name)
		}
	}
}
