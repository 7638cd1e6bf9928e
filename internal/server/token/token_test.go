package token_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/server/access"
	"github.com/slipway-dev/slipway/internal/server/store"
	"github.com/slipway-dev/slipway/internal/server/token"
)

type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

var limits = token.Limits{Lifetime: 24 * time.Hour, CommandLine: time.Hour, Each: 3}

func tokens(t *testing.T) (*token.Tokens, *clock) {
	t.Helper()
	s, err := store.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	c := &clock{time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	return token.New(s, limits, c.now), c
}

func grants(t *testing.T, texts ...string) access.Grants {
	t.Helper()
	gs, err := access.ParseGrants(texts)
	if err != nil {
		t.Fatal(err)
	}
	return gs
}

func owner(t *testing.T) access.Principal {
	return access.Principal{Kind: access.Person, ID: "p-1", Username: "ada", Grants: grants(t, "developer:payments")}
}

func TestCreate_SecretIsNotStored(t *testing.T) {
	ts, _ := tokens(t)
	r, secret, err := ts.Create(t.Context(), owner(t), token.Request{Kind: token.API, Name: "x", Scopes: grants(t,
		"viewer:payments")})
	if err != nil {
		t.Fatal(err)
	}
	bare := strings.TrimPrefix(secret, token.Prefix)
	if len(bare) != 43 || bare == secret {
		t.Errorf("the secret %q is not the prefix and 256 bits", secret)
	}
	if strings.Contains(r.Fingerprint, bare) || strings.Contains(r.ID, bare) {
		t.Error("the record holds the secret")
	}
	got, err := ts.Check(t.Context(), secret)
	if err != nil || got.ID != r.ID {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestCheck_RefusesWhatIsNotGood(t *testing.T) {
	ts, c := tokens(t)
	_, secret, err := ts.Create(t.Context(), owner(t), token.Request{Kind: token.API, Scopes: grants(t,
		"viewer:payments"), Lifetime: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []string{"", token.Prefix, secret + "x", secret[:len(secret)-1], strings.TrimPrefix(secret,
		token.Prefix), strings.ToUpper(secret)} {
		if _, err := ts.Check(t.Context(), wrong); !errors.Is(err, token.ErrUnknown) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	c.at = c.at.Add(time.Hour - time.Second)
	if _, err := ts.Check(t.Context(), secret); err != nil {
		t.Error(err)
	}
	c.at = c.at.Add(time.Second)
	if _, err := ts.Check(t.Context(), secret); !errors.Is(err, token.ErrExpired) {
		t.Error(err)
	}
}

func TestRevokeSecret_WhoeverHoldsItMayEndIt(t *testing.T) {
	ts, _ := tokens(t)
	_, secret, err := ts.Create(t.Context(), owner(t), token.Request{Kind: token.CommandLine, Scopes: grants(t,
		"viewer:payments")})
	if err != nil {
		t.Fatal(err)
	}
	if err := ts.RevokeSecret(t.Context(), token.Prefix+"unknown"); err != nil {
		t.Error(err)
	}
	if err := ts.RevokeSecret(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	if _, err := ts.Check(t.Context(), secret); !errors.Is(err, token.ErrRevoked) {
		t.Error(err)
	}
}

func TestCreate_RefusesMoreThanTheOwnerHas(t *testing.T) {
	ts, _ := tokens(t)
	tests := []struct {
		name    string
		request token.Request
		want    string
	}{
		{"another role", token.Request{Kind: token.API, Scopes: grants(t, "approver:payments")},
			"more than you have yourself"},
		{"another team", token.Request{Kind: token.API, Scopes: grants(t, "viewer:search")}, "more than you have yourself"},
		{"nothing", token.Request{Kind: token.API}, "at least one scope"},
		{"too long", token.Request{Kind: token.API, Scopes: grants(t, "viewer"), Lifetime: 25 * time.Hour},
			"is not between 1m0s and 24h0m0s"},
		{"too long at the command line", token.Request{Kind: token.CommandLine, Scopes: grants(t, "viewer"),
			Lifetime: 2 * time.Hour}, "is not between 1m0s and 1h0m0s"},
		{"too short", token.Request{Kind: token.API, Scopes: grants(t, "viewer"), Lifetime: time.Second}, "is not between"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := ts.Create(t.Context(), owner(t), tt.request)
			if _, code := fault.Of(err); err == nil || code != fault.ExitInvalid || !strings.Contains(err.Error(), tt.want) {
				t.Error(err)
			}
		})
	}
}

func TestCreate_BoundsTheNumberOfGoodTokens(t *testing.T) {
	ts, c := tokens(t)
	request := token.Request{Kind: token.API, Scopes: grants(t, "viewer:payments"), Lifetime: time.Hour}
	for range limits.Each {
		if _, _, err := ts.Create(t.Context(), owner(t), request); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := ts.Create(t.Context(), owner(t), request); err == nil || !strings.Contains(err.Error(),
		"3 tokens already") {
		t.Fatal(err)
	}
	other := owner(t)
	other.ID = "p-2"
	if _, _, err := ts.Create(t.Context(), other, request); err != nil {
		t.Error("somebody else's tokens count:", err)
	}
	c.at = c.at.Add(time.Hour)
	if _, _, err := ts.Create(t.Context(), owner(t), request); err != nil {
		t.Error("expired tokens count:", err)
	}
}
