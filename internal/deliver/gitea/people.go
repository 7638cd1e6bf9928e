package gitea

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	sdk "code.gitea.io/sdk/gitea"

	"github.com/slipway-dev/slipway/internal/deliver"
)

// memberTeam holds those who are in an organization and in no other team of it.
const memberTeam = "members"

// EnsurePerson keeps people as users. A group is an organization ("shop"), or a team of one
// ("shop:developers"): so the server names them in its claims.
func (s *Server) EnsurePerson(ctx context.Context, person deliver.Person) error {
	c, err := s.client(ctx)
	if err != nil {
		return err
	}
	if err := s.answers(c); err != nil {
		return err
	}
	if err := ensureUser(c, person); err != nil {
		return fmt.Errorf("make %s known at %s: %w", person.Name, s.access.URL, err)
	}
	for _, group := range person.Groups {
		if err := join(c, person.Name, group); err != nil {
			return fmt.Errorf("put %s into the group %s at %s: %w", person.Name, group, s.access.URL, err)
		}
	}
	return nil
}

func ensureUser(c *sdk.Client, person deliver.Person) error {
	user, res, err := c.GetUserInfo(person.Name)
	switch {
	case err == nil && user.SourceID != 0:
		// The account came by another identity provider, and has no password here yet.
		_, err = c.AdminEditUser(user.UserName, sdk.EditUserOption{LoginName: user.UserName, Password: person.Password,
			MustChangePassword: &person.MustChange})
		return err
	case status(res) != http.StatusNotFound:
		return err
	}
	_, _, err = c.AdminCreateUser(sdk.CreateUserOption{
		Username: person.Name, FullName: person.FullName, Email: person.Email, Password: person.Password, MustChangePassword: &person.MustChange,
	})
	return err
}

// join makes the organization, and the team, where they are missing.
func join(c *sdk.Client, user, group string) error {
	organization, name, parted := strings.Cut(group, ":")
	_, res, err := c.GetOrg(organization)
	if status(res) == http.StatusNotFound {
		_, _, err = c.CreateOrg(sdk.CreateOrgOption{Name: organization, Visibility: sdk.VisibleTypePrivate})
	}
	if err != nil {
		return err
	}
	if !parted {
		member, _, err := c.CheckOrgMembership(organization, user)
		if member || err != nil {
			return err
		}
		name = memberTeam
	}
	team, err := ensureTeam(c, organization, name)
	if err != nil {
		return err
	}
	_, err = c.AddTeamMember(team, user)
	return err
}

// ensureTeam gives a team's identifier. One that is made may read the organization's repositories;
// more is for whoever looks after the team to give.
func ensureTeam(c *sdk.Client, organization, name string) (int64, error) {
	for page := 1; ; page++ {
		teams, res, err := c.ListOrgTeams(organization, sdk.ListTeamsOptions{ListOptions: sdk.ListOptions{Page: page}})
		if err != nil {
			return 0, err
		}
		if i := slices.IndexFunc(teams, func(t *sdk.Team) bool { return strings.EqualFold(t.Name, name) }); i >= 0 {
			return teams[i].ID, nil
		}
		if res.NextPage == 0 {
			break
		}
	}
	team, _, err := c.CreateTeam(organization, sdk.CreateTeamOption{
		Name: name, Permission: sdk.AccessModeRead, IncludesAllRepositories: true,
		Units: []sdk.RepoUnitType{sdk.RepoUnitCode, sdk.RepoUnitIssues, sdk.RepoUnitPulls},
	})
	if err != nil {
		return 0, err
	}
	return team.ID, nil
}

// People are the active users, but for the administrator and accounts of machines, with the groups that the server names in its
// claims: organizations, and their teams.
func (s *Server) People(ctx context.Context) ([]deliver.Person, error) {
	c, err := s.client(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.answers(c); err != nil {
		return nil, err
	}
	groups, err := memberships(c)
	if err != nil {
		return nil, fmt.Errorf("list the teams of %s: %w", s.access.URL, err)
	}
	users, err := pages(func(o sdk.ListOptions) ([]*sdk.User, *sdk.Response, error) {
		return c.AdminListUsers(sdk.AdminListUsersOptions{ListOptions: o})
	})
	if err != nil {
		return nil, fmt.Errorf("list the users of %s: %w", s.access.URL, err)
	}
	var all []deliver.Person
	for _, user := range users {
		machine := user.UserName == s.access.Username || strings.HasSuffix(user.Email, botDomain)
		if machine || !user.IsActive || user.ProhibitLogin {
			continue
		}
		all = append(all, deliver.Person{Name: user.UserName, FullName: user.FullName, Email: user.Email, Groups: groups[user.UserName]})
	}
	return all, nil
}

// memberships are everybody's groups by user name, sorted.
func memberships(c *sdk.Client) (map[string][]string, error) {
	organizations, err := pages(func(o sdk.ListOptions) ([]*sdk.Organization, *sdk.Response, error) {
		return c.AdminListOrgs(sdk.AdminListOrgsOptions{ListOptions: o})
	})
	if err != nil {
		return nil, err
	}
	groups := map[string][]string{}
	for _, organization := range organizations {
		teams, err := pages(func(o sdk.ListOptions) ([]*sdk.Team, *sdk.Response, error) {
			return c.ListOrgTeams(organization.Name, sdk.ListTeamsOptions{ListOptions: o})
		})
		if err != nil {
			return nil, err
		}
		for _, team := range teams {
			members, err := pages(func(o sdk.ListOptions) ([]*sdk.User, *sdk.Response, error) {
				return c.ListTeamMembers(team.ID, sdk.ListTeamMembersOptions{ListOptions: o})
			})
			if err != nil {
				return nil, err
			}
			for _, member := range members {
				groups[member.UserName] = append(groups[member.UserName], organization.Name, organization.Name+":"+team.Name)
			}
		}
	}
	for name := range groups {
		slices.Sort(groups[name])
		groups[name] = slices.Compact(groups[name])
	}
	return groups, nil
}

// pages calls list for each page until there is no next one.
func pages[T any](list func(sdk.ListOptions) ([]T, *sdk.Response, error)) ([]T, error) {
	var all []T
	for page := 1; ; page++ {
		some, res, err := list(sdk.ListOptions{Page: page, PageSize: 50})
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
		if res.NextPage == 0 {
			return all, nil
		}
	}
}
