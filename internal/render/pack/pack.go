// Package pack reads what people want delivered besides the tools: a directory of plain
// manifests, a Kustomize root, a Helm chart, or a package written for CNOE's idpbuilder. Which
// of them it is, is found by looking. It reads only below the package's own repository or
// parent directory and changes nothing; internal/render calls it.
package pack

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/slipway-dev/slipway/internal/expr"
	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/render/helm"
	"github.com/slipway-dev/slipway/internal/render/kustomize"
	"github.com/slipway-dev/slipway/internal/render/manifest"
)

// Kind is what a package's directory holds.
type Kind string

// Kinds of packages.
const (
	Helm      Kind = "helm"      // a chart: Chart.yaml
	Kustomize Kind = "kustomize" // a Kustomize root: kustomization.yaml
	CNOE      Kind = "cnoe"      // objects that refer to Git repositories, cnoe:// among them
	Plain     Kind = "plain"     // anything else: manifests, in folders too
)

// Options say what is read and for whom.
type Options struct {
	// Name is the package's name; Dir its directory.
	Name, Dir string
	// Namespace is the package's; ApplicationNamespace is where a CNOE package's objects go
	// that name none.
	Namespace, ApplicationNamespace string
	// Values are a chart's. APIVersions are what a chart finds in the cluster besides Kubernetes' own.
	Values      map[string]any
	APIVersions []string
	// Scope evaluates expressions in values and manifests; nil leaves every "${" as it stands.
	Scope *expr.Scope
	// RepositoryURL gives the URL of a repository for content; an error where there is no Git server.
	RepositoryURL func(repository string) (string, error)
}

// Package is what was read.
type Package struct {
	Kind    Kind
	Objects []manifest.Object
	// Contents maps the name of a repository to the directory whose files it is to hold.
	Contents map[string]string
	// Skipped names what stood in the directory and is not delivered, each with the reason.
	Skipped []string
}

// Read finds out what the directory holds and reads it.
func Read(o Options) (Package, error) {
	p, err := read(o)
	if err != nil {
		return Package{}, fmt.Errorf("package %s: %w", o.Name, err)
	}
	return p, nil
}

func read(o Options) (Package, error) {
	info, err := os.Stat(o.Dir)
	if err != nil {
		return Package{}, fault.Invalid(err, "packages[].path is relative to the Platform file")
	}
	if !info.IsDir() {
		return Package{}, fault.Invalid(fmt.Errorf("%s is a file", o.Dir), "name the directory that holds it")
	}
	root, err := limit(o.Dir)
	if err != nil {
		return Package{}, err
	}
	files, err := list(o.Dir, root)
	if err != nil {
		return Package{}, err
	}
	var p Package
	switch {
	case slices.Contains(files, "Chart.yaml"):
		p, err = readChart(o)
	case slices.ContainsFunc(kustomize.FileNames, func(n string) bool { return slices.Contains(files, n) }):
		p, err = readKustomize(o, root)
	default:
		p, err = readManifests(o, root, files)
	}
	if err != nil {
		return Package{}, err
	}
	if len(p.Objects) == 0 {
		return Package{}, fault.Invalid(fmt.Errorf("%s holds no Kubernetes objects", o.Dir),
			"a package is a directory with *.yaml manifests, a kustomization.yaml or a Chart.yaml")
	}
	return p, nil
}

func readChart(o Options) (Package, error) {
	values := o.Values
	if o.Scope != nil && values != nil {
		evaluated, err := o.Scope.Value(values)
		if err != nil {
			return Package{}, fmt.Errorf("values: %w", err)
		}
		values, _ = evaluated.(map[string]any)
	}
	objects, err := helm.Render(helm.Release{Dir: o.Dir, Name: o.Name, Namespace: o.Namespace,
		Values: values, APIVersions: o.APIVersions, Label: o.Name})
	return Package{Kind: Helm, Objects: objects}, err
}

func readKustomize(o Options, root string) (Package, error) {
	objects, err := kustomize.Build(root, o.Dir, o.Name)
	if err != nil {
		return Package{}, err
	}
	if objects, err = evaluate(o.Scope, objects); err != nil {
		return Package{}, err
	}
	p := Package{Kind: Kustomize, Objects: objects}
	return p, resolve(&p, o, root, o.Dir)
}

func readManifests(o Options, root string, files []string) (Package, error) {
	top := slices.DeleteFunc(slices.Clone(files), func(f string) bool {
		return filepath.Base(f) != f || !manifest.IsFile(f)
	})
	if p, err := readCNOE(o, root, top); err != nil || p.Kind == CNOE {
		return p, err
	}
	p := Package{Kind: Plain}
	for _, name := range files {
		if !manifest.IsFile(name) {
			continue
		}
		objects, err := decode(o, name)
		if err != nil {
			var other *manifest.NotKubernetesError
			if errors.As(err, &other) {
				err = fault.Invalid(err, "move files that are not manifests out of the package, or make it a Kustomize root that names its files")
			}
			return Package{}, err
		}
		p.Objects = append(p.Objects, objects...)
	}
	return p, nil
}

func decode(o Options, name string) ([]manifest.Object, error) {
	data, err := os.ReadFile(filepath.Join(o.Dir, filepath.FromSlash(name)))
	if err != nil {
		return nil, err
	}
	docs, err := manifest.Documents(name, data, false)
	if err != nil {
		return nil, err
	}
	objects, err := manifest.FromDocuments(docs)
	if err != nil {
		return nil, err
	}
	return evaluate(o.Scope, objects)
}

// evaluate replaces expressions where the package asked for that.
func evaluate(scope *expr.Scope, objects []manifest.Object) ([]manifest.Object, error) {
	if scope == nil {
		return objects, nil
	}
	for _, object := range objects {
		v, err := scope.Value(object.Object)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", object.Source, err)
		}
		m, ok := v.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%s: is not an object any more once its expressions are evaluated", object.Source)
		}
		object.Object = m
	}
	return objects, nil
}
