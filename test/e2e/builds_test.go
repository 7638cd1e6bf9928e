//go:build e2e

package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// testBuilds pushes twice in a row, and kills what builds at the worst moments: the portal before it can hear of the
// second push, the workflow engine during its build, and the portal as soon as there is something to release. The first
// commit is never released, the second one once.
func testBuilds(t *testing.T, p *platform, ada *person) {
	dir := filepath.Join(p.dir, "orders")
	push := func(note string) string {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "NOTES.md"), []byte(note+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		p.git(t, dir, "add", "NOTES.md")
		p.git(t, dir, "-c", "user.name=ada", "-c", "user.email="+ada.email, "commit", "-qm", note)
		p.git(t, dir, "push", "-q", "origin", "HEAD:main")
		commit, err := p.tryGit(t, dir, "rev-parse", "HEAD")
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(commit)
	}
	kill := func(namespace, label string) {
		t.Helper()
		t.Logf("killed: %s", strings.TrimSpace(p.run(t, "kubectl", "-n", namespace, "delete", "pod", "-l", label, "--force", "--grace-period=0")))
	}
	first := push("First of two")
	eventually(t, promotes, "the first push is being built", p.builds(t, first, "Running"))
	second := push("Second of two")
	kill("slipway", "app.kubernetes.io/name=console")
	eventually(t, promotes, "the push that nobody heard of is being built", p.builds(t, second, "Running"))
	kill("argo", "app=workflow-controller")
	eventually(t, firstBuild, "the build goes on to its end", p.builds(t, second, "Succeeded"))
	kill("slipway", "app.kubernetes.io/name=console")
	eventually(t, firstBuild, "the second push is live in dev", func() error {
		out, err := ada.try(t, "app", "show", "orders")
		if err == nil && !regexp.MustCompile(`(?m)^dev +`+second[:12]+`\S* .* healthy`).MatchString(out) {
			err = fmt.Errorf("%s", tail(out, 30))
		}
		return err
	})
	time.Sleep(5 * time.Second)                            // long enough for what would be done twice
	if err := p.builds(t, first, "Failed")(); err != nil { // as the engine calls what was cancelled
		t.Error(err)
	}
	if err := p.builds(t, second, "Succeeded")(); err != nil {
		t.Error(err)
	}
	for commit, want := range map[string]int{first: 0, second: 1} {
		var commits []struct{ Commit struct{ Message string } }
		p.forge(t, http.MethodGet, "/repos/slipway/environments/commits?limit=50&stat=false&files=false&verification=false", nil, &commits)
		releases := 0
		for _, c := range commits {
			if strings.HasPrefix(c.Commit.Message, "Release orders of "+commit[:12]) {
				releases++
			}
		}
		if releases != want {
			t.Errorf("%s was released %d times, want %d", commit, releases, want)
		}
	}
	for commit, want := range map[string]map[string]string{
		first: {"slipway/ci": "error"}, second: {"slipway/ci": "success", "slipway/ci/attest": "success", "slipway/release": "success"},
	} {
		eventually(t, promotes, "what became of "+commit+" is shown at it", func() error { return p.shown(t, "sales/orders", commit, want) })
	}
}

// builds checks that a commit has one run, and how far that is.
func (p *platform) builds(t *testing.T, commit, phase string) func() error {
	return func() error {
		out := p.run(t, "kubectl", "-n", "ci", "get", "workflows", "-l", "slipway.dev/commit="+commit, "-o", "json")
		var list struct {
			Items []struct {
				Status struct{ Phase, Message string }
			}
		}
		if err := json.Unmarshal([]byte(out), &list); err != nil {
			return err
		}
		if len(list.Items) != 1 || list.Items[0].Status.Phase != phase {
			return fmt.Errorf("the runs of %s are %+v, want one that is %s", commit, list.Items, phase)
		}
		return nil
	}
}

// shown checks the statuses of a commit.
func (p *platform) shown(t *testing.T, repository, commit string, want map[string]string) error {
	t.Helper()
	var combined struct {
		Statuses []struct {
			Context, Status string
			TargetURL       string `json:"target_url"`
		}
	}
	p.forge(t, http.MethodGet, "/repos/"+repository+"/commits/"+commit+"/status?limit=50", nil, &combined)
	got := map[string]string{}
	for _, s := range combined.Statuses {
		got[s.Context] = s.Status
		if !strings.HasPrefix(s.TargetURL, p.url(t, "console")+"/applications/") {
			return fmt.Errorf("%s leads to %q", s.Context, s.TargetURL)
		}
	}
	for context, state := range want {
		if got[context] != state {
			return fmt.Errorf("the statuses are %v, want %v", got, want)
		}
	}
	return nil
}

// testAccounts tries what the logins of builds are not for.
func testAccounts(t *testing.T, p *platform) {
	login := func(secret string) (user, password string) {
		t.Helper()
		var s struct{ Data map[string]string }
		if err := json.Unmarshal([]byte(p.run(t, "kubectl", "-n", "ci", "get", "secret", secret, "-o", "json")), &s); err != nil {
			t.Fatal(err)
		}
		u, err1 := base64.StdEncoding.DecodeString(s.Data["username"])
		w, err2 := base64.StdEncoding.DecodeString(s.Data["password"])
		if err1 != nil || err2 != nil || len(u) == 0 || len(w) == 0 {
			t.Fatalf("secret %s holds no login", secret)
		}
		return string(u), string(w)
	}
	admin, _ := p.login(t, "gitea")
	api := p.url(t, "gitea") + "/api/v1"
	for _, secret := range []string{"ci-git", "ci-registry"} {
		user, password := login(secret)
		if user == admin {
			t.Fatalf("builds use the administrator's account")
		}
		for what, err := range map[string]error{
			"lists users":            p.call(t, http.MethodGet, api+"/admin/users", user, password, nil, nil),
			"writes code":            p.call(t, http.MethodPost, api+"/repos/sales/orders/contents/x", user, password, map[string]any{"content": "eA==", "message": "x"}, nil),
			"sets statuses":          p.call(t, http.MethodPost, api+"/repos/sales/orders/statuses/main", user, password, map[string]any{"context": "slipway/gates", "state": "success"}, nil),
			"reads the platform's":   p.call(t, http.MethodGet, api+"/repos/slipway/platform", user, password, nil, nil),
			"writes what runs where": p.call(t, http.MethodPost, api+"/repos/slipway/environments/contents/x", user, password, map[string]any{"content": "eA==", "message": "x"}, nil),
		} {
			if err == nil {
				t.Errorf("the login in %s %s", secret, what)
			}
		}
	}
	user, password := login("ci-git")
	if err := p.call(t, http.MethodGet, api+"/repos/sales/orders", user, password, nil, nil); err != nil {
		t.Errorf("the login that clones can't read: %v", err)
	}
	user, password = login("ci-registry")
	if err := p.call(t, http.MethodGet, api+"/repos/sales/orders", user, password, nil, nil); err == nil {
		t.Error("the login that pushes images reads code")
	}
}
