package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/spf13/cobra"

	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/server"
	"github.com/slipway-dev/slipway/internal/server/access"
	"github.com/slipway-dev/slipway/internal/server/api"
	"github.com/slipway-dev/slipway/internal/server/oidctest"
)

// platformServer is a real server with a provider; people confirm codes as soon as they are asked for.
type platformServer struct {
	url      string
	provider *oidctest.Provider
	user     oidctest.User
	approve  bool
}

func startServer(t *testing.T, backends ...api.Backends) *platformServer {
	t.Helper()
	p := &platformServer{approve: true, user: oidctest.User{Subject: "7", Username: "ada", Groups: []string{"developers"}}}
	var handler http.Handler
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(front.Close)
	p.url = front.URL
	p.provider = oidctest.New(t, p.url+"/auth/callback")
	dir := t.TempDir()
	c := server.Defaults()
	c.PublicURL, c.DataDir, c.CookieKeyFile = p.url, filepath.Join(dir, "data"), filepath.Join(dir, "keys")
	c.OIDC.Issuer, c.OIDC.ClientID, c.OIDC.ClientSecretFile = p.provider.Issuer, oidctest.ClientID, filepath.Join(dir,
		"secret")
	c.Roles = []access.Binding{{Group: "developers", Role: access.Developer, Team: "payments"},
		{Group: "approvers", Role: access.Approver, Team: "payments"}, {Group: "admins", Role: access.PlatformAdmin},
		{Group: "search", Role: access.Developer, Team: "search"}, {Group: "auditors", Role: access.Auditor}}
	for file, text := range map[string]string{c.CookieKeyFile: "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=",
		c.OIDC.ClientSecretFile: oidctest.ClientSecret} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	options := server.Options{Config: c, Version: "test", Log: slog.New(slog.DiscardHandler),
		Getenv: func(string) string { return "" }}
	for _, b := range backends {
		options.Backends = b
	}
	s, err := server.New(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	back := httptest.NewServer(s.Handler())
	t.Cleanup(back.Close)
	handler = p.confirming(t, back.URL)
	return p
}

// confirming stands before the server, decides on each code before the command line hears of it, and
// makes the command line wait one second in place of five.
func (p *platformServer) confirming(t *testing.T, back string) http.Handler {
	to, err := url.Parse(back)
	if err != nil {
		t.Fatal(err)
	}
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) },
		ModifyResponse: func(r *http.Response) error {
			if r.Request.URL.Path != "/api/v1/device/code" || r.StatusCode != http.StatusOK {
				return nil
			}
			text, err := io.ReadAll(r.Body)
			if err != nil {
				return err
			}
			var codes map[string]any
			if err := json.Unmarshal(text, &codes); err != nil {
				return err
			}
			p.decide(t, back, codes["user_code"].(string))
			codes["interval"] = 1
			text, err = json.Marshal(codes)
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
			r.Header.Del("Content-Length")
			return err
		},
	}
}

func (p *platformServer) decide(t *testing.T, back, code string) {
	body, err := json.Marshal(map[string]bool{"approve": p.approve})
	if err != nil {
		t.Error(err)
	}
	r, err := http.NewRequest("POST", back+"/api/v1/device/requests/"+code+"/decision", bytes.NewReader(body))
	if err != nil {
		t.Error(err)
		return
	}
	r.Header.Set("Authorization", "Bearer "+p.provider.Token(t, p.provider.Claims(p.user)))
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil || response.StatusCode != http.StatusNoContent {
		t.Error(response, err)
		return
	}
	_ = response.Body.Close()
}

func TestLogin_ThenCallsThenLogout(t *testing.T) {
	p := startServer(t)
	vars := map[string]string{"XDG_CONFIG_HOME": t.TempDir()}
	env, out := testEnv(t, vars)
	if err := runLogin(t.Context(), &loginOptions{Env: env, Server: p.url + "/ignored/path"}); err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`Open ` + p.url + `/device\?code=[A-Z]{4}-[A-Z]{4}\nand confirm the code [A-Z]{4}-[A-Z]{4} \(it is good for 10m0s\)\nsigned in as ada until `).MatchString(out.String()) {
		t.Errorf("%s", out)
	}
	file := filepath.Join(vars["XDG_CONFIG_HOME"], "slipway", "logins.json")
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	c, err := (&remote{Env: env}).connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	me, err := c.Me(t.Context())
	if err != nil || me.Username != "ada" || me.Kind != "command line" {
		t.Errorf("%+v, %v", me, err)
	}
	if err := runLogout(t.Context(), &loginOptions{Env: env}); err != nil {
		t.Fatal(err)
	}
	_, err = c.Me(t.Context())
	if hint, _ := fault.Of(err); err == nil || !strings.Contains(err.Error(), "the token was revoked") ||
		!strings.Contains(hint, "slipway login") {
		t.Errorf("%v; %s", err, hint)
	}
	if _, err := (&remote{Env: env, Server: p.url}).connect(t.Context()); err == nil || !strings.Contains(err.Error(), "not signed in") {
		t.Error(err)
	}
}

