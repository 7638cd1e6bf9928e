package catalog

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"golang.org/x/mod/modfile"

	"github.com/slipway-dev/slipway/internal/fieldpath"
	"github.com/slipway-dev/slipway/internal/spec"
)

func (l *linter) recipe(r Recipe) {
	for i, layer := range r.Spec.Layers {
		at := fieldpath.Item("spec.layers", i)
		switch {
		case layer.Base != "":
			l.base(r, at+".base", layer.Base)
		case layer.Go != nil:
			l.requires(r, at+".go", "")
			for j, patch := range layer.Go.Patches {
				below := fieldpath.Item(at+".go.patches", j)
				l.requires(r, below+".module", patch.Module)
				for _, path := range slices.Sorted(maps.Keys(patch.Add)) {
					l.file(r, fieldpath.Child(below+".add", path), patch.Add[path])
				}
			}
		case layer.Module != nil:
			l.requires(r, at+".module.module", layer.Module.Module)
		case layer.NPM != nil && layer.NPM.Module != "":
			l.requires(r, at+".npm.module", layer.NPM.Module)
		}
	}
}

// base checks that a base exists and does not lead back.
func (l *linter) base(r Recipe, at, base string) {
	if !known(l, r.doc, at, "component", base, l.catalog.Recipes) {
		return
	}
	seen := map[string]bool{}
	for queue := []string{base}; len(queue) > 0; queue = queue[1:] {
		if queue[0] == r.Metadata.Name {
			l.add(r.doc, at, "", "%s takes its layers from itself", r.Metadata.Name)
			return
		}
		if seen[queue[0]] {
			continue
		}
		seen[queue[0]] = true
		for _, layer := range l.catalog.Recipes[queue[0]].Spec.Layers {
			if layer.Base != "" {
				queue = append(queue, layer.Base)
			}
		}
	}
}

// requires checks that the go.mod beside a recipe is there and pins a module; "" asks for
// go.mod only.
func (l *linter) requires(r Recipe, at, module string) {
	modules, err := requiredModules(r.FS)
	switch {
	case err != nil:
		l.add(r.doc, at, "", "%s", err)
	case module != "" && !slices.Contains(modules, module):
		l.add(r.doc, at, spec.Nearest(module, modules), "go.mod does not require %q", module)
	}
}

func (l *linter) file(r Recipe, at, name string) {
	if _, err := fs.Stat(r.FS, name); err != nil {
		l.add(r.doc, at, "", "%s does not exist beside recipe.yaml", name)
	}
}

// requiredModules are the modules that a folder's go.mod requires, with go.sum beside it.
func requiredModules(dir fs.FS) ([]string, error) {
	data, err := fs.ReadFile(dir, "go.mod")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("there is no go.mod beside recipe.yaml")
	}
	if err != nil {
		return nil, err
	}
	if _, err := fs.Stat(dir, "go.sum"); err != nil {
		return nil, errors.New("there is no go.sum beside go.mod")
	}
	mod, err := modfile.ParseLax("go.mod", data, nil)
	if err != nil {
		return nil, fmt.Errorf("go.mod: %w", err)
	}
	var out []string
	for _, r := range mod.Require {
		out = append(out, r.Mod.Path)
	}
	return out, nil
}

// imagesOnce finds image references that several recipes claim.
func (l *linter) imagesOnce() {
	first := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(l.catalog.Recipes)) {
		r := l.catalog.Recipes[name]
		for i, ref := range r.Spec.Images {
			if other, taken := first[ref]; taken {
				l.add(r.doc, fieldpath.Item("spec.images", i), "", "%s is an image of the component %s already", ref, other)
			} else {
				first[ref] = name
			}
		}
	}
}
