// Command pack writes components.zip, the archive of recipes and wrapper modules that a release
// of Slipway embeds. The same sources give the same bytes. It runs in the components folder:
//
//	go run ./pack
package main

import (
	"archive/zip"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

const archive = "components.zip"

func main() {
	if err := pack(archive); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// pack writes every component's files to a new archive, and only then puts it in place.
func pack(name string) error {
	f, err := os.CreateTemp(".", archive+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if err := write(zip.NewWriter(f), os.DirFS(".")); err != nil {
		return fmt.Errorf("pack the components: %w", err)
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// write adds every file below a component's folder; the files of this folder itself are part of
// the program already.
func write(w *zip.Writer, tree fs.FS) error {
	err := fs.WalkDir(tree, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.Contains(path, "/") || strings.HasPrefix(path, "pack/") {
			return err
		}
		text, err := fs.ReadFile(tree, path)
		if err != nil {
			return err
		}
		h := &zip.FileHeader{Name: path, Method: zip.Deflate}
		h.SetMode(0o644)
		out, err := w.CreateHeader(h)
		if err != nil {
			return err
		}
		_, err = out.Write(text)
		return err
	})
	if err != nil {
		return err
	}
	return w.Close()
}
