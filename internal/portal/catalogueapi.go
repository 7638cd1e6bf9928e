package portal

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/entity"
	"github.com/slipway-dev/slipway/internal/server/api"
	"github.com/slipway-dev/slipway/internal/server/index"
	"github.com/slipway-dev/slipway/internal/spec"
)

// asked turns an error of the index into one that the API knows.
func asked(err error) error {
	switch {
	case errors.Is(err, index.ErrNotFound):
		return fmt.Errorf("%w: %w", err, api.ErrNotFound)
	case errors.Is(err, index.ErrCursor):
		return fmt.Errorf("%w: %w", err, api.ErrInvalid)
	}
	return err
}

func paged(p api.Page) index.Page { return index.Page{Limit: p.Limit, After: p.After} }

func listOf[A, B any](l index.List[A], convert func(A) B) api.List[B] {
	out := api.List[B]{Items: make([]B, len(l.Items)), Next: l.Next}
	for i, item := range l.Items {
		out.Items[i] = convert(item)
	}
	return out
}

func summary(s index.Summary) api.EntitySummary {
	return api.EntitySummary{Ref: s.Ref.String(), Kind: s.Kind, Namespace: s.Namespace, Name: s.Name, Title: s.Title,
		Description: s.Description, Type: s.Type, Lifecycle: s.Lifecycle, Owner: s.Owner, System: s.System,
		Tags: append([]string{}, s.Tags...), Errors: s.Errors}
}

// Entities lists entities.
func (c *catalogue) Entities(ctx context.Context, q api.EntityQuery, page api.Page) (api.List[api.EntitySummary], error) {
	one := func(s string) []string {
		if s == "" {
			return nil
		}
		return []string{s}
	}
	filter := entity.Filter{Kinds: one(q.Kind), Types: one(q.Type), Namespaces: one(q.Namespace),
		Lifecycles: one(q.Lifecycle), Tags: one(q.Tag)}
	for _, r := range []struct {
		text, kind string
		to         *[]entity.Ref
	}{{q.Owner, "group", &filter.Owners}, {q.System, "system", &filter.Systems}} {
		if r.text == "" {
			continue
		}
		ref, err := entity.ParseRef(r.text, r.kind, "")
		if err != nil {
			return api.List[api.EntitySummary]{}, fmt.Errorf("%w: %w", err, api.ErrInvalid)
		}
		*r.to = []entity.Ref{ref}
	}
	l, err := c.portal.index.Entities(ctx, index.EntityQuery{Filter: filter, Text: q.Text}, paged(page))
	return listOf(l, summary), asked(err)
}

// Entity shows an entity.
func (c *catalogue) Entity(ctx context.Context, ref api.EntityRef) (api.Entity, error) {
	e, missing, err := c.portal.index.Entity(ctx, entity.NewRef(ref.Kind, ref.Namespace, ref.Name))
	if err != nil {
		return api.Entity{}, asked(err)
	}
	m := e.Metadata
	out := api.Entity{Ref: e.Ref().String(), APIVersion: e.APIVersion, Kind: e.Kind, Spec: e.Spec,
		Metadata: api.EntityMetadata{Name: m.Name, Namespace: m.Namespace, Title: m.Title, Description: m.Description,
			Labels: m.Labels, Annotations: m.Annotations, Tags: m.Tags},
		Relations: []api.Relation{}, Errors: entityErrors(e.Errors), Source: c.portal.sourceOf(e.Source.Location)}
	if out.Spec == nil {
		out.Spec = map[string]any{}
	}
	for _, l := range m.Links {
		out.Metadata.Links = append(out.Metadata.Links, api.Link(l))
	}
	nowhere := map[entity.Ref]bool{}
	for _, ref := range missing {
		nowhere[ref] = true
	}
	for _, r := range e.Relations {
		out.Relations = append(out.Relations, api.Relation{Type: r.Type, Target: r.Target.String(), Missing: nowhere[r.Target]})
	}
	return out, nil
}

func entityErrors(found []spec.Finding) []api.EntityError {
	out := make([]api.EntityError, len(found))
	for i, f := range found {
		out[i] = api.EntityError{Message: f.Message, Path: f.Path, Line: f.Line}
	}
	return out
}

// sourceOf is the file of a location in the index; nil for what is in no repository.
func (p *Portal) sourceOf(location string) *api.Source {
	if location == "" || strings.HasPrefix(location, builtin) {
		return nil
	}
	parts := strings.SplitN(location, "/", 3)
	if len(parts) < 3 {
		return nil
	}
	repository := parts[0] + "/" + parts[1]
	return &api.Source{Repository: repository, Path: parts[2],
		URL: p.gitURL + "/" + repository + "/src/branch/" + p.branchOf(repository) + "/" + parts[2]}
}

// branchOf is the branch that counts of a repository, as far as its application says.
func (p *Portal) branchOf(repository string) string {
	if s, err := p.environments.now(); err == nil {
		for _, a := range s.state.Applications {
			if a.Spec.Repository == repository {
				return a.Spec.Branch
			}
		}
	}
	return mainBranch
}

// mainBranch counts where nothing else is said.
const mainBranch = "main"

// Search finds entities by text.
func (c *catalogue) Search(ctx context.Context, text string, page api.Page) (api.List[api.SearchHit], error) {
	l, err := c.portal.index.Search(ctx, text, paged(page))
	return listOf(l, func(h index.Hit) api.SearchHit {
		return api.SearchHit{Entity: summary(h.Summary), Excerpt: h.Excerpt}
	}), asked(err)
}

// Graph gives an entity's surroundings.
func (c *catalogue) Graph(ctx context.Context, root api.EntityRef, depth int) (api.Graph, error) {
	at := entity.NewRef(root.Kind, root.Namespace, root.Name)
	g, err := c.portal.index.Graph(ctx, at, depth)
	if err != nil {
		return api.Graph{}, asked(err)
	}
	refs := make([]entity.Ref, len(g.Nodes))
	for i, n := range g.Nodes {
		refs[i] = n.Ref
	}
	known, err := c.portal.index.Summaries(ctx, refs)
	if err != nil {
		return api.Graph{}, asked(err)
	}
	out := api.Graph{Root: at.String(), Nodes: []api.EntitySummary{}, Edges: []api.GraphEdge{}, Truncated: g.Truncated}
	for _, n := range g.Nodes {
		s, there := known[n.Ref]
		if !there { // something refers to it, and nothing describes it
			s = index.Summary{Ref: n.Ref, Kind: n.Ref.Kind, Namespace: n.Ref.Namespace, Name: n.Ref.Name, Errors: 1}
		}
		out.Nodes = append(out.Nodes, summary(s))
	}
	for _, e := range g.Edges {
		out.Edges = append(out.Edges, api.GraphEdge{From: e.From.String(), To: e.To.String(), Type: e.Type})
	}
	return out, nil
}

// files reads all files of a repository at a branch or commit.
func (p *Portal) files(ctx context.Context, r forge.Repository, ref, folder string) ([]forge.File, error) {
	files, err := p.git.Forge.ReadFolder(ctx, r, ref, folder)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", r, err)
	}
	return files, nil
}
