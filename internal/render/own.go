package render

import (
	"fmt"
	"io/fs"
	"path"

	"github.com/slipway-dev/slipway/internal/expr"
	"github.com/slipway-dev/slipway/internal/render/manifest"
)

// AnnotationWhen on an object of a tool's own manifests holds a condition; where it is false
// the object is left out, and its other expressions are never evaluated.
const AnnotationWhen = "slipway.dev/when"

// readManifests reads a file or directory beside tool.yaml. Expressions are evaluated in the
// decoded documents, so that a value can never change the structure around it; a document that
// is one expression may come out as nothing.
func (r *renderer) readManifests(u *unit, name string) ([]manifest.Object, error) {
	fsys, err := r.src.ToolFS(u.Name)
	if err != nil {
		return nil, err
	}
	scope, err := r.scope(u.Unit)
	if err != nil {
		return nil, err
	}
	var out []manifest.Object
	err = fs.WalkDir(fsys, path.Clean(name), func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !manifest.IsFile(file) {
			return err
		}
		data, err := fs.ReadFile(fsys, file)
		if err != nil {
			return err
		}
		docs, err := manifest.Documents(file, data, true)
		if err != nil {
			return err
		}
		for _, d := range docs {
			objects, err := evaluate(scope, d)
			if err != nil {
				return err
			}
			out = append(out, objects...)
		}
		return nil
	})
	return out, err
}

func evaluate(scope *expr.Scope, d manifest.Document) ([]manifest.Object, error) {
	wanted, err := when(scope, d.Value)
	if err != nil {
		return nil, fmt.Errorf("%s: metadata.annotations[%s]: %w", d.Source, AnnotationWhen, err)
	}
	if !wanted {
		return nil, nil
	}
	v, err := scope.Value(d.Value)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.Source, err)
	}
	if v == nil {
		return nil, nil
	}
	return manifest.FromDocuments([]manifest.Document{{Value: v, Source: d.Source}})
}

// when takes a document's condition out of it and evaluates it; a document without one is wanted.
func when(scope *expr.Scope, v any) (bool, error) {
	object, _ := v.(map[string]any)
	metadata, _ := object["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	condition, has := annotations[AnnotationWhen].(string)
	if !has {
		return true, nil
	}
	if delete(annotations, AnnotationWhen); len(annotations) == 0 {
		delete(metadata, "annotations")
	}
	result, err := scope.String(condition)
	if err != nil {
		return false, err
	}
	switch result {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, fmt.Errorf("%q is neither true nor false", result)
}
