package server

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-dev/slipway/internal/server/api"
	"github.com/slipway-dev/slipway/internal/server/people"
	"github.com/slipway-dev/slipway/internal/server/session"
)

// beginLogin goes to the provider and comes back with the callback's URL, which it does not open.
func (c *caller) beginLogin(back string) string {
	c.f.t.Helper()
	before := c.client.CheckRedirect
	c.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	defer func() { c.client.CheckRedirect = before }()
	to := c.want(http.StatusFound, "GET", "/auth/login?return="+url.QueryEscape(back), nil).header.Get("Location")
	return c.want(http.StatusFound, "GET", to, nil).header.Get("Location")
}

// finishLogin opens the callback and does not follow where it leads.
func (c *caller) finishLogin(callback string) answer {
	c.f.t.Helper()
	before := c.client.CheckRedirect
	c.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	defer func() { c.client.CheckRedirect = before }()
	return c.get(callback)
}

func TestLogin_PersonComesBackSignedInWithTheirRoles(t *testing.T) {
	f := start(t)
	b := f.browser()
	me := b.login(user("ada", "payments:developers", "admins"))
	want := api.Me{Actor: api.Actor{ID: people.Identity{Issuer: f.provider.Issuer, Subject: "sub-ada"}.ID(),
		Username: "ada", Name: "ADA",
		Issuer: f.provider.Issuer, Subject: "sub-ada", Kind: "person"}, Email: "ada@example.test",
		Grants: []string{"developer:payments", "platform-admin"}}
	got := me
	got.CSRFToken, got.Session, got.Idle, got.Expires = "", "", nil, nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if me.CSRFToken == "" || me.Session == "" || me.Idle == nil || me.Expires == nil {
		t.Errorf("%+v", me)
	}
	if idle, all := me.Idle.Sub(f.clock.now()), me.Expires.Sub(f.clock.now()); idle > 30*time.Minute ||
		all > 12*time.Hour || all < 11*time.Hour {
		t.Errorf("idle ends in %s, all in %s", idle, all)
	}
}

