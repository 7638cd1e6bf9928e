package entity

import (
	"cmp"
	"slices"
	"strings"

	"github.com/slipway-dev/slipway/internal/spec"
)

// Catalogue is a set of entities with the relations between them. It does not change, and is
// safe for concurrent use.
type Catalogue struct {
	entities []*Entity // by reference
	byRef    map[Ref]*Entity
	missing  map[Ref][]Relation // of entities that are referred to and not there
	found    []spec.Finding
}

// Build makes a catalogue of files. They come in order of precedence: where several define one
// entity, the first counts, and the others are findings. The same sources in the same order
// give the same catalogue.
func Build(sources []Source) *Catalogue {
	c := &Catalogue{byRef: map[Ref]*Entity{}, missing: map[Ref][]Relation{}}
	for _, s := range sources {
		entities, found := Decode(s)
		c.found = append(c.found, found...)
		for i := range entities {
			c.add(&entities[i])
		}
	}
	for _, e := range c.entities {
		c.relate(e)
	}
	for _, e := range c.entities {
		e.Relations = SortRelations(e.Relations)
		e.Errors = spec.Sorted(e.Errors)
	}
	slices.SortFunc(c.entities, func(a, b *Entity) int { return compareRefs(a.Ref(), b.Ref()) })
	c.found = spec.Sorted(c.found)
	return c
}

func (c *Catalogue) add(e *Entity) {
	first, twice := c.byRef[e.Ref()]
	if twice {
		c.found = append(c.found, Duplicate(e, first.Source))
		return
	}
	c.byRef[e.Ref()] = e
	c.entities = append(c.entities, e)
}

// relate gives both ends of each relation that e declares to the entities at them.
func (c *Catalogue) relate(e *Entity) {
	for _, r := range e.References {
		e.Relations = append(e.Relations, r.Relation)
		back := Relation{Inverse(r.Type), e.Ref()}
		if target, there := c.byRef[r.Target]; there {
			target.Relations = append(target.Relations, back)
			continue
		}
		e.Errors = append(e.Errors, e.Dangling(r))
		c.missing[r.Target] = append(c.missing[r.Target], back)
	}
}

func compareRefs(a, b Ref) int { return cmp.Compare(a.String(), b.String()) }

// Findings are the mistakes that belong to no entity of the catalogue, by file and line.
func (c *Catalogue) Findings() []spec.Finding { return c.found }

// Get gives an entity; ok is false where there is none of that reference.
func (c *Catalogue) Get(ref Ref) (e *Entity, ok bool) {
	e, ok = c.byRef[ref]
	return e, ok
}

// Filter selects entities. Each field that is set must match; a list matches by any of its
// elements, except for Tags and Labels, which an entity must all have.
type Filter struct {
	Kinds      []string // in any case
	Types      []string // in any case
	Lifecycles []string // in any case
	Namespaces []string
	Owners     []Ref
	Systems    []Ref
	Tags       []string
	Labels     map[string]string
	// Broken selects those with errors.
	Broken bool
}

// Match says whether f selects e.
func (f Filter) Match(e *Entity) bool {
	for key, value := range f.Labels {
		if v, has := e.Metadata.Labels[key]; !has || v != value {
			return false
		}
	}
	for _, tag := range f.Tags {
		if !slices.Contains(e.Metadata.Tags, tag) {
			return false
		}
	}
	return anyFold(f.Kinds, e.Kind) && anyFold(f.Types, e.Type()) && anyFold(f.Lifecycles, e.Lifecycle()) &&
		anyFold(f.Namespaces, e.Metadata.Namespace) && anyRef(f.Owners, e.Owner()) && anyRef(f.Systems, e.System()) &&
		(!f.Broken || len(e.Errors) > 0)
}

func anyFold(list []string, s string) bool {
	return len(list) == 0 || slices.ContainsFunc(list, func(l string) bool { return strings.EqualFold(l, s) })
}

func anyRef(list []Ref, r Ref) bool { return len(list) == 0 || slices.Contains(list, r) }

// List gives the entities that f selects, by reference.
func (c *Catalogue) List(f Filter) []*Entity {
	var out []*Entity
	for _, e := range c.entities {
		if f.Match(e) {
			out = append(out, e)
		}
	}
	return out
}
