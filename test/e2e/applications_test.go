//go:build e2e

package e2e

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// goldenPaths are the templates besides go-service, with an application of each and what its page says.
var goldenPaths = []struct {
	template, name, page string
	set                  []string
}{
	{template: "python-service", name: "quotes", page: "Hello, world!"},
	{template: "node-web", name: "shopfront", page: "app.js"},
	{template: "static-site", name: "handbook", page: "<h1>"},
	{template: "scheduled-job", name: "cleanup", set: []string{"--set", "schedule=* * * * *"}},
}

// testApplications makes an application of each template at the same time, follows one of them through a pull request's
// preview and an environment with an end, and deletes it. All of it is done by a developer of the team.
func testApplications(t *testing.T, p *platform, team string, ada *person) {
	t.Run("templates", func(t *testing.T) {
		for _, path := range goldenPaths {
			t.Run(path.template, func(t *testing.T) {
				t.Parallel()
				args := append([]string{"app", "create", path.name, "--template", path.template, "--team", team,
					"--set", "description=Made from " + path.template, "--wait", "--timeout", (2 * firstBuild).String()}, path.set...)
				began := time.Now()
				ada.run(t, args...)
				if path.page != "" {
					eventually(t, settle, path.name+" answers in dev", p.serves(t, path.name+"-dev", path.page))
				} else {
					eventually(t, 3*time.Minute, "a run of "+path.name+" succeeds", p.ranWell(t, path.name+"-dev"))
				}
				t.Logf("app create → answering in dev: %s", time.Since(began).Round(time.Second))
			})
		}
	})
	if t.Failed() {
		return
	}
	t.Run("environments-are-closed-to-each-other", func(t *testing.T) { testClosed(t, p) })
	t.Run("preview-comes-and-goes", func(t *testing.T) { testPreview(t, p, team+"/handbook", ada) })
	t.Run("environment-with-an-end", func(t *testing.T) { testLifetime(t, p, team, "handbook", ada) })
	t.Run("delete-leaves-nothing", func(t *testing.T) { testDeletion(t, p, team, "handbook", ada) })
}

// ranWell says whether a job in a namespace has succeeded.
func (p *platform) ranWell(t *testing.T, namespace string) func() error {
	return func() error {
		out, err := p.try(t.Context(), "kubectl", "-n", namespace, "get", "jobs", "-o", "jsonpath={.items[*].status.succeeded}")
		if err == nil && !strings.Contains(out, "1") {
			err = fmt.Errorf("jobs that succeeded: %q", out)
		}
		return err
	}
}

// gone says whether a namespace is not there any more.
func (p *platform) gone(t *testing.T, namespace string) func() error {
	return func() error {
		out, err := p.try(t.Context(), "kubectl", "get", "namespace", namespace, "--ignore-not-found", "-o", "name")
		if err == nil && strings.TrimSpace(out) != "" {
			err = fmt.Errorf("%s is still there", strings.TrimSpace(out))
		}
		return err
	}
}

// testClosed calls one application from another, which finds its address and gets no further.
func testClosed(t *testing.T, p *platform) {
	const call = `import socket, urllib.request
host = "shopfront.shopfront-dev.svc.cluster.local"
print("found", socket.gethostbyname(host))
try:
    print("answered", urllib.request.urlopen("http://" + host + "/", timeout=5).status)
except OSError as e:
    print("refused", e)`
	eventually(t, settle, "an application does not reach another one", func() error {
		out, err := p.try(t.Context(), "kubectl", "-n", "quotes-dev", "exec", "deployment/quotes", "--", "python3", "-c", call)
		if err == nil && !(strings.Contains(out, "found 10.") && strings.Contains(out, "refused")) {
			err = errors.New(out)
		}
		return err
	})
}

