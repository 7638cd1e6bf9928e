package build

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/supply/layer"
	"github.com/slipway-dev/slipway/internal/supply/sbom"
)

// moduleFiles copies files out of a Go module's checksummed zip.
type moduleFiles struct{ v1alpha1.ModuleLayer }

func (m moduleFiles) key(_ context.Context, w *workshop) (any, error) {
	folder, err := folderDigest(w.recipe.FS)
	if err != nil {
		return nil, err
	}
	return []any{m.ModuleLayer, folder["go.mod"], folder["go.sum"]}, nil
}

func (m moduleFiles) fetch(ctx context.Context, w *workshop) error {
	_, err := w.goes.Dir(ctx, w.recipe.FS, m.Module, w.note)
	return err
}

func (m moduleFiles) fill(ctx context.Context, w *workshop, t *layer.Tree) ([]sbom.Package, error) {
	found, err := w.goes.Dir(ctx, w.recipe.FS, m.Module, w.note)
	if err != nil {
		return nil, err
	}
	copied := layer.New()
	if err := w.copyAll(copied, m.Copy, found.Dir, m.Mode); err != nil {
		return nil, fmt.Errorf("module %s: %w", m.Module, err)
	}
	out, err := globs(m.Exclude)
	if err != nil {
		return nil, fmt.Errorf("module %s: %w", m.Module, err)
	}
	for _, p := range copied.Paths() {
		if e, _ := copied.Get(p); !matches(out, p) {
			t.Put(p, e)
		}
	}
	return []sbom.Package{sbom.GoModule(found.Path, found.Version)}, nil
}

// copyAll puts files and folders from below a host folder into the tree; mode, where it is not
// empty, is every file's.
func (w *workshop) copyAll(t *layer.Tree, paths map[string]string, dir, mode string) error {
	for _, to := range slices.Sorted(maps.Keys(paths)) {
		from := filepath.Join(dir, filepath.FromSlash(layer.Clean(paths[to])))
		one := layer.New()
		if err := one.PutAll(w.at(to), from); err != nil {
			return err
		}
		for _, p := range one.Paths() {
			e, _ := one.Get(p)
			if mode != "" && e.Open != nil {
				m, err := parseMode(mode, 0)
				if err != nil {
					return err
				}
				e.Mode = m
			}
			t.Put(p, e)
		}
	}
	return nil
}
