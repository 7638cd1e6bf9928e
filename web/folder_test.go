//go:build !embed_web

package web

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/slipway-dev/slipway/internal/fault"
)

func TestFS_WithoutTheVariableThereIsNone(t *testing.T) {
	t.Setenv(variable, "")
	if files, err := FS(); files != nil || err != nil {
		t.Errorf("got %v, %v", files, err)
	}
}

func TestFS_TheVariableNamesTheFolder(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "index.html"), []byte("<!doctype html>"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv(variable, dir)
	files, err := FS()
	if err != nil {
		t.Fatal(err)
	}
	if text, err := fs.ReadFile(files, "index.html"); err != nil || string(text) != "<!doctype html>" {
		t.Errorf("got %q, %v", text, err)
	}
}

func TestFS_AFolderWithoutTheConsoleIsRefused(t *testing.T) {
	t.Setenv(variable, t.TempDir())
	_, err := FS()
	if hint, code := fault.Of(err); hint == "" || code != fault.ExitInvalid {
		t.Errorf("got %v, hint %q, code %d", err, hint, code)
	}
}
