package scaffold

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/slipway-dev/slipway/internal/fieldpath"
	"github.com/slipway-dev/slipway/internal/spec"
)

const (
	// APIVersion and Kind are those of a template's file.
	APIVersion = "scaffolder.backstage.io/v1beta3"
	Kind       = "Template"

	maxSteps = 200
)

// Template is a template as it was read: https://backstage.io/docs/features/software-templates/writing-templates.
type Template struct {
	// Name and Namespace are the entity's; the namespace is "default" where none is given.
	Name, Namespace    string
	Title, Description string
	Tags               []string
	// Type is what the template makes, "service" for example; Owner is an entity reference.
	Type, Owner string
	Pages       []Page
	Steps       []Step
	// Output is spec.output, with its expressions.
	Output map[string]any
	// Digest is the SHA-256 of the template's file, in hexadecimal.
	Digest string
	// Origin is where the template came from, for files that it names.
	Origin Origin

	doc    *spec.Document
	source lines
}

// Origin is the place of a template.
type Origin struct {
	// Files is the tree that the template stands in, its repository for example, and Dir its folder there.
	Files fs.FS
	Dir   string
}

// Ref is the template's entity reference, "template:default/go-service".
func (t *Template) Ref() string { return "template:" + t.Namespace + "/" + t.Name }

// Page is one page of the form that asks for a template's parameters.
type Page struct {
	Title       string `json:"title,omitempty"`
	Description string `json:"description,omitempty"`
	// Schema is the page as it stands in the template: a JSON Schema with "ui:" hints, its
	// properties in their order.
	Schema json.RawMessage `json:"schema"`

	path string
	tree map[string]any
}

// Step is one step of a template.
type Step struct {
	// ID is "step-1" and so on where the template gives none; Name is the action's then.
	ID, Name, Action string
	Input            map[string]any
	// If is nil, a boolean or an expression; Each is nil, a list, an object or an expression.
	If, Each any

	path string
}

// Load reads the template at a path of a tree. The error is of type [spec.Errors] where the file is wrong.
func Load(files fs.FS, name string) (*Template, error) {
	data, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, err
	}
	t, found := Decode(name, data)
	if err := AsError(found); err != nil {
		return nil, err
	}
	t.Origin = Origin{Files: files, Dir: path.Dir(name)}
	return t, nil
}

// Decode reads a template's file: the one document in it whose kind is Template. It looks at the
// file's shape alone; [Registry.Check] looks at the rest. The template is nil where there is none.
func Decode(file string, data []byte) (*Template, []Finding) {
	documents, found := spec.ParseAll(file, data)
	var d *spec.Document
	number := 0
	for i, candidate := range documents {
		if tree, ok := candidate.Tree.(map[string]any); ok && tree["kind"] == Kind {
			if d != nil {
				return nil, mistakes(append(found, candidate.At("", "", "the file holds several templates; keep one a file")))
			}
			d, number = candidate, i
		}
	}
	if d == nil {
		if len(found) == 0 {
			found = append(found, spec.Finding{File: file, Message: "the file holds no document of kind " + Kind})
		}
		return nil, mistakes(found)
	}
	sum := sha256.Sum256(data)
	r := &reader{doc: d, found: found}
	t := &Template{Digest: hex.EncodeToString(sum[:]), doc: d, source: linesOf(data)}
	r.template(t)
	if len(r.found) == 0 { // what cannot be read has no order either
		if err := orderPages(t, data, number); err != nil {
			r.found = append(r.found, d.At("spec.parameters", "", "%s", err))
		}
	}
	return t, mistakes(r.found)
}

func mistakes(found []spec.Finding) []Finding {
	out := make([]Finding, len(found))
	for i, f := range found {
		out[i] = Finding{Finding: f}
	}
	return sorted(out)
}

// reader takes fields out of a document and notes what is wrong with them.
type reader struct {
	doc   *spec.Document
	found []spec.Finding
}

func (r *reader) add(path, suggestion, message string, args ...any) {
	r.found = append(r.found, r.doc.At(path, suggestion, message, args...))
}

// text is a field that must be a string, if it is there.
func (r *reader) text(tree map[string]any, path, key string) string {
	v, there := tree[key]
	if !there || v == nil {
		return ""
	}
	s, ok := v.(string)
	if !ok {
		r.add(fieldpath.Child(path, key), "", "must be a string, is %s", kindOf(v))
	}
	return s
}

func (r *reader) object(tree map[string]any, path, key string) map[string]any {
	v, there := tree[key]
	if !there || v == nil {
		return nil
	}
	m, ok := v.(map[string]any)
	if !ok {
		r.add(fieldpath.Child(path, key), "", "must be an object, is %s", kindOf(v))
	}
	return m
}

