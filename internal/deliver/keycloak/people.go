package keycloak

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
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
	in, err := s.groupsOf(ctx, id)
	if err != nil {
		return err
	}
	for _, name := range person.AllGroups() {
		if slices.Contains(in, name) {
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

// pageSize is how many people are asked for at once.
const pageSize = 100

// People are the realm's enabled users, but for the one who bears the administrator's name.
func (p *Provider) People(ctx context.Context) ([]deliver.Person, error) {
	s, err := p.open(ctx)
	if err != nil {
		return nil, err
	}
	var all []deliver.Person
	for first := 0; ; first += pageSize {
		var some []struct {
			ID, Username, Email, FirstName, LastName string
			Enabled                                  bool
		}
		query := url.Values{"first": {strconv.Itoa(first)}, "max": {strconv.Itoa(pageSize)}, "briefRepresentation": {"true"}}
		if err := s.call(ctx, http.MethodGet, "/users", query, nil, &some); err != nil {
			return nil, fmt.Errorf("list the people of %s: %w", p.access.Issuer, err)
		}
		for _, user := range some {
			if !user.Enabled || user.Username == p.access.Username {
				continue
			}
			person := deliver.Person{Name: user.Username, Email: user.Email, FullName: strings.TrimSpace(user.FirstName + " " + user.LastName)}
			if person.Groups, err = s.groupsOf(ctx, user.ID); err != nil {
				return nil, fmt.Errorf("list the groups of %s at %s: %w", user.Username, p.access.Issuer, err)
			}
			all = append(all, person)
		}
		if len(some) < pageSize {
			return all, nil
		}
	}
}

// groupsOf are the names of somebody's groups.
func (s *session) groupsOf(ctx context.Context, id string) ([]string, error) {
	var in []struct{ Name string }
	if err := s.call(ctx, http.MethodGet, "/users/"+url.PathEscape(id)+"/groups", url.Values{"max": {"1000"}}, nil, &in); err != nil {
		return nil, err
	}
	var names []string
	for _, group := range in {
		names = append(names, group.Name)
	}
	slices.Sort(names)
	return names, nil
}
