// Package generate makes the JSON Schema of a kind from its Go type and the comments beside
// it. Only the generator and the test that proves the schemas fresh use it.
package generate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/invopop/jsonschema"

	"github.com/slipway-dev/slipway/api/v1alpha1"
)

// Kinds are the formats that have a schema.
var Kinds = []string{"Platform", "Tool", "Capability", "Recipe", "GatePolicy", "Application", "Environment", "Release"}

const module = "github.com/slipway-dev/slipway"

func typeOf(kind string) (reflect.Type, error) {
	switch kind {
	case "Platform":
		return reflect.TypeFor[v1alpha1.Platform](), nil
	case "Tool":
		return reflect.TypeFor[v1alpha1.Tool](), nil
	case "Capability":
		return reflect.TypeFor[v1alpha1.Capability](), nil
	case "Recipe":
		return reflect.TypeFor[v1alpha1.Recipe](), nil
	case "GatePolicy":
		return reflect.TypeFor[v1alpha1.GatePolicy](), nil
	case "Application":
		return reflect.TypeFor[v1alpha1.Application](), nil
	case "Environment":
		return reflect.TypeFor[v1alpha1.Environment](), nil
	case "Release":
		return reflect.TypeFor[v1alpha1.Release](), nil
	}
	return nil, fmt.Errorf("no type for kind %q", kind)
}

// Schema gives the JSON Schema of a kind; root is the folder of Slipway's go.mod.
func Schema(root, kind string) ([]byte, error) {
	t, err := typeOf(kind)
	if err != nil {
		return nil, err
	}
	comments, err := commentsIn(root)
	if err != nil {
		return nil, err
	}
	r := &jsonschema.Reflector{
		Anonymous:      true,
		ExpandedStruct: true,
		CommentMap:     comments,
	}
	s := r.ReflectFromType(t)
	s.ID = jsonschema.ID("https://slipway.dev/schemas/" + strings.ToLower(kind) + ".schema.json")
	s.Title = kind
	s.Comments = "Generated from api/v1alpha1 by go generate ./internal/spec. Do not edit."
	constant(s, "apiVersion", v1alpha1.APIVersion, "The version of this format.")
	constant(s, "kind", kind, "The format of this file.")

	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(s); err != nil {
		return nil, fmt.Errorf("write the schema of %s: %w", kind, err)
	}
	return out.Bytes(), nil
}

func constant(s *jsonschema.Schema, field, value, description string) {
	s.Properties.Set(field, &jsonschema.Schema{Type: "string", Const: value, Description: description})
}

// commentsIn reads the doc comments of the types below root, by the types' full names. The
// library builds those names from the path it is given, so the path is taken out again.
func commentsIn(root string) (map[string]string, error) {
	r := &jsonschema.Reflector{}
	api := filepath.ToSlash(filepath.Join(root, "api"))
	if err := r.AddGoComments("", api, jsonschema.WithFullComment()); err != nil {
		return nil, fmt.Errorf("read comments in %s: %w", api, err)
	}
	comments := make(map[string]string, len(r.CommentMap))
	for name, comment := range r.CommentMap {
		if rest, ok := strings.CutPrefix(name, api); ok {
			comments[module+"/api"+rest] = strings.TrimSpace(comment)
		}
	}
	return comments, nil
}
