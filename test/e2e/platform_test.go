//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/slipway-dev/slipway/internal/endpoint"
)

// upLimit is how long an `up` may take with empty caches; it only ends what hangs.
const upLimit = 75 * time.Minute

// platform is a platform under test, driven through the program.
type platform struct {
	name   string
	domain string
	home   string // SLIPWAY_HOME
	dir    string // working directory, with platform.yaml
	binary string
	kept   bool   // stays up after the test
	out    string // where pictures go, and what is needed to understand a failure
}

// outputDir is where the test leaves what people may want to look at: in one place, whatever the
// process, so that only the last run's is left.
func outputDir(name string) string {
	return filepath.Join(os.TempDir(), "slipway-e2e", regexp.MustCompile(`-\d+`).ReplaceAllString(name, ""))
}

// newPlatform prepares a platform that is not up yet, and removes whatever is left of it in the end.
func newPlatform(t *testing.T, name string) *platform {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(root, "bin/slipway")
	if other := os.Getenv("E2E_BINARY"); other != "" {
		binary = other
	}
	if _, err := os.Stat(binary); err != nil {
		t.Fatalf("%v; run `make build` first", err)
	}
	if os.Geteuid() != 0 {
		t.Fatal("the embedded node needs root; run the test as root")
	}
	if dir := os.Getenv("E2E_KEEP"); dir != "" {
		return keptPlatform(t, dir, binary)
	}
	// Not t.TempDir: its name is long, and paths of Unix sockets are limited to 107 bytes.
	home, err := os.MkdirTemp("", "sw-e2e-")
	if err != nil {
		t.Fatal(err)
	}
	p := &platform{name: name, domain: name + ".localhost", home: home, dir: t.TempDir(), binary: binary, out: outputDir(name)}
	t.Cleanup(func() {
		if t.Failed() {
			p.collect(t)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		if out, err := p.try(ctx, "down", "--purge", "--yes", "--name", name); err != nil && !strings.Contains(out, "has not been brought up") {
			t.Errorf("clean up: %v\n%s", err, out)
		}
		if err := os.RemoveAll(home); err != nil {
			t.Errorf("clean up: %v", err)
		}
	})
	return p
}

// keptPlatform is a platform that is named for dir, has all that it is in there, and stays up.
func keptPlatform(t *testing.T, dir, binary string) *platform {
	t.Helper()
	name := filepath.Base(dir)
	p := &platform{name: name, domain: name + ".localhost", home: dir, dir: filepath.Join(dir, "work"), binary: binary, out: outputDir(name), kept: true}
	if err := os.MkdirAll(p.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			p.collect(t)
		}
		t.Logf("kept: SLIPWAY_HOME=%s", p.home)
	})
	return p
}

// command is the program with args, in the platform's working directory.
func (p *platform) command(ctx context.Context, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, p.binary, args...)
	c.Dir = p.dir
	c.Env = append(os.Environ(), "SLIPWAY_HOME="+p.home, "SLIPWAY_PLATFORM="+p.name)
	return c
}

// try runs the program and gives its output, both streams.
func (p *platform) try(ctx context.Context, args ...string) (string, error) {
	out, err := p.command(ctx, args...).CombinedOutput()
	return string(out), err
}

// run runs the program, which must succeed, and gives its standard output.
func (p *platform) run(t *testing.T, args ...string) string {
	t.Helper()
	c := p.command(t.Context(), args...)
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	if err := c.Run(); err != nil {
		t.Fatalf("slipway %s: %v\n%s%s", strings.Join(args, " "), err, tail(stdout.String(), 60), stderr.String())
	}
	return stdout.String()
}

// up brings the platform up, showing its lines as they come.
func (p *platform) up(t *testing.T, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), upLimit)
	defer cancel()
	c := p.command(ctx, append([]string{"up"}, args...)...)
	w := &lineLog{t: t}
	c.Stdout, c.Stderr = w, w
	if err := c.Run(); err != nil {
		t.Fatalf("slipway up: %v", err)
	}
}

