package catalog

import (
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/expr"
	"github.com/slipway-dev/slipway/internal/fieldpath"
	"github.com/slipway-dev/slipway/internal/spec"
)

// asFindings gives an error as findings about a file.
func asFindings(file string, err error) []Finding {
	var found spec.Errors
	if errors.As(err, &found) {
		return found
	}
	return []Finding{{File: file, Message: err.Error()}}
}

func (l *linter) tool(t Tool) {
	for _, capability := range slices.Sorted(maps.Keys(t.Spec.Provides)) {
		at := fieldpath.Child("spec.provides", capability)
		if !known(l, t.doc, at, "capability", capability, l.catalog.Capabilities) {
			continue
		}
		contract := l.catalog.Capabilities[capability]
		for _, p := range CheckOutputs(contract, t.Spec.Provides[capability].Outputs, isExpression) {
			l.add(t.doc, fieldpath.Child(at+".outputs", p.Output), p.Suggestion, "%s", p.Reason)
		}
	}
	for i, r := range t.Spec.Requires {
		known(l, t.doc, fieldpath.Item("spec.requires", i)+".capability", "capability", r.Capability, l.catalog.Capabilities)
	}
	for i, component := range t.Spec.Components {
		known(l, t.doc, fieldpath.Item("spec.components", i), "component", component, l.catalog.Recipes)
	}
	for i, image := range t.Spec.Publish {
		known(l, t.doc, fieldpath.Item("spec.publish", i)+".component", "component", image.Component, l.catalog.Recipes)
	}
	for i, s := range t.Spec.Sources {
		l.source(t, fieldpath.Item("spec.sources", i), s)
	}
	l.references(t, t.doc)
}

// isExpression says of a value whether it is known only when it is evaluated.
func isExpression(v any) bool {
	s, ok := v.(string)
	return ok && strings.Contains(s, "${")
}

func (l *linter) source(t Tool, at string, s v1alpha1.Source) {
	switch {
	case s.Manifests != "":
		l.manifests(t, at+".manifests", s.Manifests)
	case s.Files != nil:
		l.module(t, at+".files", s.Files.Component, s.Files.Module)
	case s.Kustomize != nil:
		l.module(t, at+".kustomize", s.Kustomize.Component, s.Kustomize.Module)
	case s.Helm != nil:
		l.module(t, at+".helm", s.Helm.Component, s.Helm.Module)
	}
}

// module checks that a component's go.mod pins a module.
func (l *linter) module(t Tool, at, component, module string) {
	if !known(l, t.doc, at+".component", "component", component, l.catalog.Recipes) {
		return
	}
	modules, err := requiredModules(l.catalog.Recipes[component].FS)
	switch {
	case err != nil:
		l.add(t.doc, at+".component", "", "the component %s: %s", component, err)
	case !slices.Contains(modules, module):
		l.add(t.doc, at+".module", spec.Nearest(module, modules), "the go.mod of %s does not require %q", component, module)
	}
}

// manifests checks a file or a directory of manifests beside tool.yaml.
func (l *linter) manifests(t Tool, at, name string) {
	var files []string
	err := fs.WalkDir(t.FS, name, func(file string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && (file == name || isYAML(file)) {
			files = append(files, file)
		}
		return err
	})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		l.add(t.doc, at, "", "%s does not exist beside tool.yaml", name)
		return
	case err != nil:
		l.add(t.doc, at, "", "cannot read %s: %s", name, err)
		return
	case len(files) == 0:
		l.add(t.doc, at, "", "%s holds no YAML file", name)
	}
	for _, file := range files {
		data, err := fs.ReadFile(t.FS, file)
		if err != nil {
			l.add(t.doc, at, "", "cannot read %s: %s", file, err)
			continue
		}
		documents, found := spec.ParseAll(path.Join(path.Dir(t.File), file), data)
		l.found = append(l.found, found...)
		for _, doc := range documents {
			l.manifest(t, doc)
		}
	}
}

func isYAML(file string) bool { ext := path.Ext(file); return ext == ".yaml" || ext == ".yml" }

// manifest checks one object of a tool's own.
func (l *linter) manifest(t Tool, doc *spec.Document) {
	object, ok := doc.Tree.(map[string]any)
	if !ok {
		l.add(doc, "", "", "must be a Kubernetes object")
		return
	}
	for _, field := range []string{"apiVersion", "kind"} {
		if s, _ := object[field].(string); s == "" {
			l.add(doc, field, "", "required, but missing")
		}
	}
	var broken expr.Errors
	if err := expr.Check(doc.Tree, spec.ManifestNames); errors.As(err, &broken) {
		for _, e := range broken {
			l.add(doc, e.Path, "", "${%s}: %s", e.Expression, e.Reason)
		}
	}
	l.references(t, doc)
}
