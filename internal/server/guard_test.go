package server

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slipway-dev/slipway/internal/server/api"
	"github.com/slipway-dev/slipway/internal/server/apitest"
	"github.com/slipway-dev/slipway/internal/server/limits"
	"github.com/slipway-dev/slipway/internal/server/oidctest"
)

func TestLimits_TooManyRequests(t *testing.T) {
	few := limits.Rate{PerSecond: 1, Burst: 5}
	tests := []struct {
		name   string
		change func(*Config)
		visit  func(*fixture) answer
	}{
		{"of an address", func(c *Config) { c.Limits.Client = few },
			func(f *fixture) answer { return f.anonymous().get("/healthz") }},
		{"of a caller", func(c *Config) { c.Limits.Caller = few },
			func(f *fixture) answer { return f.as(user("ada")).get("/api/v1/me") }},
		{"to sign in", func(c *Config) { c.Limits.Guess = few },
			func(f *fixture) answer { return f.anonymous().get("/auth/login") }},
		{"of guessed codes", func(c *Config) { c.Limits.Guess = few }, func(f *fixture) answer {
			return f.as(user("ada")).get("/api/v1/device/requests/BBBB-CCCC")
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := start(t, func(o *Options) { tt.change(&o.Config) })
			var last answer
			for range few.Burst + 1 {
				last = tt.visit(f)
			}
			if last.status != http.StatusTooManyRequests || last.header.Get("Retry-After") == "" {
				t.Fatalf("%d %v", last.status, last.header)
			}
			if p := last.problem(t); p.Hint == "" || p.Instance == "" {
				t.Errorf("%+v", p)
			}
			f.clock.forward(2 * time.Second)
			if again := tt.visit(f); again.status == http.StatusTooManyRequests {
				t.Errorf("after the wait: %d", again.status)
			}
		})
	}
}

func TestLimits_OneCallerDoesNotUseUpAnothers(t *testing.T) {
	f := start(t, func(o *Options) { o.Config.Limits.Caller = limits.Rate{PerSecond: 0.01, Burst: 3} })
	ada, bob := f.as(user("ada")), f.as(user("bob"))
	for range 10 {
		ada.get("/api/v1/me")
	}
	ada.want(http.StatusTooManyRequests, "GET", "/api/v1/me", nil)
	bob.want(http.StatusOK, "GET", "/api/v1/me", nil)
	one, two := f.with(f.apiToken(t, user("cy", "payments:viewers"), "viewer")), f.with(f.apiToken(t, user("cy",
		"payments:viewers"), "viewer"))
	for range 10 {
		one.get("/api/v1/me")
	}
	one.want(http.StatusTooManyRequests, "GET", "/api/v1/me", nil)
	two.want(http.StatusOK, "GET", "/api/v1/me", nil)
}

func TestLimits_WhoGuessesTokensStopsBeingJudged(t *testing.T) {
	f := start(t, func(o *Options) { o.Config.Limits.Failures = limits.Rate{PerSecond: 0.01, Burst: 5} })
	good := f.apiToken(t, user("ada", "payments:viewers"), "viewer")
	guesser := f.with(serviceAccountToken("guess"))
	for range 20 {
		guesser.get("/api/v1/me")
	}
	guesser.want(http.StatusTooManyRequests, "GET", "/api/v1/me", nil)
	if f.cluster.asked != 5 {
		t.Errorf("the cluster was asked %d times", f.cluster.asked)
	}
	// What the server can judge by itself still works, so nobody else at that address is locked out.
	f.with(good).want(http.StatusOK, "GET", "/api/v1/me", nil)
	f.with("slpw_wrong").want(http.StatusUnauthorized, "GET", "/api/v1/me", nil)
	f.clock.forward(2 * time.Minute)
	guesser.want(http.StatusUnauthorized, "GET", "/api/v1/me", nil)
}

