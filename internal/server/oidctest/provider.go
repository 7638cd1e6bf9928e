// Package oidctest is an OpenID Connect provider in the test's own process: discovery, keys,
// authorization code with PKCE, userinfo and logout, and any token a test wants signed. It signs in
// whoever the test says, without asking for a password. It is for tests alone.
package oidctest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// The client that the provider knows.
const (
	ClientID     = "slipway"
	ClientSecret = "of-the-test"
)

// User is somebody who can sign in.
type User struct {
	Subject, Username, Name, Email string
	Groups                         []string
}

// Provider is a running provider.
type Provider struct {
	// Issuer is its URL.
	Issuer string
	// GroupsInUserInfo leaves groups out of ID tokens, as some providers do.
	GroupsInUserInfo bool
	// NoLogout leaves the logout page out of the discovery document, as some providers do.
	NoLogout bool
	// Down answers everything with 503.
	Down bool
	// Nonce, where set, stands in ID tokens in place of the login's.
	Nonce string
	// Now is the provider's clock.
	Now func() time.Time

	server *httptest.Server
	mu     sync.Mutex
	key    *rsa.PrivateKey
	keyID  int
	user   User
	codes  map[string]login
	tokens map[string]User
	// signedOut are the ID tokens with which the logout page was opened.
	signedOut []string
	redirect  string
}

type login struct {
	user                       User
	challenge, nonce, redirect string
}

// New starts a provider; redirect is the one callback that it lets the client use.
func New(t testing.TB, redirect string) *Provider {
	t.Helper()
	key, err := firstKey()
	if err != nil {
		t.Fatal(err)
	}
	p := &Provider{Now: time.Now, key: key, redirect: redirect, codes: map[string]login{}, tokens: map[string]User{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.describe)
	mux.HandleFunc("GET /keys", p.keys)
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("GET /userinfo", p.userInfo)
	mux.HandleFunc("GET /logout", p.logout)
	p.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.Down {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(p.server.Close)
	p.Issuer = p.server.URL
	return p
}

// firstKey is made once for all providers, since making one takes longer than most tests; a provider
// whose tokens another must not accept needs a key of its own (RotateKey).
var firstKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// RotateKey signs with a new key from now on; the old one is forgotten.
func (p *Provider) RotateKey(t testing.TB) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.key, p.keyID = key, p.keyID+1
}

// SignIn makes user the one whom the next logins are for.
func (p *Provider) SignIn(user User) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.user = user
}

// SignedOut gives the ID tokens with which the logout page was opened.
func (p *Provider) SignedOut() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.signedOut...)
}

// Claims are a good ID token's claims for user; a test changes what it wants.
func (p *Provider) Claims(user User) map[string]any {
	now := p.Now()
	return map[string]any{
		"iss": p.Issuer, "sub": user.Subject, "aud": ClientID, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"preferred_username": user.Username, "name": user.Name, "email": user.Email, "groups": user.Groups,
	}
}

// Token signs claims.
func (p *Provider) Token(t testing.TB, claims map[string]any) string {
	t.Helper()
	token, err := p.sign(claims)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func (p *Provider) sign(claims map[string]any) (string, error) {
	p.mu.Lock()
	key, id := p.key, p.keyName()
	p.mu.Unlock()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: key},
		(&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", id))
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(text)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

func (p *Provider) keyName() string { return fmt.Sprintf("key-%d", p.keyID) }

func (p *Provider) describe(w http.ResponseWriter, _ *http.Request) {
	d := map[string]any{
		"issuer": p.Issuer, "authorization_endpoint": p.Issuer + "/authorize", "token_endpoint": p.Issuer + "/token",
		"jwks_uri": p.Issuer + "/keys", "userinfo_endpoint": p.Issuer + "/userinfo",
		"id_token_signing_alg_values_supported":          []string{"RS256"},
		"authorization_response_iss_parameter_supported": true,
		"code_challenge_methods_supported":               []string{"S256"},
	}
	if !p.NoLogout {
		d["end_session_endpoint"] = p.Issuer + "/logout"
	}
	answer(w, d)
}

func (p *Provider) keys(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	answer(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		{Key: p.key.Public(), KeyID: p.keyName(), Algorithm: string(jose.RS256), Use: "sig"}}})
}

func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("client_id") != ClientID || q.Get("redirect_uri") != p.redirect || q.Get("response_type") != "code" ||
		q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == "" || q.Get("state") == "" {
		http.Error(w, "bad authorization request: "+r.URL.RawQuery, http.StatusBadRequest)
		return
	}
	code := rand.Text()
	p.mu.Lock()
	p.codes[code] = login{p.user, q.Get("code_challenge"), q.Get("nonce"), q.Get("redirect_uri")}
	p.mu.Unlock()
	back := url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {p.Issuer}}
	http.Redirect(w, r, p.redirect+"?"+back.Encode(), http.StatusFound)
}

func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	id, secret, basic := r.BasicAuth()
	if !basic {
		id, secret = r.FormValue("client_id"), r.FormValue("client_secret")
	}
	if id != ClientID || secret != ClientSecret {
		refuse(w, "invalid_client")
		return
	}
	p.mu.Lock()
	code, ok := p.codes[r.FormValue("code")]
	delete(p.codes, r.FormValue("code"))
	p.mu.Unlock()
	sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	if !ok || code.redirect != r.FormValue("redirect_uri") ||
		base64.RawURLEncoding.EncodeToString(sum[:]) != code.challenge {
		refuse(w, "invalid_grant")
		return
	}
	access := rand.Text()
	p.mu.Lock()
	p.tokens[access] = code.user
	p.mu.Unlock()
	claims := p.Claims(code.user)
	if p.GroupsInUserInfo {
		delete(claims, "groups")
	}
	claims["nonce"] = code.nonce
	if p.Nonce != "" {
		claims["nonce"] = p.Nonce
	}
	idToken, err := p.sign(claims)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer(w, map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": 3600, "id_token": idToken})
}

func (p *Provider) userInfo(w http.ResponseWriter, r *http.Request) {
	var bearer string
	if _, err := fmt.Sscanf(r.Header.Get("Authorization"), "Bearer %s", &bearer); err != nil {
		http.Error(w, "no token", http.StatusUnauthorized)
		return
	}
	p.mu.Lock()
	user, ok := p.tokens[bearer]
	p.mu.Unlock()
	if !ok {
		http.Error(w, "unknown token", http.StatusUnauthorized)
		return
	}
	info := maps.Clone(p.Claims(user))
	for _, only := range []string{"iss", "aud", "iat", "exp"} {
		delete(info, only)
	}
	answer(w, info)
}

func (p *Provider) logout(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.signedOut = append(p.signedOut, r.FormValue("id_token_hint"))
	p.mu.Unlock()
	http.Redirect(w, r, r.FormValue("post_logout_redirect_uri"), http.StatusFound)
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, code string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": code})
}
