package gitea

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	sdk "code.gitea.io/sdk/gitea"

	"github.com/slipway-dev/slipway/internal/app/forge"
)

// EnsureOrganization makes an organization where it is missing. An account of that name is as good.
func (f *Forge) EnsureOrganization(ctx context.Context, name string) error {
	c, err := f.client(ctx, "")
	if err != nil {
		return err
	}
	_, res, err := c.GetOrg(name)
	if status(res) == http.StatusNotFound {
		_, res, err = c.CreateOrg(sdk.CreateOrgOption{Name: name, Visibility: sdk.VisibleTypeLimited})
		if status(res) == http.StatusUnprocessableEntity { // made by somebody else meanwhile, or the name is an account's
			_, res, err = c.GetUserInfo(name)
		}
	}
	return failed(res, err, "ensure organization %s", name)
}

// EnsureTeam makes the team where it is missing, and gives it exactly these members.
func (f *Forge) EnsureTeam(ctx context.Context, t forge.Team, members []string) error {
	c, err := f.client(ctx, "")
	if err != nil {
		return err
	}
	team, err := f.team(c, t)
	if err != nil {
		return err
	}
	now, res, err := pages(func(o sdk.ListOptions) ([]*sdk.User, *sdk.Response, error) {
		return c.ListTeamMembers(team.ID, sdk.ListTeamMembersOptions{ListOptions: o})
	})
	if err != nil {
		return failed(res, err, "list the members of %s/%s", t.Organization, t.Name)
	}
	for _, member := range members {
		if slices.ContainsFunc(now, func(u *sdk.User) bool { return u.UserName == member }) {
			continue
		}
		if res, err := c.AddTeamMember(team.ID, member); err != nil {
			return failed(res, err, "add %s to %s/%s", member, t.Organization, t.Name)
		}
	}
	for _, u := range now {
		if slices.Contains(members, u.UserName) {
			continue
		}
		if res, err := c.RemoveTeamMember(team.ID, u.UserName); err != nil {
			return failed(res, err, "remove %s from %s/%s", u.UserName, t.Organization, t.Name)
		}
	}
	return nil
}

// units are what a team works with: code and pull requests, and packages for its images.
var units = []sdk.RepoUnitType{sdk.RepoUnitCode, sdk.RepoUnitPulls, sdk.RepoUnitIssues, sdk.RepoUnitReleases,
	sdk.RepoUnitPackages}

// unitsOf are the units that a team works with, and its permissions on them.
func unitsOf(t forge.Team) ([]sdk.RepoUnitType, map[string]string) {
	if t.Packages != "" {
		return []sdk.RepoUnitType{sdk.RepoUnitCode, sdk.RepoUnitPackages},
			map[string]string{string(sdk.RepoUnitCode): string(t.Permission), string(sdk.RepoUnitPackages): string(t.Packages)}
	}
	permissions := make(map[string]string, len(units))
	for _, unit := range units {
		permissions[string(unit)] = string(t.Permission)
	}
	return units, permissions
}

func (f *Forge) team(c *sdk.Client, t forge.Team) (*sdk.Team, error) {
	team, err := teamNamed(c, t)
	if err != nil {
		return nil, err
	}
	units, permissions := unitsOf(t)
	if team != nil {
		all := t.AllRepositories
		res, err := c.EditTeam(team.ID, sdk.EditTeamOption{Name: t.Name, Permission: sdk.AccessMode(t.Permission),
			IncludesAllRepositories: &all, Units: units, UnitsMap: permissions})
		return team, failed(res, err, "set the permission of %s/%s", t.Organization, t.Name)
	}
	team, res, err := c.CreateTeam(t.Organization, sdk.CreateTeamOption{Name: t.Name,
		Permission:              sdk.AccessMode(t.Permission),
		IncludesAllRepositories: t.AllRepositories, Units: units, UnitsMap: permissions})
	return team, failed(res, err, "make team %s/%s", t.Organization, t.Name)
}

// GrantTeam gives a team its permission on one repository of its organization.
func (f *Forge) GrantTeam(ctx context.Context, t forge.Team, repository string) error {
	c, err := f.client(ctx, "")
	if err != nil {
		return err
	}
	team, err := f.team(c, t)
	if err != nil {
		return err
	}
	res, err := c.AddTeamRepository(team.ID, t.Organization, repository)
	return failed(res, err, "give %s/%s the repository %s", t.Organization, t.Name, repository)
}

