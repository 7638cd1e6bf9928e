//go:build e2e

package e2e

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// Limits only end what hangs: a first build fetches base images and fills caches.
const (
	firstBuild = 10 * time.Minute
	promotes   = 5 * time.Minute
)

// TestGoldenPath brings a platform with portal and CI up. A developer makes an application from a template, changes it by a
// push, and promotes it to production, where somebody else approves; an auditor takes the decision away and
// verifies it without the platform. Ways around each step are tried, and refused or found.
func TestGoldenPath(t *testing.T) {
	p := newPlatform(t, fmt.Sprintf("golden-%d", os.Getpid()))
	p.write(t, "platform.yaml", p.platformFile(""))
	p.up(t)
	team := p.team(t, "sales", map[string][]string{"developers": {"ada", "bob"}, "approvers": {"bob", "cai"}})
	ada, bob := team["ada"], team["bob"]
	eve := p.team(t, "auditors", map[string][]string{"readers": {"eve"}})["eve"]

	t.Run("console-in-a-browser", func(t *testing.T) { testConsole(t, p, eve) })

	t.Run("from-template-to-dev", func(t *testing.T) {
		ada.run(t, "app", "create", "orders", "--template", "go-service", "--team", "sales",
			"--set", "description=Takes orders", "--set", "owner=group:default/sales", "--wait", "--timeout", firstBuild.String())
		eventually(t, settle, "the application answers in dev", p.serves(t, "orders-dev", "Hello, world!"))
	})

	t.Run("git-push-is-live-in-dev", func(t *testing.T) {
		dir := filepath.Join(p.dir, "orders")
		p.git(t, p.dir, "clone", "-q", ada.remote(t, "sales/orders"), dir)
		for i := 1; i <= 2; i++ {
			want := fmt.Sprintf("Good day %d, world!", i)
			text := p.read(t, "orders/service.go")
			p.write(t, "orders/service.go", replaceGreeting(t, text, fmt.Sprintf("Good day %d, ", i)))
			test := p.read(t, "orders/service_test.go")
			p.write(t, "orders/service_test.go", replaceGreeting(t, test, fmt.Sprintf("Good day %d, ", i)))
			p.git(t, dir, "-c", "user.name=ada", "-c", "user.email="+ada.email, "commit", "-qam", fmt.Sprintf("Greet in way %d", i))
			p.git(t, dir, "push", "-q", "origin", "main")
			pushed := time.Now()
			eventually(t, firstBuild, "the push is live in dev", p.serves(t, "orders-dev", want))
			t.Logf("git push → answering in dev: %s", time.Since(pushed).Round(100*time.Millisecond))
		}
	})

	t.Run("a-failing-test-says-why", func(t *testing.T) {
		dir := filepath.Join(p.dir, "orders")
		before := p.read(t, "orders/service.go")
		p.write(t, "orders/service.go", strings.ReplaceAll(before, "Good day 2, ", "Good night, "))
		p.git(t, dir, "-c", "user.name=ada", "-c", "user.email="+ada.email, "commit", "-qam", "Break it")
		p.git(t, dir, "push", "-q", "origin", "main")
		eventually(t, firstBuild, "the build fails, and says why", func() error {
			out, err := ada.try(t, "app", "show", "orders")
			if err == nil && !(strings.Contains(out, "failed") && strings.Contains(out, "test")) {
				err = fmt.Errorf("the application's builds are\n%s", tail(out, 30))
			}
			return err
		})
		if err := p.serves(t, "orders-dev", "Good day 2, world!")(); err != nil {
			t.Errorf("a failed build changed what runs: %v", err)
		}
		p.git(t, dir, "revert", "--no-edit", "HEAD")
		p.git(t, dir, "push", "-q", "origin", "main")
		head, err := p.tryGit(t, dir, "rev-parse", "HEAD")
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, firstBuild, "the mended commit is live in dev", func() error {
			out, err := ada.try(t, "app", "show", "orders")
			if err == nil && !regexp.MustCompile(`(?m)^dev +`+head[:12]+`\S* .* healthy`).MatchString(out) {
				err = fmt.Errorf("%s", tail(out, 30))
			}
			return err
		})
	})

	t.Run("applications-previews-environments", func(t *testing.T) { testApplications(t, p, "sales", ada) })
	t.Run("builds-killed-and-overtaken", func(t *testing.T) { testBuilds(t, p, ada) })
	t.Run("builds-may-do-only-their-part", func(t *testing.T) { testAccounts(t, p) })

	var pull int
	t.Run("promotion-waits-for-somebody-else", func(t *testing.T) {
		out := ada.run(t, "promote", "orders", "--from", "dev", "--to", "prod", "--note", "the first one", "-o", "json")
		pull = int(decode[struct{ Number int64 }](t, out).Number)
		eventually(t, promotes, "the gates say that an approval is missing", func() error {
			out, err := ada.try(t, "promotion", "show", fmt.Sprint(pull))
			if err == nil && !strings.Contains(strings.ToLower(out), "approv") {
				err = fmt.Errorf("%s", out)
			}
			return err
		})
	})

	t.Run("nobody-gets-around-it", func(t *testing.T) {
		testAround(t, p, ada, bob, pull)
		time.Sleep(5 * time.Second) // long enough for a reconciler that would wrongly merge
		if err := p.serves(t, "orders-prod", "Good day")(); err == nil {
			t.Fatal("the application is in prod although nobody else has approved")
		}
	})

	t.Run("approved-decided-merged-live", func(t *testing.T) {
		bob.review(t, pull, "APPROVED")
		eventually(t, promotes, "the release answers in prod", p.serves(t, "orders-prod", "Good day 2, world!"))
		eventually(t, promotes, "the promotion is over", func() error {
			out, err := ada.try(t, "promotion", "show", fmt.Sprint(pull), "-o", "json")
			if err == nil && !strings.Contains(out, `"merged"`) && !strings.Contains(out, `"succeeded"`) {
				err = fmt.Errorf("%s", tail(out, 40))
			}
			return err
		})
	})

	t.Run("verified-offline", func(t *testing.T) { testOffline(t, p, eve) })

	t.Run("templates-of-others", func(t *testing.T) { testTemplates(t, p, "sales", ada) })

	t.Run("bypass-is-found", func(t *testing.T) {
		p.write(t, "rogue.yaml", rogue)
		p.run(t, "kubectl", "-n", "orders-prod", "apply", "-f", filepath.Join(p.dir, "rogue.yaml"))
		eventually(t, promotes, "what runs without a decision is a finding", func() error {
			out, err := eve.try(t, "audit", "findings")
			if err == nil && !strings.Contains(out, "rogue") {
				err = fmt.Errorf("the findings are\n%s", out)
			}
			return err
		})
		p.run(t, "kubectl", "-n", "orders-prod", "delete", "pod", "rogue", "--grace-period=0", "--force")
	})

	t.Run("server", func(t *testing.T) { testServer(t, p, ada, filepath.Join(p.dir, "orders")) })

	admins := p.team(t, "platform-admins", map[string][]string{"all": {"pam", "pat"}})
	s := &stage{p: p, team: "sales", app: "orders", dir: filepath.Join(p.dir, "orders"), env: "live", ada: ada, bob: bob, cai: team["cai"],
		pam: admins["pam"], pat: admins["pat"], eve: eve}
	t.Run("gates-are-changed-by-two", func(t *testing.T) { testGates(t, s) })
	t.Run("broken-glass-and-a-failed-rollout", func(t *testing.T) { testGlass(t, s) })
	t.Run("nobody-alone-and-killed-between", func(t *testing.T) { testOwn(t, s) })
	t.Run("tamperings-are-found", func(t *testing.T) { testTamperings(t, s) })
	t.Run("around-slipway-is-found", func(t *testing.T) { testAroundSlipway(t, s) })

	// Last: whoever signed in before does not any more.
	t.Run("another-identity-provider-takes-over", func(t *testing.T) { testSwap(t, p, ada, bob, eve) })
}

