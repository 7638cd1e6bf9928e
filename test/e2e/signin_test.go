//go:build e2e

package e2e

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/slipway-dev/slipway/internal/deliver/idptest"
)

// stranger is a browser in which nobody has signed in yet.
func (p *platform) stranger(t *testing.T, name, password string) *idptest.Browser {
	t.Helper()
	return idptest.NewBrowser(p.client(t).Transport, name, password)
}

// provider is the tool that signs people in.
func (p *platform) provider(t *testing.T) string {
	t.Helper()
	for _, c := range decode[struct {
		Capabilities []struct{ Capability, Tool string }
	}](t, p.run(t, "status", "--name", p.name, "-o", "json")).Capabilities {
		if c.Capability == "identity" {
			return c.Tool
		}
	}
	t.Fatal("the platform has no identity provider")
	return ""
}

// testSignIn signs the administrator in to every tool as a person would in a browser, by the
// provider's own pages, whichever provider it is.
func testSignIn(t *testing.T, p *platform) {
	user, password := p.login(t, p.provider(t))
	t.Run("console", func(t *testing.T) { signInToConsole(t, p, user, password) })
	t.Run("argo-cd", func(t *testing.T) { signInToDelivery(t, p, user, password) })
	t.Run("argo-workflows", func(t *testing.T) { signInToWorkflows(t, p, user, password) })
	t.Run("git", func(t *testing.T) { signInToGit(t, p, user, password) })
	t.Run("command-line", func(t *testing.T) { signInAtTheCommandLine(t, p, user, password) })
	t.Run("service-account", func(t *testing.T) { callAsServiceAccount(t, p) })
	t.Run("a wrong password", func(t *testing.T) {
		b := p.stranger(t, user, "wrong-"+password)
		if page, err := b.SignIn(p.url(t, "console") + "/auth/login"); err == nil {
			t.Errorf("signed in: %s", page)
		}
	})
}

// refused fails unless the address answers 401 to b.
func refused(t *testing.T, b *idptest.Browser, address, when string) {
	t.Helper()
	if page, err := b.Do(http.MethodGet, address, nil); err != nil || page.Status != http.StatusUnauthorized {
		t.Errorf("%s: %s, %v; want 401", when, page, err)
	}
}

// forged fails unless the address answers 401 to tokens that nobody gave.
func forged(t *testing.T, p *platform, address string) {
	t.Helper()
	// An unsigned token, and one that is signed by a key that nobody knows.
	for _, token := range []string{
		"eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiIsImdyb3VwcyI6WyJwbGF0Zm9ybS1hZG1pbnMiXX0.",
		"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZG1pbiIsImdyb3VwcyI6WyJwbGF0Zm9ybS1hZG1pbnMiXX0.c2ln",
	} {
		_, err := getAs(p.client(t), address, token)
		if err == nil || !strings.Contains(err.Error(), "401") {
			t.Errorf("a forged token: %v, want 401", err)
		}
	}
}

// ends fails unless something ends in the given time. That what has ended is refused is shown where clocks can be set
// (internal/server, TestAccess_EveryRouteForEveryCaller).
func ends(t *testing.T, what string, at time.Time, within time.Duration) {
	t.Helper()
	if left := time.Until(at); left <= 0 || left > within {
		t.Errorf("%s ends at %s, in %s; want within %s", what, at, left, within)
	}
}

func signInToConsole(t *testing.T, p *platform, user, password string) {
	portal := p.url(t, "console")
	b := p.stranger(t, user, password)
	refused(t, b, portal+"/api/v1/me", "before signing in")
	forged(t, p, portal+"/api/v1/me")
	me := signedInAs(t, b, portal)
	if !strings.Contains(strings.Join(me.Grants, " "), "platform-admin") {
		t.Errorf("the administrator may only %q", me.Grants)
	}
	ends(t, "a session at the portal that is not used", me.Idle, 30*time.Minute)
	ends(t, "a session at the portal", me.Expires, 12*time.Hour)
	logout, err := http.NewRequest(http.MethodPost, portal+"/auth/logout", nil)
	if err != nil {
		t.Fatal(err)
	}
	logout.Header.Set("Origin", portal)
	logout.Header.Set("X-CSRF-Token", me.CSRFToken)
	page, err := b.Send(logout)
	if err != nil {
		t.Fatalf("sign out: %v, %s", err, page)
	}
	refused(t, b, portal+"/api/v1/me", "after signing out")
	next := decode[struct{ Redirect string }](t, page.Body).Redirect
	if strings.HasPrefix(next, "/") {
		return // the provider has no page for signing out of it
	}
	if page, err := b.Do(http.MethodGet, next, nil); err != nil || !strings.HasPrefix(page.URL.String(), portal) {
		t.Errorf("signing out at the provider ends at %s, %v; want the portal's page", page, err)
	}
	b.Password = "wrong-" + password
	if page, err := b.SignIn(portal + "/auth/login"); !errors.Is(err, idptest.ErrRefused) {
		t.Errorf("after signing out nobody asks for the password: %s, %v", page, err)
	}
}

