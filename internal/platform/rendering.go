package platform

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/deliver"
	"github.com/slipway-dev/slipway/internal/progress"
	"github.com/slipway-dev/slipway/internal/render"
)

// Render makes the platform's manifests.
func (l *Line) Render(ctx context.Context, report progress.Reporter) (render.Tree, error) {
	return render.Render(ctx, l.plan, l, report)
}

// ToolFS implements [render.Sources].
func (l *Line) ToolFS(tool string) (fs.FS, error) {
	t, ok := l.catalog.Tools[tool]
	if !ok {
		return nil, fmt.Errorf("the catalogue has no tool %q", tool)
	}
	return t.FS, nil
}

// RenderCacheDir is where rendering keeps what upstream's charts and roots became.
func (l *Line) RenderCacheDir() string { return filepath.Join(l.home.Cache, "render") }

// deliveredTree is the tree that was delivered last; ok is false where none was.
// Files that are the same in known are not decoded again.
func (l *Line) deliveredTree(known ...render.Tree) (tree render.Tree, ok bool, err error) {
	r, err := deliver.TreeRepository(l.dir.repositories())
	if err != nil {
		return tree, false, err
	}
	files, _, ok, err := r.Delivered()
	if err != nil || !ok {
		return tree, false, err
	}
	tree, err = render.ReadTree(files, known...)
	return tree, true, err
}

func noRecipe(component string) error {
	return fmt.Errorf("the catalogue has no recipe %q", component)
}

// Package implements [render.Sources].
func (l *Line) Package(ctx context.Context, p v1alpha1.Package) (string, error) {
	return l.packages.Package(ctx, p)
}

// localPackages are the directories of packages that lie on this machine.
func (l *Line) localPackages(ctx context.Context) ([]string, error) {
	var dirs []string
	for _, p := range l.record.Platform.Spec.Packages {
		if p.Git != nil {
			continue
		}
		dir, err := l.Package(ctx, p)
		if err != nil {
			return nil, err
		}
		dirs = append(dirs, dir)
	}
	return dirs, nil
}
