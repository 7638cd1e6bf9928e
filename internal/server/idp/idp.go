// Package idp speaks to the identity provider: any that follows OpenID Connect Core, Discovery and,
// where it can, RP-Initiated Logout. It signs people in for the session package and verifies the
// provider's own tokens for the guard. The provider need not be up when the server starts: it is
// asked when it is needed.
package idp

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/server/people"
)

// Config says which provider, and as whom the server comes to it.
type Config struct {
	// Issuer is the provider's URL, exactly as its tokens name it.
	Issuer, ClientID, ClientSecret string
	// Redirect is the callback's URL, as registered with the provider; Home is where people come
	// back to after signing out.
	Redirect, Home string
	Scopes         []string
	// GroupsClaim is the name of the claim that lists groups.
	GroupsClaim string
	// Audiences are the clients whose tokens are taken from callers, besides ClientID.
	Audiences []string
	// Client makes the calls; it trusts whatever CA the provider's certificate comes from.
	Client *http.Client
	Now    func() time.Time
}

// Errors that callers tell apart.
var (
	// ErrRefused says that a token is not good: forged, expired, or not for us.
	ErrRefused = errors.New("the identity provider's token is not good here")
	// ErrUnreachable says that the provider could not be asked.
	ErrUnreachable = errors.New("the identity provider cannot be reached")
)

// Provider is one identity provider. It is safe for concurrent use.
type Provider struct {
	config Config

	mu     sync.Mutex
	found  *discovered
	failed time.Time
	cause  error
}

// discovered is what the provider says of itself.
type discovered struct {
	provider *oidc.Provider
	verifier *oidc.IDTokenVerifier
	oauth    oauth2.Config
	// endSession is where people sign out; empty where the provider has no such page.
	endSession string
	// namesItself says that callbacks carry iss (RFC 9207).
	namesItself bool
}

// New makes a provider. It makes no call yet.
func New(config Config) *Provider { return &Provider{config: config} }

// Issuer is the provider's URL.
func (p *Provider) Issuer() string { return p.config.Issuer }

// pause is how long a failed discovery counts, so that a provider that is down is not stormed.
const pause = 2 * time.Second

// patience is how long one answer of the provider may take.
const patience = 10 * time.Second

// discover reads the provider's description, once.
func (p *Provider) discover(ctx context.Context) (*discovered, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found != nil {
		return p.found, nil
	}
	if p.cause != nil && p.config.Now().Sub(p.failed) < pause {
		return nil, p.cause
	}
	// Others wait for the answer too, so it must not end with the request that asked first.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	d, err := p.ask(ctx)
	if err != nil {
		p.failed, p.cause = p.config.Now(), fault.Hint(
			fmt.Errorf("%w: %s: %w", ErrUnreachable, p.config.Issuer, err),
			"try again in a moment; if it stays so, look at the identity capability in `slipway status`")
		return nil, p.cause
	}
	p.found, p.cause = d, nil
	return d, nil
}

func (p *Provider) ask(ctx context.Context) (*discovered, error) {
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, p.config.Client), p.config.Issuer)
	if err != nil {
		return nil, err
	}
	var more struct {
		EndSession string `json:"end_session_endpoint"`
		NamesIss   bool   `json:"authorization_response_iss_parameter_supported"`
	}
	if err := provider.Claims(&more); err != nil {
		return nil, err
	}
	endpoint := provider.Endpoint()
	if endpoint.AuthURL == "" || endpoint.TokenURL == "" {
		return nil, errors.New("its discovery document lacks the authorization or the token endpoint")
	}
	return &discovered{
		provider: provider,
		// The audience is checked here for logins and in Verify for callers' tokens, which may be
		// made for other clients.
		verifier: provider.Verifier(&oidc.Config{SkipClientIDCheck: true, Now: p.config.Now}),
		oauth: oauth2.Config{ClientID: p.config.ClientID, ClientSecret: p.config.ClientSecret, Endpoint: endpoint,
			RedirectURL: p.config.Redirect, Scopes: p.config.Scopes},
		endSession: more.EndSession, namesItself: more.NamesIss,
	}, nil
}

// AuthURL is where the browser goes to sign in.
func (p *Provider) AuthURL(ctx context.Context, state, nonce, verifier string) (string, error) {
	d, err := p.discover(ctx)
	if err != nil {
		return "", err
	}
	return d.oauth.AuthCodeURL(state, oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier)), nil
}

