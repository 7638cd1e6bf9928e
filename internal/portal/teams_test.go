package portal

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/app/memforge"
	"github.com/slipway-dev/slipway/internal/server/access"
	"github.com/slipway-dev/slipway/internal/server/people"
)

type directory []people.Person

func (d directory) People(_ context.Context, after string, _ int) ([]people.Person, error) {
	if after != "" {
		return nil, nil
	}
	return d, nil
}

// teamsWorld is a Git server with accounts, and the organization shop.
func teamsWorld(t *testing.T) (*teams, *memforge.Forge, func(account string) string) {
	t.Helper()
	_, f := memforge.New("robot")
	roles, wrong := access.NewMapping("roles", []access.Binding{{Group: "platform-admins", Role: access.PlatformAdmin}, {Group: "auditors", Role: access.Auditor},
		{Group: "{team}:developers", Role: access.Developer}, {Group: "{team}:approvers", Role: access.Approver}, {Group: "{team}", Role: access.Viewer}})
	if len(wrong) > 0 {
		t.Fatal(wrong)
	}
	if err := f.EnsureOrganization(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ada", "bob", "eve"} {
		if err := f.EnsureUser(t.Context(), forge.User{Name: name}, "p"); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	w := &teams{git: f, roles: roles, issuer: "https://id", next: map[string]visit{}, now: func() time.Time {
		now = now.Add(time.Minute)
		return now
	}}
	return w, f, func(account string) string {
		t.Helper()
		u, err := f.User(t.Context(), account)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(u.Teams, " ")
	}
}

func person(name string, groups ...string) people.Person {
	return people.Person{ID: "p-" + name, Identity: people.Identity{Issuer: "https://id", Subject: name, Username: name, Groups: groups}}
}

func TestTeams_AreWhatGroupsSay(t *testing.T) {
	w, f, teamsOf := teamsWorld(t)
	// What others made and what no group governs stays as it is.
	if err := f.EnsureTeam(t.Context(), forge.Team{Organization: "shop", Name: "Owners"}, []string{"bob"}); err != nil {
		t.Fatal(err)
	}
	look := func(d directory) {
		t.Helper()
		w.known = d
		if err := w.look(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	former := person("eve", "shop:developers")
	former.ID, former.Issuer = "p-former", "https://former"
	shut := person("eve", "shop:approvers")
	shut.ID, shut.Shut = "p-shut", &people.Shut{}
	look(directory{person("ada", "shop", "shop:developers", "platform-admins", "none:developers"), person("bob", "shop:approvers", "shop:developers", "shop:guests"),
		person("nobody", "shop:developers"), person("eve", "auditors", "shop"), former, shut})
	for account, want := range map[string]string{"ada": "shop/developers", "bob": "shop/Owners shop/approvers shop/developers", "eve": "shop/members"} {
		if got := teamsOf(account); got != want {
			t.Errorf("%s is in %q, want %q", account, got, want)
		}
	}
	if permission := w.wanted([]string{"shop:developers"})["shop/developers"].Permission; permission != forge.PermissionWrite {
		t.Errorf("developers may %s", permission)
	}
	if permission := w.wanted([]string{"shop:approvers"})["shop/approvers"].Permission; permission != forge.PermissionRead {
		t.Errorf("approvers may %s", permission)
	}

	look(directory{person("ada"), person("bob", "shop:developers"), person("eve", "shop:developers")})
	for account, want := range map[string]string{"ada": "", "bob": "shop/Owners shop/developers", "eve": "shop/developers"} {
		if got := teamsOf(account); got != want {
			t.Errorf("%s, whose groups have changed, is in %q, want %q", account, got, want)
		}
	}
}

func TestTeams_ComeOnceAccountAndOrganizationDo(t *testing.T) {
	w, f, teamsOf := teamsWorld(t)
	w.known = directory{person("ada", "late:developers"), person("dora", "shop:developers")}
	for range 2 {
		if err := w.look(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := teamsOf("ada"); got != "" {
		t.Errorf("ada is in %s", got)
	}
	if err := f.EnsureOrganization(t.Context(), "late"); err != nil {
		t.Fatal(err)
	}
	if err := f.EnsureUser(t.Context(), forge.User{Name: "dora"}, "p"); err != nil {
		t.Fatal(err)
	}
	if err := w.look(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"late/developers", "shop/developers"}, []string{teamsOf("ada"), teamsOf("dora")}); diff != "" {
		t.Error(diff)
	}
}
