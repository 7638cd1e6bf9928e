package render

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/slipway-dev/slipway/internal/render/manifest"
)

// ReadTree reads a tree back from a directory or a Git worktree. Other folders than the tree's
// own are passed over. A file that is the same in a tree that is known is not decoded again,
// which is most of the work.
func ReadTree(fsys fs.FS, known ...Tree) (Tree, error) {
	byPath := map[string]File{}
	for _, t := range known {
		for _, f := range t.Files {
			byPath[f.Path] = f
		}
	}
	var out Tree
	for _, folder := range []string{ApplicationsFolder, PackagesFolder, ToolsFolder} {
		err := fs.WalkDir(fsys, folder, func(name string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) && name == folder {
				return nil
			}
			if err != nil || d.IsDir() || path.Ext(name) != ".yaml" {
				return err
			}
			f, err := readFile(fsys, name, byPath[name])
			if err != nil {
				return err
			}
			out.Files = append(out.Files, f)
			return nil
		})
		if err != nil {
			return Tree{}, fmt.Errorf("read rendered tree: %w", err)
		}
	}
	out.sort()
	return out, nil
}

func readFile(fsys fs.FS, name string, known File) (File, error) {
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return File{}, err
	}
	if known.Object != nil && bytes.Equal(known.Data, data) {
		return known, nil
	}
	objects, err := manifest.Decode(name, data)
	if err != nil {
		return File{}, err
	}
	if len(objects) != 1 {
		return File{}, fmt.Errorf("%s: holds %d objects, a rendered file holds one", name, len(objects))
	}
	return File{Path: name, Unit: unitOf(name), Object: objects[0].Unstructured, Data: data}, nil
}

// unitOf is the unit that a path belongs to: its second element, except for applications.
func unitOf(name string) string {
	folder, rest, _ := strings.Cut(name, "/")
	unit, _, inside := strings.Cut(rest, "/")
	if folder == ApplicationsFolder || !inside {
		return ""
	}
	return unit
}

// UnitsOf are the units that paths of a tree belong to. An application's file is its unit's and
// the root's, which goes by the repository's name.
func UnitsOf(paths []string) map[string]bool {
	units := map[string]bool{}
	for _, name := range paths {
		if unit := unitOf(name); unit != "" {
			units[unit] = true
		} else if path.Dir(name) == ApplicationsFolder {
			units[RepositoryName], units[strings.TrimSuffix(path.Base(name), ".yaml")] = true, true
		}
	}
	return units
}

// WriteTo replaces dir by the tree's files. Whoever looks sees the old directory or the new one,
// never a mixture; what was in dir besides is gone.
func (t Tree) WriteTo(dir string) (err error) {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return fmt.Errorf("write rendered tree: %w", err)
	}
	fresh, err := os.MkdirTemp(filepath.Dir(dir), "."+filepath.Base(dir)+"-new-*")
	if err != nil {
		return fmt.Errorf("write rendered tree: %w", err)
	}
	defer os.RemoveAll(fresh)
	if err := os.Chmod(fresh, 0o755); err != nil {
		return fmt.Errorf("write rendered tree: %w", err)
	}
	for _, f := range t.Files {
		name := filepath.Join(fresh, filepath.FromSlash(f.Path))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return fmt.Errorf("write rendered tree: %w", err)
		}
		if err := os.WriteFile(name, f.Data, 0o644); err != nil {
			return fmt.Errorf("write rendered tree: %w", err)
		}
	}
	old := fresh + "-old"
	if err := os.Rename(dir, old); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("write rendered tree: %w", err)
	}
	defer os.RemoveAll(old)
	if err := os.Rename(fresh, dir); err != nil {
		return errors.Join(fmt.Errorf("write rendered tree: %w", err), os.Rename(old, dir))
	}
	return nil
}
