package keycloak

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
)

// groupsScope is the client scope that puts groups into tokens; clients ask for it by this name.
const groupsScope = "groups"

// Lifetimes, in seconds. The tools keep an ID token as their session, hence an hour; the sign-on
// itself ends as the portal's sessions do.
const (
	tokenLifetime = 60 * 60
	idleSignOn    = 30 * 60
	longestSignOn = 12 * 60 * 60
)

// wantedRealm is what the realm must be like; everything else in it is left to its administrators.
func (p *Provider) wantedRealm() map[string]any {
	return map[string]any{
		"realm":                  p.realm,
		"enabled":                true,
		"registrationAllowed":    false,
		"resetPasswordAllowed":   false, // there is no mail to send it by
		"editUsernameAllowed":    false,
		"duplicateEmailsAllowed": false,
		"bruteForceProtected":    true,
		"sslRequired":            "external",
		"passwordPolicy":         "length(12) and notUsername",
		"accessTokenLifespan":    float64(tokenLifetime),
		"ssoSessionIdleTimeout":  float64(idleSignOn),
		"ssoSessionMaxLifespan":  float64(longestSignOn),
		"eventsEnabled":          true,
		"adminEventsEnabled":     true,
	}
}

func (s *session) ensureRealm(ctx context.Context) error {
	want := s.wantedRealm()
	var have map[string]any
	err := s.call(ctx, http.MethodGet, "", nil, nil, &have)
	switch {
	case isStatus(err, http.StatusNotFound):
		err = s.callAt(ctx, http.MethodPost, "/admin/realms", nil, want, nil)
		if isStatus(err, http.StatusConflict) { // made by somebody else meanwhile
			err = nil
		}
	case err == nil && !contains(have, want):
		err = s.call(ctx, http.MethodPut, "", nil, want, nil)
	}
	if err != nil {
		return err
	}
	if err := s.ensureProfile(ctx); err != nil {
		return fmt.Errorf("set up what people may change of themselves: %w", err)
	}
	if err := s.ensureGroupsScope(ctx); err != nil {
		return fmt.Errorf("set up the claim %q: %w", groupsScope, err)
	}
	return nil
}

// contains says whether have has all that want has.
func contains(have, want map[string]any) bool {
	for key, value := range want {
		if below, ok := value.(map[string]any); ok {
			inner, _ := have[key].(map[string]any)
			if !contains(inner, below) {
				return false
			}
			continue
		}
		if !reflect.DeepEqual(have[key], value) {
			return false
		}
	}
	return true
}

// ensureProfile lets only administrators change addresses, by which tools know people, and asks
// nobody for the two parts of a name.
func (s *session) ensureProfile(ctx context.Context) error {
	var profile map[string]any
	if err := s.call(ctx, http.MethodGet, "/users/profile", nil, nil, &profile); err != nil {
		return err
	}
	attributes, _ := profile["attributes"].([]any)
	changed := false
	for _, each := range attributes {
		attribute, _ := each.(map[string]any)
		switch attribute["name"] {
		case "firstName", "lastName":
			if _, required := attribute["required"]; required {
				delete(attribute, "required")
				changed = true
			}
		case "email":
			permissions, _ := attribute["permissions"].(map[string]any)
			if edit, _ := permissions["edit"].([]any); !slices.Equal(edit, []any{"admin"}) {
				attribute["permissions"] = map[string]any{"view": []any{"admin", "user"}, "edit": []any{"admin"}}
				changed = true
			}
		}
	}
	if !changed {
		return nil
	}
	return s.call(ctx, http.MethodPut, "/users/profile", nil, profile, nil)
}

// ensureGroupsScope makes the scope with its mapper: names of groups, without their paths.
func (s *session) ensureGroupsScope(ctx context.Context) error {
	scopes, err := s.scopes(ctx)
	if err != nil || scopes[groupsScope] != "" {
		return err
	}
	err = s.call(ctx, http.MethodPost, "/client-scopes", nil, map[string]any{
		"name": groupsScope, "protocol": "openid-connect", "description": "Names of the groups that somebody is in",
		"attributes": map[string]any{"include.in.token.scope": "true", "display.on.consent.screen": "false"},
		"protocolMappers": []any{map[string]any{
			"name": groupsScope, "protocol": "openid-connect", "protocolMapper": "oidc-group-membership-mapper",
			"config": map[string]any{"claim.name": "groups", "full.path": "false", "multivalued": "true",
				"id.token.claim": "true", "access.token.claim": "true", "userinfo.token.claim": "true", "introspection.token.claim": "true"},
		}},
	}, nil)
	if isStatus(err, http.StatusConflict) {
		return nil
	}
	return err
}

// scopes are the realm's client scopes: identifiers by name.
func (s *session) scopes(ctx context.Context) (map[string]string, error) {
	var all []struct{ ID, Name string }
	if err := s.call(ctx, http.MethodGet, "/client-scopes", nil, nil, &all); err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, scope := range all {
		out[scope.Name] = scope.ID
	}
	return out, nil
}

// ensureGroup gives a group's identifier, making the group where it is missing.
func (s *session) ensureGroup(ctx context.Context, name string) (string, error) {
	find := func() (string, error) {
		var found []struct{ ID, Name string }
		query := url.Values{"search": {name}, "exact": {"true"}, "briefRepresentation": {"true"}}
		if err := s.call(ctx, http.MethodGet, "/groups", query, nil, &found); err != nil {
			return "", err
		}
		for _, g := range found {
			if g.Name == name {
				return g.ID, nil
			}
		}
		return "", nil
	}
	id, err := find()
	if err != nil || id != "" {
		return id, err
	}
	if err := s.call(ctx, http.MethodPost, "/groups", nil, map[string]any{"name": name}, nil); err != nil && !isStatus(err, http.StatusConflict) {
		return "", err
	}
	if id, err = find(); err == nil && id == "" {
		err = fmt.Errorf("the group %s is not there although it was made", name)
	}
	return id, err
}
