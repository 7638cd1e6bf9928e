package build

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/supply/command"
	"github.com/slipway-dev/slipway/internal/supply/layer"
	"github.com/slipway-dev/slipway/internal/supply/sbom"
)

// wheel copies files out of a Python wheel.
type wheel struct{ v1alpha1.WheelLayer }

func (p wheel) key(ctx context.Context, w *workshop) (any, error) {
	return []any{p.WheelLayer, arch()}, nil
}

func (p wheel) fill(ctx context.Context, w *workshop, t *layer.Tree) ([]sbom.Package, error) {
	if len(p.SHA256) == 0 {
		return nil, fmt.Errorf("wheel %s: no hash given", p.Package)
	}
	requirement := p.Package + "==" + p.Version
	for _, hash := range slices.Sorted(maps.Values(p.SHA256)) {
		requirement += " --hash=sha256:" + hash
	}
	list := filepath.Join(w.dir, "requirements.txt")
	if err := os.WriteFile(list, []byte(requirement+"\n"), 0o600); err != nil {
		return nil, err
	}
	out := filepath.Join(w.dir, "wheel")
	w.note("downloading wheel " + p.Package + " " + p.Version)
	if _, err := command.RunRetrying(ctx, command.Command{
		Args: []string{"python3", "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input",
			"--no-deps", "--require-hashes", "--only-binary=:all:", "--dest", out, "--requirement", list},
		Dir: w.dir, Log: w.log,
	}, w.note); err != nil {
		return nil, err
	}
	found, err := filepath.Glob(filepath.Join(out, "*.whl"))
	if err != nil || len(found) != 1 {
		return nil, fmt.Errorf("wheel %s: pip left %d files", p.Package, len(found))
	}
	unpacked := filepath.Join(w.dir, "unpacked")
	if err := unzip(found[0], unpacked); err != nil {
		return nil, fmt.Errorf("wheel %s: %w", p.Package, err)
	}
	mode := p.Mode
	if mode == "" {
		mode = "0755"
	}
	if err := w.copyAll(t, p.Copy, unpacked, mode); err != nil {
		return nil, fmt.Errorf("wheel %s: %w", p.Package, err)
	}
	return []sbom.Package{sbom.PyPI(p.Package, p.Version, p.hashOf(filepath.Base(found[0])))}, nil
}

// hashOf finds the accepted hash by the platform tag in the file's name.
func (p wheel) hashOf(file string) string {
	for tag, hash := range p.SHA256 {
		if strings.Contains(file, tag) {
			return hash
		}
	}
	return ""
}

// unzip unpacks a zip file below dir, which it makes. Names that lead out of dir are errors.
func unzip(file, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	r, err := zip.OpenReader(file)
	if err != nil {
		return fmt.Errorf("open %s: %w", filepath.Base(file), err)
	}
	defer r.Close()
	for _, f := range r.File {
		if err := unzipOne(root, f); err != nil {
			return fmt.Errorf("unpack %s: %w", f.Name, err)
		}
	}
	return nil
}

func unzipOne(root *os.Root, f *zip.File) (err error) {
	name := filepath.FromSlash(strings.TrimSuffix(f.Name, "/"))
	if f.FileInfo().IsDir() {
		return root.MkdirAll(name, 0o755)
	}
	if !f.Mode().IsRegular() {
		return nil
	}
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	mode := os.FileMode(0o644)
	if f.Mode()&0o111 != 0 {
		mode = 0o755
	}
	out, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	_, err = io.Copy(out, in)
	return err
}
