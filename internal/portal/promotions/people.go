package promotions

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/server/access"
)

// Accounts knows people by their teams on the Git server.
type Accounts struct {
	Users interface {
		User(ctx context.Context, name string) (forge.User, error)
	}
	// Mapping gives roles to groups: a team is the group "organization:team", and an organization "organization".
	Mapping *access.Mapping
}

// Roles implements [People]. Somebody without an account has none.
func (a Accounts) Roles(ctx context.Context, account, team string) ([]string, error) {
	u, err := a.Users.User(ctx, account)
	if errors.Is(err, forge.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for the teams of %s: %w", account, err)
	}
	var groups []string
	for _, t := range u.Teams {
		organization, _, _ := strings.Cut(t, "/")
		groups = append(groups, organization, strings.Replace(t, "/", ":", 1))
	}
	grants := a.Mapping.Person(groups)
	var out []string
	for _, r := range access.Roles {
		if grants.Has(r, team) {
			out = append(out, string(r))
		}
	}
	return out, nil
}
