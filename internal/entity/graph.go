package entity

import (
	"cmp"
	"slices"
)

// Graph is a neighbourhood: entities and the relations between them.
type Graph struct {
	Nodes []Node `json:"nodes"`
	Edges []Edge `json:"edges"`
	// Truncated says that there are more entities within the depth than were asked for.
	Truncated bool `json:"truncated,omitempty"`
}

// Node is an entity in a graph. One that is Missing is referred to and not in the catalogue.
type Node struct {
	Ref     Ref    `json:"ref"`
	Kind    string `json:"kind"`
	Title   string `json:"title"`
	Depth   int    `json:"depth"`
	Missing bool   `json:"missing,omitempty"`
	Broken  bool   `json:"broken,omitempty"`
}

// Edge is a relation, once and by its forward type ([IsForward]).
type Edge struct {
	From Ref    `json:"from"`
	To   Ref    `json:"to"`
	Type string `json:"type"`
}

// MaxGraph is the most nodes that a graph has.
const MaxGraph = 500

// Walk finds the neighbourhood of start. neighbours gives the relations of several entities in
// one call, node what is to be shown of one. Types, where there are any, are the only relations
// that count; each stands for its inverse as well.
func Walk(start Ref, depth int, types []string, neighbours func([]Ref) (map[Ref][]Relation, error),
	node func([]Ref) (map[Ref]Node, error)) (Graph, error) {
	g := Graph{Edges: []Edge{}}
	depths := map[Ref]int{start: 0}
	edges := map[Edge]bool{}
	level := []Ref{start}
	for d := 0; d < depth && len(level) > 0; d++ {
		relations, err := neighbours(level)
		if err != nil {
			return Graph{}, err
		}
		var next []Ref
		for _, from := range level {
			for _, r := range relations[from] {
				if !counts(types, r.Type) {
					continue
				}
				if _, seen := depths[r.Target]; !seen {
					if len(depths) >= MaxGraph {
						g.Truncated = true
						continue
					}
					depths[r.Target] = d + 1
					next = append(next, r.Target)
				}
				a, relation, b := Forward(from, r.Type, r.Target)
				edges[Edge{a, b, relation}] = true
			}
		}
		slices.SortFunc(next, compareRefs)
		level = next
	}
	return finish(g, depths, edges, node)
}

func counts(types []string, relation string) bool {
	return len(types) == 0 || slices.Contains(types, relation) || slices.Contains(types, Inverse(relation))
}

// finish fills in the nodes and puts everything in its order: nodes by depth and reference.
func finish(g Graph, depths map[Ref]int, edges map[Edge]bool, node func([]Ref) (map[Ref]Node, error)) (Graph, error) {
	refs, texts := make([]Ref, 0, len(depths)), make(map[Ref]string, len(depths))
	for ref := range depths {
		refs = append(refs, ref)
		texts[ref] = ref.String()
	}
	slices.SortFunc(refs, func(a, b Ref) int {
		return cmp.Or(cmp.Compare(depths[a], depths[b]), cmp.Compare(texts[a], texts[b]))
	})
	known, err := node(refs)
	if err != nil {
		return Graph{}, err
	}
	for _, ref := range refs {
		n, ok := known[ref]
		if !ok {
			n = Node{Ref: ref, Kind: ref.Kind, Title: ref.Name, Missing: true}
			if k := kindNamed(ref.Kind); k != nil {
				n.Kind = k.name
			}
		}
		n.Depth = depths[ref]
		g.Nodes = append(g.Nodes, n)
	}
	type named struct {
		from, to string
		edge     Edge
	}
	sorted := make([]named, 0, len(edges))
	for e := range edges {
		sorted = append(sorted, named{texts[e.From], texts[e.To], e})
	}
	slices.SortFunc(sorted, func(a, b named) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.edge.Type, b.edge.Type), cmp.Compare(a.to, b.to))
	})
	for _, e := range sorted {
		g.Edges = append(g.Edges, e.edge)
	}
	return g, nil
}

// Graph gives the entities within depth relations of start, and the relations that lead to
// them; ok is false where start is not in the catalogue.
func (c *Catalogue) Graph(start Ref, depth int, types ...string) (g Graph, ok bool) {
	if _, ok := c.byRef[start]; !ok {
		return Graph{}, false
	}
	// reading from memory gives no errors
	g, _ = Walk(start, depth, types, func(refs []Ref) (map[Ref][]Relation, error) {
		out := map[Ref][]Relation{}
		for _, ref := range refs {
			if e := c.byRef[ref]; e != nil {
				out[ref] = e.Relations
			} else {
				out[ref] = c.missing[ref]
			}
		}
		return out, nil
	}, func(refs []Ref) (map[Ref]Node, error) {
		out := map[Ref]Node{}
		for _, ref := range refs {
			if e := c.byRef[ref]; e != nil {
				out[ref] = Node{Ref: ref, Kind: e.Kind, Title: e.DisplayName(), Broken: len(e.Errors) > 0}
			}
		}
		return out, nil
	})
	return g, true
}
