package access

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/slipway-dev/slipway/internal/fieldpath"
	"github.com/slipway-dev/slipway/internal/spec"
)

// Binding gives a role to a group of the identity provider or to a Kubernetes service account;
// exactly one of the two is named.
type Binding struct {
	// Group is a value of the groups claim. "{team}" in it stands for one team's name, and the
	// role then holds in that team: "{team}:developers".
	Group string `json:"group,omitempty"`
	// ServiceAccount is "namespace/name".
	ServiceAccount string `json:"serviceAccount,omitempty"`
	Role           Role   `json:"role"`
	// Team is where the role holds; empty means the whole platform, or what {team} matched.
	Team string `json:"team,omitempty"`
}

const placeholder = "{team}"

// Mapping turns groups and service accounts into grants.
type Mapping struct {
	groups   []groupRule
	accounts map[string]Grants
}

// groupRule is a group's name, or what stands before and after a team's.
type groupRule struct {
	before, after string
	hasTeam       bool
	grant         Grant
}

// match says whether a group is meant, and what it gives.
func (r groupRule) match(group string) (Grant, bool) {
	if !r.hasTeam {
		return r.grant, group == r.before
	}
	rest, begins := strings.CutPrefix(group, r.before)
	team, ends := strings.CutSuffix(rest, r.after)
	return Grant{Role: r.grant.Role, Team: team}, begins && ends && ValidTeam(team)
}

// NewMapping checks bindings; the findings' paths are below path, the list's own.
func NewMapping(path string, bindings []Binding) (*Mapping, []spec.Finding) {
	m := &Mapping{accounts: map[string]Grants{}}
	var found []spec.Finding
	for i, b := range bindings {
		at := fieldpath.Item(path, i)
		if wrong := b.check(at); len(wrong) > 0 {
			found = append(found, wrong...)
			continue
		}
		m.add(b)
	}
	return m, found
}

func (b Binding) check(at string) (found []spec.Finding) {
	add := func(field, message string, args ...any) {
		found = append(found, spec.Finding{Path: fieldpath.Child(at, field), Message: fmt.Sprintf(message, args...)})
	}
	if !slices.Contains(Roles, b.Role) {
		add("role", "there is no role %q; use one of %s", b.Role, roleNames())
	}
	if b.Team != "" && !ValidTeam(b.Team) {
		add("team", "%q is not the name of a team (lower-case letters, digits and hyphens)", b.Team)
	}
	if b.Role == PlatformAdmin && (b.Team != "" || strings.Contains(b.Group, placeholder)) {
		add("role", "%s holds on the whole platform; leave the team out", PlatformAdmin)
	}
	switch {
	case (b.Group == "") == (b.ServiceAccount == ""):
		add("group", "name either a group or a serviceAccount")
	case strings.Count(b.Group, placeholder) > 1:
		add("group", "%s may stand once", placeholder)
	case strings.Contains(b.Group, placeholder) && b.Team != "":
		add("team", "the group's %s says the team already", placeholder)
	case b.ServiceAccount != "" && !accountName.MatchString(b.ServiceAccount):
		add("serviceAccount", "%q is not namespace/name", b.ServiceAccount)
	}
	return found
}

var accountName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?/[a-z0-9]([-.a-z0-9]*[a-z0-9])?$`)

func (m *Mapping) add(b Binding) {
	grant := Grant{Role: b.Role, Team: b.Team}
	if b.ServiceAccount != "" {
		m.accounts[b.ServiceAccount] = append(m.accounts[b.ServiceAccount], grant)
		return
	}
	before, after, hasTeam := strings.Cut(b.Group, placeholder)
	m.groups = append(m.groups, groupRule{before, after, hasTeam, grant})
}

// Person gives the grants of somebody in groups.
func (m *Mapping) Person(groups []string) Grants {
	var out Grants
	for _, group := range groups {
		for _, rule := range m.groups {
			if grant, ok := rule.match(group); ok {
				out = append(out, grant)
			}
		}
	}
	return out.sorted()
}

// ServiceAccount gives the grants of a Kubernetes service account.
func (m *Mapping) ServiceAccount(namespace, name string) Grants {
	return slices.Clone(m.accounts[namespace+"/"+name]).sorted()
}