// signInToGit signs the administrator in to the Git server's pages, whoever asks for the password.
func signInToGit(t *testing.T, p *platform, user, password string) {
	git := p.url(t, "gitea")
	b := p.stranger(t, user, password)
	const own, administration = "/user/settings", "/-/admin"
	if page, err := b.Do(http.MethodGet, git+own, nil); err != nil || page.URL.Path == own {
		t.Errorf("a stranger sees %s, %v", page, err)
	}
	if page, err := b.SignIn(git + "/user/login"); err != nil {
		t.Fatalf("%v\n%s", err, tail(page.Body, 20))
	}
	for _, path := range []string{own, administration} {
		if page, err := b.Do(http.MethodGet, git+path, nil); err != nil || page.URL.Path != path || page.Status != http.StatusOK {
			t.Errorf("the administrator asks for %s and sees %s, %v", path, page, err)
		}
	}
	if page, err := b.Do(http.MethodGet, git+"/user/logout", nil); err != nil {
		t.Fatalf("sign out: %v, %s", err, page)
	}
	// Whoever is signed in at another provider still is let in by it again; the Git server itself knows nobody.
	alone := *b.HTTP
	alone.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := alone.Get(git + own)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if to := res.Header.Get("Location"); !strings.HasPrefix(to, "/user/login") {
		t.Errorf("after signing out there is %s, to %q", res.Status, to)
	}
}