func TestLogin_AsksWithPKCEStateAndNonce(t *testing.T) {
	f := start(t)
	a := f.anonymous().want(http.StatusFound, "GET", "/auth/login", nil)
	to, err := url.Parse(a.header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	q := to.Query()
	for _, name := range []string{"state", "nonce", "code_challenge"} {
		if len(q.Get(name)) < 43 {
			t.Errorf("%s is %q", name, q.Get(name))
		}
	}
	if q.Get("code_challenge_method") != "S256" || q.Get("response_type") != "code" ||
		q.Get("scope") != "openid profile email groups" {
		t.Error(q)
	}
	again, err := url.Parse(f.anonymous().want(http.StatusFound, "GET", "/auth/login", nil).header.Get("Location"))
	if err != nil || again.Query().Get("state") == q.Get("state") || again.Query().Get("nonce") == q.Get("nonce") {
		t.Error("two logins share their secrets")
	}
}

func TestLogin_CookiesAreOutOfReach(t *testing.T) {
	for _, public := range []string{"", "https://slipway.example.test"} {
		f := start(t, func(o *Options) {
			if public != "" {
				o.Config.PublicURL = public
			}
		})
		a := f.anonymous().want(http.StatusFound, "GET", "/auth/login", nil)
		cookie, err := http.ParseSetCookie(a.header.Get("Set-Cookie"))
		if err != nil {
			t.Fatal(err)
		}
		if !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" || cookie.Domain != "" ||
			cookie.MaxAge != 600 {
			t.Errorf("%s", cookie)
		}
		if cookie.Secure != (public != "") || strings.HasPrefix(cookie.Name, "__Host-") != (public != "") {
			t.Errorf("at %q: %s", public, cookie)
		}
	}
}

func TestLogin_ReturnsOnlyToOwnPages(t *testing.T) {
	f := start(t)
	tests := []struct{ back, want string }{
		{"", "/"}, {"/catalog?kind=Component#top", "/catalog?kind=Component#top"}, {"/device?code=BCDF-GHJK",
			"/device?code=BCDF-GHJK"},
		{"https://evil.example.test/", "/"}, {"//evil.example.test/", "/"}, {`/\evil.example.test/`, "/"},
		{"javascript:alert(1)", "/"},
		{"catalog", "/"}, {"/auth/login", "/"}, {"/a\r\nSet-Cookie: x=y", "/"}, {"/\t/evil.example.test", "/"},
		{"/" + strings.Repeat("a", 2000), "/"},
	}
	f.provider.SignIn(user("ada"))
	for _, tt := range tests {
		b := f.browser()
		a := b.finishLogin(b.beginLogin(tt.back))
		if got := a.header.Get("Location"); a.status != http.StatusFound || got != tt.want {
			t.Errorf("%.40q leads to %d %q", tt.back, a.status, got)
		}
	}
}

func TestLogin_OnlyInTheBrowserThatBeganIt(t *testing.T) {
	f := start(t)
	f.provider.SignIn(user("mallory", "admins"))
	mallory, victim := f.browser(), f.browser()
	callback := mallory.beginLogin("/")
	// Mallory sends her callback to somebody, so that they work in her account.
	if a := victim.finishLogin(callback); a.status != http.StatusBadRequest || !strings.Contains(string(a.body),
		"not begun in this browser") {
		t.Errorf("%d %s", a.status, a.body)
	}
	victim.want(http.StatusUnauthorized, "GET", "/api/v1/me", nil)
	// The same where the victim has begun a login too.
	victim.beginLogin("/")
	if a := victim.finishLogin(callback); a.status != http.StatusBadRequest {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := mallory.finishLogin(callback); a.status != http.StatusFound {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := mallory.finishLogin(callback); a.status != http.StatusBadRequest {
		t.Errorf("the callback works twice: %d", a.status)
	}
}

func TestLogin_ChangedCallbacksAreRefused(t *testing.T) {
	f := start(t)
	f.provider.SignIn(user("ada"))
	tests := []struct {
		name   string
		change func(url.Values)
		status int
	}{
		{"another state", func(q url.Values) { q.Set("state", "x") }, 400},
		{"no state", func(q url.Values) { q.Del("state") }, 400},
		{"another issuer", func(q url.Values) { q.Set("iss", "https://evil.example.test") }, 400},
		{"no issuer, though the provider names itself", func(q url.Values) { q.Del("iss") }, 400},
		{"another code", func(q url.Values) { q.Set("code", "x") }, 403},
		{"an error", func(q url.Values) { q.Set("error", "access_denied<script>") }, 400},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := f.browser()
			callback, err := url.Parse(b.beginLogin("/"))
			if err != nil {
				t.Fatal(err)
			}
			q := callback.Query()
			tt.change(q)
			callback.RawQuery = q.Encode()
			a := b.finishLogin(callback.String())
			if a.status != tt.status || !strings.Contains(string(a.body), "Signing in did not work") ||
				strings.Contains(string(a.body), "<script") {
				t.Errorf("%d %s", a.status, a.body)
			}
			b.want(http.StatusUnauthorized, "GET", "/api/v1/me", nil)
		})
	}
}

func TestLogin_TakesTooLong(t *testing.T) {
	f := start(t)
	b := f.browser()
	callback := b.beginLogin("/")
	f.clock.forward(10 * time.Minute)
	if a := b.finishLogin(callback); a.status != http.StatusBadRequest {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestLogin_NonceOfAnotherLogin(t *testing.T) {
	f := start(t)
	b := f.browser()
	f.provider.SignIn(user("ada"))
	f.provider.Nonce = "of another login"
	if a := b.finishLogin(b.beginLogin("/")); a.status != http.StatusForbidden {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestLogin_ProviderIsDownThenUp(t *testing.T) {
	f := start(t)
	f.provider.Down = true
	a := f.anonymous().get("/auth/login")
	if a.status != http.StatusBadGateway || !strings.Contains(string(a.body), "cannot be reached") {
		t.Errorf("%d %s", a.status, a.body)
	}
	p := f.as(user("ada")).want(http.StatusServiceUnavailable, "GET", "/api/v1/me", nil)
	if got := p.problem(t); got.Hint == "" || p.header.Get("Retry-After") == "" {
		t.Errorf("%+v", got)
	}
	f.provider.Down = false
	f.clock.forward(3 * time.Second)
	f.signIn(user("ada"))
}

func TestLogin_ProviderReplacesItsKey(t *testing.T) {
	f := start(t)
	f.signIn(user("ada"))
	f.provider.RotateKey(t)
	f.signIn(user("ada"))
	f.as(user("ada")).want(http.StatusOK, "GET", "/api/v1/me", nil)
}

func TestLogin_GroupsFromUserInfo(t *testing.T) {
	f := start(t)
	f.provider.GroupsInUserInfo = true
	me := f.browser().login(user("ada", "payments:approvers"))
	if diff := cmp.Diff([]string{"approver:payments"}, me.Grants); diff != "" {
		t.Error(diff)
	}
}

func TestLogin_EndsTheSessionThatTheBrowserHad(t *testing.T) {
	f := start(t)
	b := f.signIn(user("ada"))
	old := b.cookie(t)
	f.provider.SignIn(user("bob"))
	b.get("/auth/login")
	thief := f.anonymous()
	thief.header.Set("Cookie", old)
	thief.want(http.StatusUnauthorized, "GET", "/api/v1/me", nil)
	var me api.Me
	b.want(http.StatusOK, "GET", "/api/v1/me", nil).json(t, &me)
	if me.Username != "bob" {
		t.Errorf("%+v", me)
	}
}

// cookie is the browser's session cookie, as it is sent.
func (c *caller) cookie(t testing.TB) string {
	t.Helper()
	at, err := url.Parse(c.f.url)
	if err != nil {
		t.Fatal(err)
	}
	for _, cookie := range c.client.Jar.Cookies(at) {
		if cookie.Name == "slipway-session" {
			return cookie.Name + "=" + cookie.Value
		}
	}
	t.Fatal("the browser has no session")
	return ""
}

func TestSession_ChangedCookiesAreRefused(t *testing.T) {
	f := start(t)
	good := f.signIn(user("ada")).cookie(t)
	name, value, _ := strings.Cut(good, "=")
	raw, err := base64.RawURLEncoding.DecodeString(value)
	if err != nil {
		t.Fatal(err)
	}
	try := func(cookie string) int {
		c := f.anonymous()
		c.header.Set("Cookie", cookie)
		return c.get("/api/v1/me").status
	}
	if try(good) != http.StatusOK {
		t.Fatal("the cookie itself is not good")
	}
	for i := range raw {
		changed := append([]byte{}, raw...)
		changed[i] ^= 0x40
		if status := try(name + "=" + base64.RawURLEncoding.EncodeToString(changed)); status != http.StatusUnauthorized {
			t.Errorf("byte %d changed: %d", i, status)
		}
	}
	login, err := http.ParseSetCookie(f.anonymous().want(http.StatusFound, "GET", "/auth/login",
		nil).header.Get("Set-Cookie"))
	if err != nil {
		t.Fatal(err)
	}
	for _, other := range []string{"", "x", value[:10], login.Value} {
		if status := try(name + "=" + other); status != http.StatusUnauthorized {
			t.Errorf("%q: %d", other, status)
		}
	}
}

func TestSession_EndsWhenIdleAndInAnyCase(t *testing.T) {
	f := start(t)
	idle, busy := f.signIn(user("ada")), f.signIn(user("bob"))
	f.clock.forward(29 * time.Minute)
	busy.want(http.StatusOK, "GET", "/api/v1/me", nil)
	f.clock.forward(2 * time.Minute)
	if p := idle.want(http.StatusUnauthorized, "GET", "/api/v1/me",
		nil).problem(t); p.Detail != "the session has ended" || p.Hint == "" {
		t.Errorf("%+v", p)
	}
	for range 12 * 60 / 29 {
		busy.want(http.StatusOK, "GET", "/api/v1/me", nil)
		f.clock.forward(29 * time.Minute)
	}
	busy.want(http.StatusUnauthorized, "GET", "/api/v1/me", nil)
}

func TestSession_KeysAreReplacedWithoutSigningOut(t *testing.T) {
	f := start(t)
	b := f.signIn(user("ada"))
	write := func(keys ...string) {
		if err := os.WriteFile(f.options.Config.CookieKeyFile, []byte(strings.Join(keys, "\n")), 0o600); err != nil {
			t.Fatal(err)
		}
		f.restart()
	}
	const old, fresh = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=", "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI="
	write(fresh, old)
	b.want(http.StatusOK, "GET", "/api/v1/me", nil)
	b.want(http.StatusNotFound, "DELETE", "/api/v1/me/tokens/t-none", nil) // the token for writes counts too
	write(fresh)
	b.want(http.StatusUnauthorized, "GET", "/api/v1/me", nil)
}

func TestLogout_EndsTheSessionHereAndAtTheProvider(t *testing.T) {
	f := start(t)
	b := f.signIn(user("ada"))
	cookie := b.cookie(t)
	var out struct{ Redirect string }
	a := b.want(http.StatusOK, "POST", "/auth/logout", nil)
	a.json(t, &out)
	to, err := url.Parse(out.Redirect)
	if err != nil || !strings.HasPrefix(out.Redirect, f.provider.Issuer+"/logout?") ||
		to.Query().Get("post_logout_redirect_uri") != f.url+"/" ||
		to.Query().Get("client_id") != "slipway" {
		t.Fatalf("%q, %v", out.Redirect, err)
	}
	b.get(out.Redirect)
	if got := f.provider.SignedOut(); len(got) != 1 || strings.Count(got[0], ".") != 2 {
		t.Errorf("the provider was told %q", got)
	}
	b.want(http.StatusUnauthorized, "GET", "/api/v1/me", nil)
	thief := f.anonymous()
	thief.header.Set("Cookie", cookie)
	thief.want(http.StatusUnauthorized, "GET", "/api/v1/me", nil)
	if a.header.Get("Clear-Site-Data") == "" {
		t.Error("what the browser has stored stays")
	}
}

func TestLogout_ProviderWithoutAPageForIt(t *testing.T) {
	f := start(t)
	f.provider.NoLogout = true
	b := f.signIn(user("ada"))
	var out struct{ Redirect string }
	b.want(http.StatusOK, "POST", "/auth/logout", nil).json(t, &out)
	if out.Redirect != "/" {
		t.Errorf("%q", out.Redirect)
	}
	b.want(http.StatusUnauthorized, "GET", "/api/v1/me", nil)
}

func TestSessions_OnesOwnCanBeListedAndEnded(t *testing.T) {
	f := start(t)
	here, there, other := f.signIn(user("ada")), f.signIn(user("ada")), f.signIn(user("bob"))
	var all, others api.Sessions
	here.want(http.StatusOK, "GET", "/api/v1/me/sessions", nil).json(t, &all)
	other.want(http.StatusOK, "GET", "/api/v1/me/sessions", nil).json(t, &others)
	if len(all.Items) != 2 || len(others.Items) != 1 {
		t.Fatalf("%+v", all)
	}
	here.want(http.StatusNotFound, "DELETE", "/api/v1/me/sessions/"+others.Items[0].ID, nil)
	for _, s := range all.Items {
		if !s.Current {
			here.want(http.StatusNoContent, "DELETE", "/api/v1/me/sessions/"+s.ID, nil)
		}
	}
	there.want(http.StatusUnauthorized, "GET", "/api/v1/me", nil)
	here.want(http.StatusOK, "GET", "/api/v1/me", nil)
	other.want(http.StatusOK, "GET", "/api/v1/me", nil)
}

func TestWrites_OfABrowserMustComeFromTheWebInterface(t *testing.T) {
	f := start(t)
	b, other := f.signIn(user("ada", "payments:developers")), f.signIn(user("bob"))
	token := api.NewToken{Name: "x", Scopes: []string{"viewer"}, Days: 1}
	tests := []struct {
		name    string
		headers []string
		status  int
	}{
		{"from the web interface", nil, 201},
		{"from another site", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"from a sibling host", []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"another origin, old browser", []string{"Sec-Fetch-Site", "", "Origin", "https://evil.example.test"}, 403},
		{"no origin, token missing", []string{"Sec-Fetch-Site", "", session.WriteHeader, ""}, 403},
		{"token missing", []string{session.WriteHeader, ""}, 403},
		{"somebody else's token", []string{session.WriteHeader, other.header.Get(session.WriteHeader)}, 403},
		{"token cut", []string{session.WriteHeader, b.header.Get(session.WriteHeader)[1:]}, 403},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := b.do("POST", "/api/v1/me/tokens", token, tt.headers...)
			if a.status != tt.status {
				t.Errorf("%d %s", a.status, a.body)
			}
			if tt.status == 403 {
				a.problem(t)
			}
		})
	}
	t.Run("logout from another site", func(t *testing.T) {
		if a := b.do("POST", "/auth/logout", nil, "Sec-Fetch-Site", "cross-site"); a.status != 403 {
			t.Error(a.status)
		}
		b.want(http.StatusOK, "GET", "/api/v1/me", nil)
	})
	t.Run("a bearer token needs no other", func(t *testing.T) {
		f.as(user("ada", "payments:developers")).want(http.StatusCreated, "POST", "/api/v1/me/tokens", token)
	})
	t.Run("a bad bearer token is not made up for by a cookie", func(t *testing.T) {
		if a := b.do("GET", "/api/v1/me", nil, "Authorization", "Bearer slpw_wrong"); a.status != 401 {
			t.Error(a.status)
		}
	})
}