func TestLogin_Refused(t *testing.T) {
	p := startServer(t)
	p.approve = false
	env, _ := testEnv(t, map[string]string{"XDG_CONFIG_HOME": t.TempDir()})
	err := runLogin(t.Context(), &loginOptions{Env: env, Server: p.url})
	if hint, _ := fault.Of(err); err == nil || !strings.Contains(err.Error(), "the login was refused") || hint == "" {
		t.Errorf("%v; %s", err, hint)
	}
	err = runLogin(t.Context(), &loginOptions{Env: env, Server: p.url, Scopes: []string{"king"}})
	if err == nil || !strings.Contains(err.Error(), "invalid_scope") {
		t.Error(err)
	}
	if known, err := readLogins(env); err != nil || len(known.Servers) != 0 {
		t.Errorf("%+v, %v", known, err)
	}
}

func TestLogin_WhichServer(t *testing.T) {
	tests := []struct{ arg, env, current, want string }{
		{"https://a.example.test/x", "https://b.example.test", "https://c.example.test", "https://a.example.test"},
		{"", "https://b.example.test", "https://c.example.test", "https://b.example.test"},
		{"", "", "https://c.example.test", "https://c.example.test"},
		{"http://slipway.localhost:8080", "", "", "http://slipway.localhost:8080"},
		{"", "", "", "error"}, {"http://a.example.test", "", "", "error"}, {"a.example.test", "", "", "error"},
		{"ftp://localhost", "", "", "error"},
	}
	for _, tt := range tests {
		env, _ := testEnv(t, map[string]string{"SLIPWAY_SERVER": tt.env})
		l, err := (&loginOptions{Env: env, Server: tt.arg}).server(t.Context(), &logins{Current: tt.current})
		if _, code := fault.Of(err); l.Server != tt.want && (tt.want != "error" || code != fault.ExitInvalid) {
			t.Errorf("%+v: %q, %v", tt, l.Server, err)
		}
	}
}

func TestLogin_UntrustedCertificateSaysHowToTrustIt(t *testing.T) {
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.StartTLS()
	defer s.Close()
	env, _ := testEnv(t, map[string]string{"XDG_CONFIG_HOME": t.TempDir()})
	err := runLogin(t.Context(), &loginOptions{Env: env, Server: s.URL})
	if hint, _ := fault.Of(err); err == nil || !strings.Contains(hint, "--ca-file") {
		t.Errorf("%v; %s", err, hint)
	}
}

func TestConnect_TokenOfTheEnvironmentGoesNowhereElse(t *testing.T) {
	var mu sync.Mutex
	var elsewhere, here []string
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		elsewhere = append(elsewhere, r.Header.Get("Authorization"))
	}))
	defer other.Close()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		here = append(here, r.Header.Get("Authorization"))
		http.Redirect(w, r, strings.Replace(other.URL, "127.0.0.1", "localhost", 1), http.StatusFound)
	}))
	defer s.Close()
	env, _ := testEnv(t, map[string]string{"XDG_CONFIG_HOME": t.TempDir(), "SLIPWAY_SERVER": s.URL,
		"SLIPWAY_TOKEN": "slpw_x"})
	c, err := (&remote{Env: env}).connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, _ = c.Me(context.WithoutCancel(t.Context())) // the other host answers with nothing
	if len(here) != 1 || here[0] != "Bearer slpw_x" || len(elsewhere) != 1 || elsewhere[0] != "" {
		t.Errorf("here %q, elsewhere %q", here, elsewhere)
	}
}

func TestLogins_BrokenFileIsNamed(t *testing.T) {
	env, _ := testEnv(t, map[string]string{"XDG_CONFIG_HOME": t.TempDir()})
	file, err := loginsFile(env)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readLogins(env); err == nil || !strings.Contains(err.Error(), file) {
		t.Error(err)
	}
}

func TestLogin_ArgumentsReachTheRun(t *testing.T) {
	env, _ := testEnv(t, nil)
	var got []loginOptions
	note := func(_ context.Context, o *loginOptions) error {
		got = append(got, *o)
		return nil
	}
	for _, run := range []struct {
		cmd  *cobra.Command
		args []string
	}{
		{newLoginCommand(env, note), []string{"https://a.example.test", "--scope", "viewer", "--scope",
			"developer:payments", "--ca-file", "ca.crt"}},
		{newLogoutCommand(env, note), []string{"https://a.example.test"}},
	} {
		run.cmd.SetArgs(run.args)
		if err := run.cmd.Execute(); err != nil {
			t.Fatal(err)
		}
	}
	if len(got) != 2 || got[0].Server != "https://a.example.test" || strings.Join(got[0].Scopes,
		" ") != "viewer developer:payments" ||
		got[0].CAFile != "ca.crt" || got[1].Server != "https://a.example.test" {
		t.Errorf("%+v", got)
	}
}