// kindOf names a value's type in messages.
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case string:
		return "a string"
	case int64, float64:
		return "a number"
	case []any:
		return "a list"
	}
	return "an object"
}

// entityName is what Backstage allows as an entity's name (catalog-model,
// KubernetesValidatorFunctions.isValidObjectName).
var entityName = regexp.MustCompile(`^([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]$`)

func (r *reader) template(t *Template) {
	tree := r.doc.Tree.(map[string]any)
	if v := r.text(tree, "", "apiVersion"); v != APIVersion {
		r.add("apiVersion", APIVersion, "must be %q, is %q", APIVersion, v)
	}
	metadata := r.object(tree, "", "metadata")
	t.Name = r.text(metadata, "metadata", "name")
	if !entityName.MatchString(t.Name) {
		r.add("metadata.name", "", "%q must be 1 to 63 letters, digits, hyphens, underscores and dots, "+
			"with a letter or digit at either end", t.Name)
	}
	if t.Namespace = r.text(metadata, "metadata", "namespace"); t.Namespace == "" {
		t.Namespace = "default"
	}
	t.Title, t.Description = r.text(metadata, "metadata", "title"), r.text(metadata, "metadata", "description")
	if t.Title == "" {
		t.Title = t.Name
	}
	tags, _ := metadata["tags"].([]any)
	for _, tag := range tags {
		t.Tags = append(t.Tags, fmt.Sprint(tag))
	}
	s := r.object(tree, "", "spec")
	t.Type, t.Owner = r.text(s, "spec", "type"), r.text(s, "spec", "owner")
	if t.Type == "" {
		r.add("spec.type", "", `required, but missing: what the template makes, "service" for example`)
	}
	t.Output = r.object(s, "spec", "output")
	r.pages(t, s["parameters"])
	r.steps(t, s["steps"])
}

// pages reads spec.parameters: one page, or a list of them.
func (r *reader) pages(t *Template, v any) {
	add := func(path string, v any) {
		tree, ok := v.(map[string]any)
		if !ok {
			r.add(path, "", "must be an object, a JSON Schema, is %s", kindOf(v))
			return
		}
		t.Pages = append(t.Pages, Page{Title: r.text(tree, path, "title"), Description: r.text(tree, path, "description"),
			path: path, tree: tree})
	}
	switch v := v.(type) {
	case nil:
	case []any:
		for i, page := range v {
			add(fieldpath.Item("spec.parameters", i), page)
		}
	default:
		add("spec.parameters", v)
	}
}

func (r *reader) steps(t *Template, v any) {
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		r.add("spec.steps", "", "required: a list of one step or more")
		return
	}
	if len(list) > maxSteps {
		r.add("spec.steps", "", "has %d steps; at most %d are allowed", len(list), maxSteps)
		return
	}
	for i, item := range list {
		path := fieldpath.Item("spec.steps", i)
		tree, ok := item.(map[string]any)
		if !ok {
			r.add(path, "", "must be an object, is %s", kindOf(item))
			continue
		}
		t.Steps = append(t.Steps, r.step(tree, path, i))
	}
}

func (r *reader) step(tree map[string]any, path string, i int) Step {
	s := Step{ID: r.text(tree, path, "id"), Name: r.text(tree, path, "name"), Action: r.text(tree, path, "action"),
		Input: r.object(tree, path, "input"), If: tree["if"], Each: tree["each"], path: path}
	if s.ID == "" {
		s.ID = fmt.Sprintf("step-%d", i+1)
	}
	if s.Action == "" {
		r.add(path, "", "has no action")
	}
	if s.Name == "" {
		s.Name = s.Action
	}
	switch s.If.(type) {
	case nil, bool, string:
	default:
		r.add(path+".if", "", "must be a boolean or an expression, is %s", kindOf(s.If))
	}
	switch s.Each.(type) {
	case nil, string, []any, map[string]any:
	default:
		r.add(path+".each", "", "must be a list, an object or an expression, is %s", kindOf(s.Each))
	}
	return s
}

// orderPages writes the pages' schemas with their properties in the file's order, which forms
// follow. The document's tree has forgotten it, so the file is read once more.
func orderPages(t *Template, data []byte, number int) error {
	node, err := documentNode(data, number)
	if err != nil {
		return err
	}
	parameters := child(child(node, "spec"), "parameters")
	for i := range t.Pages {
		page := parameters
		if page != nil && page.Kind == yaml.SequenceNode {
			page = page.Content[i]
		}
		var b bytes.Buffer
		if err := writeOrdered(&b, page, t.Pages[i].tree); err != nil {
			return err
		}
		t.Pages[i].Schema = b.Bytes()
	}
	return nil
}

