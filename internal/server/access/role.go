// Package access says who may do what: roles, how a provider's groups become roles in teams, who
// is calling, and the one table of rules of every route. It decides and never authenticates; the
// guard (internal/server/guard) asks it for each request, and the API for what a caller may see.
package access

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Role is what somebody is trusted with, in one team or on the whole platform.
type Role string

// The roles.
const (
	// Viewer reads.
	Viewer Role = "viewer"
	// Developer makes applications and environments and asks for promotions.
	Developer Role = "developer"
	// Approver waives gates and breaks the glass. Nothing implies it, administration least of all:
	// who runs the platform does not thereby decide what goes to production.
	Approver Role = "approver"
	// Auditor reads everything that was decided, and exports it.
	Auditor Role = "auditor"
	// PlatformAdmin looks after people, tokens and every team's applications.
	PlatformAdmin Role = "platform-admin"
)

// Roles lists all roles.
var Roles = []Role{Viewer, Developer, Approver, Auditor, PlatformAdmin}

// implied are the roles that come with a role.
var implied = map[Role][]Role{
	Developer:     {Viewer},
	Approver:      {Viewer},
	Auditor:       {Viewer},
	PlatformAdmin: {Viewer, Developer, Auditor},
}

// Covers says whether whoever has r may do what needs want.
func (r Role) Covers(want Role) bool { return r == want || slices.Contains(implied[r], want) }

// Grant is a role in a team; without a team it holds on the whole platform.
type Grant struct {
	Role Role
	Team string
}

// String is "role" or "role:team", which ParseGrant reads.
func (g Grant) String() string {
	if g.Team == "" {
		return string(g.Role)
	}
	return string(g.Role) + ":" + g.Team
}

var teamName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

// ValidTeam says whether a name is a DNS label (RFC 1123), as every team's is.
func ValidTeam(name string) bool { return teamName.MatchString(name) }

// ParseGrant reads "role" or "role:team".
func ParseGrant(text string) (Grant, error) {
	role, team, inTeam := strings.Cut(text, ":")
	g := Grant{Role: Role(role), Team: team}
	if !slices.Contains(Roles, g.Role) {
		return Grant{}, fmt.Errorf("%q: there is no role %q, only %s", text, role, roleNames())
	}
	if inTeam && !ValidTeam(team) {
		return Grant{}, fmt.Errorf("%q: %q is not the name of a team (lower-case letters, digits and hyphens)", text, team)
	}
	return g, nil
}

func roleNames() string {
	names := make([]string, len(Roles))
	for i, r := range Roles {
		names[i] = string(r)
	}
	return strings.Join(names, ", ")
}

// Grants are all the roles that somebody has.
type Grants []Grant

// Has says whether role is covered in team; an empty team asks for the whole platform.
func (gs Grants) Has(role Role, team string) bool {
	return slices.ContainsFunc(gs, func(g Grant) bool {
		return g.Role.Covers(role) && (g.Team == "" || g.Team == team)
	})
}

// HasAnywhere says whether role is covered in some team or on the platform.
func (gs Grants) HasAnywhere(role Role) bool {
	return slices.ContainsFunc(gs, func(g Grant) bool { return g.Role.Covers(role) })
}

// Covers says whether want is no more than gs.
func (gs Grants) Covers(want Grant) bool { return gs.Has(want.Role, want.Team) }

// Within gives what both gs and scopes allow: each scope as far as gs covers it. A scope for the
// whole platform shrinks to the teams in which gs covers its role.
func (gs Grants) Within(scopes Grants) Grants {
	var out Grants
	for _, s := range scopes {
		if gs.Covers(s) {
			out = append(out, s)
			continue
		}
		if s.Team != "" {
			continue
		}
		for _, g := range gs {
			if g.Team != "" && g.Role.Covers(s.Role) {
				out = append(out, Grant{s.Role, g.Team})
			}
		}
	}
	return out.sorted()
}

// Teams gives the teams in which role is covered; all says that it is on the whole platform.
func (gs Grants) Teams(role Role) (teams []string, all bool) {
	for _, g := range gs {
		if !g.Role.Covers(role) {
			continue
		}
		if g.Team == "" {
			return nil, true
		}
		teams = append(teams, g.Team)
	}
	slices.Sort(teams)
	return slices.Compact(teams), false
}

func (gs Grants) sorted() Grants {
	slices.SortFunc(gs, func(a, b Grant) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(gs)
}

// Strings gives each grant as text.
func (gs Grants) Strings() []string {
	out := make([]string, len(gs))
	for i, g := range gs {
		out[i] = g.String()
	}
	return out
}

// ParseGrants reads several grants and leaves out repetitions.
func ParseGrants(texts []string) (Grants, error) {
	var out Grants
	for _, t := range texts {
		g, err := ParseGrant(t)
		if err != nil {
			return nil, err
		}
		out = append(out, g)
	}
	return out.sorted(), nil
}

// Encode writes grants for a database's column.
func (gs Grants) Encode() string {
	text, _ := json.Marshal(gs.Strings()) // strings always marshal
	return string(text)
}

// DecodeGrants reads what Encode wrote.
func DecodeGrants(text string) (Grants, error) {
	var all []string
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		return nil, fmt.Errorf("read grants: %w", err)
	}
	return ParseGrants(all)
}
