package api

import (
	"context"
	"net/http"

	"github.com/slipway-dev/slipway/internal/server/access"
)

// EntitiesQuery narrows the list of entities down.
type EntitiesQuery struct {
	PageQuery
	Kind      string `query:"kind" maxLength:"63" doc:"Component, API, Resource, System, Domain, Group, User, Location, Template"`
	Type      string `query:"type" maxLength:"63"`
	Namespace string `query:"namespace" maxLength:"63"`
	Owner     string `query:"owner" maxLength:"200" doc:"reference of the owner"`
	System    string `query:"system" maxLength:"200" doc:"reference of the system"`
	Lifecycle string `query:"lifecycle" maxLength:"63"`
	Tag       string `query:"tag" maxLength:"63"`
	Text      string `query:"q" maxLength:"200" doc:"text in names, titles and descriptions"`
}

func (q EntitiesQuery) query() EntityQuery {
	return EntityQuery{Kind: q.Kind, Type: q.Type, Namespace: q.Namespace, Owner: q.Owner, System: q.System,
		Lifecycle: q.Lifecycle, Tag: q.Tag, Text: q.Text}
}

// EntityPath is the entity of the path.
type EntityPath struct {
	Kind      string `path:"kind" maxLength:"63" pattern:"^[A-Za-z][A-Za-z0-9]*$" doc:"the kind" example:"component"`
	Namespace string `path:"namespace" maxLength:"63" pattern:"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$" doc:"the namespace" example:"default"`
	Name      string `path:"name" maxLength:"63" pattern:"^[A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?$" doc:"the name" example:"orders"`
}

// EntitySearch is a search.
type EntitySearch struct {
	PageQuery
	Text string `query:"q" required:"true" minLength:"1" maxLength:"200" doc:"what to look for"`
}

// GraphQuery asks for an entity's surroundings.
type GraphQuery struct {
	Kind      string `query:"kind" required:"true" maxLength:"63" doc:"the root's kind"`
	Namespace string `query:"namespace" default:"default" maxLength:"63" doc:"the root's namespace"`
	Name      string `query:"name" required:"true" maxLength:"63" doc:"the root's name"`
	Depth     int    `query:"depth" minimum:"1" maximum:"5" default:"2" doc:"how many relations away"`
}

// RegistrationQuery is a registered file of a team's.
type RegistrationQuery struct {
	InTeam
	Address string `query:"address" required:"true" maxLength:"1000" doc:"as it was registered"`
}

func (a *API) registerCatalog() {
	back := a.back.Catalog
	g := a.group("catalog", "software catalogue", back != nil)
	handle(g, route{"GET /catalog/entities", "list-entities", "List entities", http.StatusOK},
		func(ctx context.Context, _ access.Principal, in *EntitiesQuery) (List[EntitySummary], error) {
			q := in.query()
			query := []string{q.Kind, q.Type, q.Namespace, q.Owner, q.System, q.Lifecycle, q.Tag, q.Text}
			return paged(in.PageQuery, query, func(p Page) (List[EntitySummary], error) { return back.Entities(ctx, q, p) })
		})
	handle(g, route{"GET /catalog/entities/{kind}/{namespace}/{name}", "get-entity", "Show an entity", http.StatusOK},
		func(ctx context.Context, _ access.Principal, in *EntityPath) (Entity, error) {
			return back.Entity(ctx, EntityRef(*in))
		})
	handle(g, route{"GET /catalog/search", "search-entities", "Search the catalogue, the best hits first", http.StatusOK},
		func(ctx context.Context, _ access.Principal, in *EntitySearch) (List[SearchHit], error) {
			return paged(in.PageQuery, []string{in.Text}, func(p Page) (List[SearchHit], error) {
				return back.Search(ctx,
					in.Text, p)
			})
		})
	handle(g, route{"GET /catalog/graph", "get-graph", "Show what is around an entity", http.StatusOK},
		func(ctx context.Context, _ access.Principal, in *GraphQuery) (Graph, error) {
			return back.Graph(ctx, EntityRef{in.Kind, in.Namespace, in.Name}, in.Depth)
		})
	files := a.back.CatalogFiles
	g = a.group("catalog", "software catalogue", files != nil)
	handle(g, route{"POST /teams/{team}/catalog", "register-entities",
		"Take a file of entities into the catalogue; mistakes in its templates are refused", http.StatusCreated},
		func(ctx context.Context, by access.Principal, in *TeamBody[NewRegistration]) (Registration, error) {
			return files.Register(ctx, actor(by), in.Team, in.Body.Address)
		})
	act(g, route{"DELETE /teams/{team}/catalog", "unregister-entities",
		"Take a file, its entities and its application out again", http.StatusNoContent},
		func(ctx context.Context, by access.Principal, in *RegistrationQuery) error {
			return files.Unregister(ctx, actor(by), in.Team, in.Address)
		})
}