// documentNode is the root of a file's document; those that are empty do not count.
func documentNode(data []byte, number int) (*yaml.Node, error) {
	for decoder := yaml.NewDecoder(bytes.NewReader(data)); ; {
		var root yaml.Node
		if err := decoder.Decode(&root); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		if len(root.Content) != 1 || root.Content[0].ShortTag() == "!!null" {
			continue
		}
		if number == 0 {
			return root.Content[0], nil
		}
		number--
	}
}

func resolved(node *yaml.Node) *yaml.Node {
	for node != nil && node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	return node
}

// child is the value of a mapping's key; nil where there is none.
func child(node *yaml.Node, key string) *yaml.Node {
	node = resolved(node)
	if node == nil || node.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if k := resolved(node.Content[i]); k.Value == key && k.ShortTag() != "!!merge" {
			return resolved(node.Content[i+1])
		}
	}
	return nil
}

// writeOrdered writes a value as JSON, its keys in the order of the node that it was read from;
// keys that the node does not show, merged ones, come behind.
func writeOrdered(b *bytes.Buffer, node *yaml.Node, v any) error {
	node = resolved(node)
	switch v := v.(type) {
	case map[string]any:
		b.WriteByte('{')
		for i, key := range orderedKeys(node, v) {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := writeScalar(b, key); err != nil {
				return err
			}
			b.WriteByte(':')
			if err := writeOrdered(b, child(node, key), v[key]); err != nil {
				return err
			}
		}
		b.WriteByte('}')
		return nil
	case []any:
		b.WriteByte('[')
		for i, item := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			var at *yaml.Node
			if node != nil && node.Kind == yaml.SequenceNode && i < len(node.Content) {
				at = node.Content[i]
			}
			if err := writeOrdered(b, at, item); err != nil {
				return err
			}
		}
		b.WriteByte(']')
		return nil
	}
	return writeScalar(b, v)
}

func orderedKeys(node *yaml.Node, v map[string]any) []string {
	var keys []string
	seen := map[string]bool{}
	if node != nil && node.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(node.Content); i += 2 {
			key := resolved(node.Content[i]).Value
			if _, there := v[key]; there && !seen[key] {
				keys, seen[key] = append(keys, key), true
			}
		}
	}
	for _, key := range sortedKeys(v) {
		if !seen[key] {
			keys = append(keys, key)
		}
	}
	return keys
}

func writeScalar(b *bytes.Buffer, v any) error {
	text, err := json.Marshal(v)
	b.Write(text)
	return err
}

// locate is where in the template's file a place of a string value stands: the value's line and
// column, and those inside it, both counted from 1. Where YAML has folded lines together, the
// expression itself is looked for.
func (t *Template) locate(path, value string, line, column int) (int, int) {
	startLine, startColumn := t.doc.ValueAt(path)
	inner := strings.Split(value, "\n")
	if line > len(inner) {
		return startLine, startColumn
	}
	text := inner[line-1]
	wanted := strings.TrimSpace(text)
	skipped := utf8.RuneCountInString(text) - utf8.RuneCountInString(strings.TrimLeft(text, " \t"))
	if l, c, ok := t.find(wanted, startLine+line-1, startLine, startColumn); ok {
		return l, c + column - 1 - skipped
	}
	at := byteOf(text, column)
	if begin := strings.LastIndex(text[:at], VariableStart); begin >= 0 {
		expression, _, _ := strings.Cut(text[begin:], "}}")
		if l, c, ok := t.find(expression, startLine, startLine, startColumn); ok {
			return l, c + utf8.RuneCountInString(text[begin:at])
		}
	}
	return startLine, startColumn
}

// find looks for a text in the lines of the file from a line on; on the value's first line, from its column on.
func (t *Template) find(text string, from, startLine, startColumn int) (line, column int, found bool) {
	for i := max(from-1, 0); i < min(len(t.source), from+maxSearched); i++ {
		skip := 0
		if i == startLine-1 {
			skip = byteOf(t.source[i], startColumn)
		}
		if at := strings.Index(t.source[i][skip:], text); at >= 0 {
			return i + 1, 1 + utf8.RuneCountInString(t.source[i][:skip+at]), true
		}
	}
	return 0, 0, false
}

// maxSearched bounds how far from where a value begins a part of it is looked for, in lines.
const maxSearched = 500

// byteOf is the byte at which a line's column begins.
func byteOf(line string, column int) int {
	n := 1
	for i := range line {
		if n == column {
			return i
		}
		n++
	}
	return len(line)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
