//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-dev/slipway/internal/deliver/idptest"
)

// testSwap has another identity provider take the place of the one before, on a platform with an application
// and a signed decision about it: those stay what they are, people come back with the roles that they had,
// and what the former provider gave is good for nothing.
func testSwap(t *testing.T, p *platform, ada, bob, eve *person) {
	portal := p.url(t, "console")
	everybody := []*person{ada, bob, eve}
	before, roles, sessions := p.lasting(t, ada, eve), map[string][]string{}, map[string]*idptest.Browser{}
	for _, who := range everybody {
		sessions[who.name] = p.stranger(t, who.name, who.password)
		roles[who.name] = signedInAs(t, sessions[who.name], portal).Grants
	}
	delivery := p.stranger(t, ada.name, ada.password)
	if page, err := delivery.SignIn(p.url(t, "argo-cd") + "/auth/login"); err != nil {
		t.Fatalf("%v: %s", err, page)
	}

	p.write(t, "platform.yaml", p.header()+"spec:\n  capabilities:\n    identity: {tool: keycloak}\n  people:\n  - {name: dora, groups: [\"sales:developers\"]}\n")
	begun := time.Now()
	p.up(t)
	t.Logf("the provider changed in %s", time.Since(begun).Round(time.Second))
	if got := p.provider(t); got != "keycloak" {
		t.Fatalf("people sign in by %s", got)
	}
	eventually(t, settle, "the portal answers", func() error {
		_, err := get(p.client(t), portal+"/readyz")
		return err
	})

	t.Run("what-the-former-gave-is-refused", func(t *testing.T) {
		for _, who := range everybody {
			refused(t, sessions[who.name], portal+"/api/v1/me", "a session of the former provider")
			if out, err := who.try(t, "template", "list"); err == nil || !strings.Contains(out, "another identity provider") {
				t.Errorf("an API token from before: %v\n%s", err, out)
			}
		}
		// A token that is genuine and good for another hour, by an issuer that counts no more.
		refused(t, delivery, p.url(t, "argo-cd")+"/api/v1/applications", "a session of the former provider at the delivery tool")
	})

	t.Run("people-come-back-with-their-roles", func(t *testing.T) {
		for _, who := range everybody {
			b := who.comesBack(t)
			me := signedInAs(t, b, portal)
			if diff := cmp.Diff(roles[who.name], me.Grants); diff != "" {
				t.Errorf("%s has other roles than before:\n%s", who.name, diff)
			}
			who.makeToken(t, b.HTTP, me)
		}
	})

	t.Run("applications-and-decisions-are-untouched", func(t *testing.T) {
		if diff := cmp.Diff(before, p.lasting(t, ada, eve)); diff != "" {
			t.Errorf("before and after:\n%s", diff)
		}
		eve.run(t, "audit", "export", "swapped.zip", "--keys", "swapped.json")
		t.Logf("%s", p.run(t, "audit", "verify", "swapped.zip", "--trust", "swapped.json"))
		for _, environment := range []string{"orders-dev", "orders-prod"} {
			if err := p.serves(t, environment, "Good day")(); err != nil {
				t.Error(err)
			}
		}
	})

	t.Run("git-is-open-by-the-new-provider", func(t *testing.T) {
		git := p.url(t, "gitea")
		dora := &person{p: p, name: "dora"}
		for _, who := range []*person{ada, dora} {
			b := who.comesBack(t)
			if page, err := b.SignIn(portal + "/auth/login"); err != nil {
				t.Fatalf("%s at the portal: %v, %s", who.name, err, page)
			}
			if page, err := b.SignIn(git + "/user/login"); err != nil {
				t.Fatalf("%s at the Git server: %v, %s", who.name, err, page)
			}
			// The account is that of the name; who is new gets into the team of their group.
			eventually(t, settle, who.name+" sees the team's repository", func() error {
				page, err := b.Do(http.MethodGet, git+"/sales/orders", nil)
				if err == nil && (page.Status != http.StatusOK || !strings.Contains(page.Body, "service.go")) {
					err = fmt.Errorf("%s", page)
				}
				return err
			})
			if page, err := b.Do(http.MethodGet, git+"/-/admin", nil); err != nil || page.Status == http.StatusOK && page.URL.Path == "/-/admin" {
				t.Errorf("%s may administer the Git server: %s, %v", who.name, page, err)
			}
		}
		teams := map[string][]string{}
		for _, team := range []string{"developers", "approvers"} {
			teams[team] = p.members(t, "sales", team)
		}
		if diff := cmp.Diff(map[string][]string{"developers": {"ada", "bob", "dora"}, "approvers": {"bob", "cai"}}, teams); diff != "" {
			t.Errorf("teams on the Git server:\n%s", diff)
		}
	})

	t.Run("the-same-suite", func(t *testing.T) { testSignIn(t, p) })
}

// comesBack signs somebody in by the first password that `up` made for them, or by the one that they have
// chosen since.
func (who *person) comesBack(t *testing.T) *idptest.Browser {
	t.Helper()
	if who.renewed == "" {
		_, who.renewed = who.p.login(t, who.name)
	}
	b := who.p.stranger(t, who.name, who.renewed)
	if page, err := b.SignIn(who.p.url(t, "console") + "/auth/login"); err != nil {
		t.Fatalf("%s: %v, %s", who.name, err, page)
	}
	who.renewed = b.Password
	return b
}

// lasting is what must be the same whoever signs people in: the repositories' heads, the application's pods, and
// the log of decisions.
func (p *platform) lasting(t *testing.T, ada, eve *person) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, repository := range []string{"sales/orders", "slipway/environments"} {
		head, err := p.tryGit(t, p.dir, "ls-remote", ada.remote(t, repository), "refs/heads/main")
		if err != nil {
			t.Fatalf("%v: %s", err, head)
		}
		all[repository] = strings.TrimSpace(head)
	}
	for _, namespace := range []string{"orders-dev", "orders-prod"} {
		all[namespace] = p.run(t, "kubectl", "-n", namespace, "get", "pods", "--field-selector", "status.phase=Running",
			"-o", `jsonpath={range .items[*]}{.metadata.uid} {.spec.containers[*].image}{"\n"}{end}`)
	}
	all["decisions"] = eve.run(t, "audit", "list", "-o", "json")
	checkpoint, err := getAs(p.client(t), p.url(t, "console")+"/api/v1/audit/checkpoint", eve.token)
	if err != nil {
		t.Fatal(err)
	}
	all["checkpoint"] = checkpoint
	return all
}

// members are the accounts in a team on the Git server, sorted.
func (p *platform) members(t *testing.T, organization, team string) []string {
	t.Helper()
	var users []struct{ Login string }
	p.forge(t, http.MethodGet, fmt.Sprintf("/teams/%d/members", p.teamID(t, organization, team)), nil, &users)
	var names []string
	for _, user := range users {
		names = append(names, user.Login)
	}
	slices.Sort(names)
	return names
}
