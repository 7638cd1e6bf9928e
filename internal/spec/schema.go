package spec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	textmessage "golang.org/x/text/message"

	"github.com/slipway-dev/slipway/internal/fieldpath"
	"github.com/slipway-dev/slipway/schemas"
)

// schema is a compiled JSON Schema beside its source, which knows the names of fields.
type schema struct {
	compiled *jsonschema.Schema
	source   map[string]any
}

// schemaOf compiles the schema of a kind, once.
var schemaOf = func() func(kind string) (*schema, error) {
	var compiled sync.Map
	return func(kind string) (*schema, error) {
		if s, ok := compiled.Load(kind); ok {
			return s.(*schema), nil
		}
		s, err := compileSchema(kind)
		if err != nil {
			return nil, fmt.Errorf("read the schema of %s: %w", kind, err)
		}
		compiled.Store(kind, s)
		return s, nil
	}
}()

func compileSchema(kind string) (*schema, error) {
	data, err := schemas.Read(kind)
	if err != nil {
		return nil, err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	source, ok := doc.(map[string]any)
	if !ok {
		return nil, errors.New("the schema is not an object")
	}
	name := schemas.FileName(kind)
	c := jsonschema.NewCompiler()
	if err := c.AddResource(name, doc); err != nil {
		return nil, err
	}
	compiled, err := c.Compile(name)
	if err != nil {
		return nil, err
	}
	return &schema{compiled: compiled, source: source}, nil
}

// check gives what the schema finds wrong in a document.
func (s *schema) check(d *Document) []Finding {
	err := s.compiled.Validate(withoutNulls(d.Tree))
	var invalid *jsonschema.ValidationError
	if err == nil {
		return nil
	}
	if !errors.As(err, &invalid) {
		return []Finding{{File: d.File, Message: err.Error()}}
	}
	var found []Finding
	leaves(invalid, func(e *jsonschema.ValidationError) { found = append(found, s.explain(d, e)...) })
	return found
}

// withoutNulls leaves out map entries without a value: an empty field is as good as none.
func withoutNulls(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, value := range v {
			if value != nil {
				out[key] = withoutNulls(value)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = withoutNulls(v[i])
		}
		return out
	}
	return v
}

func leaves(e *jsonschema.ValidationError, visit func(*jsonschema.ValidationError)) {
	if len(e.Causes) == 0 {
		visit(e)
	}
	for _, cause := range e.Causes {
		leaves(cause, visit)
	}
}

// explain says in our words what the validator found.
func (s *schema) explain(d *Document, e *jsonschema.ValidationError) []Finding {
	path := fieldpath.Of(d.Tree, e.InstanceLocation)
	switch k := e.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		var found []Finding
		for _, name := range k.Properties {
			found = append(found, s.unknown(d, path, name, e.SchemaURL))
		}
		return found
	case *kind.Required:
		var found []Finding
		for _, name := range k.Missing {
			found = append(found, d.AtKey(fieldpath.Child(path, name), "", "required, but missing"))
		}
		return found
	case *kind.Type:
		return []Finding{d.At(path, "", "must be %s, is %s%s", article(k.Want), article([]string{k.Got}), quoteIt(d, path, k))}
	case *kind.Enum:
		words := make([]string, len(k.Want))
		for i, w := range k.Want {
			words[i] = fmt.Sprint(w)
		}
		got := fmt.Sprint(k.Got)
		return []Finding{d.At(path, Nearest(got, words), "must be one of %s; is %q", strings.Join(words, ", "), got)}
	case *kind.Const:
		want := fmt.Sprint(k.Want)
		return []Finding{d.At(path, Nearest(fmt.Sprint(k.Got), []string{want}), "must be %q, is %q", want, fmt.Sprint(k.Got))}
	case *kind.Minimum:
		return []Finding{d.At(path, "", "must be at least %s, is %s", k.Want.RatString(), k.Got.RatString())}
	case *kind.Maximum:
		return []Finding{d.At(path, "", "must be at most %s, is %s", k.Want.RatString(), k.Got.RatString())}
	}
	return []Finding{d.At(path, "", "%s", e.ErrorKind.LocalizedString(textmessage.NewPrinter(language.English)))}
}

// quoteIt says how text is written that YAML reads as a number or a boolean.
func quoteIt(d *Document, path string, k *kind.Type) string {
	if !slices.Equal(k.Want, []string{"string"}) || !slices.Contains([]string{"number", "integer", "boolean"}, k.Got) {
		return ""
	}
	return "; put it in quotation marks"
}

func article(kinds []string) string {
	words := map[string]string{"object": "a map", "array": "a list", "string": "text", "number": "a number",
		"integer": "a whole number", "boolean": "true or false", "null": "empty"}
	out := make([]string, len(kinds))
	for i, k := range kinds {
		out[i] = words[k]
	}
	return strings.Join(out, " or ")
}

// unknown is the finding about a field that the schema does not have: with the nearest name
// beside it, or else with the place where a field of this name belongs.
func (s *schema) unknown(d *Document, path, name, schemaURL string) Finding {
	at := fieldpath.Child(path, name)
	_, fragment, _ := strings.Cut(schemaURL, "#")
	if near := Nearest(name, fields(lookup(s.source, fragment))); near != "" {
		return d.AtKey(at, near, "unknown field")
	}
	if spec, ok := s.source["properties"].(map[string]any)["spec"].(map[string]any); ok && path == "" {
		if ref, ok := spec["$ref"].(string); ok && slices.Contains(fields(lookup(s.source, strings.TrimPrefix(ref, "#"))), name) {
			return d.AtKey(at, "spec."+name, "unknown field")
		}
	}
	return d.AtKey(at, "", "unknown field; known: %s", strings.Join(fields(lookup(s.source, fragment)), ", "))
}

// lookup follows a JSON pointer.
func lookup(v any, pointer string) any {
	for _, step := range strings.Split(strings.Trim(pointer, "/"), "/") {
		if m, ok := v.(map[string]any); ok && step != "" {
			v = m[step]
		}
	}
	return v
}

// fields are the names in an object schema's properties, sorted.
func fields(v any) []string {
	object, _ := v.(map[string]any)
	properties, _ := object["properties"].(map[string]any)
	names := make([]string, 0, len(properties))
	for name := range properties {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// marshal gives the JSON of a tree.
func marshal(tree any) ([]byte, error) { return json.Marshal(tree) }
