//go:build integration

package gitea_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	sdk "code.gitea.io/sdk/gitea"

	"github.com/slipway-dev/slipway/internal/deliver"
	"github.com/slipway-dev/slipway/internal/deliver/gitea"
	"github.com/slipway-dev/slipway/internal/deliver/gittest"
	"github.com/slipway-dev/slipway/internal/deliver/idptest"
)

// The environment variables that name the server's program, and the directory with its
// templates and translations, which are not part of the program.
const (
	envGitea      = "SLIPWAY_TEST_GITEA"
	envGiteaFiles = "SLIPWAY_TEST_GITEA_FILES"
)

const (
	adminName     = "slipway"
	adminPassword = "only-for-this-test"
)

// server starts a Gitea of its own on loopback, which ends with the test.
func server(t *testing.T) deliver.GitAccess {
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
	text := fmt.Sprintf(`RUN_USER = %s
WORK_PATH = %[2]s
[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = %[3]d
ROOT_URL = %[4]s/
DISABLE_SSH = true
OFFLINE_MODE = true
STATIC_ROOT_PATH = %[5]s
[database]
DB_TYPE = sqlite3
PATH = %[2]s/gitea.db
[security]
INSTALL_LOCK = true
SECRET_KEY = x
INTERNAL_TOKEN = x
PASSWORD_HASH_ALGO = pbkdf2$1$1
[webhook]
ALLOWED_HOST_LIST = loopback
[log]
LEVEL = error
`, currentUser(), dir, port, url, static)
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
	if out, err := run("admin", "user", "create", "--admin", "--username", adminName, "--password", adminPassword,
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
	return deliver.GitAccess{URL: url, Username: adminName, Password: adminPassword, HTTP: &http.Client{}}
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

func currentUser() string {
	if name := os.Getenv("USER"); name != "" {
		return name
	}
	out, _ := exec.Command("id", "-un").Output()
	return strings.TrimSpace(string(out))
}

func TestServer_DoesWhatEveryGitServerDoes(t *testing.T) {
	access := server(t)
	var n atomic.Int32
	gittest.Run(t, func(t *testing.T) (deliver.GitServer, string) {
		s, err := gitea.New(access)
		if err != nil {
			t.Fatal(err)
		}
		return s, fmt.Sprintf("owner-%d", n.Add(1))
	})
	t.Run("the administrator owns repositories too", func(t *testing.T) {
		s, err := gitea.New(access)
		if err != nil {
			t.Fatal(err)
		}
		remote, err := s.EnsureRepository(t.Context(), adminName, "platform", true)
		if err != nil {
			t.Fatal(err)
		}
		if want := access.URL + "/" + adminName + "/platform.git"; remote.URL != want {
			t.Errorf("URL = %s, want %s", remote.URL, want)
		}
	})
	t.Run("a push to any repository calls the webhook, signed", func(t *testing.T) { pushCallsWebhook(t, access) })
	t.Run("a wrong password is told", func(t *testing.T) {
		wrong := access
		wrong.Password = "wrong"
		s, err := gitea.New(wrong)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.EnsureRepository(t.Context(), "x", "y", true); err == nil || errors.Is(err, deliver.ErrNotYet) {
			t.Errorf("error = %v, want one that stays", err)
		}
	})
	t.Run("what is not the server yet is told from it", func(t *testing.T) {
		gateway := httptest.NewServer(http.NotFoundHandler())
		early := access
		early.URL = gateway.URL
		s, err := gitea.New(early)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.EnsureRepository(t.Context(), "x", "y", true); !errors.Is(err, deliver.ErrNotYet) {
			t.Errorf("error from a gateway without a route = %v", err)
		}
		gateway.Close()
		if _, err := s.EnsureRepository(t.Context(), "x", "y", true); !errors.Is(err, deliver.ErrNotYet) {
			t.Errorf("error from nobody = %v", err)
		}
	})
}

func TestIdentity_DoesWhatEveryIdentityProviderDoes(t *testing.T) {
	git := server(t)
	access := deliver.IdentityAccess{Issuer: git.URL, Username: git.Username, Password: git.Password}
	idptest.Run(t, access.Issuer, func(t *testing.T) deliver.IdentityProvider {
		p, err := gitea.NewIdentity(access)
		if err != nil {
			t.Fatal(err)
		}
		return p
	})
	t.Run("a wrong password is told", func(t *testing.T) {
		wrong := access
		wrong.Password = "wrong"
		p, err := gitea.NewIdentity(wrong)
		if err != nil {
			t.Fatal(err)
		}
		idptest.Refuses(t, p)
	})
}

// pushCallsWebhook makes the hook first: repositories that users make later are called for as well.
func pushCallsWebhook(t *testing.T, access deliver.GitAccess) {
	calls := make(chan call, 100)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		calls <- call{r.Header, body}
	}))
	defer receiver.Close()
	s, err := gitea.New(access)
	if err != nil {
		t.Fatal(err)
	}
	platforms, err := s.EnsureRepository(t.Context(), "hooked", "repo", false)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"old", "new"} {
		if err := s.EnsureWebhook(t.Context(), deliver.Webhook{URL: receiver.URL, Secret: secret}); err != nil {
			t.Fatal(err)
		}
	}
	for name, remote := range map[string]deliver.Remote{
		"hooked/repo": platforms, "somebody/app": repositoryOfUser(t, access, "somebody", "app"),
	} {
		repository, err := deliver.OpenRepository(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := repository.Push(t.Context(), remote, deliver.Content{Files: map[string][]byte{"a": []byte("1")}}); err != nil {
			t.Fatal(err)
		}
		got := nextCall(calls, name, 30*time.Second)
		if got == nil {
			t.Fatalf("the webhook was not called for %s", name)
		}
		sum := hmac.New(sha256.New, []byte("new"))
		sum.Write(got.body)
		if got.header.Get("X-Gitea-Event") != "push" || got.header.Get("X-Gitea-Signature") != hex.EncodeToString(sum.Sum(nil)) {
			t.Errorf("%s: not a push that is signed with the new secret: %v", name, got.header)
		}
		if nextCall(calls, name, time.Second) != nil {
			t.Errorf("the webhook was called twice for %s: the older one is still there", name)
		}
	}
}

// call is what the receiver of a webhook got.
type call struct {
	header http.Header
	body   []byte
}

// nextCall waits for a call about a repository; nil where none comes. The server calls with a
// delay: calls about what earlier tests pushed are passed over.
func nextCall(calls <-chan call, repository string, patience time.Duration) *call {
	end := time.After(patience)
	for {
		select {
		case c := <-calls:
			if bytes.Contains(c.body, []byte(`"full_name": "`+repository+`"`)) {
				return &c
			}
		case <-end:
			return nil
		}
	}
}

// repositoryOfUser makes an ordinary user, and as that user a repository.
func repositoryOfUser(t *testing.T, access deliver.GitAccess, user, name string) deliver.Remote {
	t.Helper()
	admin, err := sdk.NewClient(access.URL, sdk.SetBasicAuth(access.Username, access.Password))
	if err != nil {
		t.Fatal(err)
	}
	mustChange := false
	if _, _, err := admin.AdminCreateUser(sdk.CreateUserOption{
		Username: user, Email: user + "@example.com", Password: adminPassword, MustChangePassword: &mustChange,
	}); err != nil {
		t.Fatal(err)
	}
	access.Username, access.Password = user, adminPassword
	s, err := gitea.New(access)
	if err != nil {
		t.Fatal(err)
	}
	remote, err := s.EnsureRepository(t.Context(), user, name, true)
	if err != nil {
		t.Fatal(err)
	}
	return remote
}
