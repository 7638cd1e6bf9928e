package client

import (
	"context"
	"iter"
	"strconv"

	"github.com/slipway-dev/slipway/internal/server/api"
)

// Entities lists the entities of the software catalogue.
func (c *Client) Entities(ctx context.Context, q api.EntityQuery) iter.Seq2[api.EntitySummary, error] {
	return pages[api.EntitySummary](ctx, c, call{route: listEntities, query: values("kind", q.Kind, "type", q.Type,
		"namespace", q.Namespace, "owner", q.Owner, "system", q.System, "lifecycle", q.Lifecycle, "tag", q.Tag, "q", q.Text)})
}

// Entity gives an entity.
func (c *Client) Entity(ctx context.Context, ref api.EntityRef) (api.Entity, error) {
	return get[api.Entity](ctx, c, call{route: getEntity, in: []string{ref.Kind, ref.Namespace, ref.Name}})
}

// Search gives the best hits first.
func (c *Client) Search(ctx context.Context, text string) iter.Seq2[api.SearchHit, error] {
	return pages[api.SearchHit](ctx, c, call{route: searchEntities, query: values("q", text)})
}

// Graph gives what is at most depth relations away from an entity; 0 leaves the depth to the server.
func (c *Client) Graph(ctx context.Context, root api.EntityRef, depth int) (api.Graph, error) {
	q := values("kind", root.Kind, "namespace", root.Namespace, "name", root.Name)
	if depth > 0 {
		q.Set("depth", strconv.Itoa(depth))
	}
	return get[api.Graph](ctx, c, call{route: getGraph, query: q})
}

// Register takes a file of a team's repository into the catalogue.
func (c *Client) Register(ctx context.Context, team, address string) (api.Registration, error) {
	return get[api.Registration](ctx, c, call{route: register, in: []string{team}, body: api.NewRegistration{Address: address}})
}

// Unregister takes a file out of the catalogue again.
func (c *Client) Unregister(ctx context.Context, team, address string) error {
	return c.do(ctx, call{route: unregister, in: []string{team}, query: values("address", address)}, nil)
}
