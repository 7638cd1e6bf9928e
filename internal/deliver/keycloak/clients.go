package keycloak

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/deliver"
)

// EnsureClient keeps the client called so; its ID is made of the name, and its secret is made, and
// kept, by the server.
func (p *Provider) EnsureClient(ctx context.Context, client v1alpha1.OIDCClient, _ deliver.ClientLogin) (deliver.ClientLogin, error) {
	s, err := p.open(ctx)
	if err != nil {
		return deliver.ClientLogin{}, err
	}
	login, err := s.ensureClient(ctx, client)
	if err != nil {
		return deliver.ClientLogin{}, fmt.Errorf("register %s at %s: %w", client.Name, p.access.Issuer, err)
	}
	return login, nil
}

func (s *session) ensureClient(ctx context.Context, client v1alpha1.OIDCClient) (deliver.ClientLogin, error) {
	want := wantedClient(client)
	clientID, _ := want["clientId"].(string)
	have, err := s.clientWith(ctx, clientID)
	if err != nil {
		return deliver.ClientLogin{}, err
	}
	switch {
	case have == nil:
		err = s.call(ctx, http.MethodPost, "/clients", nil, want, nil)
		if isStatus(err, http.StatusConflict) { // made by somebody else meanwhile
			err = nil
		}
	case !contains(have, want):
		id, _ := have["id"].(string)
		err = s.call(ctx, http.MethodPut, "/clients/"+url.PathEscape(id), nil, want, nil)
	}
	if err != nil {
		return deliver.ClientLogin{}, err
	}
	if have, err = s.clientWith(ctx, clientID); err != nil {
		return deliver.ClientLogin{}, err
	}
	if have == nil {
		return deliver.ClientLogin{}, fmt.Errorf("the client %s is not there although it was made", clientID)
	}
	id, _ := have["id"].(string)
	if err := s.giveGroups(ctx, id, have); err != nil {
		return deliver.ClientLogin{}, err
	}
	if client.Public {
		return deliver.ClientLogin{ID: clientID}, nil
	}
	var secret struct{ Value string }
	if err := s.call(ctx, http.MethodGet, "/clients/"+url.PathEscape(id)+"/client-secret", nil, nil, &secret); err != nil {
		return deliver.ClientLogin{}, err
	}
	if secret.Value == "" { // as of a client that was public before
		if err := s.call(ctx, http.MethodPost, "/clients/"+url.PathEscape(id)+"/client-secret", nil, nil, &secret); err != nil {
			return deliver.ClientLogin{}, err
		}
	}
	return deliver.ClientLogin{ID: clientID, Secret: secret.Value}, nil
}

// clientWith finds a client by what it calls itself; nil where there is none.
func (s *session) clientWith(ctx context.Context, clientID string) (map[string]any, error) {
	var found []map[string]any
	if err := s.call(ctx, http.MethodGet, "/clients", url.Values{"clientId": {clientID}}, nil, &found); err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

// giveGroups makes the claim with groups part of all that the client gets.
func (s *session) giveGroups(ctx context.Context, id string, have map[string]any) error {
	if given, _ := have["defaultClientScopes"].([]any); slices.Contains(given, any(groupsScope)) {
		return nil
	}
	scopes, err := s.scopes(ctx)
	if err != nil {
		return err
	}
	return s.call(ctx, http.MethodPut, "/clients/"+url.PathEscape(id)+"/default-client-scopes/"+url.PathEscape(scopes[groupsScope]), nil, map[string]any{}, nil)
}

// wantedClient is a client for the authorization code flow and nothing else.
func wantedClient(client v1alpha1.OIDCClient) map[string]any {
	redirects, after := []any{}, []string{}
	for _, uri := range client.RedirectURIs {
		redirects = append(redirects, uri)
		// Where people may be sent after they have signed out: any page of the client's.
		if u, err := url.Parse(uri); err == nil && !slices.Contains(after, u.Scheme+"://"+u.Host+"/*") {
			after = append(after, u.Scheme+"://"+u.Host+"/*")
		}
	}
	attributes := map[string]any{"post.logout.redirect.uris": strings.Join(after, "##")}
	if client.Public {
		attributes["pkce.code.challenge.method"] = "S256"
	}
	return map[string]any{
		"clientId": clientID(client.Name), "name": client.Name, "protocol": "openid-connect", "enabled": true,
		"publicClient": client.Public, "redirectUris": redirects, "attributes": attributes,
		"standardFlowEnabled": true, "implicitFlowEnabled": false, "directAccessGrantsEnabled": false,
		"serviceAccountsEnabled": false, "consentRequired": false, "fullScopeAllowed": false,
	}
}

// clientID is a name in small letters and hyphens.
func clientID(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case r != '\'' && b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return strings.TrimSuffix(b.String(), "-")
}
