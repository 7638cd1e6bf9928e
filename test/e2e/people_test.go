//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// person is somebody with an account on the Git server, which is the identity provider too, and
// an API token of the portal's.
type person struct {
	p                            *platform
	name, password, email, token string
	renewed                      string // the password at a provider that took over
	// browser is signed in at the portal; csrf goes with what it changes.
	browser *http.Client
	csrf    string
}

// team makes an organization with the teams that roles come from, and its members.
func (p *platform) team(t *testing.T, name string, members map[string][]string) map[string]*person {
	t.Helper()
	all := map[string]*person{}
	// The platform has made some of its own.
	p.forgeEnsures(t, "/orgs", map[string]any{"username": name, "visibility": "private"})
	for team, people := range members {
		p.forgeEnsures(t, "/orgs/"+name+"/teams", map[string]any{
			"name": team, "permission": "write", "can_create_org_repo": true, "includes_all_repositories": true,
			"units": []string{"repo.code", "repo.issues", "repo.pulls"},
		})
		id := p.teamID(t, name, team)
		for _, who := range people {
			if all[who] == nil {
				all[who] = p.person(t, who)
			}
			p.forge(t, http.MethodPut, fmt.Sprintf("/teams/%d/members/%s", id, who), nil, nil)
		}
	}
	for _, who := range all {
		who.signIn(t)
	}
	return all
}

// person makes an account.
func (p *platform) person(t *testing.T, name string) *person {
	t.Helper()
	who := &person{p: p, name: name, password: name + "-has-a-password", email: name + "@example.com"}
	p.forgeEnsures(t, "/admin/users", map[string]any{
		"username": who.name, "email": who.email, "password": who.password, "must_change_password": false})
	return who
}

// signIn signs somebody in, and makes an API token with all that they may do.
func (who *person) signIn(t *testing.T) {
	t.Helper()
	browser, me := who.p.signIn(t, who.name, who.password)
	who.makeToken(t, browser, me)
}

// makeToken makes an API token with all that somebody who has signed in may do.
func (who *person) makeToken(t *testing.T, browser *http.Client, me signedIn) {
	t.Helper()
	who.browser, who.csrf = browser, me.CSRFToken
	var made struct{ Secret string }
	err := who.inPerson(t, http.MethodPost, "/me/tokens", map[string]any{"name": "test", "scopes": me.Grants, "days": 1}, &made)
	if err != nil {
		t.Fatal(err)
	}
	who.token = made.Secret
}

// inPerson calls the portal's API with the session of somebody's browser: what only people may do asks for it.
func (who *person) inPerson(t *testing.T, method, path string, body, into any) error {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	portal := who.p.url(t, "console")
	req, err := http.NewRequestWithContext(t.Context(), method, portal+"/api/v1"+path, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Origin", portal)
	req.Header.Set("X-CSRF-Token", who.csrf)
	res, err := who.browser.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s %s as %s: %s: %s", method, path, who.name, res.Status, answer)
	}
	if into != nil {
		return json.Unmarshal(answer, into)
	}
	return nil
}

// forge calls the Git server's API as its administrator.
func (p *platform) forge(t *testing.T, method, path string, body, into any) {
	t.Helper()
	if err := p.tryForge(t, method, path, body, into); err != nil {
		t.Fatal(err)
	}
}

func (p *platform) tryForge(t *testing.T, method, path string, body, into any) error {
	t.Helper()
	user, password := p.login(t, "gitea")
	return p.call(t, method, p.url(t, "gitea")+"/api/v1"+path, user, password, body, into)
}

// forgeEnsures has the Git server make what may be there already.
func (p *platform) forgeEnsures(t *testing.T, path string, body any) {
	t.Helper()
	err := p.tryForge(t, http.MethodPost, path, body, nil)
	if err != nil && !strings.Contains(err.Error(), "already exists") {
		t.Fatal(err)
	}
}

// teamID is the number of an organization's team on the Git server.
func (p *platform) teamID(t *testing.T, organization, name string) int64 {
	t.Helper()
	var teams []struct {
		ID   int64
		Name string
	}
	p.forge(t, http.MethodGet, "/orgs/"+organization+"/teams", nil, &teams)
	for _, team := range teams {
		if team.Name == name {
			return team.ID
		}
	}
	t.Fatalf("%s has no team %s", organization, name)
	return 0
}

// call calls a JSON API of the Git server's as somebody.
func (p *platform) call(t *testing.T, method, address, user, password string, body, into any) error {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, address, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(user, password)
	req.Header.Set("Content-Type", "application/json")
	res, err := p.client(t).Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s %s as %s: %s: %s", method, address, user, res.Status, answer)
	}
	if into != nil {
		return json.Unmarshal(answer, into)
	}
	return nil
}

// run runs the program as this person; it must succeed.
func (who *person) run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := who.try(t, args...)
	if err != nil {
		t.Fatalf("slipway %s, as %s: %v\n%s", strings.Join(args, " "), who.name, err, tail(out, 40))
	}
	return out
}

func (who *person) try(t *testing.T, args ...string) (string, error) {
	t.Helper()
	c := who.p.command(t.Context(), args...)
	c.Env = append(c.Env, "SLIPWAY_TOKEN="+who.token)
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	if err := c.Run(); err != nil {
		return stdout.String() + stderr.String(), err
	}
	return stdout.String(), nil
}
