package build

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/supply/layer"
	"github.com/slipway-dev/slipway/internal/supply/sbom"
)

// files writes small files whose text stands in the recipe.
type files []v1alpha1.FileEntry

func (f files) key(context.Context, *workshop) (any, error) { return []v1alpha1.FileEntry(f), nil }

func (f files) fill(_ context.Context, w *workshop, t *layer.Tree) ([]sbom.Package, error) {
	for _, e := range f {
		mode, err := parseMode(e.Mode, 0o644)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Path, err)
		}
		t.PutBytes(w.at(e.Path), mode, []byte(e.Content))
	}
	return nil, nil
}

// links makes symbolic links.
type links map[string]string

func (l links) key(context.Context, *workshop) (any, error) { return map[string]string(l), nil }

func (l links) fill(_ context.Context, w *workshop, t *layer.Tree) ([]sbom.Package, error) {
	for p, target := range l {
		t.PutLink(w.at(p), target)
	}
	return nil, nil
}

func (links) links(t *layer.Tree) map[string]string { return t.Links() }

// directories makes empty directories.
type directories []v1alpha1.DirectoryEntry

func (d directories) key(context.Context, *workshop) (any, error) {
	return []v1alpha1.DirectoryEntry(d), nil
}

func (d directories) fill(_ context.Context, w *workshop, t *layer.Tree) ([]sbom.Package, error) {
	for _, e := range d {
		mode, err := parseMode(e.Mode, 0o755)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Path, err)
		}
		uid, gid, err := parseOwner(e.Owner)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Path, err)
		}
		t.PutDir(w.at(e.Path), mode, uid, gid)
	}
	return nil, nil
}

func parseMode(octal string, otherwise int64) (int64, error) {
	if octal == "" {
		return otherwise, nil
	}
	mode, err := strconv.ParseInt(octal, 8, 32)
	if err != nil || mode < 0 || mode > 0o7777 {
		return 0, fmt.Errorf("mode %q is not an octal number up to 7777", octal)
	}
	return mode, nil
}

func parseOwner(owner string) (uid, gid int, err error) {
	if owner == "" {
		return 0, 0, nil
	}
	u, g, ok := strings.Cut(owner, ":")
	uid, err = strconv.Atoi(u)
	if err == nil {
		gid, err = strconv.Atoi(g)
	}
	if !ok || err != nil || uid < 0 || gid < 0 {
		return 0, 0, fmt.Errorf("owner %q is not uid:gid in numbers", owner)
	}
	return uid, gid, nil
}
