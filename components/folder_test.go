//go:build !embed_components

package components

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/slipway-dev/slipway/internal/fault"
)

func withRecipe(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "components")
	if err := errors.Join(os.MkdirAll(filepath.Join(dir, "one"), 0o755), os.WriteFile(filepath.Join(dir, "one", "recipe.yaml"), nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestFS_TheVariableNamesTheFolder(t *testing.T) {
	t.Setenv(variable, withRecipe(t))
	files, err := FS()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fs.Stat(files, "one/recipe.yaml"); err != nil {
		t.Error(err)
	}
}

func TestFS_AFolderWithoutRecipesIsRefused(t *testing.T) {
	t.Setenv(variable, t.TempDir())
	_, err := FS()
	if hint, code := fault.Of(err); hint == "" || code != fault.ExitInvalid {
		t.Errorf("got %v, hint %q, code %d", err, hint, code)
	}
}

func TestFS_IsFoundUpwardsFromTheWorkingDirectory(t *testing.T) {
	t.Setenv(variable, "")
	below := filepath.Join(filepath.Dir(withRecipe(t)), "a", "b")
	if err := os.MkdirAll(below, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(below)
	files, err := FS()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fs.Stat(files, "one/recipe.yaml"); err != nil {
		t.Error(err)
	}
}

func TestFS_NotFoundHasAHint(t *testing.T) {
	t.Setenv(variable, "")
	t.Chdir(t.TempDir())
	_, err := FS()
	if hint, code := fault.Of(err); hint == "" || code != fault.ExitFailed {
		t.Errorf("got %v, hint %q, code %d", err, hint, code)
	}
}
