package catalog

import (
	"maps"
	"slices"

	"github.com/slipway-dev/slipway/internal/fieldpath"
	"github.com/slipway-dev/slipway/internal/spec"
)

// Finding is one mistake in a catalogue.
type Finding = spec.Finding

// Lint finds what no single file shows: references that lead nowhere, contracts that are not
// met, requirements in a circle, files that are missing. The findings are sorted by file and
// line. It reads the catalogue's files only.
func (c *Catalog) Lint() []Finding {
	l := &linter{catalog: c}
	for _, name := range slices.Sorted(maps.Keys(c.Capabilities)) {
		l.capability(name)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Tools)) {
		l.tool(c.Tools[name])
	}
	for _, name := range slices.Sorted(maps.Keys(c.Recipes)) {
		l.recipe(c.Recipes[name])
	}
	l.imagesOnce()
	l.circles()
	for _, name := range slices.Sorted(maps.Keys(c.Blueprints)) {
		l.blueprint(name)
	}
	return spec.Sorted(l.found)
}

type linter struct {
	catalog *Catalog
	found   []Finding
}

func (l *linter) add(doc *spec.Document, path, suggestion, message string, args ...any) {
	l.found = append(l.found, doc.At(path, suggestion, message, args...))
}

// known checks a reference to an entry of the catalogue.
func known[T any](l *linter, doc *spec.Document, path, what, name string, entries map[string]T) bool {
	if _, ok := entries[name]; ok {
		return true
	}
	l.add(doc, path, spec.Nearest(name, slices.Collect(maps.Keys(entries))), "unknown %s %q", what, name)
	return false
}

func (l *linter) capability(name string) {
	doc, standard := l.catalog.contracts[name], l.catalog.Capabilities[name].Spec.Default
	if standard == "" || !known(l, doc, "spec.default", "tool", standard, l.catalog.Tools) {
		return
	}
	if _, provides := l.catalog.Tools[standard].Spec.Provides[name]; !provides {
		l.add(doc, "spec.default", "", "the tool %s does not provide %s", standard, name)
	}
}

// circles finds default tools that require each other, so that no platform could have them.
func (l *linter) circles() {
	const begun, done = 1, 2
	state := map[string]int{}
	var path []string
	var visit func(tool string)
	visit = func(tool string) {
		state[tool] = begun
		path = append(path, tool)
		for i, r := range l.catalog.Tools[tool].Spec.Requires {
			capability := l.catalog.Capabilities[r.Capability]
			next := capability.Spec.Default
			_, exists := l.catalog.Tools[next]
			if !exists || next == tool || r.Optional && !capability.Spec.Standard {
				continue
			}
			switch state[next] {
			case begun:
				circle := append(slices.Clone(path[slices.Index(path, next):]), next)
				l.add(l.catalog.Tools[tool].doc, fieldpath.Item("spec.requires", i), "",
					"the default tools require each other in a circle: %s", arrows(circle))
			case 0:
				visit(next)
			}
		}
		path = path[:len(path)-1]
		state[tool] = done
	}
	for _, tool := range slices.Sorted(maps.Keys(l.catalog.Tools)) {
		if state[tool] == 0 {
			visit(tool)
		}
	}
}

func arrows(names []string) string {
	out := names[0]
	for _, name := range names[1:] {
		out += " → " + name
	}
	return out
}

// blueprint checks a blueprint as a platform, and its page.
func (l *linter) blueprint(name string) {
	b := l.catalog.Blueprints[name]
	doc, found := spec.Parse(b.File, b.Data)
	if doc == nil {
		l.found = append(l.found, found...)
		return
	}
	platform, _, err := spec.Decode(b.File, b.Data)
	if err != nil {
		l.found = append(l.found, asFindings(b.File, err)...)
		return
	}
	if b.Description == "" {
		l.add(doc, "", "", "README.md beside it is missing, or has no text")
	}
	for _, capability := range slices.Sorted(maps.Keys(platform.Spec.Capabilities)) {
		at := fieldpath.Child("spec.capabilities", capability)
		if tool := platform.Spec.Capabilities[capability].Tool; tool != "" && tool != spec.ToolNone {
			known(l, doc, at+".tool", "tool", tool, l.catalog.Tools)
		}
		known(l, doc, at, "capability", capability, l.catalog.Capabilities)
	}
}
