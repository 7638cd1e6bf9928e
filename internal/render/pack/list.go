package pack

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/render/cnoe"
	"github.com/slipway-dev/slipway/internal/render/manifest"
)

// Limits of a package's directory, against a path that points at too much.
const (
	maxFiles    = 10_000
	maxFileSize = 16 << 20
)

// Files lists what a package is made of, for whoever watches it: every file below its
// directory, and below directories beside it that its objects refer to.
func Files(dir string) ([]string, error) {
	root, err := limit(dir)
	if err != nil {
		return nil, err
	}
	dirs := []string{dir}
	top, err := list(dir, root)
	if err != nil {
		return nil, err
	}
	for _, name := range top {
		if filepath.Base(name) != name || !manifest.IsFile(name) {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		objects, err := manifest.Decode(name, data)
		if err != nil {
			continue // a file that is broken now is watched all the same
		}
		for _, o := range objects {
			for _, ref := range cnoe.References(o.Object) {
				dirs = append(dirs, filepath.Join(dir, filepath.FromSlash(ref)))
			}
		}
	}
	var out []string
	for _, d := range dirs {
		if inside(root, d) != nil {
			continue
		}
		files, err := list(d, root)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for _, name := range files {
			out = append(out, filepath.Join(d, filepath.FromSlash(name)))
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// limit is the directory that a package must not reach out of: the Git repository it lies in,
// else the directory that its own lies in.
func limit(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if abs, err = filepath.EvalSymlinks(abs); err != nil {
		return "", err
	}
	for at := abs; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, ".git")); err == nil {
			return at, nil
		}
		if at == filepath.Dir(at) {
			return filepath.Dir(abs), nil
		}
	}
}

// inside says whether name, wherever its symbolic links lead, lies in root.
func inside(root, name string) error {
	resolved, err := filepath.EvalSymlinks(name)
	if err != nil {
		return err
	}
	if resolved, err = filepath.Abs(resolved); err != nil {
		return err
	}
	if resolved == root || strings.HasPrefix(resolved, strings.TrimSuffix(root, "/")+"/") {
		return nil
	}
	return fmt.Errorf("%s lies outside %s, which the package is part of", name, root)
}

// ContentFiles lists the files of a directory of content, slash-separated and sorted: all of
// them but Git's own. Symbolic links to files count as the files, and must not lead out of the
// package's repository or parent directory.
func ContentFiles(dir string) ([]string, error) {
	root, err := limit(dir)
	if err != nil {
		return nil, err
	}
	return walk(dir, root, func(name string) bool { return name == ".git" })
}

// list gives the regular files below dir, slash-separated and sorted, hidden ones left out.
func list(dir, root string) ([]string, error) {
	return walk(dir, root, func(name string) bool { return name[0] == '.' })
}

func walk(dir, root string, skip func(name string) bool) ([]string, error) {
	var out []string
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		skipped := name != dir && skip(d.Name())
		if d.IsDir() {
			if skipped {
				return fs.SkipDir
			}
			return nil
		}
		if skipped {
			return nil
		}
		if d.Type()&fs.ModeSymlink != 0 {
			if err := inside(root, name); err != nil {
				return err
			}
		}
		info, err := os.Stat(name)
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return nil
		}
		if info.Size() > maxFileSize && manifest.IsFile(name) {
			return fmt.Errorf("%s is larger than %d MiB", name, maxFileSize>>20)
		}
		if len(out) == maxFiles {
			return fault.Invalid(fmt.Errorf("%s holds more than %d files", dir, maxFiles), "point the package's path at its own directory")
		}
		rel, err := filepath.Rel(dir, name)
		out = append(out, filepath.ToSlash(rel))
		return err
	})
	slices.Sort(out)
	return out, err
}