// rogue is a pod that the environment's own policies let in, of an image that nobody decided on.
var rogue = `apiVersion: v1
kind: Pod
metadata: {name: rogue}
spec:
  automountServiceAccountToken: false
  securityContext: {runAsNonRoot: true, runAsUser: 65532, seccompProfile: {type: RuntimeDefault}}
  containers:
  - name: rogue
    image: registry.invalid/rogue@sha256:` + strings.Repeat("ab", 32) + `
    resources: {requests: {cpu: 10m, memory: 16Mi}, limits: {cpu: 10m, memory: 16Mi}}
    securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
`

// replaceGreeting changes how the template's service greets, in its program and its test.
func replaceGreeting(t *testing.T, text, greeting string) string {
	t.Helper()
	for _, before := range []string{"Hello, ", "Good day 1, "} {
		if strings.Contains(text, before) {
			return strings.ReplaceAll(text, before, greeting)
		}
	}
	t.Fatalf("there is no greeting in\n%s", tail(text, 20))
	return ""
}

// testAround tries what must not lead to production: the requester's own approval, and pushes and
// merges past the gates.
func testAround(t *testing.T, p *platform, ada, bob *person, pull int) {
	if err := ada.tryReview(t, pull, "APPROVED"); err != nil {
		t.Logf("the forge refuses the requester's own approval: %v", err)
	}
	for _, who := range []*person{ada, bob} {
		address := fmt.Sprintf("%s/api/v1/repos/slipway/environments/pulls/%d/merge", p.url(t, "gitea"), pull)
		if err := p.call(t, http.MethodPost, address, who.name, who.password, map[string]any{"Do": "merge", "force_merge": true}, nil); err == nil {
			t.Errorf("%s merged the promotion in the forge", who.name)
		}
		dir := filepath.Join(t.TempDir(), "environments")
		if out, err := p.tryGit(t, "", "clone", "-q", who.remote(t, "slipway/environments"), dir); err != nil {
			t.Fatalf("%s can't read the environments' repository: %v\n%s", who.name, err, out)
		}
		p.git(t, dir, "-c", "user.name="+who.name, "-c", "user.email="+who.email, "commit", "--allow-empty", "-qm", "Around")
		if out, err := p.tryGit(t, dir, "push", "-q", "origin", "HEAD:main"); err == nil {
			t.Errorf("%s pushed to the environments' branch: %s", who.name, out)
		}
	}
}

