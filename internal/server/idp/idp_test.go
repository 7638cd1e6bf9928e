package idp

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-dev/slipway/internal/server/oidctest"
	"github.com/slipway-dev/slipway/internal/server/people"
)

func provider(t *testing.T) (*Provider, *oidctest.Provider) {
	t.Helper()
	real := oidctest.New(t, "http://127.0.0.1/auth/callback")
	return New(Config{Issuer: real.Issuer, ClientID: oidctest.ClientID, ClientSecret: oidctest.ClientSecret,
		Redirect: "http://127.0.0.1/auth/callback",
		Home:     "http://127.0.0.1/", Scopes: []string{"openid"}, GroupsClaim: "groups", Audiences: []string{"slipway-cli"},
		Client: http.DefaultClient, Now: time.Now}), real
}

func TestVerify_WhatTheClaimsMean(t *testing.T) {
	p, real := provider(t)
	tests := []struct {
		name   string
		change map[string]any
		want   people.Identity
	}{
		{"all of it", map[string]any{}, people.Identity{Username: "ada", Name: "Ada", Email: "ada@example.test",
			Groups: []string{"a", "b"}}},
		{"one group", map[string]any{"groups": "a"}, people.Identity{Username: "ada", Name: "Ada",
			Email: "ada@example.test", Groups: []string{"a"}}},
		{"no groups", map[string]any{"groups": []string{}}, people.Identity{Username: "ada", Name: "Ada",
			Email: "ada@example.test", Groups: []string{}}},
		{"nothing about groups", map[string]any{"groups": missing}, people.Identity{Username: "ada", Name: "Ada",
			Email: "ada@example.test"}},
		{"groups that are none", map[string]any{"groups": map[string]int{"a": 1}}, people.Identity{Username: "ada",
			Name: "Ada", Email: "ada@example.test", Groups: []string{}}},
		{"an address that is not verified", map[string]any{"email_verified": false, "groups": "a"},
			people.Identity{Username: "ada", Name: "Ada", Groups: []string{"a"}}},
		{"no user name", map[string]any{"preferred_username": missing, "groups": "a"},
			people.Identity{Username: "ada@example.test", Name: "Ada", Email: "ada@example.test", Groups: []string{"a"}}},
		{"nothing but a subject", map[string]any{"preferred_username": missing, "email": missing, "name": missing,
			"groups": "a"}, people.Identity{Username: "7", Groups: []string{"a"}}},
		{"another client's, which is configured", map[string]any{"aud": []string{"x", "slipway-cli"}, "groups": "a"},
			people.Identity{Username: "ada", Name: "Ada", Email: "ada@example.test", Groups: []string{"a"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, _, err := p.Verify(t.Context(), real.Token(t, claims(real, tt.change)))
			if err != nil {
				t.Fatal(err)
			}
			tt.want.Issuer, tt.want.Subject, tt.want.AsOf = real.Issuer, "7", got.AsOf
			if diff := cmp.Diff(tt.want, got); diff != "" || got.AsOf.IsZero() {
				t.Error(diff)
			}
		})
	}
}

// missing takes a claim away.
const missing = "\x00missing"

func claims(real *oidctest.Provider, change map[string]any) map[string]any {
	c := real.Claims(oidctest.User{Subject: "7", Username: "ada", Name: "Ada", Email: "ada@example.test",
		Groups: []string{"a", "b"}})
	for name, value := range change {
		if c[name] = value; value == missing {
			delete(c, name)
		}
	}
	return c
}

func TestVerify_RefusesWhatIsNotGoodHere(t *testing.T) {
	p, real := provider(t)
	past := time.Now().Add(-time.Minute).Unix()
	for name, change := range map[string]map[string]any{
		"expired": {"exp": past}, "of the future": {"nbf": time.Now().Add(time.Hour).Unix()}, "no expiry": {"exp": missing},
		"another audience": {"aud": "x"}, "no audience": {"aud": missing},
		"another issuer": {"iss": "https://evil.example.test"},
		"no subject":     {"sub": missing},
	} {
		if _, _, err := p.Verify(t.Context(), real.Token(t, claims(real, change))); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	good := real.Token(t, claims(real, nil))
	for _, raw := range []string{"", "x", "a.b.c", good + "x", good[:len(good)-4], "." + good} {
		if _, _, err := p.Verify(t.Context(), raw); !errors.Is(err, ErrRefused) {
			t.Errorf("%.20q: %v", raw, err)
		}
	}
}

func TestProvider_ThatIsDownIsNotARefusal(t *testing.T) {
	p, real := provider(t)
	real.Down = true
	if _, _, err := p.Verify(t.Context(), "a.b.c"); !errors.Is(err, ErrUnreachable) {
		t.Error(err)
	}
	real.Down = false
	p.failed = time.Time{}
	good := real.Token(t, claims(real, nil))
	if _, _, err := p.Verify(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	real.RotateKey(t)
	real.Down = true
	if _, _, err := p.Verify(t.Context(), real.Token(t, claims(real, nil))); !errors.Is(err, ErrUnreachable) {
		t.Errorf("with keys that cannot be fetched: %v", err)
	}
	if got := p.LogoutURL(t.Context(),
		""); got != real.Issuer+"/logout?client_id=slipway&post_logout_redirect_uri=http%3A%2F%2F127.0.0.1%2F" {
		t.Errorf("%q", got)
	}
}

func TestProvider_AnotherIssuerThanConfigured(t *testing.T) {
	p, real := provider(t)
	p.config.Issuer = real.Issuer + "/"
	if _, _, err := p.Verify(t.Context(), "a.b.c"); !errors.Is(err, ErrUnreachable) {
		t.Error(err)
	}
}
