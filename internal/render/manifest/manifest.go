// Package manifest reads Kubernetes objects out of YAML and JSON text, remembering for each
// where it stood, so that every later error can name the place. It knows no kinds and touches
// nothing outside the text it is given; every reader of manifests under internal/render uses it.
package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Object is a decoded manifest and where it came from.
type Object struct {
	*unstructured.Unstructured
	// Source is for people: "manifests/gateway.yaml:12", "chart web: templates/service.yaml".
	Source string
}

// NotKubernetesError says that a YAML document holds something else than a Kubernetes object.
type NotKubernetesError struct {
	Source string
	// Missing is the field that a Kubernetes object would have.
	Missing string
}

// Error names the place and the missing field.
func (e *NotKubernetesError) Error() string {
	return fmt.Sprintf("%s: not a Kubernetes object: it has no %s", e.Source, e.Missing)
}

// Document is one YAML document: a decoded tree and where it began.
type Document struct {
	Value  any
	Source string
}

// IsFile says whether a file of this name holds manifests.
func IsFile(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return false
}

// Decode reads all objects in data; name is the file's name for errors. A v1 List becomes its
// items. Documents that are empty or hold only comments are passed over.
func Decode(name string, data []byte) ([]Object, error) {
	docs, err := Documents(name, data, false)
	if err != nil {
		return nil, err
	}
	return FromDocuments(docs)
}

// Documents decodes the YAML documents in data without asking what they hold. With strict set,
// a key that stands twice in a map is an error.
func Documents(name string, data []byte, strict bool) ([]Document, error) {
	var out []Document
	for _, part := range split(data) {
		v, err := decode(part.text, strict)
		if err != nil {
			return nil, place(name, part.line, err)
		}
		if v == nil {
			continue
		}
		out = append(out, Document{Value: v, Source: fmt.Sprintf("%s:%d", name, part.first)})
	}
	return out, nil
}

// FromDocuments makes objects of decoded documents.
func FromDocuments(docs []Document) ([]Object, error) {
	var out []Object
	for _, d := range docs {
		objects, err := fromValue(d.Value, d.Source)
		if err != nil {
			return nil, err
		}
		out = append(out, objects...)
	}
	return out, nil
}

func fromValue(v any, source string) ([]Object, error) {
	m, ok := v.(map[string]any)
	if !ok {
		return nil, &NotKubernetesError{source, "apiVersion"}
	}
	u := &unstructured.Unstructured{Object: m}
	apiVersion, _ := m["apiVersion"].(string)
	kind, _ := m["kind"].(string)
	if apiVersion == "" {
		return nil, &NotKubernetesError{source, "apiVersion"}
	}
	if kind == "" {
		return nil, &NotKubernetesError{source, "kind"}
	}
	if strings.HasSuffix(kind, "List") {
		if items, isList := m["items"].([]any); isList {
			var out []Object
			for i, item := range items {
				objects, err := fromValue(item, fmt.Sprintf("%s (item %d)", source, i+1))
				if err != nil {
					return nil, err
				}
				out = append(out, objects...)
			}
			return out, nil
		}
	}
	name, found, err := unstructured.NestedString(m, "metadata", "name")
	if err != nil {
		return nil, fmt.Errorf("%s: metadata.name: %w", source, err)
	}
	if !found || name == "" {
		if generate, _, _ := unstructured.NestedString(m, "metadata", "generateName"); generate != "" {
			return nil, fmt.Errorf("%s: %s has generateName %q: what is delivered needs a fixed metadata.name", source, kind, generate)
		}
		return nil, &NotKubernetesError{source, "metadata.name"}
	}
	metadata, _ := m["metadata"].(map[string]any)
	if v, has := metadata["creationTimestamp"]; has && v == nil {
		delete(metadata, "creationTimestamp") // generators of manifests leave it behind
	}
	for _, field := range []string{"labels", "annotations"} {
		if v, has := metadata[field]; has && v == nil { // templates leave empty fields behind
			delete(metadata, field)
			continue
		}
		if _, _, err := unstructured.NestedStringMap(m, "metadata", field); err != nil {
			return nil, fmt.Errorf("%s: metadata.%s of %s %s must be a map of texts: %w", source, field, kind, name, err)
		}
	}
	return []Object{{Unstructured: u, Source: source}}, nil
}

// part is one document of a stream: line is the number of lines before text, first the line
// on which its content begins.
type part struct {
	text        []byte
	line, first int
}

// split cuts a stream at its document markers, which only count at the start of a line (YAML
// 1.2, section 9.1): content of block scalars is always indented.
func split(data []byte) []part {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	var parts []part
	var current part
	flush := func() {
		if n := leading(current.text); n >= 0 {
			current.first = current.line + n + 1
			parts = append(parts, current)
		}
	}
	for i, line := range lines(data) {
		switch {
		case isMarker(line, "---"):
			flush()
			// what follows the marker on its line belongs to the next document
			current = part{text: append([]byte("   "), line[3:]...), line: i}
		case isMarker(line, "..."):
			flush()
			current = part{text: []byte("\n"), line: i}
		default:
			current.text = append(current.text, line...)
		}
	}
	flush()
	return parts
}

func lines(data []byte) [][]byte { return bytes.SplitAfter(data, []byte("\n")) }

func isMarker(line []byte, marker string) bool {
	if !bytes.HasPrefix(line, []byte(marker)) {
		return false
	}
	return len(line) == 3 || strings.ContainsRune(" \t\r\n", rune(line[3]))
}

// leading counts the lines before the first content; -1 where there is only space and comment.
func leading(text []byte) int {
	for i, line := range lines(text) {
		trimmed := bytes.TrimSpace(line)
		if len(trimmed) > 0 && trimmed[0] != '#' && trimmed[0] != '%' {
			return i
		}
	}
	return -1
}

var yamlLine = regexp.MustCompile(`line (\d+)`)

// place gives a decoder's error the file's name and the line in the file.
func place(name string, before int, err error) error {
	text := strings.TrimPrefix(strings.TrimPrefix(err.Error(), "error converting YAML to JSON: "), "yaml: ")
	text = strings.TrimPrefix(text, "unmarshal errors:\n  ")
	if m := yamlLine.FindStringSubmatchIndex(text); m != nil {
		if n, convErr := strconv.Atoi(text[m[2]:m[3]]); convErr == nil {
			rest := strings.TrimPrefix(text[m[1]:], ": ")
			return fmt.Errorf("%s:%d: %w", name, before+n, errors.New(text[:m[0]]+rest))
		}
	}
	return fmt.Errorf("%s:%d: %w", name, before+1, errors.New(text))
}
