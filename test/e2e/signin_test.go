//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// hidden finds the hidden fields of a form.
var hidden = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`)

// testSignIn signs in to the portal as a person would in a browser: by the identity provider's login
// and consent pages. Then the portal knows who it is, and forgets it on logout.
func testSignIn(t *testing.T, p *platform) {
	portal := p.url(t, "console")
	if _, err := get(p.client(t), portal+"/api/v1/me"); err == nil || !strings.Contains(err.Error(), "401") {
		t.Fatalf("a stranger is told who they are: %v", err)
	}
	user, password := p.login(t, "gitea")
	browser, me := p.signIn(t, user, password)
	logout, err := http.NewRequest(http.MethodPost, portal+"/auth/logout", nil)
	if err != nil {
		t.Fatal(err)
	}
	logout.Header.Set("Origin", portal)
	logout.Header.Set("X-CSRF-Token", me.CSRFToken)
	res, err := browser.Do(logout)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if _, err := get(browser, portal+"/api/v1/me"); err == nil || !strings.Contains(err.Error(), "401") {
		t.Fatalf("still signed in after the logout, which answered %s: %v", res.Status, err)
	}
}

// signedIn is what the portal says of somebody who has signed in.
type signedIn struct {
	Username, Kind, CSRFToken string
	Grants                    []string
}

// signIn signs somebody in to the portal, by the identity provider's pages, and gives their browser.
func (p *platform) signIn(t *testing.T, user, password string) (*http.Client, signedIn) {
	t.Helper()
	portal := p.url(t, "console")
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := p.client(t)
	browser.Jar = jar
	at, _ := open(t, browser, http.MethodGet, portal+"/auth/login", nil)
	at, page := open(t, browser, http.MethodPost, at, url.Values{"user_name": {user}, "password": {password}})
	consent := url.Values{"granted": {"true"}}
	for _, m := range hidden.FindAllStringSubmatch(page, -1) {
		consent.Set(m[1], html.UnescapeString(m[2]))
	}
	if consent.Get("client_id") == "" {
		t.Fatalf("%s asks for no consent:\n%s", at, tail(page, 20))
	}
	grant, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	open(t, browser, http.MethodPost, grant.Scheme+"://"+grant.Host+"/login/oauth/grant", consent)

	text, err := get(browser, portal+"/api/v1/me")
	if err != nil {
		t.Fatal(err)
	}
	var me signedIn
	if err := json.Unmarshal([]byte(text), &me); err != nil || me.Username != user || me.Kind != "person" {
		t.Fatalf("signed in as %s: %v", text, err)
	}
	return browser, me
}

// open sends a form, or nothing, and follows where it leads: the address and text of the last page.
func open(t *testing.T, c *http.Client, method, address string, form url.Values) (at, page string) {
	t.Helper()
	req, err := http.NewRequest(method, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err == nil && res.StatusCode >= http.StatusInternalServerError {
		err = fmt.Errorf("%s", res.Status)
	}
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", method, address, err, tail(string(text), 5))
	}
	return res.Request.URL.String(), string(text)
}
