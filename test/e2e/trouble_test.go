//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/slipway-dev/slipway/internal/progress"
)

// event is a line of `up -o json`.
type event struct {
	progress.Event
	Summary *struct{ Name string } `json:"summary"`
}

// events runs `up -o json`; see gets each event and may stop the program through kill. It gives
// the program's error.
func (p *platform) events(t *testing.T, see func(e event, kill func())) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), upLimit)
	defer cancel()
	c := p.command(ctx, "up", "-o", "json")
	var stderr strings.Builder
	c.Stderr = &stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Errorf("%q is not an event: %v", lines.Text(), err)
			continue
		}
		see(e, func() { _ = c.Process.Kill() })
	}
	err = c.Wait()
	if stderr.Len() > 0 {
		t.Log(stderr.String())
	}
	return err
}

func testUnchanged(t *testing.T, p *platform) {
	p.up(t)
	var summary bool
	err := p.events(t, func(e event, _ func()) {
		summary = summary || e.Summary != nil && e.Summary.Name == p.name
		for _, idle := range []string{"tools/", "repository", "delivery", "images/"} {
			if strings.HasPrefix(e.Task, idle) && e.State == progress.Done {
				t.Errorf("%s was done although nothing had changed: %s", e.Task, e.Message)
			}
		}
	})
	if err != nil || !summary {
		t.Errorf("error %v, summary %v", err, summary)
	}
}

func testTwoUps(t *testing.T, p *platform) {
	var told bool
	err := p.events(t, func(e event, _ func()) {
		if told || e.Task == "" || e.Task == "platform" {
			return
		}
		told = true
		out, err := p.try(t.Context(), "up")
		if err == nil || !strings.Contains(out, "is being changed by another slipway") || !strings.Contains(out, "next: ") {
			t.Errorf("a second up beside the first: error %v\n%s", err, out)
		}
	})
	if err != nil || !told {
		t.Errorf("the first up: error %v", err)
	}
}

// testInterrupted kills an `up` of a stopped platform at several moments; each is followed by an
// `up` that converges.
func testInterrupted(t *testing.T, p *platform) {
	for _, moment := range []struct {
		name string
		at   func(event) bool
	}{
		{"at the beginning", func(e event) bool { return e.Task == "platform" && e.State == progress.Done }},
		{"while the node starts", func(e event) bool { return e.Task == "cluster/kube-apiserver" }},
		// The cluster's end is their beginning, also where every tool turns out to be unchanged.
		{"while tools start", func(e event) bool {
			return strings.HasPrefix(e.Task, "tools/") || e.Task == "cluster" && e.State == progress.Done
		}},
		{"while it checks", func(e event) bool { return strings.HasPrefix(e.Task, "checks/") }},
	} {
		p.run(t, "down", "--name", p.name)
		killed := false
		err := p.events(t, func(e event, kill func()) {
			if !killed && moment.at(e) {
				killed = true
				kill()
			}
		})
		if err == nil || !killed {
			t.Fatalf("%s: it was not killed (%v)", moment.name, err)
		}
		t.Logf("killed %s; up again", moment.name)
		p.up(t)
	}
	testHealthy(t, p)
}

// testRestarted kills parts of the node and sees that each is started again by itself.
func testRestarted(t *testing.T, p *platform) {
	type part struct {
		Name, State   string
		PID, Restarts int
	}
	find := func(name string) (part, error) {
		out, err := p.try(t.Context(), "status", "--name", p.name, "-o", "json")
		if err != nil && out == "" {
			return part{}, err
		}
		for _, found := range decode[struct{ Parts []part }](t, out).Parts {
			if found.Name == name {
				return found, nil
			}
		}
		return part{}, fmt.Errorf("there is no part %s", name)
	}
	for _, name := range []string{"kube-scheduler", "containerd", "etcd"} {
		before, err := find(name)
		if err != nil || before.PID == 0 {
			t.Fatalf("%s: %+v, error %v", name, before, err)
		}
		if err := syscall.Kill(before.PID, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		eventually(t, settle, name+" runs again", func() error {
			now, err := find(name)
			if err == nil && (now.PID == before.PID || now.Restarts != before.Restarts+1 || now.State != "ready") {
				err = fmt.Errorf("it is %+v and was %+v", now, before)
			}
			return err
		})
	}
	// Pods went on running, and new ones start.
	eventually(t, settle, "the page is served", p.serves(t, "hello", "Hello"))
	p.run(t, "kubectl", "-n", "hello", "rollout", "restart", "deployment/hello")
	p.run(t, "kubectl", "-n", "hello", "rollout", "status", "deployment/hello", "--timeout=3m")
}

// testKilled kills every process of the platform at once, as a power failure would, and sees
// that `up` brings it back with its data.
func testKilled(t *testing.T, p *platform) {
	head := p.head(t)
	for _, part := range decode[struct{ Parts []struct{ PID int } }](t, p.run(t, "status", "--name", p.name, "-o", "json")).Parts {
		if part.PID > 0 {
			_ = syscall.Kill(part.PID, syscall.SIGKILL)
		}
	}
	eventually(t, time.Minute, "all processes have ended", func() error {
		if left := processesOf(p.home); len(left) > 0 {
			for _, pid := range left {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
			return errors.New("some are left")
		}
		return nil
	})
	p.up(t)
	if now := p.head(t); now != head {
		t.Errorf("the platform's repository was at %s and is at %s", head, now)
	}
	testHealthy(t, p)
}

// head is the newest commit of the repository that testGitPush pushed.
func (p *platform) head(t *testing.T) string {
	t.Helper()
	user, password := p.login(t, "gitea")
	var head string
	eventually(t, settle, "the Git server answers", func() error {
		dir, err := os.MkdirTemp(p.dir, "clone-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		p.git(t, dir, "clone", "-q", "https://"+url.UserPassword(user, password).String()+"@"+p.host(t, "git")+"/slipway/hello.git", "hello")
		text, err := os.ReadFile(filepath.Join(dir, "hello/.git/refs/heads/main"))
		head = strings.TrimSpace(string(text))
		return err
	})
	return head
}

// processesOf lists the processes whose command line names a state directory.
func processesOf(home string) []int {
	var pids []int
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err == nil && strings.Contains(string(text), home) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(f)))
			pids = append(pids, pid)
		}
	}
	return pids
}
