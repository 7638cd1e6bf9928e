package memforge

import (
	"context"
	"fmt"
	"slices"

	"github.com/slipway-dev/slipway/internal/app/forge"
)

// EnsureOrganization makes an organization where it is missing.
func (f *Forge) EnsureOrganization(_ context.Context, name string) error {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	f.s.owners[name] = true
	return nil
}

// EnsureTeam makes the team where it is missing, and gives it exactly these members.
func (f *Forge) EnsureTeam(_ context.Context, t forge.Team, members []string) error {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	if !f.s.owners[t.Organization] {
		return fmt.Errorf("make team %s/%s: %w", t.Organization, t.Name, forge.ErrNotFound)
	}
	for _, member := range members {
		if f.s.users[member] == nil {
			return fmt.Errorf("add %s to %s/%s: %w", member, t.Organization, t.Name, forge.ErrNotFound)
		}
	}
	f.s.teams[t.Organization+"/"+t.Name] = &team{t, slices.Clone(members)}
	return nil
}

// Join puts an account into a team, and makes the team where it is missing.
func (f *Forge) Join(_ context.Context, t forge.Team, account string) error {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	if !f.s.owners[t.Organization] || f.s.users[account] == nil {
		return fmt.Errorf("add %s to %s/%s: %w", account, t.Organization, t.Name, forge.ErrNotFound)
	}
	name := t.Organization + "/" + t.Name
	if f.s.teams[name] == nil {
		f.s.teams[name] = &team{Team: t}
	}
	if in := f.s.teams[name]; !slices.Contains(in.members, account) {
		in.members = append(in.members, account)
	}
	return nil
}

// Leave takes an account out of a team, where it is in it.
func (f *Forge) Leave(_ context.Context, t forge.Team, account string) error {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	if !f.s.owners[t.Organization] {
		return fmt.Errorf("remove %s from %s/%s: %w", account, t.Organization, t.Name, forge.ErrNotFound)
	}
	if in := f.s.teams[t.Organization+"/"+t.Name]; in != nil {
		in.members = slices.DeleteFunc(in.members, func(member string) bool { return member == account })
	}
	return nil
}

// GrantTeam gives a team its permission on one repository; here every account may read all.
func (f *Forge) GrantTeam(_ context.Context, t forge.Team, name string) error {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	_, err := f.s.repository(forge.Repository{Owner: t.Organization, Name: name})
	return err
}

// User reads an account with its teams.
func (f *Forge) User(_ context.Context, name string) (forge.User, error) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	u, ok := f.s.users[name]
	if !ok {
		return forge.User{}, fmt.Errorf("look for %s: %w", name, forge.ErrNotFound)
	}
	out := *u
	for name, t := range f.s.teams {
		if slices.Contains(t.members, u.Name) {
			out.Teams = append(out.Teams, name)
		}
	}
	slices.Sort(out.Teams)
	return out, nil
}

// EnsureUser makes the account where it is missing.
func (f *Forge) EnsureUser(_ context.Context, u forge.User, _ string) error {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	if f.s.users[u.Name] == nil {
		f.s.users[u.Name] = &forge.User{Name: u.Name, FullName: u.FullName, Email: u.Email}
	}
	return nil
}

// EnsureWebhook notes the webhook; events are told by [Server.OnEvent].
func (f *Forge) EnsureWebhook(_ context.Context, url, secret string) error {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	f.s.webhooks[url] = secret
	return nil
}
