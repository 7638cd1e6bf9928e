// Package backend answers the API's questions about the software catalogue from the index.
package backend

import (
	"context"
	"errors"
	"fmt"

	"github.com/slipway-dev/slipway/internal/entity"
	"github.com/slipway-dev/slipway/internal/server/api"
	"github.com/slipway-dev/slipway/internal/server/index"
	"github.com/slipway-dev/slipway/internal/spec"
)

// Catalog is the software catalogue as the API shows it.
type Catalog struct {
	Index *index.Index
	// Source gives the file of a location in the index; nil for what is in no repository.
	Source func(location string) *api.Source
}

var _ api.Catalog = Catalog{}

// Entities lists entities in the order of their references.
func (c Catalog) Entities(ctx context.Context, q api.EntityQuery, page api.Page) (api.List[api.EntitySummary], error) {
	owners, err := reference("owner", q.Owner, "group")
	if err != nil {
		return api.List[api.EntitySummary]{}, err
	}
	systems, err := reference("system", q.System, "system")
	if err != nil {
		return api.List[api.EntitySummary]{}, err
	}
	l, err := c.Index.Entities(ctx, index.EntityQuery{Text: q.Text, Filter: entity.Filter{
		Kinds: some(q.Kind), Types: some(q.Type), Namespaces: some(q.Namespace), Lifecycles: some(q.Lifecycle),
		Tags: some(q.Tag), Owners: owners, Systems: systems}}, index.Page(page))
	return convert(l, err, summary)
}

// Entity shows an entity.
func (c Catalog) Entity(ctx context.Context, ref api.EntityRef) (api.Entity, error) {
	e, missing, err := c.Index.Entity(ctx, entity.NewRef(ref.Kind, ref.Namespace, ref.Name))
	if err != nil {
		return api.Entity{}, Wrap(err)
	}
	absent := make(map[entity.Ref]bool, len(missing))
	for _, ref := range missing {
		absent[ref] = true
	}
	out := api.Entity{Ref: e.Ref().String(), APIVersion: e.APIVersion, Kind: e.Kind, Spec: e.Spec,
		Metadata: api.EntityMetadata{Name: e.Metadata.Name, Namespace: e.Metadata.Namespace, Title: e.Metadata.Title,
			Description: e.Metadata.Description, Labels: e.Metadata.Labels, Annotations: e.Metadata.Annotations,
			Tags: e.Metadata.Tags},
		Relations: []api.Relation{}}
	if c.Source != nil {
		out.Source = c.Source(e.Source.Location)
	}
	if out.Spec == nil {
		out.Spec = map[string]any{}
	}
	for _, l := range e.Metadata.Links {
		out.Metadata.Links = append(out.Metadata.Links, api.Link(l))
	}
	for _, r := range e.Relations {
		out.Relations = append(out.Relations, api.Relation{Type: r.Type, Target: r.Target.String(), Missing: absent[r.Target]})
	}
	out.Errors = EntityErrors(e.Errors)
	return out, nil
}

// EntityErrors are mistakes in an entity's definition as the API shows them.
func EntityErrors(found []spec.Finding) []api.EntityError {
	out := make([]api.EntityError, len(found))
	for i, f := range found {
		message := f.Message
		if f.Suggestion != "" {
			message += fmt.Sprintf("; did you mean %q?", f.Suggestion)
		}
		out[i] = api.EntityError{Message: message, Path: f.Path, Line: f.Line}
	}
	return out
}

// Search lists the best hits first.
func (c Catalog) Search(ctx context.Context, text string, page api.Page) (api.List[api.SearchHit], error) {
	l, err := c.Index.Search(ctx, text, index.Page(page))
	return convert(l, err, func(h index.Hit) api.SearchHit {
		return api.SearchHit{Entity: summary(h.Summary), Excerpt: h.Excerpt}
	})
}

// Graph gives what is at most depth relations away from root.
func (c Catalog) Graph(ctx context.Context, root api.EntityRef, depth int) (api.Graph, error) {
	ref := entity.NewRef(root.Kind, root.Namespace, root.Name)
	g, known, err := c.Index.Graph(ctx, ref, depth)
	if err != nil {
		return api.Graph{}, Wrap(err)
	}
	out := api.Graph{Root: ref.String(), Truncated: g.Truncated, Nodes: []api.EntitySummary{}, Edges: []api.GraphEdge{}}
	for _, n := range g.Nodes {
		s, there := known[n.Ref]
		if !there { // referred to, and not in the catalogue
			s = index.Summary{Ref: n.Ref, Kind: n.Kind, Namespace: n.Ref.Namespace, Name: n.Ref.Name, Errors: 1}
		}
		out.Nodes = append(out.Nodes, summary(s))
	}
	for _, e := range g.Edges {
		out.Edges = append(out.Edges, api.GraphEdge{From: e.From.String(), To: e.To.String(), Type: e.Type})
	}
	return out, nil
}

func summary(s index.Summary) api.EntitySummary {
	tags := s.Tags
	if tags == nil {
		tags = []string{}
	}
	return api.EntitySummary{Ref: s.Ref.String(), Kind: s.Kind, Namespace: s.Namespace, Name: s.Name, Title: s.Title,
		Description: s.Description, Type: s.Type, Lifecycle: s.Lifecycle, Owner: s.Owner, System: s.System, Tags: tags,
		Errors: s.Errors}
}

// reference reads a reference in a query; none where it is empty.
func reference(field, text, kind string) ([]entity.Ref, error) {
	if text == "" {
		return nil, nil
	}
	ref, err := entity.ParseRef(text, kind, entity.DefaultNamespace)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", field, err, api.ErrInvalid)
	}
	return []entity.Ref{ref}, nil
}

func some(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// convert makes the API's list of one of the index's.
func convert[A, B any](l index.List[A], err error, item func(A) B) (api.List[B], error) {
	if err != nil {
		return api.List[B]{}, Wrap(err)
	}
	out := api.List[B]{Items: make([]B, len(l.Items)), Next: l.Next}
	for i, a := range l.Items {
		out.Items[i] = item(a)
	}
	return out, nil
}

// absent is about something that is not there: the index says so in the words that the API would add.
type absent struct{ error }

func (a absent) Unwrap() []error { return []error{a.error, api.ErrNotFound} }

// Wrap says in the API's terms what kind of failure it is.
func Wrap(err error) error {
	switch {
	case errors.Is(err, index.ErrNotFound):
		return absent{err}
	case errors.Is(err, index.ErrCursor):
		return fmt.Errorf("%w: %w", err, api.ErrInvalid)
	}
	return err
}
