package scaffold

import (
	"maps"
	"slices"

	"github.com/slipway-dev/slipway/internal/fieldpath"
	"github.com/slipway-dev/slipway/internal/spec"
)

// checkPages looks at the pages' schemas.
func (t *Template) checkPages() []Finding {
	var found []Finding
	for _, page := range t.Pages {
		compiled, wrong := compileSchema(page.Schema)
		for _, p := range wrong {
			found = append(found, t.at(fieldpath.Join(page.path, fieldpath.Of(page.tree, p.at)), p.suggestion, "%s", p.message))
		}
		if compiled != nil {
			for _, pattern := range compiled.patterns {
				found = append(found, t.warn(page.path, "",
					"the pattern %s has a part that is checked in the browser only", pattern))
			}
		}
		found = append(found, t.checkRequired(page)...)
	}
	return found
}

// checkRequired finds required parameters that a form could never ask for.
func (t *Template) checkRequired(page Page) []Finding {
	declared := map[string]bool{}
	collectProperties(page.tree, declared)
	var found []Finding
	required, _ := page.tree["required"].([]any)
	for i, item := range required {
		if name, ok := item.(string); ok && !declared[name] {
			found = append(found, t.warn(fieldpath.Item(page.path+".required", i), spec.Nearest(name, sortedKeys(declared)),
				"%q is required, but the page has no such property", name))
		}
	}
	return found
}

// parameters are the names that any of the pages declares.
func (t *Template) parameters() []string {
	declared := map[string]bool{}
	for _, page := range t.Pages {
		collectProperties(page.tree, declared)
	}
	return sortedKeys(declared)
}

// branches are the keywords of JSON Schema below which an object's properties may be declared too.
var branches = []string{"allOf", "anyOf", "oneOf", "if", "then", "else", "dependencies", "dependentSchemas"}

// collectProperties gathers the properties of an object's schema, those under conditions included.
func collectProperties(v any, declared map[string]bool) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			collectProperties(item, declared)
		}
	case map[string]any:
		properties, _ := v["properties"].(map[string]any)
		for name := range properties {
			declared[name] = true
		}
		for _, keyword := range branches {
			below := v[keyword]
			if m, ok := below.(map[string]any); ok && (keyword == "dependencies" || keyword == "dependentSchemas") {
				below = slices.Collect(maps.Values(m))
			}
			collectProperties(below, declared)
		}
	}
}

// Defaults gives values with the defaults of parameters that are missing. The given map stays as it is.
func (t *Template) Defaults(values map[string]any) map[string]any {
	out := maps.Clone(values)
	if out == nil {
		out = map[string]any{}
	}
	for _, page := range t.Pages {
		out = withDefaults(page.tree, out)
	}
	return out
}

func withDefaults(schema, values map[string]any) map[string]any {
	properties, _ := schema["properties"].(map[string]any)
	out := maps.Clone(values)
	for name, v := range properties {
		property, ok := v.(map[string]any)
		if !ok {
			continue
		}
		given, there := out[name]
		if !there {
			given, there = property["default"]
			if there {
				out[name] = given
			}
		}
		object, isObject := given.(map[string]any)
		if there && !isObject {
			continue
		}
		if object == nil {
			object = map[string]any{}
		}
		if filled := withDefaults(property, object); there || len(filled) > 0 {
			out[name] = filled
		}
	}
	return out
}

// Validate says what is wrong with the values that a person gave, by parameter: the error is of
// type [spec.Errors] and its paths are those of the parameters, "tfVars.region". Every page is asked about all
// values, as Backstage does.
func (t *Template) Validate(values map[string]any) error {
	var found []spec.Finding
	values = nonNil(values)
	for _, page := range t.Pages {
		compiled, wrong := compileSchema(page.Schema)
		if compiled != nil {
			wrong = compiled.check(values)
		}
		for _, p := range wrong {
			path := fieldpath.Of(values, p.at)
			if path == "" {
				path = "parameters"
			}
			found = append(found, spec.Finding{Path: path, Message: p.message, Suggestion: p.suggestion})
		}
	}
	return spec.AsError(found)
}

func (t *Template) at(path, suggestion, message string, args ...any) Finding {
	return Finding{Finding: t.doc.At(path, suggestion, message, args...)}
}

func (t *Template) warn(path, suggestion, message string, args ...any) Finding {
	return Finding{Finding: t.doc.At(path, suggestion, message, args...), Warning: true}
}
