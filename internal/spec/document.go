package spec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/slipway-dev/slipway/internal/fieldpath"
)

// Bounds on one file, so that a few bytes of anchors cannot become gigabytes.
const (
	maxBytes = 1 << 20
	maxNodes = 100_000
	maxDepth = 100
	maxPath  = 120 // of a path in messages about the other bounds
)

// Document is a YAML file as a plain tree (map[string]any, []any, string, int64, float64,
// bool, nil) that remembers where each field stands.
type Document struct {
	File string
	Tree any

	places map[string]place
	nodes  int
	found  []Finding
}

// place is where a field's key and value stand.
type place struct{ key, value position }

type position struct{ line, column int }

// Parse reads a file of one YAML document. The findings say why it cannot be used.
func Parse(file string, data []byte) (*Document, []Finding) {
	documents, found := ParseAll(file, data)
	if len(documents) == 0 {
		if len(found) == 0 {
			found = []Finding{{File: file, Message: "the file is empty"}}
		}
		return nil, found
	}
	if len(documents) > 1 {
		f := documents[1].At("", "", "the file holds several documents; keep one a file")
		found = append(found, f)
	}
	return documents[0], found
}

// ParseAll reads the YAML documents of a file, such as a list of manifests; empty ones are left out.
func ParseAll(file string, data []byte) ([]*Document, []Finding) {
	if len(data) > maxBytes {
		return nil, []Finding{{File: file, Message: fmt.Sprintf("the file is larger than %d KiB", maxBytes>>10)}}
	}
	var documents []*Document
	var found []Finding
	for decoder := yaml.NewDecoder(bytes.NewReader(data)); ; {
		var root yaml.Node
		err := decoder.Decode(&root)
		if errors.Is(err, io.EOF) {
			return documents, found
		}
		if err != nil {
			return nil, append(found, syntax(file, data, err))
		}
		if len(root.Content) != 1 || root.Content[0].ShortTag() == "!!null" {
			continue
		}
		top := root.Content[0]
		d := &Document{File: file, places: map[string]place{}}
		d.places[""] = place{position{top.Line, top.Column}, position{top.Line, top.Column}}
		d.Tree = d.value("", top, 0, nil)
		documents, found = append(documents, d), append(found, d.found...)
	}
}

var (
	yamlLine   = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)
	tabIndents = regexp.MustCompile(`^ *\t`)
)

// syntax makes a finding of the YAML parser's error.
func syntax(file string, data []byte, err error) Finding {
	message := err.Error()
	f := Finding{File: file}
	if m := yamlLine.FindStringSubmatch(message); m != nil {
		f.Line, _ = strconv.Atoi(m[1])
		message = message[len(m[0]):]
	}
	f.Message = "not valid YAML: " + message
	if f.Line > 0 {
		f.Column = 1
	}
	for i, line := range strings.Split(string(data), "\n") {
		if tabIndents.MatchString(line) && (f.Line == 0 || i+1 >= f.Line-1) {
			f.Line, f.Column = i+1, strings.IndexByte(line, '\t')+1
			f.Message = "not valid YAML: a tab in the indentation; YAML wants spaces"
			break
		}
	}
	return f
}

// add notes a mistake at a node.
func (d *Document) add(node *yaml.Node, path, message string, args ...any) {
	if len(path) > maxPath {
		path = path[:maxPath] + "…"
	}
	d.found = append(d.found, Finding{File: d.File, Line: node.Line, Column: node.Column,
		Path: path, Message: fmt.Sprintf(message, args...)})
}

// value turns a node into a plain value. within are the aliased nodes being expanded.
func (d *Document) value(path string, node *yaml.Node, depth int, within []*yaml.Node) any {
	if d.nodes++; d.nodes > maxNodes {
		if d.nodes == maxNodes+1 {
			d.add(node, path, "the file expands to more than %d values", maxNodes)
		}
		return nil
	}
	if depth > maxDepth {
		d.add(node, path, "nested more than %d levels deep", maxDepth)
		return nil
	}
	switch node.Kind {
	case yaml.AliasNode:
		for _, n := range within {
			if n == node.Alias {
				d.add(node, path, "the anchor &%s holds itself", node.Value)
				return nil
			}
		}
		return d.value(path, node.Alias, depth+1, append(within[:len(within):len(within)], node.Alias))
	case yaml.MappingNode:
		return d.mapping(path, node, depth, within)
	case yaml.SequenceNode:
		out := make([]any, len(node.Content))
		for i, item := range node.Content {
			at := fieldpath.Item(path, i)
			d.places[at] = place{position{item.Line, item.Column}, position{item.Line, item.Column}}
			out[i] = d.value(at, item, depth+1, within)
		}
		return out
	}
	return d.scalar(path, node)
}

