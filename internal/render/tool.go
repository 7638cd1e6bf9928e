package render

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/expr"
	"github.com/slipway-dev/slipway/internal/plan"
	"github.com/slipway-dev/slipway/internal/render/helm"
	"github.com/slipway-dev/slipway/internal/render/kustomize"
	"github.com/slipway-dev/slipway/internal/render/manifest"
)

// unit is a planned unit and its objects so far.
type unit struct {
	plan.Unit
	objects []manifest.Object
}

// folder is the unit's place in the tree.
func (u *unit) folder() string {
	if u.Kind == plan.KindPackage {
		return PackagesFolder + "/" + u.Name
	}
	return ToolsFolder + "/" + u.Name
}

// scope is what a unit's expressions see.
func (r *renderer) scope(u plan.Unit) (*expr.Scope, error) {
	return plan.Scope(r.plan, u)
}

// readTool reads a tool's sources, in their order.
func (r *renderer) readTool(ctx context.Context, u *unit, apiVersions []string) error {
	if u.Tool == nil {
		return errors.New("the plan holds no tool of this name")
	}
	for i, s := range u.Tool.Spec.Sources {
		objects, err := r.readSource(ctx, u, s, apiVersions)
		if err != nil {
			return fmt.Errorf("spec.sources[%d]: %w", i, err)
		}
		if len(objects) == 0 {
			return fmt.Errorf("spec.sources[%d]: gives no objects", i)
		}
		u.objects = append(u.objects, objects...)
		apiVersions = append(slices.Clone(apiVersions), definedVersions(objects)...)
	}
	return nil
}

func (r *renderer) readSource(ctx context.Context, u *unit, s v1alpha1.Source, apiVersions []string) ([]manifest.Object, error) {
	switch {
	case s.Manifests != "":
		return r.readManifests(u, s.Manifests)
	case s.Files != nil:
		dir, err := r.src.ModuleDir(ctx, s.Files.Component, s.Files.Module)
		if err != nil {
			return nil, err
		}
		return r.upstream(dir, s.Files, func() ([]manifest.Object, error) {
			return readFiles(dir, s.Files.Module, s.Files.Paths)
		})
	case s.Kustomize != nil:
		dir, err := r.src.ModuleDir(ctx, s.Kustomize.Component, s.Kustomize.Module)
		if err != nil {
			return nil, err
		}
		return r.upstream(dir, s.Kustomize, func() ([]manifest.Object, error) {
			return kustomize.Build(dir, filepath.Join(dir, filepath.FromSlash(s.Kustomize.Path)),
				path.Join(s.Kustomize.Module, s.Kustomize.Path))
		})
	case s.Helm != nil:
		dir, err := r.src.ModuleDir(ctx, s.Helm.Component, s.Helm.Module)
		if err != nil {
			return nil, err
		}
		release := helm.Release{Dir: filepath.Join(dir, filepath.FromSlash(s.Helm.Path)),
			Name: s.Helm.ReleaseName, Namespace: u.Namespace, Values: s.Helm.Values, Chart: s.Helm.Chart,
			APIVersions: apiVersions, Label: path.Join(s.Helm.Module, s.Helm.Path)}
		if release.Name == "" {
			release.Name = u.Name
		}
		return r.upstream(dir, release, func() ([]manifest.Object, error) { return helm.Render(release) })
	}
	return nil, errors.New("names none of manifests, files, kustomize and helm")
}

// readFiles reads plain manifests of a module. Paths may hold globs; a directory stands for
// the manifests in it.
func readFiles(dir, module string, paths []string) ([]manifest.Object, error) {
	var out []manifest.Object
	seen := map[string]bool{}
	for _, pattern := range paths {
		if !filepath.IsLocal(filepath.FromSlash(pattern)) {
			return nil, fmt.Errorf("%s: leads out of module %s", pattern, module)
		}
		found, err := expand(filepath.Join(dir, filepath.FromSlash(pattern)))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", pattern, err)
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%s: matches no manifest in module %s", pattern, module)
		}
		for _, name := range found {
			if seen[name] {
				continue
			}
			seen[name] = true
			data, err := os.ReadFile(name)
			if err != nil {
				return nil, err
			}
			rel, err := filepath.Rel(dir, name)
			if err != nil {
				return nil, err
			}
			objects, err := manifest.Decode(path.Join(module, filepath.ToSlash(rel)), data)
			if err != nil {
				return nil, err
			}
			out = append(out, objects...)
		}
	}
	return out, nil
}

// expand gives the manifest files that a pattern matches, sorted. A file that a pattern names
// exactly is taken whatever its name; kustomizations are not manifests.
func expand(pattern string) ([]string, error) {
	matches, err := filepath.Glob(pattern)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, m := range matches {
		info, err := os.Stat(m)
		if err != nil {
			return nil, err
		}
		files := []string{m}
		if info.IsDir() {
			if files, err = filepath.Glob(filepath.Join(m, "*")); err != nil {
				return nil, err
			}
		}
		for _, f := range files {
			if f == pattern || manifest.IsFile(f) && !slices.Contains(kustomize.FileNames, filepath.Base(f)) {
				out = append(out, f)
			}
		}
	}
	slices.Sort(out)
	return out, nil
}
