//go:build e2e

package e2e

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// testGitPush pushes an example to a new repository, has it followed, and reads the page: by Go,
// by curl and by a real browser, each of which trusts the platform's CA. A second push changes it.
func testGitPush(t *testing.T, p *platform) {
	user, password := p.login(t, "gitea")
	p.copyExample(t, "plain-app/app", "hello")
	dir := filepath.Join(p.dir, "hello")
	remote := fmt.Sprintf("https://%s@%s/slipway/hello.git", url.UserPassword(user, password), p.host(t, "git"))
	p.git(t, dir, "init", "-q", "--initial-branch", "main")
	p.git(t, dir, "add", ".")
	p.git(t, dir, "commit", "-qm", "Hello")
	p.git(t, dir, "push", "-qf", remote, "main")

	application, err := os.ReadFile("../../examples/plain-app/application.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p.write(t, "application.yaml", p.adapt(t, string(application)))
	p.run(t, "kubectl", "apply", "-f", filepath.Join(p.dir, "application.yaml"))

	page := "https://" + p.host(t, "hello")
	eventually(t, settle, "the pushed page is served", p.serves(t, "hello", "Hello from plain manifests"))
	curl(t, p, page, "Hello from plain manifests")
	browse(t, p, page, "Hello from plain manifests", "hello-https.png")

	// A look at the repository now puts the next look without a webhook off by the whole interval.
	looked := p.lookAgain(t, "hello-from-git")
	text := p.read(t, "hello/deployment.yaml")
	p.write(t, "hello/deployment.yaml", strings.ReplaceAll(text, "Hello from plain manifests", "Hello again"))
	p.git(t, dir, "commit", "-qam", "Hello again")
	p.git(t, dir, "push", "-q", remote, "main")
	pushed := time.Now()
	interval := p.interval(t)
	if interval < 2*time.Minute {
		t.Fatalf("repositories are polled every %s; whether webhooks work cannot be told", interval)
	}
	eventually(t, time.Until(looked.Add(interval)), "the second push is served before any polling", p.serves(t, "hello", "Hello again"))
	t.Logf("the second push was served after %s; polling is every %s", time.Since(pushed).Round(time.Second/10), interval)
}

// serves checks that a page below the platform's domain has a text.
func (p *platform) serves(t *testing.T, name, want string) func() error {
	client, page := p.client(t), "https://"+p.host(t, name)
	return func() error {
		text, err := get(client, page)
		if err == nil && !strings.Contains(text, want) {
			err = fmt.Errorf("the page is %q", text)
		}
		return err
	}
}

// lookAgain has the delivery tool look at an application's repository, and says when it had.
func (p *platform) lookAgain(t *testing.T, application string) time.Time {
	t.Helper()
	asked := time.Now().Truncate(time.Second)
	p.run(t, "kubectl", "-n", "argocd", "annotate", "--overwrite", "application", application, "argocd.argoproj.io/refresh=normal")
	var at time.Time
	eventually(t, settle, "the application is looked at", func() error {
		out, err := p.try(t.Context(), "kubectl", "-n", "argocd", "get", "application", application, "-o", "jsonpath={.status.reconciledAt}")
		if err != nil {
			return err
		}
		if at, err = time.Parse(time.RFC3339, strings.TrimSpace(out)); err == nil && at.Before(asked) {
			err = fmt.Errorf("last at %s", at)
		}
		return err
	})
	return at
}

// interval is how often repositories are looked at without a webhook.
func (p *platform) interval(t *testing.T) time.Duration {
	t.Helper()
	out := p.run(t, "kubectl", "-n", "argocd", "get", "configmap", "argocd-cm", "-o", `jsonpath={.data.timeout\.reconciliation}`)
	interval, err := time.ParseDuration(out)
	if err != nil {
		t.Fatal(err)
	}
	return interval
}

// curl reads a page with curl, which resolves *.localhost by itself.
func curl(t *testing.T, p *platform, page, want string) {
	t.Helper()
	p.write(t, "ca.crt", p.run(t, "get", "ca", "--name", p.name))
	args := []string{"--silent", "--show-error", "--fail", "--noproxy", "*"}
	out, err := exec.CommandContext(t.Context(), "curl", append(args, "--cacert", filepath.Join(p.dir, "ca.crt"), page)...).CombinedOutput()
	if err != nil || !strings.Contains(string(out), want) {
		t.Errorf("curl --cacert: error %v, output %s", err, out)
	}
	if out, err := exec.CommandContext(t.Context(), "curl", append(args, page)...).CombinedOutput(); err == nil {
		t.Errorf("curl trusts the page without the platform's CA: %s", out)
	}
}
