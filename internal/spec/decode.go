package spec

import (
	"fmt"
	"slices"

	"sigs.k8s.io/json"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/fieldpath"
)

// kinds are the formats that files may have.
var kinds = []string{"Platform", "Tool", "Capability", "Recipe", "GatePolicy", "Application", "Environment", "Release"}

// DecodeTool reads a tool.yaml. The error is of type [Errors].
func DecodeTool(file string, data []byte) (v1alpha1.Tool, *Document, error) {
	return decode(file, data, "Tool", checkTool)
}

// DecodeCapability reads a capability's contract. The error is of type [Errors].
func DecodeCapability(file string, data []byte) (v1alpha1.Capability, *Document, error) {
	return decode(file, data, "Capability", checkCapability)
}

// DecodeRecipe reads a recipe.yaml. The error is of type [Errors].
func DecodeRecipe(file string, data []byte) (v1alpha1.Recipe, *Document, error) {
	return decode(file, data, "Recipe", checkRecipe)
}

// decode is the whole way from bytes to a checked value: YAML, schema, types, meaning. It goes
// as far as it can, so that all mistakes come back at once.
func decode[T any](file string, data []byte, kind string, check func(*checker, *T)) (T, *Document, error) {
	var out T
	d, found := Parse(file, data)
	if d == nil {
		return out, nil, AsError(found)
	}
	if _, ok := d.Tree.(map[string]any); !ok {
		return out, nil, AsError(append(found, d.At("", "", "must be a map with apiVersion, kind, metadata and spec")))
	}
	if other := otherKind(d, kind); other != nil {
		return out, nil, AsError(append(found, *other))
	}
	s, err := schemaOf(kind)
	if err != nil {
		return out, nil, err
	}
	found = append(found, s.check(d)...)
	text, err := marshal(d.Tree)
	if err != nil {
		return out, nil, fmt.Errorf("%s: %w", file, err)
	}
	// Integers stay integers; fields of a wrong type, which the schema has named, stay empty.
	if err := json.UnmarshalCaseSensitivePreserveInts(text, &out); err != nil && len(found) == 0 {
		return out, nil, fmt.Errorf("%s: %w", file, err)
	}
	c := &checker{doc: d, wrong: map[string]bool{}}
	for _, f := range found {
		c.wrong[f.Path] = true
	}
	check(c, &out)
	return out, d, AsError(append(found, c.found...))
}

// otherKind finds a file of another format, about which nothing else is worth saying.
func otherKind(d *Document, kind string) *Finding {
	got, _ := d.Tree.(map[string]any)["kind"].(string)
	if got == kind || !slices.Contains(kinds, got) {
		return nil
	}
	f := d.At("kind", "", "must be %q: this file is a %s", kind, got)
	return &f
}

// checker collects what the schema cannot see. A field that is wrong already, or stands below
// one that is, is not spoken of twice.
type checker struct {
	doc   *Document
	wrong map[string]bool
	found []Finding
}

func (c *checker) add(path, suggestion, message string, args ...any) {
	if c.isWrong(path) {
		return
	}
	c.found = append(c.found, c.doc.At(path, suggestion, message, args...))
}

func (c *checker) isWrong(path string) bool {
	for ; path != ""; path = fieldpath.Parent(path) {
		if c.wrong[path] {
			return true
		}
	}
	return false
}
