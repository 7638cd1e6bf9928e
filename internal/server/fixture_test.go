package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slipway-dev/slipway/internal/server/access"
	"github.com/slipway-dev/slipway/internal/server/api"
	"github.com/slipway-dev/slipway/internal/server/limits"
	"github.com/slipway-dev/slipway/internal/server/oidctest"
	"github.com/slipway-dev/slipway/internal/server/problem"
	"github.com/slipway-dev/slipway/internal/server/session"
	"github.com/slipway-dev/slipway/internal/server/workload"
)

var update = flag.Bool("update", false, "write the golden files")

// clock is a clock that only moves when it is told to. It starts at the real time, since some of
// what expires is held against the system's clock by the standard library.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// cluster judges service accounts' tokens: JWTs whose subject is the account.
type cluster struct {
	mu       sync.Mutex
	accounts map[string]string // token → user name
	asked    int
	err      error
}

func (c *cluster) Review(_ context.Context, token string, audiences []string) (workload.Review, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
	name, ok := c.accounts[token]
	return workload.Review{Authenticated: ok, Username: name, Audiences: audiences}, c.err
}

// fixture is a server on loopback beside a real identity provider.
type fixture struct {
	t        testing.TB
	url      string
	dir      string
	server   *Server
	provider *oidctest.Provider
	clock    *clock
	cluster  *cluster
	log      *safeBuffer
	options  Options
	front    *httptest.Server
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// plenty is a rate that no test reaches by accident.
var plenty = limits.Rate{PerSecond: 1e6, Burst: 1e6}

// start runs a server; change may alter what it is made of.
func start(t testing.TB, change ...func(*Options)) *fixture {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{t: t, url: "http://" + l.Addr().String(), dir: t.TempDir(), clock: &clock{at: time.Now()},
		cluster: &cluster{accounts: map[string]string{}}, log: &safeBuffer{}}
	f.provider = oidctest.New(t, f.url+callbackPath)
	f.provider.Now = f.clock.now
	f.options = Options{Config: f.config(), Reviewer: f.cluster, Version: "test", Now: f.clock.now,
		Log: slog.New(slog.NewJSONHandler(f.log, nil)), Getenv: func(string) string { return "" }}
	for _, c := range change {
		c(&f.options)
	}
	f.server, err = New(t.Context(), f.options)
	if err != nil {
		t.Fatal(err)
	}
	f.front = &httptest.Server{Listener: l, Config: f.server.httpServer(f.server.Handler())}
	f.front.Start()
	t.Cleanup(func() {
		f.server.drain()
		f.front.Close()
		_ = f.server.Close()
	})
	return f
}

func (f *fixture) config() Config {
	c := Defaults()
	c.PublicURL, c.DataDir = f.url, filepath.Join(f.dir, "data")
	c.CookieKeyFile = f.file("keys", "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n")
	c.OIDC.Issuer, c.OIDC.ClientID = f.provider.Issuer, oidctest.ClientID
	c.OIDC.ClientSecretFile = f.file("secret", oidctest.ClientSecret+"\n")
	c.OIDC.Audiences = []string{"slipway-cli"}
	c.Kubernetes.Audience = "slipway"
	c.Limits.Client, c.Limits.Caller, c.Limits.Guess, c.Limits.Failures = plenty, plenty, plenty, plenty
	c.Roles = []access.Binding{
		{Group: "{team}:viewers", Role: access.Viewer}, {Group: "{team}:developers", Role: access.Developer},
		{Group: "{team}:approvers", Role: access.Approver}, {Group: "{team}:auditors", Role: access.Auditor},
		{Group: "auditors", Role: access.Auditor}, {Group: "admins", Role: access.PlatformAdmin},
		{ServiceAccount: "ci/robot", Role: access.Developer, Team: "payments"},
	}
	return c
}

func (f *fixture) file(name, text string) string {
	f.t.Helper()
	path := filepath.Join(f.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
	return path
}

// user makes somebody in groups.
func user(name string, groups ...string) oidctest.User {
	return oidctest.User{Subject: "sub-" + name, Username: name, Name: strings.ToUpper(name),
		Email: name + "@example.test", Groups: groups}
}

// bearer is a good token of the provider for a user.
func (f *fixture) bearer(u oidctest.User) string {
	return f.provider.Token(f.t, f.provider.Claims(u))
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) problem(t testing.TB) problem.Problem {
	t.Helper()
	var p problem.Problem
	if err := json.Unmarshal(a.body, &p); err != nil || a.header.Get("Content-Type") != problem.ContentType {
		t.Fatalf("no problem, but %s: %s", a.header.Get("Content-Type"), a.body)
	}
	return p
}

func (a answer) json(t testing.TB, to any) {
	t.Helper()
	if err := json.Unmarshal(a.body, to); err != nil {
		t.Fatalf("%d: %v: %s", a.status, err, a.body)
	}
}

// caller makes requests in one way.
type caller struct {
	f      *fixture
	client *http.Client
	header http.Header
}

// anonymous has no credential.
func (f *fixture) anonymous() *caller {
	return &caller{f: f, header: http.Header{}, client: &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// with brings a bearer token.
func (f *fixture) with(bearer string) *caller {
	c := f.anonymous()
	c.header.Set("Authorization", "Bearer "+bearer)
	return c
}

// as brings the provider's token for a user.
func (f *fixture) as(u oidctest.User) *caller { return f.with(f.bearer(u)) }

func (c *caller) do(method, path string, body any, headers ...string) answer {
	c.f.t.Helper()
	a, err := c.try(method, path, body, headers...)
	if err != nil {
		c.f.t.Fatal(err)
	}
	return a
}

func (c *caller) try(method, path string, body any, headers ...string) (answer, error) {
	var reader io.Reader
	kind := ""
	switch b := body.(type) {
	case nil:
	case string:
		reader, kind = strings.NewReader(b), "application/x-www-form-urlencoded"
	default:
		text, err := json.Marshal(b)
		if err != nil {
			return answer{}, err
		}
		reader, kind = bytes.NewReader(text), "application/json"
	}
	if !strings.HasPrefix(path, "http") {
		path = c.f.url + path
	}
	r, err := http.NewRequest(method, path, reader)
	if err != nil {
		return answer{}, err
	}
	r.Header = c.header.Clone()
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := c.client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, text}, err
}

func (c *caller) get(path string) answer { return c.do("GET", path, nil) }

// want makes a request and fails where the status is another.
func (c *caller) want(status int, method, path string, body any) answer {
	c.f.t.Helper()
	a := c.do(method, path, body)
	if a.status != status {
		c.f.t.Fatalf("%s %s: %d, not %d: %s", method, path, a.status, status, a.body)
	}
	return a
}

// browser is a browser: it follows redirects, keeps cookies, and says what its writes are for.
func (f *fixture) browser() *caller {
	f.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		f.t.Fatal(err)
	}
	return &caller{f: f, header: http.Header{"Sec-Fetch-Site": {"same-origin"}}, client: &http.Client{Jar: jar,
		CheckRedirect: func(_ *http.Request, via []*http.Request) error {
			if len(via) > 10 {
				return errors.New("redirected in a circle")
			}
			return nil
		}}}
}

// signIn signs a user in, in a browser that then knows its token for writes.
func (f *fixture) signIn(u oidctest.User) *caller {
	f.t.Helper()
	b := f.browser()
	b.login(u)
	return b
}

func (c *caller) login(u oidctest.User) api.Me {
	c.f.t.Helper()
	c.f.provider.SignIn(u)
	// Without a web interface the page after the login is not there; that is not what matters.
	c.get("/auth/login")
	var me api.Me
	c.want(http.StatusOK, "GET", "/api/v1/me", nil).json(c.f.t, &me)
	c.header.Set(session.WriteHeader, me.CSRFToken)
	return me
}

// restart stops the server as a kill would, for all that it keeps, and starts another on its data.
func (f *fixture) restart() {
	f.t.Helper()
	address := f.front.Listener.Addr().String()
	f.server.drain()
	f.front.CloseClientConnections()
	f.front.Close()
	_ = f.server.Close()
	var err error
	if f.server, err = New(f.t.Context(), f.options); err != nil {
		f.t.Fatal(err)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		f.t.Fatal(err)
	}
	f.front = &httptest.Server{Listener: l, Config: f.server.httpServer(f.server.Handler())}
	f.front.Start()
}

// golden holds text against a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s differs; look at the difference, then run the test with -update:\n%s", path, diffLines(string(want),
			got))
	}
}

func diffLines(want, got string) string {
	var b strings.Builder
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		var a, c string
		if i < len(w) {
			a = w[i]
		}
		if i < len(g) {
			c = g[i]
		}
		if a != c {
			fmt.Fprintf(&b, "-%s\n+%s\n", a, c)
		}
	}
	return b.String()
}

// files are the contents of everything in the server's data directory.
func (f *fixture) files(t testing.TB) map[string]string {
	t.Helper()
	out := map[string]string{}
	entries, err := os.ReadDir(f.options.Config.DataDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(f.options.Config.DataDir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		out[e.Name()] = string(text)
	}
	return out
}

func processLog() *slog.Logger { return slog.New(slog.NewJSONHandler(os.Stderr, nil)) }

// yamlOf writes a configuration as a file that DecodeConfig reads; JSON is YAML.
func yamlOf(t *testing.T, c Config) string {
	t.Helper()
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
