//go:build integration

// Package giteatest starts a Gitea for tests.
package giteatest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/slipway-dev/slipway/internal/app/forgetest"
	"github.com/slipway-dev/slipway/internal/app/gitea"
)

// The environment variables that name the server's program, and the directory with its
// templates and translations, which are not part of the program.
const (
	envGitea      = "SLIPWAY_TEST_GITEA"
	envGiteaFiles = "SLIPWAY_TEST_GITEA_FILES"
)

// Admin is the account that [Start] gives.
const Admin = "slipway"

// Start starts a Gitea of its own on loopback, which ends with the test.
func Start(t *testing.T) gitea.Access {
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
	if out, err := run("admin", "user", "create", "--admin", "--username", Admin, "--password", forgetest.Password,
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
	return gitea.Access{URL: url, Username: Admin, Password: forgetest.Password, HTTP: &http.Client{}}
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