// lineLog shows a program's lines in the test's log as they come.
type lineLog struct {
	t    *testing.T
	rest []byte
}

func (l *lineLog) Write(b []byte) (int, error) {
	l.rest = append(l.rest, b...)
	for {
		i := bytes.IndexByte(l.rest, '\n')
		if i < 0 {
			return len(b), nil
		}
		l.t.Logf("%s", l.rest[:i])
		l.rest = l.rest[i+1:]
	}
}

// decode reads the program's JSON output.
func decode[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("decode %q: %v", text, err)
	}
	return v
}

// write writes a file of the platform's working directory.
func (p *platform) write(t *testing.T, name, text string) {
	t.Helper()
	file := filepath.Join(p.dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// url is where the tool of that name answers.
func (p *platform) url(t *testing.T, name string) string {
	t.Helper()
	for _, u := range decode[[]struct{ Name, URL string }](t, p.run(t, "get", "urls", "--name", p.name, "-o", "json")) {
		if u.Name == name {
			return u.URL
		}
	}
	t.Fatalf("no URL of %s", name)
	return ""
}

// client speaks HTTPS to the platform, trusting nothing but its CA.
func (p *platform) client(t *testing.T) *http.Client {
	t.Helper()
	ca := p.run(t, "get", "ca", "--name", p.name)
	return &http.Client{Timeout: 20 * time.Second, Transport: endpoint.Transport(p.domain, "127.0.0.1", []byte(ca))}
}

// eventually waits until check gives no error, and fails with its last one.
func eventually(t *testing.T, limit time.Duration, what string, check func() error) {
	t.Helper()
	deadline := time.Now().Add(limit)
	var err error
	for time.Now().Before(deadline) {
		if err = check(); err == nil {
			return
		}
		select {
		case <-t.Context().Done():
			t.Fatalf("%s: %v", what, err)
		case <-time.After(300 * time.Millisecond):
		}
	}
	t.Fatalf("%s: not within %s: %v", what, limit, err)
}

// get fetches url and gives its text; any status but 200 is an error.
func get(c *http.Client, url string) (string, error) { return getAs(c, url, "") }

// getAs is get with a bearer token.
func getAs(c *http.Client, url, token string) (string, error) {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := c.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", url, res.Status, tail(string(text), 5))
	}
	return string(text), err
}

// collect keeps what is needed to understand a failure, and says where.
func (p *platform) collect(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := os.MkdirAll(p.out, 0o755); err != nil {
		t.Log(err)
		return
	}
	for name, args := range map[string][]string{
		"status.txt": {"status", "--name", p.name},
		"why.txt":    {"why", "--name", p.name},
		"node.txt":   {"node", "status", "--name", p.name},
		"pods.txt":   {"kubectl", "get", "pods", "-A", "-o", "wide"},
		"events.txt": {"kubectl", "get", "events", "-A", "--sort-by=.lastTimestamp"},
		"portal.log": {"kubectl", "-n", "slipway", "logs", "deployment/console", "--tail=20000"},
		"git.log":    {"kubectl", "-n", "gitea", "logs", "deployment/gitea", "--tail=20000"},
		"all.yaml":   {"kubectl", "get", "all,applications.argoproj.io,httproutes,certificates", "-A", "-o", "yaml"},
	} {
		out, err := p.try(ctx, args...)
		if err != nil {
			out += "\n" + err.Error()
		}
		_ = os.WriteFile(filepath.Join(p.out, name), []byte(out), 0o644)
	}
	_ = exec.CommandContext(ctx, "cp", "-a", filepath.Join(p.home, p.name, "logs"), p.out).Run()
	t.Logf("what is needed to understand this failure is in %s", p.out)
}

func tail(text string, lines int) string {
	all := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