func TestLimits_Bodies(t *testing.T) {
	w := &apitest.World{}
	f := start(t, func(o *Options) {
		o.Backends = w.Backends()
		o.Config.Limits.BodyBytes = 4 << 10
	})
	dan := f.as(user("dan", "payments:developers"))
	values := func(n int) api.Values { return api.Values{Values: map[string]any{"x": strings.Repeat("a", n)}} }
	dan.want(http.StatusOK, "POST", "/api/v1/templates/default/go-service/dry-run", values(3<<10))
	a := dan.want(http.StatusRequestEntityTooLarge, "POST", "/api/v1/templates/default/go-service/dry-run", values(5<<10))
	if p := a.problem(t); p.Detail != "the body is larger than 4096 bytes" || p.Hint == "" {
		t.Errorf("%+v", p)
	}
	// Routes with small bodies have a bound of their own, whatever the server's.
	f.anonymous().want(http.StatusRequestEntityTooLarge, "POST", "/api/v1/device/code", "client_id="+strings.Repeat("a",
		17<<10))
	if len(w.Done()) != 1 {
		t.Error(w.Done())
	}
}

func TestLimits_Headers(t *testing.T) {
	f := start(t)
	a, err := f.anonymous().try("GET", "/healthz", nil, "X-Long", strings.Repeat("a", 128<<10))
	if err == nil && a.status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("%d", a.status)
	}
	f.with(strings.Repeat("a", 17<<10)).want(http.StatusUnauthorized, "GET", "/api/v1/me", nil)
}

func TestCredentials_MalformedOnesAreRefused(t *testing.T) {
	f := start(t)
	for _, header := range []string{"Bearer", "Bearer ", "Basic YWRhOnB3", "Token x", "Bearer a.b", "Bearer a.b.c",
		"Bearer ....", "Bearer e30.e30.e30",
		"Bearer slpw_", "Bearer " + strings.Repeat("a.", 100)} {
		a := f.anonymous().do("GET", "/api/v1/me", nil, "Authorization", header)
		if a.status != http.StatusUnauthorized || !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer realm=") {
			t.Errorf("%.30q: %d %s", header, a.status, a.header.Get("WWW-Authenticate"))
		}
	}
	a := f.anonymous().want(http.StatusUnauthorized, "GET", "/api/v1/me", nil)
	if got := a.header.Get("WWW-Authenticate"); strings.Contains(got, "error") {
		t.Errorf("nothing was brought, and the answer is %q", got) // RFC 6750, section 3.1
	}
}

func TestTokens_ActWithinScopesAndWhatTheOwnerStillHas(t *testing.T) {
	f := start(t)
	ada := user("ada", "payments:developers", "search:developers")
	token := f.with(f.apiToken(t, ada, "developer"))
	environment := func(team string) answer {
		return token.do("POST", "/api/v1/teams/"+team+"/environments", map[string]any{"name": "x"})
	}
	for _, team := range []string{"payments", "search"} {
		if a := environment(team); a.status != http.StatusNotImplemented {
			t.Errorf("%s: %d", team, a.status)
		}
	}
	// Ada leaves a team; the provider says so when she comes next.
	f.clock.forward(time.Minute)
	f.as(user("ada", "search:developers")).want(http.StatusOK, "GET", "/api/v1/me", nil)
	if a := environment("payments"); a.status != http.StatusForbidden {
		t.Errorf("after leaving: %d", a.status)
	}
	if a := environment("search"); a.status != http.StatusNotImplemented {
		t.Errorf("the other team: %d", a.status)
	}
}