func (d *Document) mapping(path string, node *yaml.Node, depth int, within []*yaml.Node) any {
	out := make(map[string]any, len(node.Content)/2)
	lines := map[string]int{}
	var merges []*yaml.Node
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		if key.ShortTag() == "!!merge" {
			merges = append(merges, value)
			continue
		}
		if key.Kind != yaml.ScalarNode || key.ShortTag() == "!!null" {
			d.add(key, path, "a key must be a string")
			continue
		}
		at := fieldpath.Child(path, key.Value)
		if line, twice := lines[key.Value]; twice {
			d.add(node.Content[i], at, "is there already, on line %d", line)
			continue
		}
		lines[key.Value] = key.Line
		d.places[at] = place{position{key.Line, key.Column}, position{value.Line, value.Column}}
		out[key.Value] = d.value(at, value, depth+1, within)
	}
	for _, m := range merges {
		d.merge(path, out, m, depth, within)
	}
	return out
}

// merge adds what "<<" refers to; keys that are there already win.
func (d *Document) merge(path string, out map[string]any, node *yaml.Node, depth int, within []*yaml.Node) {
	places := d.places
	d.places = map[string]place{}
	merged := d.value(path, node, depth+1, within)
	found := d.places
	d.places = places
	maps, ok := merged.([]any)
	if !ok {
		maps = []any{merged}
	}
	for _, m := range maps {
		m, ok := m.(map[string]any)
		if !ok {
			d.add(node, path, `"<<" must refer to a map or to a list of maps`)
			continue
		}
		for key, value := range m {
			if _, there := out[key]; !there {
				out[key] = value
			}
		}
	}
	for at, p := range found {
		if _, there := d.places[at]; !there {
			d.places[at] = p
		}
	}
}

func (d *Document) scalar(path string, node *yaml.Node) any {
	switch tag := node.ShortTag(); tag {
	case "!!str", "!!timestamp":
		return node.Value
	case "!!null":
		return nil
	case "!!bool", "!!int", "!!float":
		var v any
		if err := node.Decode(&v); err != nil {
			d.add(node, path, "cannot read %q as %s", node.Value, strings.TrimPrefix(tag, "!!"))
			return nil
		}
		switch n := v.(type) {
		case int:
			return int64(n)
		case uint64:
			d.add(node, path, "the number %s is too large", node.Value)
			return nil
		case float64:
			if n != n || n > 1.7e308 || n < -1.7e308 {
				d.add(node, path, "%s is not a number that can be used here", node.Value)
				return nil
			}
		}
		return v
	default:
		d.add(node, path, "the tag %s is not supported", node.Tag)
		return nil
	}
}

// KeyAt is where a field's key stands, or the nearest field above it.
func (d *Document) KeyAt(path string) (line, column int) {
	p := d.nearest(path).key
	return p.line, p.column
}

// ValueAt is where a field's value stands, or the nearest field above it.
func (d *Document) ValueAt(path string) (line, column int) {
	p := d.nearest(path).value
	if _, exact := d.places[path]; !exact {
		p = d.nearest(path).key
	}
	return p.line, p.column
}

func (d *Document) nearest(path string) place {
	for {
		if p, ok := d.places[path]; ok || path == "" {
			return p
		}
		path = fieldpath.Parent(path)
	}
}

// At makes a finding about a field's value.
func (d *Document) At(path, suggestion, message string, args ...any) Finding {
	line, column := d.ValueAt(path)
	return Finding{File: d.File, Line: line, Column: column, Path: path,
		Message: fmt.Sprintf(message, args...), Suggestion: suggestion}
}

// AtKey makes a finding about a field's name.
func (d *Document) AtKey(path, suggestion, message string, args ...any) Finding {
	line, column := d.KeyAt(path)
	return Finding{File: d.File, Line: line, Column: column, Path: path,
		Message: fmt.Sprintf(message, args...), Suggestion: suggestion}
}