// testOffline exports the log, verifies it where there is no platform, and sees tampering found.
func testOffline(t *testing.T, p *platform, eve *person) {
	eve.run(t, "audit", "export", "log.zip", "--keys", "keys.json")
	away := t.TempDir()
	for _, name := range []string{"log.zip", "keys.json"} {
		if err := os.WriteFile(filepath.Join(away, name), []byte(p.read(t, name)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	verify := func(file string) (string, error) {
		c := exec.CommandContext(t.Context(), p.binary, "audit", "verify", file, "--trust", "keys.json")
		// No network, no state of the platform's.
		c = exec.CommandContext(t.Context(), "unshare", append([]string{"--net"}, c.Args...)...)
		c.Dir, c.Env = away, []string{"HOME=" + away, "SLIPWAY_HOME=" + away, "PATH=" + os.Getenv("PATH")}
		out, err := c.CombinedOutput()
		return string(out), err
	}
	out, err := verify("log.zip")
	if err != nil {
		t.Fatalf("verify: %v\n%s", err, out)
	}
	t.Logf("%s", out)
	tampered := 0
	eachEntry(t, filepath.Join(away, "log.zip"), func(name string, data []byte, write func(file string, data []byte)) {
		if len(data) == 0 || strings.HasSuffix(name, "keys.json") {
			return
		}
		changed := bytes.Clone(data)
		changed[len(changed)/2] ^= 1
		write("tampered.zip", changed)
		if out, err := verify("tampered.zip"); err == nil {
			t.Errorf("one bit of %s was changed, and verify says\n%s", name, out)
		}
		tampered++
	})
	if tampered == 0 {
		t.Error("nothing was tampered with")
	}
}

// eachEntry calls do for each file of an archive; write writes the archive with that file's data changed.
func eachEntry(t *testing.T, archive string, do func(name string, data []byte, write func(file string, data []byte))) {
	t.Helper()
	r, err := zip.OpenReader(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	files := map[string][]byte{}
	for _, f := range r.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if files[f.Name], err = io.ReadAll(in); err != nil {
			t.Fatal(err)
		}
		_ = in.Close()
	}
	for name, data := range files {
		do(name, data, func(file string, changed []byte) {
			var out bytes.Buffer
			w := zip.NewWriter(&out)
			for other, data := range files {
				if other == name {
					data = changed
				}
				f, err := w.Create(other)
				if err == nil {
					_, err = f.Write(data)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(filepath.Dir(archive), file), out.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// remote is a repository's URL with somebody's login.
func (who *person) remote(t *testing.T, repository string) string {
	t.Helper()
	return fmt.Sprintf("https://%s@%s/%s.git", url.UserPassword(who.name, who.password), who.p.host(t, "git"), repository)
}

// review gives somebody's opinion of a promotion, on the forge.
func (who *person) review(t *testing.T, pull int, event string) {
	t.Helper()
	if err := who.tryReview(t, pull, event); err != nil {
		t.Fatal(err)
	}
}

func (who *person) tryReview(t *testing.T, pull int, event string) error {
	t.Helper()
	address := fmt.Sprintf("%s/api/v1/repos/slipway/environments/pulls/%d/reviews", who.p.url(t, "gitea"), pull)
	return who.p.call(t, http.MethodPost, address, who.name, who.password, map[string]any{"event": event, "body": "seen"}, nil)
}
