package client

import (
	"context"
	"iter"
	"net/url"

	"github.com/slipway-dev/slipway/internal/server/api"
)

// Me says who is calling.
func (c *Client) Me(ctx context.Context) (api.Me, error) {
	return get[api.Me](ctx, c, call{route: getMe})
}

// Tokens lists the caller's tokens and command lines.
func (c *Client) Tokens(ctx context.Context) iter.Seq2[api.Token, error] {
	return pages[api.Token](ctx, c, call{route: listMyTokens})
}

// CreateToken makes an API token; its secret is in the answer and nowhere else.
func (c *Client) CreateToken(ctx context.Context, n api.NewToken) (api.CreatedToken, error) {
	return get[api.CreatedToken](ctx, c, call{route: createToken, body: n})
}

// RevokeToken revokes one of the caller's tokens.
func (c *Client) RevokeToken(ctx context.Context, id string) error {
	return c.do(ctx, call{route: revokeToken, in: []string{id}}, nil)
}

// SignOut revokes the token of a command line.
func (c *Client) SignOut(ctx context.Context, token string) error {
	return c.do(ctx, call{route: revokeDevice, form: url.Values{"token": {token}}}, nil)
}
