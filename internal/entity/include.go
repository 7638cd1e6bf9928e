package entity

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/slipway-dev/slipway/internal/fieldpath"
	"github.com/slipway-dev/slipway/internal/spec"
)

// placeholders are the maps of one key by which an entity takes in another file (descriptor
// format, "Substitutions In The Descriptor Format"). Other keys with a dollar are left alone:
// JSON Schema has its own.
var placeholders = []string{"$text", "$json", "$yaml"}

// placeholder gives the key and the target of a map that stands for a file.
func placeholder(m map[string]any) (key string, target any, ok bool) {
	if len(m) != 1 {
		return "", nil, false
	}
	for key, target = range m {
	}
	return key, target, slices.Contains(placeholders, key)
}

// include replaces placeholders below v by what they stand for. A file that is missing, or
// cannot be read as what it should be, leaves the empty text and a finding.
func (c *checker) include(path string, v any, source Source) any {
	switch v := v.(type) {
	case map[string]any:
		if key, target, ok := placeholder(v); ok {
			return c.included(fieldpath.Child(path, key), key, target, source)
		}
		for name, value := range v {
			v[name] = c.include(fieldpath.Child(path, name), value, source)
		}
	case []any:
		for i, value := range v {
			v[i] = c.include(fieldpath.Item(path, i), value, source)
		}
	}
	return v
}

func (c *checker) included(at, key string, target any, source Source) any {
	name, ok := target.(string)
	if !ok {
		c.wrongType(at, "text", target)
		return ""
	}
	data, ok := source.Included[name]
	if !ok {
		reason := source.Failed[name]
		if reason == "" {
			reason = "it was not read"
		}
		c.add(at, "", "%s cannot be read: %s", name, reason)
		return ""
	}
	switch key {
	case "$json":
		var out any
		if err := json.Unmarshal(data, &out); err != nil {
			c.add(at, "", "%s is not JSON: %s", name, err)
			return ""
		}
		return out
	case "$yaml":
		doc, found := spec.Parse(name, data)
		if len(found) > 0 {
			c.add(at, "", "%s", found[0])
			return ""
		}
		return doc.Tree
	}
	return string(data)
}

// targets are the texts below v by which files are taken in, sorted.
func targets(v any) []string {
	found := map[string]bool{}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if _, target, ok := placeholder(v); ok {
				if name, ok := target.(string); ok && strings.TrimSpace(name) != "" {
					found[name] = true
				}
				return
			}
			for _, value := range v {
				walk(value)
			}
		case []any:
			for _, value := range v {
				walk(value)
			}
		}
	}
	walk(v)
	return slices.Sorted(maps.Keys(found))
}
