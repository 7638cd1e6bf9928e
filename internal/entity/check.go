package entity

import (
	"maps"
	"slices"
	"strings"

	"github.com/slipway-dev/slipway/internal/fieldpath"
	"github.com/slipway-dev/slipway/internal/spec"
)

// checker reads fields of one document and collects what is wrong with them.
type checker struct {
	doc   *spec.Document
	found []spec.Finding
}

func (c *checker) add(path, suggestion, message string, args ...any) {
	c.found = append(c.found, c.doc.At(path, suggestion, message, args...))
}

func (c *checker) addKey(path, suggestion, message string, args ...any) {
	c.found = append(c.found, c.doc.AtKey(path, suggestion, message, args...))
}

// text reads a field that is a text; required ones must not be empty.
func (c *checker) text(m map[string]any, below, key string, required bool) string {
	at := fieldpath.Child(below, key)
	v, there := m[key]
	if !there || v == nil {
		if required {
			c.addKey(at, "", "required, but missing")
		}
		return ""
	}
	s, ok := v.(string)
	switch {
	case !ok:
		c.wrongType(at, "text", v)
	case required && strings.TrimSpace(s) == "":
		c.add(at, "", "required, but empty")
	}
	return s
}

// texts reads a field that is a list of texts. Those that are none are empty in the result, so
// that the others keep their places.
func (c *checker) texts(m map[string]any, below, key string, required bool) []string {
	at := fieldpath.Child(below, key)
	v, there := m[key]
	if !there || v == nil && !required {
		if required {
			c.addKey(at, "", "required, but missing (it may be an empty list: [])")
		}
		return nil
	}
	list, ok := v.([]any)
	if !ok {
		c.wrongType(at, "a list", v)
		return nil
	}
	out := make([]string, len(list))
	for i, item := range list {
		s, ok := item.(string)
		switch {
		case !ok:
			c.wrongType(fieldpath.Item(at, i), "text", item)
		case s == "":
			c.add(fieldpath.Item(at, i), "", "must not be empty")
		}
		out[i] = s
	}
	return out
}

// object reads a field that is a map.
func (c *checker) object(m map[string]any, below, key string, required bool) map[string]any {
	at := fieldpath.Child(below, key)
	v, there := m[key]
	if !there || v == nil {
		if required {
			c.addKey(at, "", "required, but missing")
		}
		return nil
	}
	object, ok := v.(map[string]any)
	if !ok {
		c.wrongType(at, "a map", v)
	}
	return object
}

// textMap reads labels or annotations.
func (c *checker) textMap(m map[string]any, below, key string, check func(at, s string)) map[string]string {
	object := c.object(m, below, key, false)
	if object == nil {
		return nil
	}
	out := make(map[string]string, len(object))
	for _, name := range slices.Sorted(maps.Keys(object)) {
		at := fieldpath.Child(fieldpath.Child(below, key), name)
		if !isKey(name) {
			c.addKey(at, "", "%q "+keyRule, name)
		}
		s, ok := object[name].(string)
		if !ok {
			c.wrongType(at, "text", object[name])
			continue
		}
		check(at, s)
		out[name] = s
	}
	return out
}

func (c *checker) wrongType(at, want string, v any) {
	got, quote := "empty", ""
	switch v.(type) {
	case string:
		got = "text"
	case bool:
		got, quote = "true or false", "; put it in quotation marks"
	case int64, float64:
		got, quote = "a number", "; put it in quotation marks"
	case []any:
		got = "a list"
	case map[string]any:
		got = "a map"
	}
	if want != "text" {
		quote = ""
	}
	c.add(at, "", "must be %s, is %s%s", want, got, quote)
}

// envelope checks what every entity has, except for its identity.
func (c *checker) envelope(e *Entity, tree map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(tree)) {
		if !slices.Contains(rootFields, name) {
			c.addKey(name, spec.Nearest(name, rootFields), "unknown field; an entity has %s",
				strings.Join(rootFields[:4], ", "))
		}
	}
	m, _ := tree["metadata"].(map[string]any)
	e.Metadata.Title = c.text(m, "metadata", "title", false)
	e.Metadata.Description = c.text(m, "metadata", "description", false)
	e.Metadata.Labels = c.textMap(m, "metadata", "labels", func(at, s string) {
		if s != "" && !isName(s) {
			c.add(at, "", "%q: a label's value "+nameRule, s)
		}
	})
	e.Metadata.Annotations = c.textMap(m, "metadata", "annotations", func(string, string) {})
	for i, tag := range c.texts(m, "metadata", "tags", false) {
		if tag == "" {
			continue // said already
		}
		if !isTag(tag) {
			c.add(fieldpath.Item("metadata.tags", i), asTag(tag), "%q "+tagRule, tag)
		}
		e.Metadata.Tags = append(e.Metadata.Tags, tag)
	}
	c.links(e, m)
	for name, v := range m {
		if !slices.Contains(metadataFields, name) {
			if e.Metadata.Extra == nil {
				e.Metadata.Extra = map[string]any{}
			}
			e.Metadata.Extra[name] = v
		}
	}
}

// The fields of an entity; relations and status are the catalogue's to write, and are not read.
var rootFields = []string{"apiVersion", "kind", "metadata", "spec", "relations", "status"}

var metadataFields = []string{"name", "namespace", "title", "description", "labels", "annotations", "tags", "links"}

