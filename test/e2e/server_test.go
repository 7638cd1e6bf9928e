//go:build e2e

package e2e

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// testServer treats the portal's server as an operator, a fault, and an intruder would: it tells of itself, what it can
// read again may be deleted, what was pushed while it was away is built, and its account may do nothing but its work.
// Repository is a clone of the application orders, somebody's own.
func testServer(t *testing.T, p *platform, who *person, repository string) {
	t.Run("tells-of-itself", func(t *testing.T) {
		metrics := p.run(t, "kubectl", "get", "--raw", "/api/v1/namespaces/slipway/services/console:metrics/proxy/metrics")
		for _, want := range []string{"slipway_build_info{", "slipway_http_requests_total{", "slipway_log_decisions ",
			`slipway_webhook_calls_total{outcome="taken"}`, "process_resident_memory_bytes "} {
			if !strings.Contains(metrics, want) {
				t.Errorf("the metrics lack %s", want)
			}
		}
		for line := range strings.Lines(p.run(t, "kubectl", "-n", "slipway", "logs", "deployment/console", "--tail", "50")) {
			if entry := decode[map[string]any](t, line); entry["msg"] == "" || entry["level"] == "" {
				t.Errorf("a line of the log says nothing: %s", line)
			}
		}
	})
	t.Run("least-privilege", func(t *testing.T) {
		for _, tt := range []struct {
			may  string
			what []string
		}{
			{"yes", []string{"list", "pods", "-A"}}, {"yes", []string{"create", "tokenreviews.authentication.k8s.io"}},
			{"no", []string{"get", "secrets", "-n", "slipway"}}, {"no", []string{"get", "configmaps", "-A"}},
			{"no", []string{"watch", "pods", "-A"}}, {"no", []string{"create", "pods", "-n", "orders-dev"}},
			{"no", []string{"delete", "namespaces"}}, {"no", []string{"create", "subjectaccessreviews.authorization.k8s.io"}},
			{"no", []string{"create", "pods/exec", "-n", "orders-dev"}}, {"no", []string{"patch", "deployments.apps", "-n", "orders-prod"}},
		} {
			args := append([]string{"kubectl", "auth", "can-i", "--as", "system:serviceaccount:slipway:console"}, tt.what...)
			out, _ := p.try(t.Context(), args...) // "no" is a failure of kubectl's
			if got := strings.Fields(out + " ?"); got[len(got)-2] != tt.may && got[0] != tt.may {
				t.Errorf("may it %s? %s", strings.Join(tt.what, " "), out)
			}
		}
	})
	t.Run("deleted-index-is-rebuilt", func(t *testing.T) {
		lists := func() string {
			type place struct{ Team, Name, Digest string }
			var all []place
			type application struct {
				Team, Name  string
				Deployments []struct {
					Environment string
					Release     *struct{ Digest string }
				}
			}
			for _, a := range decode[[]application](t, who.run(t, "app", "list", "-o", "json")) {
				for _, d := range a.Deployments {
					if d.Release != nil {
						all = append(all, place{a.Team, a.Name + " in " + d.Environment, d.Release.Digest})
					}
				}
			}
			for _, e := range decode[[]struct{ Team, Name string }](t, who.run(t, "env", "list", "-o", "json")) {
				all = append(all, place{e.Team, "environment " + e.Name, ""})
			}
			for _, n := range decode[[]struct{ Name string }](t, who.run(t, "template", "list", "-o", "json")) {
				all = append(all, place{"", "template " + n.Name, ""})
			}
			for _, n := range decode[[]struct{ Number int }](t, who.run(t, "promotion", "list", "-o", "json")) {
				all = append(all, place{"", fmt.Sprint("promotion ", n.Number), ""})
			}
			slices.SortFunc(all, func(a, b place) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
			return fmt.Sprint(all)
		}
		before := lists()
		index := p.indexFile(t)
		for _, beside := range []string{"", "-wal", "-shm"} {
			if err := os.Remove(index + beside); err != nil {
				t.Fatal(err)
			}
		}
		p.restartServer(t, nil)
		eventually(t, settle, "the server answers as before", func() error {
			out, err := who.try(t, "app", "list")
			if err != nil {
				return fmt.Errorf("%s", out)
			}
			if after := lists(); after != before {
				return fmt.Errorf("before: %s\nnow: %s", before, after)
			}
			return nil
		})
		if _, err := os.Stat(index); err != nil {
			t.Error(err)
		}
	})
	t.Run("push-while-it-was-away-is-built", func(t *testing.T) {
		head := ""
		p.restartServer(t, func() {
			p.git(t, repository, "-c", "user.name="+who.name, "-c", "user.email="+who.email, "commit", "-q", "--allow-empty",
				"-m", "Pushed while the server was away")
			p.git(t, repository, "push", "-q", "origin", "HEAD:main")
			out, err := p.tryGit(t, repository, "rev-parse", "HEAD")
			if err != nil {
				t.Fatal(err)
			}
			head = strings.TrimSpace(out)
		})
		eventually(t, firstBuild, "the push is built", func() error {
			out, err := who.try(t, "app", "show", "orders", "-o", "json")
			if err != nil {
				return fmt.Errorf("%s", out)
			}
			for _, b := range decode[struct {
				Builds []struct{ Commit, State string }
			}](t, out).Builds {
				if b.Commit == head && b.State == "succeeded" {
					return nil
				}
			}
			return fmt.Errorf("no build of %s has succeeded yet", head)
		})
	})
}

// indexFile is the server's index, as the node keeps it.
func (p *platform) indexFile(t *testing.T) string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(filepath.Join(p.home, p.name), func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil // what comes and goes meanwhile
		case d.IsDir() && (d.Name() == "containerd" || d.Name() == "etcd"):
			return filepath.SkipDir
		case d.Name() == "index.db":
			found = append(found, path)
		}
		return nil
	})
	if err != nil || len(found) != 1 {
		t.Fatalf("the server's index: %v, %v", found, err)
	}
	return found[0]
}

// restartServer ends the server, does what is to be done while it is away, and waits until it is back. The GitOps engine
// would undo a change of the number of its pods; that no pod can be made here is nothing that it looks at.
func (p *platform) restartServer(t *testing.T, meanwhile func()) {
	t.Helper()
	pods := func() []string {
		return strings.Fields(p.run(t, "kubectl", "-n", "slipway", "get", "pods", "-l", "app.kubernetes.io/name=console", "-o", "name"))
	}
	before := pods()
	if meanwhile != nil {
		p.run(t, "kubectl", "-n", "slipway", "create", "quota", "nothing", "--hard=pods=0")
	}
	p.run(t, append([]string{"kubectl", "-n", "slipway", "delete", "--wait"}, before...)...)
	if meanwhile != nil {
		if there := pods(); len(there) > 0 {
			t.Fatalf("the server is not away: %v", there)
		}
		meanwhile()
		p.run(t, "kubectl", "-n", "slipway", "delete", "quota", "nothing")
		// so that its controller tries at once
		p.run(t, "kubectl", "-n", "slipway", "annotate", "replicasets", "-l", "app.kubernetes.io/name=console", "--overwrite", "tried=again")
	}
	eventually(t, settle, "the server is back", func() error {
		for _, pod := range pods() {
			if !slices.Contains(before, pod) {
				out, err := p.try(t.Context(), "kubectl", "-n", "slipway", "wait", "--for=condition=Ready", "--timeout=20s", pod)
				if err != nil {
					err = fmt.Errorf("%s", out)
				}
				return err
			}
		}
		return fmt.Errorf("there is no new pod")
	})
}
