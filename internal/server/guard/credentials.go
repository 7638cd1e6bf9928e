package guard

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/slipway-dev/slipway/internal/server/access"
	"github.com/slipway-dev/slipway/internal/server/idp"
	"github.com/slipway-dev/slipway/internal/server/people"
	"github.com/slipway-dev/slipway/internal/server/problem"
	"github.com/slipway-dev/slipway/internal/server/session"
	"github.com/slipway-dev/slipway/internal/server/token"
	"github.com/slipway-dev/slipway/internal/server/workload"
)

// Provider verifies the identity provider's own tokens.
type Provider interface {
	Issuer() string
	// Verify fails with idp.ErrRefused or idp.ErrUnreachable.
	Verify(ctx context.Context, raw string) (people.Identity, time.Time, error)
}

// Workloads verifies the cluster's tokens.
type Workloads interface {
	// Verify fails with workload.ErrRefused.
	Verify(ctx context.Context, token string) (workload.Account, error)
}

// Credentials are the ways to say who one is.
type Credentials struct {
	Sessions *session.Sessions
	Tokens   *token.Tokens
	People   *people.Registry
	Provider Provider
	// Workloads is nil where the server does not run in a cluster.
	Workloads Workloads
	Roles     *access.Mapping
}

// noCredential is the reason where nothing was brought at all.
const noCredential = "no credential"

// errNotAsked says that a credential was not judged, since too many before it were bad.
var errNotAsked = errors.New("not asked")

// badCredential is a credential that is not good, or none.
type badCredential struct {
	reason       string
	detail, hint string
	bearer       bool
	cause        error
}

func (b *badCredential) Error() string { return b.reason }

// problem is 401 with the challenge that RFC 6750, section 3 asks for.
func (b *badCredential) problem() *problem.Problem {
	challenge := `Bearer realm="slipway"`
	if b.bearer {
		challenge += `, error="invalid_token"`
	}
	return problem.New(http.StatusUnauthorized, b.detail, b.hint).With("WWW-Authenticate", challenge)
}

var errNone = &badCredential{reason: noCredential, detail: "nobody is signed in",
	hint: "sign in at /auth/login, or send a token in the header Authorization (`slipway login` gets one)"}

func badToken(reason, detail string, cause error) error {
	return &badCredential{reason: reason, detail: detail,
		hint:   "get a new token, with `slipway login` or in the web interface",
		bearer: true, cause: cause}
}

// identify judges the credential of a request: the header Authorization, and where there is none
// the cookie. With onlyLocal, what others would have to judge fails with errNotAsked.
func (c *Credentials) identify(r *http.Request, onlyLocal bool) (access.Principal, error) {
	headers := r.Header.Values("Authorization")
	if len(headers) == 0 {
		return c.cookie(r)
	}
	scheme, bearer, _ := strings.Cut(headers[0], " ")
	bearer = strings.TrimSpace(bearer)
	if len(headers) > 1 || !strings.EqualFold(scheme, "Bearer") || bearer == "" || len(bearer) > maxToken {
		return access.Principal{}, badToken("malformed", "the header Authorization must be `Bearer TOKEN`, once", nil)
	}
	if strings.HasPrefix(bearer, token.Prefix) {
		return c.apiToken(r.Context(), bearer)
	}
	issuer, isToken := claimedIssuer(bearer)
	switch {
	case !isToken:
		return access.Principal{}, badToken("malformed", "the token is of no kind that is known here", nil)
	case onlyLocal:
		return access.Principal{}, errNotAsked
	case issuer == c.Provider.Issuer():
		return c.providerToken(r.Context(), bearer)
	case c.Workloads != nil:
		return c.workloadToken(r.Context(), bearer)
	}
	return access.Principal{}, badToken("foreign issuer", "the token comes from an issuer that is not trusted here", nil)
}

// maxToken is the longest token that is looked at, in bytes.
const maxToken = 16 << 10

// claimedIssuer is what a signed JWT says of its issuer, unverified: it only decides who verifies.
func claimedIssuer(bearer string) (issuer string, ok bool) {
	parts := strings.Split(bearer, ".")
	if len(parts) != 3 {
		return "", false
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", false
	}
	var claims struct {
		Issuer string `json:"iss"`
	}
	return claims.Issuer, json.Unmarshal(text, &claims) == nil && claims.Issuer != ""
}

