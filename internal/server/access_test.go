package server

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-dev/slipway/internal/server/access"
	"github.com/slipway-dev/slipway/internal/server/api"
	"github.com/slipway-dev/slipway/internal/server/oidctest"
)

func TestRoutes_MuxTableAndDescriptionAgree(t *testing.T) {
	f := start(t)
	mux := slices.Sorted(slices.Values(f.server.mux.patterns))
	table := slices.Sorted(maps.Keys(access.Table))
	if diff := cmp.Diff(table, mux); diff != "" {
		t.Errorf("the access table and the mux differ (-table +mux):\n%s", diff)
	}
	var routes []string
	for _, p := range mux {
		if strings.Contains(p, " "+api.Prefix+"/") {
			routes = append(routes, p)
		}
	}
	described := slices.Sorted(slices.Values(f.server.api.Patterns()))
	if diff := cmp.Diff(routes, described); diff != "" {
		t.Errorf("the mux and the OpenAPI description differ (-mux +description):\n%s", diff)
	}
	if len(described) < 50 {
		t.Errorf("only %d routes are described", len(described))
	}
}

func TestRoutes_WithoutARuleNothingStarts(t *testing.T) {
	f := start(t)
	r := newRouter(f.server.mux.guard)
	r.HandleFunc("GET /api/v1/forgotten", func(http.ResponseWriter, *http.Request) {})
	err := r.err()
	if err == nil || !strings.Contains(err.Error(), `route "GET /api/v1/forgotten" has no rule in the access table`) ||
		!strings.Contains(err.Error(), "the access table has a rule for GET /api/v1/me, which is no route") {
		t.Error(err)
	}
	if len(r.patterns) != 0 {
		t.Error("the route is there all the same")
	}
}

// credential is one way to come to every route.
type credential struct {
	name   string
	caller *caller
}

// credentials are everyone who might come, from nobody to the administrator.
func credentials(t *testing.T, f *fixture) []credential {
	t.Helper()
	foreign := oidctest.New(t, f.url+callbackPath)
	// Both sign with a key of the same name.
	foreign.RotateKey(t)
	f.provider.RotateKey(t)
	admin := user("eve", "admins")
	expired := f.provider.Claims(admin)
	expired["exp"] = f.clock.now().Add(-time.Minute).Unix()
	elsewhere := f.provider.Claims(admin)
	elsewhere["aud"] = "another-client"
	impostor := foreign.Claims(admin)
	impostor["iss"] = f.provider.Issuer
	f.cluster.accounts[serviceAccountToken("robot")] = "system:serviceaccount:ci:robot"
	f.cluster.accounts[serviceAccountToken("stranger")] = "system:serviceaccount:ci:stranger"
	session := f.signIn(user("sam", "payments:developers"))
	forged := f.anonymous()
	forged.header.Set("Cookie", "slipway-session=AAAA")
	return []credential{
		{"no token", f.anonymous()},
		{"expired", f.with(f.provider.Token(t, expired))},
		{"foreign issuer", f.with(foreign.Token(t, foreign.Claims(admin)))},
		{"forged signature", f.with(foreign.Token(t, impostor))},
		{"unsigned", f.with(unsigned(f, admin))},
		{"other audience", f.with(f.provider.Token(t, elsewhere))},
		{"unknown API token", f.with("slpw_" + strings.Repeat("A", 43))},
		{"revoked API token", f.with(f.revokedToken(t))},
		{"forged cookie", forged},
		{"no role", f.as(user("nora"))},
		{"viewer", f.as(user("vera", "payments:viewers"))},
		{"developer", f.as(user("dan", "payments:developers"))},
		{"approver", f.as(user("abe", "payments:approvers"))},
		{"team auditor", f.as(user("tom", "payments:auditors"))},
		{"auditor", f.as(user("ann", "auditors"))},
		{"admin", f.as(user("root", "admins"))},
		{"other viewer", f.as(user("otto", "search:viewers"))},
		{"other developer", f.as(user("odo", "search:developers"))},
		{"other approver", f.as(user("ola", "search:approvers"))},
		{"session", session},
		{"API token", f.with(f.apiToken(t, user("dana", "payments:developers", "payments:approvers"), "developer:payments",
			"approver:payments"))},
		{"viewer's token", f.with(f.apiToken(t, user("dana", "payments:developers", "payments:approvers"), "viewer"))},
		{"command line", f.with(f.commandLine(t, user("cleo", "payments:developers", "payments:approvers")))},
		{"workload", f.with(serviceAccountToken("robot"))},
		{"other workload", f.with(serviceAccountToken("stranger"))},
	}
}

// serviceAccountToken looks like a token that Kubernetes gives; the cluster of the fixture judges it.
func serviceAccountToken(name string) string {
	part := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	return part(`{"alg":"RS256"}`) + "." + part(`{"iss":"https://kubernetes.default.svc","sub":"`+name+`"}`) + "." + part("signature")
}

// unsigned is a token with the algorithm "none".
func unsigned(f *fixture, u oidctest.User) string {
	parts := strings.Split(f.bearer(u), ".")
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + parts[1] + "."
}

