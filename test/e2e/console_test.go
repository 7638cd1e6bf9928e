//go:build golden

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// testConsole has somebody of a team use the console's pages in a real browser: web/test/platform says
// what they do.
func testConsole(t *testing.T, p *platform) {
	const name, password = "grace", "grace-has-a-password"
	p.developer(t, "shop", name, password)
	p.write(t, "ca.crt", p.run(t, "get", "ca", "--name", p.name))
	web, err := filepath.Abs("../../web")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(web, "node_modules")); err != nil {
		t.Fatalf("%v; `make golden` installs what the tests with a browser need", err)
	}
	c := exec.CommandContext(t.Context(), "npm", "exec", "--yes", "--package", "node@22.23.3", "--package", "pnpm@10.33.0", "--", "pnpm", "test:platform")
	c.Dir = web
	c.Env = append(os.Environ(), "CONSOLE_URL="+p.url(t, "console"), "CONSOLE_CA="+filepath.Join(p.dir, "ca.crt"),
		"CONSOLE_TEAM=shop", "CONSOLE_USER="+name, "CONSOLE_PASSWORD="+password)
	w := &lineLog{t: t}
	c.Stdout, c.Stderr = w, w
	if err := c.Run(); err != nil {
		t.Fatalf("the console in a browser: %v", err)
	}
}

// developer makes an account at the Git server, in the team of an organization that gives the role
// of a developer.
func (p *platform) developer(t *testing.T, organization, name, password string) {
	t.Helper()
	user, secret := p.login(t, "gitea")
	api := func(method, path string, body any) []byte {
		t.Helper()
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), method, p.url(t, "gitea")+"/api/v1"+path, bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth(user, secret)
		req.Header.Set("Content-Type", "application/json")
		res, err := p.client(t).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var answer bytes.Buffer
		if _, err := answer.ReadFrom(res.Body); err != nil {
			t.Fatal(err)
		}
		// Another part of the test may have made the organization.
		if res.StatusCode >= http.StatusMultipleChoices && res.StatusCode != http.StatusUnprocessableEntity {
			t.Fatalf("%s %s: %s %s", method, path, res.Status, answer.String())
		}
		return answer.Bytes()
	}
	api(http.MethodPost, "/admin/users", map[string]any{
		"username": name, "email": name + "@example.com", "password": password, "must_change_password": false})
	api(http.MethodPost, "/orgs", map[string]any{"username": organization, "visibility": "private"})
	api(http.MethodPost, "/orgs/"+organization+"/teams", map[string]any{
		"name": "developers", "permission": "write", "can_create_org_repo": true, "includes_all_repositories": true,
		"units": []string{"repo.code", "repo.issues", "repo.pulls"}})
	var teams []struct {
		ID   int64  `json:"id"`
		Name string `json:"name"`
	}
	if err := json.Unmarshal(api(http.MethodGet, "/orgs/"+organization+"/teams", nil), &teams); err != nil {
		t.Fatal(err)
	}
	for _, team := range teams {
		if team.Name == "developers" {
			api(http.MethodPut, fmt.Sprintf("/teams/%d/members/%s", team.ID, name), nil)
			return
		}
	}
	t.Fatalf("organization %s has no team developers: %v", organization, teams)
}
