//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// testConsole has a developer, an approver and an auditor use the console's pages in a real browser, from a template
// to a promotion that is verified elsewhere: web/test/platform says what they do.
func testConsole(t *testing.T, p *platform, auditor *person) {
	team := p.team(t, "shop", map[string][]string{"developers": {"grace"}, "approvers": {"heidi"}})
	account := func(who *person) map[string]string {
		return map[string]string{"user": who.name, "password": who.password}
	}
	people, err := json.Marshal(map[string]any{"developer": account(team["grace"]), "approver": account(team["heidi"]),
		"auditor": account(auditor)})
	if err != nil {
		t.Fatal(err)
	}
	p.write(t, "ca.crt", p.run(t, "get", "ca", "--name", p.name))
	web, err := filepath.Abs("../../web")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(web, "node_modules")); err != nil {
		t.Fatalf("%v; `make e2e` installs what the tests with a browser need", err)
	}
	c := exec.CommandContext(t.Context(), "npm", "exec", "--yes", "--package", "node@22.23.3", "--package", "pnpm@10.33.0", "--", "pnpm", "test:platform")
	c.Dir = web
	c.Env = append(os.Environ(), "CONSOLE_URL="+p.url(t, "console"), "CONSOLE_CA="+filepath.Join(p.dir, "ca.crt"),
		"CONSOLE_TEAM=shop", "CONSOLE_PEOPLE="+string(people), "CONSOLE_SLIPWAY="+p.binary)
	w := &lineLog{t: t}
	c.Stdout, c.Stderr = w, w
	if err := c.Run(); err != nil {
		t.Fatalf("the console in a browser: %v", err)
	}
}
