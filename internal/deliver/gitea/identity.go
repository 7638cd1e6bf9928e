package gitea

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	sdk "code.gitea.io/sdk/gitea"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/deliver"
)

// NewIdentity makes the adapter to Gitea as an OpenID Connect provider. It makes no call yet.
func NewIdentity(access deliver.IdentityAccess) (deliver.IdentityProvider, error) {
	if access.HTTP == nil {
		access.HTTP = http.DefaultClient
	}
	return &Server{access: deliver.GitAccess{URL: strings.TrimSuffix(access.Issuer, "/"), Username: access.Username,
		Password: access.Password, HTTP: access.HTTP}}, nil
}

// EnsureClient keeps clients as OAuth2 applications of the administrator. The server tells a
// client's secret only when it makes or changes it; a known one is therefore left as it is.
func (s *Server) EnsureClient(ctx context.Context, client v1alpha1.OIDCClient, known deliver.ClientLogin) (deliver.ClientLogin, error) {
	c, err := s.client(ctx)
	if err != nil {
		return deliver.ClientLogin{}, err
	}
	if err := s.answers(c); err != nil {
		return deliver.ClientLogin{}, err
	}
	want := sdk.CreateOauth2Option{Name: client.Name, ConfidentialClient: !client.Public, RedirectURIs: client.RedirectURIs}
	old, err := clientNamed(c, client.Name)
	if err != nil {
		return deliver.ClientLogin{}, fmt.Errorf("list the OAuth2 applications of %s: %w", s.access.URL, err)
	}
	var made *sdk.Oauth2
	switch {
	case old == nil:
		made, _, err = c.CreateOauth2(want)
	case old.ClientID == known.ID && (client.Public || known.Secret != "") && sameClient(*old, want):
		return known, nil
	default:
		made, _, err = c.UpdateOauth2(old.ID, want)
	}
	if err != nil {
		return deliver.ClientLogin{}, fmt.Errorf("register at %s: %w", s.access.URL, err)
	}
	login := deliver.ClientLogin{ID: made.ClientID, Secret: made.ClientSecret}
	if client.Public {
		login.Secret = ""
	}
	return login, nil
}

func clientNamed(c *sdk.Client, name string) (*sdk.Oauth2, error) {
	for page := 1; ; page++ {
		some, res, err := c.ListOauth2(sdk.ListOauth2Option{ListOptions: sdk.ListOptions{Page: page}})
		if err != nil {
			return nil, err
		}
		for _, o := range some {
			if o.Name == name {
				return o, nil
			}
		}
		if res.NextPage == 0 {
			return nil, nil
		}
	}
}

func sameClient(have sdk.Oauth2, want sdk.CreateOauth2Option) bool {
	return have.ConfidentialClient == want.ConfidentialClient && slices.Equal(have.RedirectURIs, want.RedirectURIs)
}
