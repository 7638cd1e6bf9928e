package portal

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/server/access"
	"github.com/slipway-dev/slipway/internal/server/people"
)

// Teams are a Git server's, one member at a time.
type Teams interface {
	Join(ctx context.Context, t forge.Team, account string) error
	Leave(ctx context.Context, t forge.Team, account string) error
}

// Directory knows who has signed in, and the groups that the identity provider gave them.
type Directory interface {
	People(ctx context.Context, after string, limit int) ([]people.Person, error)
}

// memberTeam holds who is in an organization by a group of its name, and in no part of it.
const memberTeam = "members"

// Waits of [teams].
const (
	// lookAtPeople is how soon somebody's new groups are seen.
	lookAtPeople = 5 * time.Second
	// lookAtTeams is how often what was right is looked at again, or what could not be done is tried again.
	lookAtTeams, tryTeams = 10 * time.Minute, 30 * time.Second
)

// teams keeps teams on the Git server as the groups of another identity provider say: "shop:developers" is
// the team developers of the organization shop, where that organization exists. Only teams whose
// groups give a role are touched, and only members who have signed in by that provider.
type teams struct {
	git interface {
		Teams
		User(ctx context.Context, name string) (forge.User, error)
	}
	roles  *access.Mapping
	issuer string
	known  Directory
	now    func() time.Time
	// next is when somebody's teams are looked at again, for the groups that they had then.
	next map[string]visit
}

type visit struct {
	groups string
	when   time.Time
}

// FollowGroups has teams on the Git server follow the groups that issuer gives people, once the portal
// runs. It comes before Run.
func (p *Portal) FollowGroups(issuer string, known Directory) {
	t := &teams{git: p.git.Forge, roles: p.roles, issuer: issuer, known: known, now: p.now, next: map[string]visit{}}
	p.loops = append(p.loops, loop{"follow groups", t.run})
}

func (t *teams) run(ctx context.Context) error {
	tick := time.NewTicker(lookAtPeople)
	defer tick.Stop()
	for {
		if err := t.look(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// pagePeople is how many people are read at once.
const pagePeople = 200

// look goes once through all who are known; what fails for one is no reason not to look at the others.
func (t *teams) look(ctx context.Context) error {
	var failures []error
	for after := ""; ; {
		some, err := t.known.People(ctx, after, pagePeople)
		if err != nil {
			return fmt.Errorf("read who has signed in: %w", err)
		}
		for _, person := range some {
			after = person.ID
			if person.Issuer != t.issuer || person.Shut != nil {
				continue
			}
			groups := strings.Join(person.Groups, "\n")
			if before := t.next[person.ID]; before.groups == groups && t.now().Before(before.when) {
				continue
			}
			wait := lookAtTeams
			if err := t.follow(ctx, person); err != nil {
				if ctx.Err() != nil {
					return context.Cause(ctx)
				}
				wait = tryTeams
				// No account, or no organization, yet: that is not for anybody to mend.
				if !errors.Is(err, forge.ErrNotFound) {
					failures = append(failures, fmt.Errorf("teams of %s: %w", person.Username, err))
				}
			}
			t.next[person.ID] = visit{groups, t.now().Add(wait)}
		}
		if len(some) < pagePeople {
			return errors.Join(failures...)
		}
	}
}

// follow puts one person into the teams of their groups, and out of those they no longer have. The error is
// [forge.ErrNotFound] where account or organization do not exist yet.
func (t *teams) follow(ctx context.Context, person people.Person) error {
	account, err := t.git.User(ctx, person.Username)
	if err != nil {
		return err
	}
	wanted, missing := t.wanted(person.Groups), error(nil)
	in := map[string]bool{}
	for _, name := range account.Teams {
		in[name] = true
		organization, team, _ := strings.Cut(name, "/")
		if _, stays := wanted[name]; stays || !t.governs(organization, team) {
			continue
		}
		if err := t.git.Leave(ctx, forge.Team{Organization: organization, Name: team}, account.Name); err != nil {
			return err
		}
	}
	for name, team := range wanted {
		if in[name] {
			continue
		}
		err := t.git.Join(ctx, team, account.Name)
		if errors.Is(err, forge.ErrNotFound) {
			missing = err
			continue
		}
		if err != nil {
			return err
		}
	}
	return missing
}

// wanted are the teams that groups stand for, by "organization/team".
func (t *teams) wanted(groups []string) map[string]forge.Team {
	all := map[string]forge.Team{}
	parted := map[string]bool{}
	for _, group := range groups {
		organization, name, ok := strings.Cut(group, ":")
		if !ok || !t.governs(organization, name) {
			continue
		}
		parted[organization] = true
		permission := forge.PermissionRead
		if t.roles.Person([]string{group}).Has(access.Developer, organization) {
			permission = forge.PermissionWrite
		}
		all[organization+"/"+name] = forge.Team{Organization: organization, Name: name, Permission: permission, AllRepositories: true}
	}
	for _, group := range groups {
		if !strings.Contains(group, ":") && !parted[group] && t.governs(group, memberTeam) {
			all[group+"/"+memberTeam] = forge.Team{Organization: group, Name: memberTeam, Permission: forge.PermissionRead, AllRepositories: true}
		}
	}
	return all
}

// governs says whether a team's members are those of a group: where that gives a role in the team of the
// organization's name.
func (t *teams) governs(organization, team string) bool {
	group := organization + ":" + team
	if team == memberTeam {
		group = organization
	}
	return t.roles.Person([]string{group}).Has(access.Viewer, organization)
}