func (c *checker) links(e *Entity, m map[string]any) {
	v, there := m["links"]
	if !there || v == nil {
		return
	}
	list, ok := v.([]any)
	if !ok {
		c.wrongType("metadata.links", "a list", v)
		return
	}
	for i, item := range list {
		at := fieldpath.Item("metadata.links", i)
		object, ok := item.(map[string]any)
		if !ok {
			c.wrongType(at, "a map", item)
			continue
		}
		link := Link{URL: c.text(object, at, "url", true), Title: c.text(object, at, "title", false),
			Icon: c.text(object, at, "icon", false), Type: c.text(object, at, "type", false)}
		if link.URL != "" && !isURL(link.URL) {
			c.add(at+".url", "", "%q is not a URL", link.URL)
		}
		if link.Icon != "" && !isName(link.Icon) {
			c.add(at+".icon", "", "%q "+nameRule, link.Icon)
		}
		e.Metadata.Links = append(e.Metadata.Links, link)
	}
}

// body checks apiVersion and spec by the kind.
func (c *checker) body(e *Entity, tree map[string]any) {
	k := kindNamed(e.Kind)
	if k == nil {
		c.add("kind", spec.Nearest(e.Kind, Kinds), "there is no kind %q; the catalogue has %s", e.Kind,
			strings.Join(Kinds, ", "))
		e.Spec, _ = tree["spec"].(map[string]any)
		return
	}
	if k.name != e.Kind {
		c.add("kind", k.name, "%q must be written %s", e.Kind, k.name)
	}
	switch {
	case e.APIVersion == "":
	case !isAPIVersion(e.APIVersion):
		c.add("apiVersion", "", "%q is not a version: group/version", e.APIVersion)
	case !slices.Contains(k.versions, e.APIVersion):
		c.add("apiVersion", spec.Nearest(e.APIVersion, k.versions), "must be %s for a %s, is %q",
			strings.Join(k.versions, " or "), k.name, e.APIVersion)
	}
	e.Spec = c.object(tree, "", "spec", true)
	if e.Spec == nil {
		return
	}
	for _, f := range k.fields {
		c.field(e, f)
	}
	switch k.name {
	case "Location":
		c.location(e)
	case "Template":
		c.template(e)
	case "Group", "User":
		c.profile(e)
	}
}

func (c *checker) field(e *Entity, f field) {
	at := fieldpath.Child("spec", f.name)
	if f.list {
		for i, s := range c.texts(e.Spec, "spec", f.name, f.required) {
			c.reference(e, f, fieldpath.Item(at, i), s)
		}
		return
	}
	s := c.text(e.Spec, "spec", f.name, f.required)
	if _, there := e.Spec[f.name].(string); there && s == "" && !f.required {
		c.add(at, "", "must not be empty")
	}
	c.reference(e, f, at, s)
}

// reference notes a relation that a field declares.
func (c *checker) reference(e *Entity, f field, at, s string) {
	if f.relation == "" || s == "" {
		return
	}
	ref, err := ParseRef(s, f.to, e.Metadata.Namespace)
	if err != nil {
		c.add(at, "", "%s", err)
		return
	}
	if ref == e.Ref() {
		c.add(at, "", "the entity cannot be %s itself", words[f.relation])
		return
	}
	line, column := c.doc.ValueAt(at)
	e.References = append(e.References, Reference{Relation{f.relation, ref}, at, line, column})
}

// words are what relations are called in sentences.
var words = map[string]string{
	OwnedBy: "owned by", PartOf: "part of", ProvidesAPI: "provided by", ConsumesAPI: "consumed by",
	DependsOn:    "dependent on",
	DependencyOf: "a dependency of", ChildOf: "a child of", ParentOf: "the parent of", MemberOf: "a member of",
	HasMember: "a member of",
}

func (c *checker) location(e *Entity) {
	_, one := e.Spec["target"]
	_, several := e.Spec["targets"]
	if !one && !several {
		c.add("spec", "", "needs a target or targets")
	}
	if kind := e.text("type"); kind != "" && kind != "url" && kind != "file" {
		c.add("spec.type", spec.Nearest(kind, []string{"url", "file"}), "must be url or file, is %q", kind)
	}
	if presence := e.text("presence"); presence != "" && presence != "required" && presence != "optional" {
		c.add("spec.presence", spec.Nearest(presence, []string{"required", "optional"}),
			"must be required or optional, is %q", presence)
	}
}

// template checks the outline; the scaffolder reads templates in depth.
func (c *checker) template(e *Entity) {
	v, there := e.Spec["steps"]
	steps, ok := v.([]any)
	switch {
	case !there:
		c.addKey("spec.steps", "", "required, but missing")
	case !ok:
		c.wrongType("spec.steps", "a list", v)
	}
	for i, step := range steps {
		at := fieldpath.Item("spec.steps", i)
		object, ok := step.(map[string]any)
		if !ok {
			c.wrongType(at, "a map", step)
			continue
		}
		c.text(object, at, "action", true)
	}
	switch p := e.Spec["parameters"].(type) {
	case nil, map[string]any:
	case []any:
		for i, page := range p {
			if _, ok := page.(map[string]any); !ok {
				c.wrongType(fieldpath.Item("spec.parameters", i), "a map", page)
			}
		}
	default:
		c.wrongType("spec.parameters", "a map or a list of maps", p)
	}
}

func (c *checker) profile(e *Entity) {
	profile := c.object(e.Spec, "spec", "profile", false)
	for _, key := range []string{"displayName", "email", "picture"} {
		c.text(profile, "spec.profile", key, false)
	}
}