// testPreview proposes a change of the static site: it answers at a name of its own, which a comment tells, and goes when
// the pull request is closed.
func testPreview(t *testing.T, p *platform, repository string, ada *person) {
	const work = "proposal"
	dir := filepath.Join(p.dir, work)
	p.git(t, p.dir, "clone", "-q", ada.remote(t, repository), dir)
	p.git(t, dir, "checkout", "-q", "-b", "proposal")
	p.write(t, work+"/site/index.html", strings.Replace(p.read(t, work+"/site/index.html"), "</h1>", " (proposed)</h1>", 1))
	p.git(t, dir, "-c", "user.name="+ada.name, "-c", "user.email="+ada.email, "commit", "-qam", "Propose")
	p.git(t, dir, "push", "-q", "origin", "proposal")
	api := p.url(t, "gitea") + "/api/v1/repos/" + repository
	var pull struct{ Number int }
	if err := p.call(t, http.MethodPost, api+"/pulls", ada.name, ada.password,
		map[string]any{"base": "main", "head": "proposal", "title": "Propose"}, &pull); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	_, application, _ := strings.Cut(repository, "/")
	preview := fmt.Sprintf("%s-pr-%d", application, pull.Number)
	eventually(t, firstBuild, "the proposal answers in its preview", p.serves(t, preview, "(proposed)</h1>"))
	t.Logf("pull request → answering in its preview: %s", time.Since(began).Round(time.Second))
	eventually(t, settle, "the pull request says where", func() error {
		var comments []struct{ Body string }
		err := p.call(t, http.MethodGet, fmt.Sprintf("%s/issues/%d/comments", api, pull.Number), ada.name, ada.password, nil, &comments)
		if err == nil && (len(comments) != 1 || !strings.Contains(comments[0].Body, "https://"+p.host(t, preview))) {
			err = fmt.Errorf("its comments are %q", comments)
		}
		return err
	})
	if err := p.serves(t, application+"-dev", "(proposed)")(); err == nil {
		t.Error("the proposal is in dev")
	}
	if err := p.call(t, http.MethodPatch, fmt.Sprintf("%s/pulls/%d", api, pull.Number), ada.name, ada.password, map[string]any{"state": "closed"}, nil); err != nil {
		t.Fatal(err)
	}
	eventually(t, promotes, "the preview is gone", p.gone(t, preview))
	if out := ada.run(t, "env", "list"); strings.Contains(out, preview) {
		t.Errorf("the preview is still listed:\n%s", out)
	}
}

// testLifetime makes an environment that lives for three minutes: what runs in dev runs there, and then it is gone.
func testLifetime(t *testing.T, p *platform, team, application string, ada *person) {
	ada.run(t, "env", "create", "trial", "--team", team, "--ttl", "3m", "--description", "for three minutes")
	eventually(t, settle, "what runs in dev answers in the new environment", p.serves(t, application+"-trial", "<h1>"))
	namespace := team + "-trial"
	for _, kind := range []string{"resourcequota/environment", "limitrange/environment", "networkpolicy/environment-default-deny", "rolebinding/team"} {
		p.run(t, "kubectl", "-n", namespace, "get", kind)
	}
	for in, want := range map[string]string{namespace: "yes", "slipway": "no"} {
		out, _ := p.try(t.Context(), "kubectl", "auth", "can-i", "create", "deployments", "-n", in, "--as", ada.name, "--as-group", team+":developers")
		if first, _, _ := strings.Cut(strings.TrimSpace(out), "\n"); first != want {
			t.Errorf("may a developer of the team create deployments in %s? %q, want %s", in, out, want)
		}
	}
	eventually(t, promotes, "the environment is gone when its time is over", p.gone(t, namespace))
	if _, err := ada.try(t, "env", "show", "trial"); err == nil {
		t.Error("the environment is still there")
	}
}

// testDeletion deletes an application, and looks for what may be left of it.
func testDeletion(t *testing.T, p *platform, team, application string, ada *person) {
	if out, err := ada.try(t, "app", "delete", application); err == nil || !strings.Contains(out, "its repository") {
		t.Errorf("it was not asked for a confirmation that says what goes: %v\n%s", err, out)
	}
	ada.run(t, "app", "delete", application, "--yes")
	nothing := func(what string, args ...string) func() error {
		return func() error {
			out, err := p.try(t.Context(), args...)
			if err == nil && strings.Contains(out, application) {
				err = fmt.Errorf("%s: %s", what, strings.TrimSpace(out))
			}
			return err
		}
	}
	eventually(t, promotes, "nothing of it is left in the cluster", func() error {
		return errors.Join(
			nothing("namespaces", "kubectl", "get", "namespaces", "-o", "name")(),
			nothing("delivery", "kubectl", "-n", "argocd", "get", "applications", "-o", "name")(),
			nothing("builds", "kubectl", "-n", "ci", "get", "workflows,pods", "-o", "name")())
	})
	user, password := p.login(t, "gitea")
	address := p.url(t, "gitea") + "/api/v1"
	if err := p.call(t, http.MethodGet, address+"/repos/"+team+"/"+application, user, password, nil, nil); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("its repository: %v", err)
	}
	var images []struct{ Name, Version string }
	if err := p.call(t, http.MethodGet, address+"/packages/"+team+"?type=container&q="+application, user, password, nil, &images); err != nil || len(images) > 0 {
		t.Errorf("its images: %v, %v", images, err)
	}
	var files struct{ Tree []struct{ Path string } }
	if err := p.call(t, http.MethodGet, address+"/repos/slipway/environments/git/trees/main?recursive=true&per_page=1000", user, password, nil, &files); err != nil {
		t.Error(err)
	}
	for _, f := range files.Tree {
		if strings.Contains(f.Path, application) {
			t.Errorf("the environments' repository has %s", f.Path)
		}
	}
	if out, err := ada.try(t, "app", "show", application); err == nil {
		t.Errorf("it is still there:\n%s", cmp.Or(out, "(nothing)"))
	}
}
