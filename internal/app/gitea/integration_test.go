//go:build integration

package gitea_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/app/forgetest"
	"github.com/slipway-dev/slipway/internal/app/gitea"
)

// The environment variables that name the server's program, and the directory with its
// templates and translations, which are not part of the program.
const (
	envGitea      = "SLIPWAY_TEST_GITEA"
	envGiteaFiles = "SLIPWAY_TEST_GITEA_FILES"
)

const admin = "slipway"

// server starts a Gitea of its own on loopback, which ends with the test.
func server(t *testing.T) gitea.Access {
	t.Helper()
	program, static := os.Getenv(envGitea), os.Getenv(envGiteaFiles)
	if program == "" || static == "" {
		t.Fatalf("this test needs a Gitea: run it by make integration, or set %s to the program of the component gitea, and %s to the directory of its templates and options", envGitea, envGiteaFiles)
	}
	dir := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	_ = l.Close()
	url := fmt.Sprintf("http://127.0.0.1:%d", port)
	config := filepath.Join(dir, "app.ini")
	text := fmt.Sprintf(`RUN_USER = root
WORK_PATH = %[1]s
[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = %[2]d
ROOT_URL = %[3]s/
DISABLE_SSH = true
OFFLINE_MODE = true
STATIC_ROOT_PATH = %[4]s
[database]
DB_TYPE = sqlite3
PATH = %[1]s/gitea.db
[security]
INSTALL_LOCK = true
SECRET_KEY = x
INTERNAL_TOKEN = x
PASSWORD_HASH_ALGO = pbkdf2$1$1
[webhook]
ALLOWED_HOST_LIST = loopback
[log]
LEVEL = error
`, dir, port, url, static)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) *exec.Cmd {
		cmd := exec.Command(program, append(args, "--config", config, "--work-path", dir)...)
		cmd.Env = append(os.Environ(), "HOME="+dir, "GITEA_I_AM_BEING_UNSAFE_RUNNING_AS_ROOT=true")
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		return cmd
	}
	if out, err := run("migrate").CombinedOutput(); err != nil {
		t.Fatalf("migrate: %v\n%s", err, out)
	}
	if out, err := run("admin", "user", "create", "--admin", "--username", admin, "--password", forgetest.Password,
		"--email", "slipway@example.com", "--must-change-password=false").CombinedOutput(); err != nil {
		t.Fatalf("make the administrator: %v\n%s", err, out)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	web := run("web")
	web.Stdout, web.Stderr = log, log
	if err := web.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = web.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		_ = web.Process.Kill()
		<-ended
		_ = log.Close()
	})
	answers(t, url+"/api/healthz", log.Name(), ended)
	return gitea.Access{URL: url, Username: admin, Password: forgetest.Password, HTTP: &http.Client{}}
}

func answers(t *testing.T, url, log string, ended <-chan struct{}) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		res, err := http.Get(url)
		if err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-ended:
			text, _ := os.ReadFile(log)
			t.Fatalf("the server ended\n%s", text)
		case <-ctx.Done():
			text, _ := os.ReadFile(log)
			t.Fatalf("the server does not answer: %v\n%s", err, text)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func TestForge(t *testing.T) {
	access := server(t)
	var n atomic.Int32
	forgetest.Run(t, func(t *testing.T) forgetest.Subject {
		return forgetest.Subject{
			Forge: gitea.New(access), Account: admin, Owner: fmt.Sprintf("team-%d", n.Add(1)),
			As: func(_ *testing.T, account string) forgetest.Forge {
				other := access
				other.Username = account
				return gitea.New(other)
			},
		}
	})
	t.Run("webhooks tell of pushes and pull requests", func(t *testing.T) { webhooks(t, access) })
}

// webhooks makes the hook first: repositories that come later are told of as well.
func webhooks(t *testing.T, access gitea.Access) {
	const secret = "between us"
	events := make(chan forge.Event, 100)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e, err := gitea.ReadEvent(r, secret)
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			t.Error(err)
			return
		}
		events <- e
	}))
	defer receiver.Close()
	f := gitea.New(access)
	for _, s := range []string{"an older secret", secret} {
		if err := f.EnsureWebhook(t.Context(), receiver.URL, s); err != nil {
			t.Fatal(err)
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	r := forge.Repository{Owner: "hooked", Name: "repo"}
	must(f.EnsureOrganization(t.Context(), r.Owner))
	_, err := f.EnsureRepository(t.Context(), r, forge.RepositoryOptions{})
	must(err)
	must(f.EnsureUser(t.Context(), forge.User{Name: "reviewer", Email: "reviewer@example.com"}, forgetest.Password))
	must(f.EnsureTeam(t.Context(), forge.Team{Organization: r.Owner, Name: "readers", Permission: forge.PermissionRead,
		AllRepositories: true}, []string{"reviewer"}))
	next := func(what string, is func(forge.Event) bool) forge.Event {
		t.Helper()
		end := time.After(30 * time.Second)
		for {
			select {
			case e := <-events:
				if e.Repository == r && is(e) {
					if e.ID == "" {
						t.Errorf("%s: no delivery id", what)
					}
					return e
				}
			case <-end:
				t.Fatalf("was not told: %s", what)
			}
		}
	}
	first, err := f.Commit(t.Context(), r, forge.Commit{Branch: "main", Message: "x",
		Changes: []forge.FileChange{{Path: "a", Data: []byte("1")}}})
	must(err)
	e := next("a push", func(e forge.Event) bool { return e.Push != nil && e.Push.Branch == "main" })
	if e.Push.After != first || e.Push.Before != "" || e.Push.Pusher != admin {
		t.Errorf("%+v", e.Push)
	}
	_, err = f.Commit(t.Context(), r, forge.Commit{Branch: "topic", From: "main", Message: "x",
		Changes: []forge.FileChange{{Path: "b", Data: []byte("1")}}})
	must(err)
	p, err := f.OpenPullRequest(t.Context(), r, forge.NewPullRequest{Base: "main", Head: "topic", Title: "t"})
	must(err)
	action := func(a forge.Action) func(forge.Event) bool {
		return func(e forge.Event) bool { return e.PullRequest != nil && e.PullRequest.Action == a }
	}
	if e := next("opened", action(forge.PullOpened)); e.PullRequest.Number != p.Number ||
		e.PullRequest.HeadCommit != p.HeadCommit {
		t.Errorf("%+v", e.PullRequest)
	}
	head, err := f.Commit(t.Context(), r, forge.Commit{Branch: "topic", Message: "x",
		Changes: []forge.FileChange{{Path: "c", Data: []byte("1")}}})
	must(err)
	if e := next("new commits", action(forge.PullUpdated)); e.PullRequest.HeadCommit != head {
		t.Errorf("%+v", e.PullRequest)
	}
	must(f.Review(t.Context(), r, p.Number, forge.Review{Reviewer: "reviewer", Verdict: forge.Approved}))
	if e := next("a review", action(forge.PullReviewed)); e.PullRequest.Sender != "reviewer" {
		t.Errorf("%+v", e.PullRequest)
	}
	merge, err := f.Merge(t.Context(), r, forge.Merge{Number: p.Number, HeadCommit: head, Title: "x"})
	must(err)
	if e := next("merged", action(forge.PullMerged)); e.PullRequest.MergeCommit != merge ||
		e.PullRequest.MergedBy != admin {
		t.Errorf("%+v", e.PullRequest)
	}
}