func (c *Credentials) cookie(r *http.Request) (access.Principal, error) {
	var none access.Principal
	record, err := c.Sessions.Load(r)
	switch {
	case errors.Is(err, session.ErrNone):
		return none, errNone
	case errors.Is(err, session.ErrForged):
		return none, &badCredential{reason: "forged cookie", detail: "the session cookie was not made by this server",
			hint: "sign in again at /auth/login"}
	case errors.Is(err, session.ErrExpired):
		return none, &badCredential{reason: "expired session", detail: "the session has ended",
			hint: "sign in again at /auth/login"}
	case err != nil:
		return none, err
	}
	if !safe(r.Method) && !c.Sessions.CheckWrite(r, record) {
		return none, refused("csrf", problem.New(http.StatusForbidden, "the write does not carry the session's token",
			"send "+session.WriteHeader+" with the value of csrfToken in /api/v1/me"))
	}
	person, err := c.admitted(r.Context(), record.Person, false)
	if err != nil {
		return none, err
	}
	p := c.principal(access.Person, person)
	p.Session, p.Expires = record.ID, record.Ends
	return p, nil
}

func safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

func (c *Credentials) apiToken(ctx context.Context, secret string) (access.Principal, error) {
	var none access.Principal
	record, err := c.Tokens.Check(ctx, secret)
	switch {
	case errors.Is(err, token.ErrUnknown):
		return none, badToken("unknown token", "the token is not known here", nil)
	case errors.Is(err, token.ErrRevoked):
		return none, badToken("revoked token", "the token was revoked", nil)
	case errors.Is(err, token.ErrExpired):
		return none, badToken("expired token", "the token has expired", nil)
	case err != nil:
		return none, err
	}
	person, err := c.admitted(ctx, record.Person, true)
	if err != nil {
		return none, err
	}
	kind := access.Token
	if record.Kind == token.CommandLine {
		kind = access.CommandLine
	}
	p := c.principal(kind, person)
	p.Token, p.Expires = record.ID, record.Expires
	p.Grants = p.Grants.Within(record.Scopes)
	return p, nil
}

// admitted gives the person whom a stored credential acts for.
func (c *Credentials) admitted(ctx context.Context, id string, bearer bool) (people.Person, error) {
	person, err := c.People.Admitted(ctx, id)
	if errors.Is(err, people.ErrShut) || errors.Is(err, people.ErrUnknown) {
		return people.Person{}, shutOut(bearer)
	}
	// Nobody vouches any more for whom only a provider from before knew: their groups would stay as
	// they were for ever.
	if err == nil && person.Issuer != c.Provider.Issuer() {
		return people.Person{}, &badCredential{reason: "former provider", bearer: bearer,
			detail: "it was given while another identity provider signed people in",
			hint:   "sign in again: in the web interface, or with `slipway login`; make API tokens anew"}
	}
	return person, err
}

func shutOut(bearer bool) error {
	return &badCredential{reason: "shut out", detail: people.ErrShut.Error(), hint: "talk to an administrator",
		bearer: bearer}
}

func (c *Credentials) providerToken(ctx context.Context, raw string) (access.Principal, error) {
	var none access.Principal
	identity, expires, err := c.Provider.Verify(ctx, raw)
	if errors.Is(err, idp.ErrRefused) {
		return none, badToken("refused token", "the token is not good here: forged, expired, or made for somebody else", err)
	}
	if err != nil {
		return none, err
	}
	person, err := c.People.Saw(ctx, identity)
	if errors.Is(err, people.ErrShut) {
		return none, shutOut(true)
	}
	if err != nil {
		return none, err
	}
	p := c.principal(access.Person, person)
	p.Expires = expires
	return p, nil
}

func (c *Credentials) workloadToken(ctx context.Context, raw string) (access.Principal, error) {
	account, err := c.Workloads.Verify(ctx, raw)
	if errors.Is(err, workload.ErrRefused) {
		return access.Principal{}, badToken("refused token",
			"neither the identity provider nor the cluster vouches for the token", err)
	}
	if err != nil {
		return access.Principal{}, err
	}
	return access.Principal{
		Kind: access.Workload, ID: account.Username(), Username: account.Username(), Name: account.Name,
		Subject: account.Username(), Grants: c.Roles.ServiceAccount(account.Namespace, account.Name),
	}, nil
}

func (c *Credentials) principal(kind access.Kind, p people.Person) access.Principal {
	return access.Principal{
		Kind: kind, ID: p.ID, Username: p.Username, Name: p.Name, Email: p.Email,
		Issuer: p.Issuer, Subject: p.Subject, Grants: c.Roles.Person(p.Groups),
	}
}
