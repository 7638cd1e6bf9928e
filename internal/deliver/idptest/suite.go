package idptest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/deliver"
)

// Run runs the suite against the provider with that issuer. open opens it anew, as each `up` does.
func Run(t *testing.T, issuer string, open func(t *testing.T) deliver.IdentityProvider) {
	tool := newTool(t, issuer)
	// Names that earlier runs on the same server have not used.
	_, port, _ := strings.Cut(strings.TrimPrefix(tool.url, "http://"), ":")
	team := "team" + port
	ada := deliver.Person{Name: "ada" + port, FullName: "Ada Lovelace", Email: "ada" + port + "@example.com",
		Password: "the-first-password-1", MustChange: true, Groups: []string{team + ":developers"}}
	client := v1alpha1.OIDCClient{Name: "Tool " + port, RedirectURIs: []string{tool.url + "/callback"}}
	var login deliver.ClientLogin
	browser := NewBrowser(http.DefaultTransport, ada.Name, ada.Password)

	t.Run("somebody signs in to a tool, with groups", func(t *testing.T) {
		p := open(t)
		if err := p.EnsurePerson(t.Context(), ada); err != nil {
			t.Fatal(err)
		}
		var err error
		if login, err = p.EnsureClient(t.Context(), client, deliver.ClientLogin{}); err != nil {
			t.Fatal(err)
		}
		if login.ID == "" || login.Secret == "" {
			t.Fatalf("no login: %+v", login)
		}
		c := tool.signIn(t, browser, login)
		if c.Username != ada.Name || c.Email != ada.Email || c.Name != ada.FullName {
			t.Errorf("claims: %+v", c)
		}
		if browser.Password == ada.Password {
			t.Error("nobody asked for another password")
		}
		if !slices.Contains(c.Groups, team) || !slices.Contains(c.Groups, team+":developers") {
			t.Errorf("groups: %q", c.Groups)
		}
	})
	t.Run("registering again changes nothing", func(t *testing.T) {
		again, err := open(t).EnsureClient(t.Context(), client, login)
		if err != nil || again != login {
			t.Errorf("another login, %v", err)
		}
	})
	t.Run("who is there keeps the password, and gets groups", func(t *testing.T) {
		more := ada
		more.Password, more.Groups = "another-password-1", []string{team + ":approvers", deliver.AdminGroup}
		if err := open(t).EnsurePerson(t.Context(), more); err != nil {
			t.Fatal(err)
		}
		c := tool.signIn(t, NewBrowser(http.DefaultTransport, ada.Name, browser.Password), login)
		for _, group := range []string{team, team + ":developers", team + ":approvers", deliver.AdminGroup} {
			if !slices.Contains(c.Groups, group) {
				t.Errorf("not in the group %s: %q", group, c.Groups)
			}
		}
	})
	t.Run("all who are there are listed, with their groups", func(t *testing.T) {
		people, err := open(t).People(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(people, func(p deliver.Person) bool { return p.Name == ada.Name })
		if i < 0 {
			t.Fatalf("%s is not among %+v", ada.Name, people)
		}
		if people[i].FullName != ada.FullName || people[i].Email != ada.Email || people[i].Password != "" {
			t.Errorf("listed as %+v", people[i])
		}
		for _, group := range []string{team, team + ":developers", team + ":approvers", deliver.AdminGroup} {
			if !slices.Contains(people[i].Groups, group) {
				t.Errorf("not in the group %s: %q", group, people[i].Groups)
			}
		}
	})
	t.Run("a wrong password is refused", func(t *testing.T) {
		_, err := NewBrowser(http.DefaultTransport, ada.Name, "wrong-password-1").SignIn(tool.config(login).AuthCodeURL("state", oidc.Nonce("nonce")))
		if !errors.Is(err, ErrRefused) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a wrong secret is refused", func(t *testing.T) {
		_, err := tool.exchange(t, browser, deliver.ClientLogin{ID: login.ID, Secret: "wrong"})
		if err == nil {
			t.Error("a code was taken from who does not know the client's secret")
		}
	})
	t.Run("people are sent only to where the tool is", func(t *testing.T) {
		moved := client
		moved.RedirectURIs = []string{"https://elsewhere.example.com/callback"}
		now, err := open(t).EnsureClient(t.Context(), moved, login)
		if err != nil {
			t.Fatal(err)
		}
		tool.code = ""
		page, err := browser.SignIn(tool.config(now).AuthCodeURL("state", oidc.Nonce("nonce")))
		if tool.code != "" || err == nil && strings.HasPrefix(page.URL.String(), tool.url) {
			t.Errorf("was sent to %s, %v", page, err)
		}
		// A secret may change with the client; the login that was given last works.
		if login, err = open(t).EnsureClient(t.Context(), client, now); err != nil {
			t.Fatal(err)
		}
		tool.signIn(t, browser, login)
	})
	t.Run("a public client proves itself by PKCE", func(t *testing.T) {
		public := v1alpha1.OIDCClient{Name: "Command line " + port, RedirectURIs: []string{tool.url + "/callback"}, Public: true}
		login, err := open(t).EnsureClient(t.Context(), public, deliver.ClientLogin{})
		if err != nil {
			t.Fatal(err)
		}
		if login.ID == "" || login.Secret != "" {
			t.Fatalf("login: %+v", login)
		}
		again, err := open(t).EnsureClient(t.Context(), public, login)
		if err != nil || again != login {
			t.Errorf("the second time: %+v, %v", again, err)
		}
		verifier := oauth2.GenerateVerifier()
		if _, err := tool.exchange(t, browser, login, oauth2.S256ChallengeOption(verifier), oauth2.VerifierOption(verifier)); err != nil {
			t.Error(err)
		}
		if _, err := tool.exchange(t, browser, login, oauth2.S256ChallengeOption(verifier), oauth2.VerifierOption(oauth2.GenerateVerifier())); err == nil {
			t.Error("a code was taken from who did not begin")
		}
	})
}

// Refuses fails unless the provider says that it was given a wrong login, at once.
func Refuses(t *testing.T, p deliver.IdentityProvider) {
	t.Helper()
	_, err := p.EnsureClient(t.Context(), v1alpha1.OIDCClient{Name: "x", RedirectURIs: []string{"https://x.example.com"}}, deliver.ClientLogin{})
	if err == nil || errors.Is(err, deliver.ErrNotYet) {
		t.Errorf("error = %v, want one that stays", err)
	}
}

// tool is where people sign in to.
type tool struct {
	url      string
	provider func() (*oidc.Provider, error)
	code     string // of the last callback
}

func newTool(t *testing.T, issuer string) *tool {
	o := &tool{}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { o.code = r.URL.Query().Get("code") }))
	t.Cleanup(server.Close)
	o.url = server.URL
	// The realm may not be there before the provider was called for the first time.
	o.provider = func() (*oidc.Provider, error) { return oidc.NewProvider(context.Background(), issuer) }
	return o
}

