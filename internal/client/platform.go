package client

import (
	"context"

	"github.com/slipway-dev/slipway/internal/server/api"
)

// Capabilities lists what the platform can do.
func (c *Client) Capabilities(ctx context.Context) ([]api.Capability, error) {
	all, err := get[api.Capabilities](ctx, c, call{route: listCapabilities})
	return all.Items, err
}

// Health says how the platform is.
func (c *Client) Health(ctx context.Context) (api.Health, error) {
	return get[api.Health](ctx, c, call{route: getHealth})
}

// Events emits what happens to the caller's teams' things, until ctx ends.
func (c *Client) Events(ctx context.Context, emit func(api.Event) error) error {
	return stream(ctx, c, call{route: watchEvents}, byID(nil), emit)
}
