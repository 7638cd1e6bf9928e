package entity

import (
	"bytes"
	"slices"
	"strings"

	"github.com/slipway-dev/slipway/internal/fieldpath"
	"github.com/slipway-dev/slipway/internal/spec"
)

// Source is a file that holds entities, with what was read besides it.
type Source struct {
	// Location names the file: a path below a repository's root, or a URL.
	Location string
	Data     []byte
	// Kinds are those that the file may define; nil lets it define all.
	Kinds []string
	// Included are the files that entities take in, by the text that names them there.
	Included map[string][]byte
	// Failed says why a file that an entity names could not be read, by the text that names it.
	Failed map[string]string
	// Absent are those of Failed that are not there, which a Location may allow.
	Absent map[string]bool
}

// Decode reads the entities in a file. Each comes with its own mistakes. The findings are about
// what cannot be an entity of the catalogue at all: text that is not YAML, documents that name
// nothing, entities that the source may not define.
func Decode(source Source) ([]Entity, []spec.Finding) {
	docs, found := spec.ParseAll(source.Location, source.Data)
	var rest []spec.Finding
	if len(docs) == 0 && len(found) > 0 {
		rest = found
		docs, found = spec.ParseAll(source.Location, before(source.Data, rest[len(rest)-1].Line))
	}
	if len(docs) == 0 {
		return nil, spec.Sorted(append(rest, found...))
	}
	shares := share(docs, found)
	var entities []Entity
	for i, doc := range docs {
		e, ok := decode(doc, source)
		e.Errors = spec.Sorted(append(e.Errors, shares[i]...))
		if ok {
			entities = append(entities, e)
		} else {
			rest = append(rest, e.Errors...)
		}
	}
	return entities, spec.Sorted(rest)
}

// before gives the documents that end before a line: those that a mistake in a later one leaves
// readable.
func before(data []byte, line int) []byte {
	end, at := 0, 0
	for n := 1; n <= line && at < len(data); n++ {
		if bytes.HasPrefix(data[at:], []byte("---")) {
			end = at
		}
		next := bytes.IndexByte(data[at:], '\n')
		if next < 0 {
			break
		}
		at += next + 1
	}
	return data[:end]
}

// share gives each document the findings that stand in it.
func share(docs []*spec.Document, found []spec.Finding) [][]spec.Finding {
	shares := make([][]spec.Finding, len(docs))
	for _, f := range found {
		of := 0
		for i, doc := range docs {
			if line, _ := doc.KeyAt(""); line <= f.Line {
				of = i
			}
		}
		shares[of] = append(shares[of], f)
	}
	return shares
}

// decode reads one document; ok is false for one that cannot be in the catalogue.
func decode(doc *spec.Document, source Source) (e Entity, ok bool) {
	c := &checker{doc: doc}
	defer func() { e.Errors = c.found }()
	tree, isMap := doc.Tree.(map[string]any)
	if !isMap {
		c.add("", "", "an entity must be a map with %s", strings.Join(rootFields[:4], ", "))
		return e, false
	}
	line, _ := doc.KeyAt("")
	e.Source = Place{source.Location, line}
	if !c.identity(&e, tree) {
		return e, false
	}
	if source.Kinds != nil && !slices.ContainsFunc(source.Kinds,
		func(k string) bool { return strings.EqualFold(k, e.Kind) }) {
		c.add("kind", "", "a %s cannot be defined here, only %s", e.Kind, strings.Join(source.Kinds, ", "))
		return e, false
	}
	c.include("", tree, source)
	c.envelope(&e, tree)
	c.body(&e, tree)
	if e.Kind == "Location" {
		c.unread(&e, source)
	}
	return e, true
}

// identity reads kind, namespace and name; ok is false without a usable one.
func (c *checker) identity(e *Entity, tree map[string]any) bool {
	e.APIVersion = c.text(tree, "", "apiVersion", true)
	e.Kind = c.text(tree, "", "kind", true)
	metadata := c.object(tree, "", "metadata", true)
	usable := e.Kind != "" && metadata != nil
	if e.Kind != "" && !isKind(e.Kind) {
		c.add("kind", "", "%q must be letters and digits that begin with a letter, at most 63", e.Kind)
		usable = false
	}
	if metadata == nil {
		return false
	}
	e.Metadata.Name = c.text(metadata, "metadata", "name", true)
	if e.Metadata.Name != "" && !isName(e.Metadata.Name) {
		c.add("metadata.name", "", "%q "+nameRule, e.Metadata.Name)
	}
	e.Metadata.Namespace = DefaultNamespace
	if namespace := c.text(metadata, "metadata", "namespace", false); namespace != "" {
		e.Metadata.Namespace = namespace
		if !isNamespace(namespace) {
			c.add("metadata.namespace", "", "%q "+namespaceRule, namespace)
			usable = false
		}
	}
	return usable && isName(e.Metadata.Name)
}

// Targets are the files and URLs that a Location leads to, as it names them.
func (e *Entity) Targets() []string {
	if e.Kind != "Location" {
		return nil
	}
	var out []string
	if target := e.text("target"); target != "" {
		out = append(out, target)
	}
	list, _ := e.Spec["targets"].([]any)
	for _, item := range list {
		if target, ok := item.(string); ok && target != "" && !slices.Contains(out, target) {
			out = append(out, target)
		}
	}
	return out
}

// unread notes the targets of a Location that could not be read.
func (c *checker) unread(e *Entity, source Source) {
	for _, target := range e.Targets() {
		reason, failed := source.Failed[target]
		if !failed || source.Absent[target] && e.text("presence") == "optional" {
			continue
		}
		c.add(targetPath(e, target), "", "%s cannot be read: %s", target, reason)
	}
}

func targetPath(e *Entity, target string) string {
	list, _ := e.Spec["targets"].([]any)
	for i, item := range list {
		if item == target {
			return fieldpath.Item("spec.targets", i)
		}
	}
	return "spec.target"
}