// signInAtTheCommandLine confirms the code that the program shows in a browser, as a person would.
func signInAtTheCommandLine(t *testing.T, p *platform, user, password string) {
	portal := p.url(t, "console")
	b := p.stranger(t, user, password)
	me := signedInAs(t, b, portal)
	c := p.command(t.Context(), "login")
	c.Env = append(c.Env, "XDG_CONFIG_HOME="+t.TempDir())
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var wrong strings.Builder
	c.Stderr = &wrong
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	confirmed := false
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		m := regexp.MustCompile(`confirm the code (\S+)`).FindStringSubmatch(lines.Text())
		if m == nil {
			continue
		}
		req, err := http.NewRequest(http.MethodPost, portal+"/api/v1/device/requests/"+m[1]+"/decision", strings.NewReader(`{"approve": true}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Origin", portal)
		req.Header.Set("X-CSRF-Token", me.CSRFToken)
		if page, err := b.Send(req); err != nil || page.Status >= 300 {
			t.Fatalf("confirm: %s %v %s", page, err, page.Body)
		}
		confirmed = true
	}
	if err := c.Wait(); err != nil || !confirmed {
		t.Fatalf("slipway login: %v, confirmed: %v\n%s", err, confirmed, wrong.String())
	}
	again := p.command(t.Context(), "template", "list")
	again.Env = c.Env
	if out, err := again.CombinedOutput(); err != nil {
		t.Errorf("who has signed in lists templates: %v\n%s", err, out)
	}
	leave := p.command(t.Context(), "logout")
	leave.Env = c.Env
	if out, err := leave.CombinedOutput(); err != nil {
		t.Errorf("slipway logout: %v\n%s", err, out)
	}
}

// callAsServiceAccount calls the portal with tokens of the cluster's: one that was made for it, and one that
// was made for somebody else.
func callAsServiceAccount(t *testing.T, p *platform) {
	portal := p.url(t, "console")
	token := func(audience string) string {
		return strings.TrimSpace(p.run(t, "kubectl", "-n", "default", "create", "token", "default", "--audience", audience))
	}
	page, err := getAs(p.client(t), portal+"/api/v1/me", token(portal))
	if err != nil || decode[signedIn](t, page).Kind != "workload" || len(decode[signedIn](t, page).Grants) != 0 {
		t.Errorf("a service account is %s, %v", page, err)
	}
	if _, err := getAs(p.client(t), portal+"/api/v1/templates", token(portal)); err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("a service account without a role lists templates: %v", err)
	}
	if _, err := getAs(p.client(t), portal+"/api/v1/me", token("https://elsewhere.example.com")); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("a token for somebody else: %v", err)
	}
}

// signedIn is what the portal says of somebody who has signed in.
type signedIn struct {
	Username, Kind, CSRFToken string
	Grants                    []string
	Idle, Expires             time.Time
}

// signIn signs somebody in to the portal, by the identity provider's pages, and gives their browser.
func (p *platform) signIn(t *testing.T, user, password string) (*http.Client, signedIn) {
	t.Helper()
	b := p.stranger(t, user, password)
	me := signedInAs(t, b, p.url(t, "console"))
	return b.HTTP, me
}

func signedInAs(t *testing.T, b *idptest.Browser, portal string) (me signedIn) {
	t.Helper()
	if page, err := b.SignIn(portal + "/auth/login"); err != nil {
		t.Fatalf("%v\n%s", err, tail(page.Body, 20))
	}
	page, err := b.Do(http.MethodGet, portal+"/api/v1/me", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(page.Body), &me); err != nil || me.Username != b.Name || me.Kind != "person" {
		t.Fatalf("signed in as %s: %v", page.Body, err)
	}
	return me
}

// endOfToken reads from a JSON Web Token in a cookie when it ends; zero where there is none.
func endOfToken(t *testing.T, b *idptest.Browser, address, cookie string) time.Time {
	t.Helper()
	at, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range b.HTTP.Jar.Cookies(at) {
		if c.Name != cookie {
			continue
		}
		token, err := jwt.ParseSigned(c.Value, []jose.SignatureAlgorithm{jose.RS256})
		var claims jwt.Claims
		if err == nil {
			err = token.UnsafeClaimsWithoutVerification(&claims)
		}
		if err != nil {
			t.Fatalf("the cookie %s: %v", cookie, err)
		}
		return claims.Expiry.Time()
	}
	return time.Time{}
}

func signInToDelivery(t *testing.T, p *platform, user, password string) {
	delivery := p.url(t, "argo-cd")
	b := p.stranger(t, user, password)
	refused(t, b, delivery+"/api/v1/applications", "before signing in")
	forged(t, p, delivery+"/api/v1/applications")
	if page, err := b.SignIn(delivery + "/auth/login?return_url=" + url.QueryEscape(delivery)); err != nil {
		t.Fatalf("%v\n%s", err, tail(page.Body, 20))
	}
	page, err := b.Do(http.MethodGet, delivery+"/api/v1/session/userinfo", nil)
	if err != nil {
		t.Fatal(err)
	}
	var me struct {
		LoggedIn bool
		Groups   []string
	}
	if err := json.Unmarshal([]byte(page.Body), &me); err != nil || !me.LoggedIn || !strings.Contains(strings.Join(me.Groups, " "), "platform-admins") {
		t.Fatalf("signed in as %s: %v", page.Body, err)
	}
	if ended := endOfToken(t, b, delivery, "argocd.token"); !ended.IsZero() {
		ends(t, "a session at the delivery tool", ended, time.Hour)
	} else {
		t.Error("the delivery tool keeps no token in the browser")
	}
	// Only role:admin may do this, see its policy.
	page, err = b.Do(http.MethodGet, delivery+"/api/v1/account/can-i/clusters/delete/*", nil)
	if err != nil || !strings.Contains(page.Body, `"yes"`) {
		t.Errorf("the administrator may not administer: %s, %v", page.Body, err)
	}
	if page, err := b.Do(http.MethodGet, delivery+"/auth/logout", nil); err != nil {
		t.Fatalf("sign out: %v, %s", err, page)
	}
	refused(t, b, delivery+"/api/v1/applications", "after signing out")
}

func signInToWorkflows(t *testing.T, p *platform, user, password string) {
	workflows := p.url(t, "argo-workflows")
	b := p.stranger(t, user, password)
	refused(t, b, workflows+"/api/v1/workflows/workflows", "before signing in")
	if page, err := b.SignIn(workflows + "/oauth2/redirect"); err != nil {
		t.Fatalf("%v\n%s", err, tail(page.Body, 20))
	}
	page, err := b.Do(http.MethodGet, workflows+"/api/v1/userinfo", nil)
	if err != nil || !strings.Contains(page.Body, "platform-admins") {
		t.Fatalf("signed in as %s: %v", page.Body, err)
	}
	for _, namespace := range []string{"workflows", "argo"} { // the second is for administrators alone
		page, err := b.Do(http.MethodGet, fmt.Sprintf("%s/api/v1/workflows/%s", workflows, namespace), nil)
		if err != nil || page.Status != http.StatusOK {
			t.Errorf("workflows of %s: %s, %v\n%s", namespace, page, err, tail(page.Body, 3))
		}
	}
}

// envRunning names a platform that is up already, for TestSignIn; its state is where SLIPWAY_HOME says.
const envRunning = "E2E_RUNNING"

// TestSignIn is the part of TestPlatform about signing in, on a platform that is up, whichever
// provider it has. It changes nothing there.
func TestSignIn(t *testing.T) {
	name := os.Getenv(envRunning)
	if name == "" {
		t.Skipf("%s names no running platform; TestPlatform makes one of its own", envRunning)
	}
	binary, err := filepath.Abs(cmp.Or(os.Getenv("E2E_BINARY"), "../../bin/slipway"))
	if err != nil {
		t.Fatal(err)
	}
	testSignIn(t, &platform{
		name: name, domain: name + ".localhost", home: cmp.Or(os.Getenv("SLIPWAY_HOME"), "/var/lib/slipway"), dir: t.TempDir(), binary: binary,
	})
}