func TestTokens_AreShownOnceAndKeptNowhere(t *testing.T) {
	f := start(t)
	ada := f.as(user("ada", "payments:viewers"))
	var made api.CreatedToken
	ada.want(http.StatusCreated, "POST", "/api/v1/me/tokens", api.NewToken{Name: "report", Scopes: []string{"viewer"},
		Days: 30}).json(t, &made)
	f.with(made.Secret).want(http.StatusOK, "GET", "/api/v1/me", nil)
	list := ada.want(http.StatusOK, "GET", "/api/v1/me/tokens", nil)
	var all api.List[api.Token]
	list.json(t, &all)
	if len(all.Items) != 1 || all.Items[0].State != api.TokenGood || all.Items[0].Used == nil ||
		all.Items[0].Name != "report" {
		t.Errorf("%s", list.body)
	}
	bare := strings.TrimPrefix(made.Secret, "slpw_")
	for name, text := range f.files(t) {
		if strings.Contains(text, bare) {
			t.Errorf("%s holds the secret", name)
		}
	}
	if strings.Contains(f.log.String(), bare) || strings.Contains(string(list.body), bare) {
		t.Error("the log or the list holds the secret")
	}
	// The bound is the server's.
	ada.want(http.StatusUnprocessableEntity, "POST", "/api/v1/me/tokens", api.NewToken{Name: "x",
		Scopes: []string{"viewer"}, Days: 366})
}

func TestPeople_ShutOutEverywhereAtOnce(t *testing.T) {
	f := start(t)
	ada := user("ada", "payments:developers")
	browser, token, line, bearer := f.signIn(ada), f.with(f.apiToken(t, ada, "viewer")), f.with(f.commandLine(t, ada)),
		f.as(ada)
	all := []*caller{browser, token, line, bearer}
	var me api.Me
	browser.want(http.StatusOK, "GET", "/api/v1/me", nil).json(t, &me)
	root := f.as(user("root", "admins"))
	access := "/api/v1/people/" + me.ID + "/access"
	root.want(http.StatusUnprocessableEntity, "PUT", access, api.Access{})
	var person api.Person
	root.want(http.StatusOK, "PUT", access, api.Access{Reason: "left"}).json(t, &person)
	if person.Shut == nil || person.Shut.By != "root" || person.Shut.Reason != "left" {
		t.Errorf("%+v", person)
	}
	for i, c := range all {
		if a := c.get("/api/v1/me"); a.status != http.StatusUnauthorized {
			t.Errorf("credential %d: %d", i, a.status)
		}
	}
	f.provider.SignIn(ada)
	if a := f.browser().get("/auth/login"); a.status != http.StatusForbidden || !strings.Contains(string(a.body),
		"shut you out") {
		t.Errorf("%d %s", a.status, a.body)
	}
	root.want(http.StatusOK, "PUT", access, api.Access{Allowed: true})
	for i, c := range all {
		want := http.StatusUnauthorized
		if c == bearer {
			want = http.StatusOK // the provider still vouches for it
		}
		if a := c.get("/api/v1/me"); a.status != want {
			t.Errorf("let in again, credential %d: %d", i, a.status)
		}
	}
	var rootMe api.Me
	root.want(http.StatusOK, "GET", "/api/v1/me", nil).json(t, &rootMe)
	root.want(http.StatusConflict, "PUT", "/api/v1/people/"+rootMe.ID+"/access", api.Access{Reason: "oops"})
	root.want(http.StatusNotFound, "PUT", "/api/v1/people/p-nobody/access", api.Access{Reason: "who"})
}