func (o *tool) config(login deliver.ClientLogin) *oauth2.Config {
	c := &oauth2.Config{ClientID: login.ID, ClientSecret: login.Secret, RedirectURL: o.url + "/callback",
		Scopes: []string{"openid", "profile", "email", "groups"}}
	if p, err := o.provider(); err == nil {
		c.Endpoint = p.Endpoint()
	}
	return c
}

// exchange signs somebody in and trades the code for tokens.
func (o *tool) exchange(t *testing.T, b *Browser, login deliver.ClientLogin, options ...oauth2.AuthCodeOption) (*oauth2.Token, error) {
	t.Helper()
	config := o.config(login)
	o.code = ""
	begin := append([]oauth2.AuthCodeOption{oidc.Nonce("nonce")}, options...)
	address, err := url.Parse(config.AuthCodeURL("state", begin...))
	if err != nil {
		t.Fatal(err)
	}
	query := address.Query()
	query.Del("code_verifier") // the options are those of both steps
	address.RawQuery = query.Encode()
	page, err := b.SignIn(address.String())
	if err == nil && o.code == "" {
		err = fmt.Errorf("no code came back; the browser shows %s", page)
	}
	if err != nil {
		t.Fatalf("sign in: %v\n%.2000s", err, page.Body)
	}
	return config.Exchange(t.Context(), o.code, options...)
}

type claims struct {
	Username string   `json:"preferred_username"`
	Name     string   `json:"name"`
	Email    string   `json:"email"`
	Groups   []string `json:"groups"`
}

// signIn signs somebody in and verifies the ID token.
func (o *tool) signIn(t *testing.T, b *Browser, login deliver.ClientLogin) claims {
	t.Helper()
	tokens, err := o.exchange(t, b, login)
	if err != nil {
		t.Fatal(err)
	}
	provider, err := o.provider()
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := tokens.Extra("id_token").(string)
	token, err := provider.Verifier(&oidc.Config{ClientID: login.ID}).Verify(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	var c claims
	if err := token.Claims(&c); err != nil {
		t.Fatal(err)
	}
	return c
}