// CheckIssuer refuses a callback that another provider made (mix-up, RFC 9207).
func (p *Provider) CheckIssuer(ctx context.Context, iss string) error {
	d, err := p.discover(ctx)
	if err != nil {
		return err
	}
	if iss != p.config.Issuer && (iss != "" || d.namesItself) {
		return fault.Hint(errors.New("the answer does not come from the configured identity provider"), "sign in again")
	}
	return nil
}

// Exchange turns a login's code into a verified identity and the ID token it stood in.
func (p *Provider) Exchange(ctx context.Context, code, verifier, nonce string) (people.Identity, string, error) {
	var none people.Identity
	d, err := p.discover(ctx)
	if err != nil {
		return none, "", err
	}
	tokens, err := d.oauth.Exchange(oidc.ClientContext(ctx, p.config.Client), code, oauth2.VerifierOption(verifier))
	if err != nil {
		return none, "", exchangeError(err)
	}
	raw, _ := tokens.Extra("id_token").(string)
	if raw == "" {
		return none, "", fault.Hint(errors.New("the identity provider gave no ID token"), `add "openid" to the scopes`)
	}
	idToken, err := p.verify(ctx, d, raw, p.config.ClientID)
	if err != nil {
		return none, "", err
	}
	if subtle.ConstantTimeCompare([]byte(idToken.Nonce), []byte(nonce)) != 1 {
		return none, "", fmt.Errorf("%w: its nonce is of another login", ErrRefused)
	}
	if idToken.AccessTokenHash != "" {
		if err := idToken.VerifyAccessToken(tokens.AccessToken); err != nil {
			return none, "", fmt.Errorf("%w: %w", ErrRefused, err)
		}
	}
	identity, complete, err := p.identity(idToken)
	if err == nil && !complete {
		err = p.complete(ctx, d, tokens, &identity)
	}
	return identity, raw, err
}

// exchangeError keeps what the provider answered to a code out of the message but for its code.
func exchangeError(err error) error {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.ErrorCode != "" {
		return fault.Hint(fmt.Errorf("%w: it refused the login with %s", ErrRefused, refused.ErrorCode), "sign in again")
	}
	if errors.As(err, &refused) && refused.Response != nil && refused.Response.StatusCode < 500 {
		return fault.Hint(fmt.Errorf("%w: it refused the login with status %d", ErrRefused, refused.Response.StatusCode),
			"sign in again")
	}
	return fault.Hint(fmt.Errorf("%w: %w", ErrUnreachable, err), "try again in a moment")
}

// Verify checks a token of the provider that a caller brought, and says when it ends. It fails with
// ErrRefused or ErrUnreachable.
func (p *Provider) Verify(ctx context.Context, raw string) (people.Identity, time.Time, error) {
	d, err := p.discover(ctx)
	if err != nil {
		return people.Identity{}, time.Time{}, err
	}
	token, err := p.verify(ctx, d, raw, append([]string{p.config.ClientID}, p.config.Audiences...)...)
	if err != nil {
		return people.Identity{}, time.Time{}, err
	}
	identity, _, err := p.identity(token)
	return identity, token.Expiry, err
}

// verify checks issuer, signature and time, and that one of audiences is meant.
func (p *Provider) verify(ctx context.Context, d *discovered, raw string, audiences ...string) (*oidc.IDToken, error) {
	token, err := d.verifier.Verify(ctx, raw)
	if err != nil {
		// go-oidc has no type for keys that could not be fetched, only this text (verify.go, jwks.go).
		if strings.Contains(err.Error(), "fetching keys") {
			return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
		}
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	meant := func(a string) bool { return slices.Contains(audiences, a) }
	if !slices.ContainsFunc(token.Audience, meant) {
		return nil, fmt.Errorf("%w: it was made for %q", ErrRefused, token.Audience)
	}
	if token.Subject == "" {
		return nil, fmt.Errorf("%w: it names no subject", ErrRefused)
	}
	return token, nil
}

// LogoutURL is where the browser goes to sign out at the provider too; empty where it has no such
// page, or cannot be asked.
func (p *Provider) LogoutURL(ctx context.Context, idToken string) string {
	d, err := p.discover(ctx)
	if err != nil || d.endSession == "" {
		return ""
	}
	to, err := url.Parse(d.endSession)
	if err != nil {
		return ""
	}
	query := to.Query()
	query.Set("client_id", p.config.ClientID)
	query.Set("post_logout_redirect_uri", p.config.Home)
	if idToken != "" {
		query.Set("id_token_hint", idToken)
	}
	to.RawQuery = query.Encode()
	return to.String()
}