// TestCredentials_OfAFormerProviderAreRefused has another provider take the place of the one before,
// and then that one come back.
func TestCredentials_OfAFormerProviderAreRefused(t *testing.T) {
	f := start(t)
	ada := user("ada", "payments:developers")
	browser := f.signIn(ada)
	lasting := map[string]*caller{"a session": browser, "an API token": f.with(f.apiToken(t, ada, "developer:payments")),
		"a command line": f.with(f.commandLine(t, ada)), "the provider's own token": f.as(ada)}
	first, second := f.provider, oidctest.New(t, f.url+callbackPath)
	second.Now = f.clock.now
	become := func(p *oidctest.Provider) {
		f.provider, f.options.Config.OIDC.Issuer = p, p.Issuer
		f.restart()
	}
	become(second)
	for what, c := range lasting {
		a := c.get("/api/v1/me")
		if a.status != http.StatusUnauthorized || len(a.header.Values("WWW-Authenticate")) != 1 {
			t.Errorf("%s of the former provider: %d %s", what, a.status, a.body)
		}
	}
	// The same name, vouched for by the new one, is somebody new with the roles of their groups there.
	var me api.Me
	f.signIn(ada).want(http.StatusOK, "GET", "/api/v1/me", nil).json(t, &me)
	if me.Username != "ada" || !slices.Equal(me.Grants, []string{"developer:payments"}) {
		t.Errorf("signed in again as %+v", me)
	}
	become(first)
	if a := lasting["an API token"].get("/api/v1/me"); a.status != http.StatusOK {
		t.Errorf("an API token, once its provider is back: %d %s", a.status, a.body)
	}
}

func TestPeople_CredentialsEndedByTheAdministrator(t *testing.T) {
	f := start(t)
	ada := user("ada", "payments:developers")
	browser, token := f.signIn(ada), f.with(f.apiToken(t, ada, "viewer"))
	var me api.Me
	browser.want(http.StatusOK, "GET", "/api/v1/me", nil).json(t, &me)
	var ended api.Ended
	f.as(user("root", "admins")).want(http.StatusOK, "DELETE", "/api/v1/people/"+me.ID+"/credentials", nil).json(t, &ended)
	if ended != (api.Ended{Sessions: 1, Tokens: 1}) {
		t.Errorf("%+v", ended)
	}
	browser.want(http.StatusUnauthorized, "GET", "/api/v1/me", nil)
	token.want(http.StatusUnauthorized, "GET", "/api/v1/me", nil)
	f.signIn(ada)
}

func TestWorkloads_ClusterThatCannotBeAsked(t *testing.T) {
	f := start(t)
	f.cluster.err = fmt.Errorf("no route to host")
	a := f.with(serviceAccountToken("robot")).want(http.StatusServiceUnavailable, "GET", "/api/v1/me", nil)
	if strings.Contains(string(a.body), "no route") || !strings.Contains(f.log.String(), "no route to host") {
		t.Errorf("the cause belongs into the log, not to the caller: %s", a.body)
	}
}

func TestWorkloads_NotTrustedWithoutACluster(t *testing.T) {
	f := start(t, func(o *Options) { o.Config.Kubernetes.Audience = "" })
	f.cluster.accounts[serviceAccountToken("robot")] = "system:serviceaccount:ci:robot"
	f.with(serviceAccountToken("robot")).want(http.StatusUnauthorized, "GET", "/api/v1/me", nil)
	if f.cluster.asked != 0 {
		t.Error("the cluster was asked")
	}
}

func TestServer_ManyAtOnce(t *testing.T) {
	f := start(t)
	ada := user("ada", "payments:developers")
	secret := f.apiToken(t, ada, "viewer")
	browser := f.signIn(ada)
	var wg sync.WaitGroup
	for i := range 24 {
		wg.Go(func() {
			for range 10 {
				c := f.with(secret)
				switch i % 4 {
				case 1:
					c = browser
				case 2:
					c = f.as(user(fmt.Sprintf("u%d", i), "payments:viewers"))
				case 3:
					a, err := f.as(user(fmt.Sprintf("v%d", i), "payments:viewers")).try("POST", "/api/v1/me/tokens",
						api.NewToken{Name: "x", Scopes: []string{"viewer"}, Days: 1})
					if err != nil || a.status != http.StatusCreated {
						t.Errorf("%v %d %s", err, a.status, a.body)
					}
					continue
				}
				if a, err := c.try("GET", "/api/v1/me", nil); err != nil || a.status != http.StatusOK {
					t.Errorf("caller %d: %v %d %s", i, err, a.status, a.body)
				}
			}
		})
	}
	wg.Wait()
}
