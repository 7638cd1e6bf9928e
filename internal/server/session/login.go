package session

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/server/people"
	"github.com/slipway-dev/slipway/internal/server/seal"
)

// Provider is the identity provider's side of signing in and out.
type Provider interface {
	// AuthURL is where the browser goes to sign in, with PKCE's verifier (RFC 7636).
	AuthURL(ctx context.Context, state, nonce, verifier string) (string, error)
	// Exchange turns the code that came back into a verified identity and the ID token it stood in.
	Exchange(ctx context.Context, code, verifier, nonce string) (people.Identity, string, error)
	// CheckIssuer checks the callback's iss (RFC 9207), which is empty where there is none.
	CheckIssuer(ctx context.Context, iss string) error
	// LogoutURL is where the browser goes to sign out at the provider too (OpenID Connect
	// RP-Initiated Logout 1.0); empty where the provider has no such place.
	LogoutURL(ctx context.Context, idToken string) string
}

// loginLasts is how long a person may take at the provider.
const loginLasts = 10 * time.Minute

// attempt is what a login must find again when the browser comes back.
type attempt struct {
	State    string    `json:"state"`
	Nonce    string    `json:"nonce"`
	Verifier string    `json:"verifier"`
	Return   string    `json:"return"`
	Ends     time.Time `json:"ends"`
}

// Begin remembers a login in a sealed cookie of the browser that began it, and gives the provider's
// URL. back is the page to return to; anything but a path of this server becomes "/".
func (s *Sessions) Begin(w http.ResponseWriter, r *http.Request, p Provider, back string) (string, error) {
	a := attempt{State: seal.Secret(), Nonce: seal.Secret(), Verifier: oauth2.GenerateVerifier(),
		Return: ownPath(back), Ends: s.now().Add(loginLasts)}
	to, err := p.AuthURL(r.Context(), a.State, a.Nonce, a.Verifier)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(a)
	if err != nil {
		return "", err
	}
	http.SetCookie(w, s.cookie(loginName, s.keys.Seal(forLogin, text), loginLasts))
	return to, nil
}

// ownPath gives back where it is a path of this server, else "/": a login must not become a way to
// send people elsewhere. Browsers take "//" for the beginning of a host, "\" for "/", and leave tabs
// and line breaks out.
func ownPath(back string) string {
	u, err := url.Parse(back)
	if err != nil || len(back) > 1000 || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" {
		return "/"
	}
	// Writing it out may decode what was encoded, so it is the outcome that is looked at.
	for _, path := range []string{u.Path, u.String()} {
		if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\r\n\t") ||
			strings.HasPrefix(path, "/auth/") {
			return "/"
		}
	}
	return u.String()
}

// Login is what came of a login.
type Login struct {
	Identity people.Identity
	IDToken  string
	// Return is the page to go to.
	Return string
}

// errAttempt says that the browser came back without what it had been given.
var errAttempt = fault.Hint(errors.New("this login was not begun in this browser, or too long ago"),
	"sign in again")

// Finish checks what the provider sent the browser back with, and asks the provider who it is.
func (s *Sessions) Finish(w http.ResponseWriter, r *http.Request, p Provider) (Login, error) {
	a, err := s.attempt(r)
	// Whatever comes of it, the attempt is used up.
	http.SetCookie(w, s.cookie(loginName, "", -time.Second))
	if err != nil {
		return Login{}, err
	}
	query := r.URL.Query()
	if subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(a.State)) != 1 {
		return Login{}, errAttempt
	}
	if err := p.CheckIssuer(r.Context(), query.Get("iss")); err != nil {
		return Login{}, err
	}
	if code := query.Get("error"); code != "" {
		return Login{}, fault.Hint(fmt.Errorf("the identity provider refused: %s", oneLine(code)), "sign in again")
	}
	identity, idToken, err := p.Exchange(r.Context(), query.Get("code"), a.Verifier, a.Nonce)
	if err != nil {
		return Login{}, err
	}
	return Login{Identity: identity, IDToken: idToken, Return: a.Return}, nil
}

// attempt opens the login cookie.
func (s *Sessions) attempt(r *http.Request) (attempt, error) {
	var a attempt
	cookie, err := r.Cookie(s.name(loginName))
	if err != nil {
		return a, errAttempt
	}
	text, err := s.keys.Open(forLogin, cookie.Value)
	if err != nil {
		return a, errAttempt
	}
	if err := json.Unmarshal(text, &a); err != nil || !s.now().Before(a.Ends) {
		return a, errAttempt
	}
	return a, nil
}

// SignOut gives the provider's page for signing out there too; empty where it has none.
func (s *Sessions) SignOut(ctx context.Context, p Provider, r Record) string {
	return p.LogoutURL(ctx, s.idToken(r))
}

// oneLine makes a word from outside fit for a message.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, text)
	return cut(text, 100)
}
