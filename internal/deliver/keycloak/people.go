package keycloak

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/slipway-dev/slipway/internal/deliver"
)

// EnsurePerson makes somebody who is missing, with a first password, and puts everybody into their
// groups. Somebody who is there keeps password, name and address.
func (p *Provider) EnsurePerson(ctx context.Context, person deliver.Person) error {
	s, err := p.open(ctx)
	if err != nil {
		return err
	}
	if err := s.ensurePerson(ctx, person); err != nil {
		return fmt.Errorf("make %s known at %s: %w", person.Name, p.access.Issuer, err)
	}
	return nil
}

func (s *session) ensurePerson(ctx context.Context, person deliver.Person) error {
	id, err := s.personNamed(ctx, person.Name)
	if err != nil {
		return err
	}
	if id == "" {
		first, last, _ := strings.Cut(person.FullName, " ")
		err := s.call(ctx, http.MethodPost, "/users", nil, map[string]any{
			"username": person.Name, "email": person.Email, "emailVerified": true, "firstName": first, "lastName": last, "enabled": true,
			"credentials": []any{map[string]any{"type": "password", "value": person.Password, "temporary": person.MustChange}},
		}, nil)
		if err != nil && !isStatus(err, http.StatusConflict) {
			return err
		}
		made, findErr := s.personNamed(ctx, person.Name)
		if findErr != nil {
			return findErr
		}
		if made == "" { // the conflict was about somebody else's address
			return err
		}
		id = made
	}
	var in []struct{ Name string }
	if err := s.call(ctx, http.MethodGet, "/users/"+url.PathEscape(id)+"/groups", nil, nil, &in); err != nil {
		return err
	}
	member := map[string]bool{}
	for _, group := range in {
		member[group.Name] = true
	}
	for _, name := range person.AllGroups() {
		if member[name] {
			continue
		}
		group, err := s.ensureGroup(ctx, name)
		if err != nil {
			return err
		}
		if err := s.call(ctx, http.MethodPut, "/users/"+url.PathEscape(id)+"/groups/"+url.PathEscape(group), nil, map[string]any{}, nil); err != nil {
			return err
		}
	}
	return nil
}

// personNamed gives somebody's identifier; empty where there is nobody.
func (s *session) personNamed(ctx context.Context, name string) (string, error) {
	var found []struct{ ID string }
	if err := s.call(ctx, http.MethodGet, "/users", url.Values{"username": {name}, "exact": {"true"}}, nil, &found); err != nil || len(found) == 0 {
		return "", err
	}
	return found[0].ID, nil
}
