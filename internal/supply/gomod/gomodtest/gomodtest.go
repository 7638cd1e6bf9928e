// Package gomodtest gives tests a Go module proxy of their own in a folder, so that they need
// no network and can break what they download.
package gomodtest

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/zip"
)

// Proxy publishes a module and makes the go command of this test use only that, with a module
// cache of its own. It gives the lines for go.sum, and the proxy's folder.
func Proxy(t *testing.T, path, version string, files map[string]string) (sums, dir string) {
	t.Helper()
	dir = t.TempDir()
	at := filepath.Join(dir, filepath.FromSlash(path), "@v")
	source := t.TempDir()
	goMod := "module " + path + "\n\ngo 1.24\n"
	write(t, filepath.Join(source, "go.mod"), goMod)
	for p, text := range files {
		write(t, filepath.Join(source, filepath.FromSlash(p)), text)
	}
	write(t, filepath.Join(at, version+".mod"), goMod)
	write(t, filepath.Join(at, version+".info"), fmt.Sprintf(`{"Version":%q}`, version))
	packed := filepath.Join(at, version+".zip")
	out, err := os.Create(packed)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if err := zip.CreateFromDir(out, module.Version{Path: path, Version: version}, source); err != nil {
		t.Fatal(err)
	}
	sum, err := dirhash.HashZip(packed, dirhash.Hash1)
	if err != nil {
		t.Fatal(err)
	}
	modSum, err := dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(goMod)), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOPROXY", "file://"+dir)
	t.Setenv("GONOSUMDB", "*")
	t.Setenv("GOFLAGS", "-modcacherw")
	t.Setenv("GOMODCACHE", t.TempDir())
	return fmt.Sprintf("%s %s %s\n%s %s/go.mod %s\n", path, version, sum, path, version, modSum), dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
