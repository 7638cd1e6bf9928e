package keycloak

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/deliver"
)

func TestNew_WantsARealmsIssuer(t *testing.T) {
	for issuer, ok := range map[string]bool{
		"https://id.example.com/realms/platform":  true,
		"https://id.example.com/realms/platform/": true,
		"https://id.example.com/auth/realms/x":    true,
		"https://id.example.com":                  false,
		"https://id.example.com/realms/":          false,
		"https://id.example.com/realms/a/b":       false,
	} {
		if _, err := New(deliver.IdentityAccess{Issuer: issuer}); (err == nil) != ok {
			t.Errorf("%s: %v", issuer, err)
		}
	}
}

func TestClientID_IsOfPlainCharacters(t *testing.T) {
	for name, want := range map[string]string{
		"Slipway console": "slipway-console", "Argo CD's command line": "argo-cds-command-line", " a  b. ": "a-b", "Ä": "",
	} {
		if got := clientID(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

// TestProvider_TellsAServerThatStartsFromOneThatRefuses has no Keycloak: what stands before one
// answers in its place.
func TestProvider_TellsAServerThatStartsFromOneThatRefuses(t *testing.T) {
	answer := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	for name, c := range map[string]struct {
		handler http.Handler
		notYet  bool
	}{
		"a gateway without a route":    {http.NotFoundHandler(), true},
		"a gateway without a server":   {answer(http.StatusServiceUnavailable, "no available server"), true},
		"a page in place of an answer": {answer(http.StatusOK, "<html>"), true},
		"a server that can't yet":      {answer(http.StatusInternalServerError, `{"error":"unknown_error"}`), true},
		"a server that knows no such":  {answer(http.StatusUnauthorized, `{"error":"invalid_grant","error_description":"Invalid user credentials"}`), false},
		"a server without that client": {answer(http.StatusBadRequest, `{"error":"unauthorized_client"}`), false},
	} {
		server := httptest.NewServer(c.handler)
		p, err := New(deliver.IdentityAccess{Issuer: server.URL + "/realms/platform", Username: "operator", Password: "not-to-be-told"})
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.EnsureClient(t.Context(), v1alpha1.OIDCClient{Name: "x"}, deliver.ClientLogin{})
		server.Close()
		if err == nil || errors.Is(err, deliver.ErrNotYet) != c.notYet {
			t.Errorf("%s: %v", name, err)
		}
		if strings.Contains(err.Error(), "not-to-be-told") {
			t.Errorf("%s: the error holds the password: %v", name, err)
		}
	}
	p, err := New(deliver.IdentityAccess{Issuer: "http://127.0.0.1:1/realms/platform"})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.EnsurePerson(context.Background(), deliver.Person{Name: "x"}); !errors.Is(err, deliver.ErrNotYet) {
		t.Errorf("nobody there: %v", err)
	}
}