// Join puts an account into a team, and makes the team where it is missing. One that is there keeps its
// permission.
func (f *Forge) Join(ctx context.Context, t forge.Team, account string) error {
	c, err := f.client(ctx, "")
	if err != nil {
		return err
	}
	team, err := teamNamed(c, t)
	if err == nil && team == nil {
		team, err = f.team(c, t)
	}
	if err != nil {
		return err
	}
	res, err := c.AddTeamMember(team.ID, account)
	return failed(res, err, "add %s to %s/%s", account, t.Organization, t.Name)
}

// Leave takes an account out of a team, where it is in it.
func (f *Forge) Leave(ctx context.Context, t forge.Team, account string) error {
	c, err := f.client(ctx, "")
	if err != nil {
		return err
	}
	team, err := teamNamed(c, t)
	if team == nil || err != nil {
		return err
	}
	res, err := c.RemoveTeamMember(team.ID, account)
	if status(res) == http.StatusNotFound {
		return nil
	}
	return failed(res, err, "remove %s from %s/%s", account, t.Organization, t.Name)
}

// teamNamed finds a team; nil where the organization has none of the name.
func teamNamed(c *sdk.Client, t forge.Team) (*sdk.Team, error) {
	teams, res, err := pages(func(o sdk.ListOptions) ([]*sdk.Team, *sdk.Response, error) {
		return c.ListOrgTeams(t.Organization, sdk.ListTeamsOptions{ListOptions: o})
	})
	if err != nil {
		return nil, failed(res, err, "list the teams of %s", t.Organization)
	}
	i := slices.IndexFunc(teams, func(team *sdk.Team) bool { return team.Name == t.Name })
	if i < 0 {
		return nil, nil
	}
	return teams[i], nil
}

// User reads an account with its teams.
func (f *Forge) User(ctx context.Context, name string) (forge.User, error) {
	c, err := f.client(ctx, "")
	if err != nil {
		return forge.User{}, err
	}
	u, res, err := c.GetUserInfo(name)
	if err != nil {
		return forge.User{}, failed(res, err, "look for %s", name)
	}
	as, err := f.client(ctx, name)
	if err != nil {
		return forge.User{}, err
	}
	teams, res, err := pages(func(o sdk.ListOptions) ([]*sdk.Team, *sdk.Response, error) {
		return as.ListMyTeams(&sdk.ListTeamsOptions{ListOptions: o})
	})
	if err != nil {
		return forge.User{}, failed(res, err, "list the teams of %s", name)
	}
	out := forge.User{Name: u.UserName, FullName: u.FullName, Email: u.Email}
	for _, t := range teams {
		if t.Organization != nil {
			out.Teams = append(out.Teams, t.Organization.Name+"/"+t.Name)
		}
	}
	slices.Sort(out.Teams)
	return out, nil
}

// EnsureUser makes the account where it is missing; password is the one it then has.
func (f *Forge) EnsureUser(ctx context.Context, u forge.User, password string) error {
	c, err := f.client(ctx, "")
	if err != nil {
		return err
	}
	_, res, err := c.GetUserInfo(u.Name)
	if status(res) != http.StatusNotFound {
		return failed(res, err, "look for %s", u.Name)
	}
	keep := false
	_, res, err = c.AdminCreateUser(sdk.CreateUserOption{Username: u.Name, FullName: u.FullName, Email: u.Email,
		Password: password, MustChangePassword: &keep})
	return failed(res, err, "make the account %s", u.Name)
}

// EnsureWebhook makes the server call url, signed with secret, for every push and everything that
// happens to pull requests of any repository. Older hooks of the same URL go: the server neither
// tells nor changes a hook's secret.
func (f *Forge) EnsureWebhook(ctx context.Context, url, secret string) error {
	c, err := f.client(ctx, "")
	if err != nil {
		return err
	}
	old, res, err := pages(func(o sdk.ListOptions) ([]*sdk.Hook, *sdk.Response, error) {
		return c.ListAdminHooks(sdk.ListAdminHooksOptions{ListOptions: o, Type: "system"})
	})
	if err != nil {
		return failed(res, err, "list the webhooks of %s", f.access.URL)
	}
	_, res, err = c.CreateAdminHook(sdk.CreateHookOption{
		Type: sdk.HookTypeGitea,
		// Without is_system_webhook the hook is only copied into repositories made from now on.
		Config: map[string]string{"url": url, "content_type": "json", "secret": secret,
			"is_system_webhook": "true"},
		Events:       []string{"push", "pull_request"},
		BranchFilter: "*",
		Active:       true,
	})
	if err != nil {
		return failed(res, err, "make the webhook to %s", url)
	}
	for _, hook := range old {
		if hook.Config["url"] != url {
			continue
		}
		if res, err := c.DeleteAdminHook(hook.ID); err != nil && status(res) != http.StatusNotFound {
			return fmt.Errorf("remove the earlier webhook to %s: %w", url, err)
		}
	}
	return nil
}