// apiToken makes an API token for a user.
func (f *fixture) apiToken(t testing.TB, u oidctest.User, scopes ...string) string {
	t.Helper()
	var made api.CreatedToken
	f.as(u).want(http.StatusCreated, "POST", "/api/v1/me/tokens", api.NewToken{Name: "test", Scopes: scopes,
		Days: 1}).json(t, &made)
	return made.Secret
}

func (f *fixture) revokedToken(t testing.TB) string {
	t.Helper()
	u := user("rita", "admins")
	var made api.CreatedToken
	f.as(u).want(http.StatusCreated, "POST", "/api/v1/me/tokens", api.NewToken{Name: "test",
		Scopes: []string{"platform-admin"}, Days: 1}).json(t, &made)
	f.as(u).want(http.StatusNoContent, "DELETE", "/api/v1/me/tokens/"+made.ID, nil)
	return made.Secret
}

// target fills a pattern in; things of the team payments.
var target = strings.NewReplacer("{team}", "payments", "{application}", "orders", "{environment}", "dev", "{number}",
	"1",
	"{kind}", "component", "{namespace}", "default", "{name}", "orders", "{run}", "r1", "{index}", "1", "{source}",
	"forge",
	"{code}", "BCDF-GHJK", "{session}", "s-none", "{token}", "t-none", "{person}", "p-none")

// TestAccess_EveryRouteForEveryCaller comes to every route with every credential, over HTTP, and
// writes down who was let through. The golden file is the specification: read its diff.
func TestAccess_EveryRouteForEveryCaller(t *testing.T) {
	f := start(t)
	all := credentials(t, f)
	var b strings.Builder
	for i, c := range all {
		fmt.Fprintf(&b, "%2d %s\n", i+1, c.name)
	}
	b.WriteString("\n+ let through   ? 401   - 403\n\n")
	for i := range all {
		fmt.Fprintf(&b, "%2d ", i+1)
	}
	b.WriteString("\n")
	for _, pattern := range slices.Sorted(maps.Keys(access.Table)) {
		method, path, ok := strings.Cut(pattern, " ")
		if !ok {
			method, path = "GET", pattern
		}
		rule := access.Table[pattern]
		for _, c := range all {
			mark := f.visit(c, method, target.Replace(path))
			fmt.Fprintf(&b, " %s ", mark)
			checkMark(t, pattern, rule, c.name, mark)
		}
		b.WriteString(" " + pattern + "\n")
	}
	golden(t, "access.golden", b.String())
}

// visit says whether the guard let the caller through to a route.
func (f *fixture) visit(c credential, method, path string) string {
	var body any
	if method == "POST" || method == "PUT" {
		body = map[string]any{}
	}
	before := c.caller.client.CheckRedirect
	c.caller.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	defer func() { c.caller.client.CheckRedirect = before }()
	if path == "/auth/logout" && c.name == "session" {
		return "+" // would end the session that the other routes are visited with; tested in login_test.go
	}
	switch a := c.caller.do(method, path, body); a.status {
	case http.StatusUnauthorized:
		if path == "/api/v1/device/code" || path == "/api/v1/device/token" {
			return "+" // OAuth's own answer about the client
		}
		return "?"
	case http.StatusForbidden:
		return "-"
	default:
		return "+"
	}
}

// checkMark holds what must be true whatever the table says.
func checkMark(t *testing.T, pattern string, rule access.Rule, who, mark string) {
	t.Helper()
	bad := []string{"no token", "expired", "foreign issuer", "forged signature", "unsigned", "other audience",
		"unknown API token", "revoked API token", "forged cookie"}
	switch {
	case rule.Public:
		if mark != "+" {
			t.Errorf("%s is public, and refuses %s", pattern, who)
		}
	case slices.Contains(bad, who):
		if mark != "?" {
			t.Errorf("%s: %s gets %s", pattern, who, mark)
		}
	case strings.Contains(pattern, "{team}") && (strings.HasPrefix(who, "other") || who == "no role"):
		if mark != "-" {
			t.Errorf("%s: %s gets %s", pattern, who, mark)
		}
	case mark == "?":
		t.Errorf("%s does not know %s", pattern, who)
	}
}

func TestAccess_ListsAreNarrowedToTheCallersTeams(t *testing.T) {
	back := &teamsSeen{}
	f := start(t, func(o *Options) { o.Backends = api.Backends{Applications: back} })
	tests := []struct {
		who  oidctest.User
		want api.Teams
	}{
		{user("vera", "payments:viewers"), api.Teams{Names: []string{"payments"}}},
		{user("dan", "search:developers", "payments:approvers"), api.Teams{Names: []string{"payments", "search"}}},
		{user("ann", "auditors"), api.Teams{All: true}},
	}
	for _, tt := range tests {
		f.as(tt.who).want(http.StatusOK, "GET", "/api/v1/applications", nil)
		if diff := cmp.Diff(tt.want, back.teams); diff != "" {
			t.Errorf("%s: %s", tt.who.Username, diff)
		}
	}
}
