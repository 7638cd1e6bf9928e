package platform

import (
	"context"

	"github.com/slipway-dev/slipway/internal/host"
	"github.com/slipway-dev/slipway/internal/progress"
	"github.com/slipway-dev/slipway/internal/supply"
)

// supplier opens the image store and what fills it.
func (l *Line) supplier(report progress.Reporter) (*supply.Supplier, error) {
	store, err := supply.OpenStore(l.home.Store())
	if err != nil {
		return nil, err
	}
	lock, err := l.readLock()
	if err != nil {
		return nil, err
	}
	s := l.record.Platform.Spec.Supply
	return supply.New(supply.Options{Store: store, Recipes: l.catalog.Recipes, CacheDir: l.home.Cache,
		Mode: s.Mode, Mirrors: s.Mirrors, Pinned: l.pinned(lock), Report: report})
}

// ModuleDir implements [render.Sources].
func (l *Line) ModuleDir(ctx context.Context, component, module string) (string, error) {
	recipe, ok := l.catalog.Recipes[component]
	if !ok {
		return "", noRecipe(component)
	}
	dir, err := l.modules.Dir(ctx, recipe.FS, module, nil)
	return dir.Dir, err
}

// MissingPackages lists the distribution packages that the platform needs and this machine
// lacks, to run and to build those of its images that will be built.
func (l *Line) MissingPackages(ctx context.Context) ([]host.Need, error) {
	missing := host.Missing(l.runNeeds())
	s, err := l.supplier(progress.Discard)
	if err != nil {
		return nil, err
	}
	decisions, err := s.Decide(ctx, l.components())
	if err != nil {
		return nil, err
	}
	var build []string
	for _, d := range decisions {
		if d.Action == supply.Build {
			build = append(build, d.Recipe)
		}
	}
	packages, err := s.HostNeeds(ctx, build)
	if err != nil {
		return nil, err
	}
	for _, p := range packages {
		for _, f := range p.For {
			missing.Add("building "+f, p.Name)
		}
	}
	return missing.List(), nil
}
