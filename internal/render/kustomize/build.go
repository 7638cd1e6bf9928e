// Package kustomize builds Kustomize roots and applies patches, with Kustomize's own library.
// It reads only below the directory it is given: no remote bases, no plugins, no functions, and
// nothing is ever written. Used for tools' upstream roots, packages and all patches.
package kustomize

import (
	"fmt"
	"path/filepath"
	"strings"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/types"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/slipway-dev/slipway/internal/render/manifest"
)

// FileNames are the names a kustomization can have.
var FileNames = []string{"kustomization.yaml", "kustomization.yml", "Kustomization"}

// Build runs the Kustomize root at dir, which lies in root: nothing outside root is read. Label
// names it in the objects' sources; dir where empty.
func Build(root, dir, label string) ([]manifest.Object, error) {
	if label == "" {
		label = dir
	}
	confined, err := newConfined(root)
	if err != nil {
		return nil, fmt.Errorf("kustomize %s: %w", label, err)
	}
	options := krusty.MakeDefaultOptions()
	options.LoadRestrictions = types.LoadRestrictionsNone
	options.PluginConfig = types.DisabledPluginConfig()
	resources, err := krusty.MakeKustomizer(options).Run(confined, dir)
	if refused := confined.refused(); refused != nil {
		return nil, fmt.Errorf("kustomize %s: %w", label, refused)
	}
	if err != nil {
		return nil, fmt.Errorf("kustomize %s: %w", label, shorten(err, confined.root))
	}
	return objects(resources, "kustomize "+label)
}

func objects(resources resmap.ResMap, source string) ([]manifest.Object, error) {
	out := make([]manifest.Object, 0, resources.Size())
	for _, r := range resources.Resources() {
		data, err := r.MarshalJSON()
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", source, r.CurId(), err)
		}
		u := &unstructured.Unstructured{}
		if err := u.UnmarshalJSON(data); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", source, r.CurId(), err)
		}
		out = append(out, manifest.Object{Unstructured: u, Source: source})
	}
	return out, nil
}

// shorten takes the machine's path of the root out of an error's text.
func shorten(err error, root string) error {
	text := strings.ReplaceAll(err.Error(), root+string(filepath.Separator), "")
	return &shortError{text: text, err: err}
}

type shortError struct {
	text string
	err  error
}

func (e *shortError) Error() string { return e.text }
func (e *shortError) Unwrap() error { return e.err }
