// Package token keeps API tokens and the sessions of the command line: secrets of 256 bits that act
// for a person within scopes, until they expire or are revoked. The secret is shown once; what is
// stored is its SHA-256. What the person may still do is checked at each use, by the guard.
package token

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/server/access"
	"github.com/slipway-dev/slipway/internal/server/seal"
)

// Prefix begins every token, so that scanners for leaked secrets find it.
const Prefix = "slpw_"

// Kind is what a token is for.
type Kind string

// The kinds of tokens.
const (
	// API is a token that its owner made, for a program.
	API Kind = "api"
	// CommandLine is a session of the command line, from the device flow.
	CommandLine Kind = "cli"
)

// Record is a token as it is stored.
type Record struct {
	// ID names it to people; Fingerprint is that of its secret.
	ID, Fingerprint string
	Kind            Kind
	Name            string
	// Person is the ID of its owner in the list of people.
	Person string
	Scopes access.Grants
	// Used is the last use, to within a minute; zero where there was none.
	Created, Expires, Used time.Time
	// Revoked is zero while the token is good; RevokedBy says by whom it was.
	Revoked   time.Time
	RevokedBy string
}

// Errors of this package.
var (
	ErrUnknown = errors.New("there is no such token")
	ErrRevoked = errors.New("the token was revoked")
	ErrExpired = errors.New("the token has expired")
)

// Store keeps tokens.
type Store interface {
	AddToken(ctx context.Context, r Record) error
	// TokenByFingerprint fails with ErrUnknown.
	TokenByFingerprint(ctx context.Context, fingerprint string) (Record, error)
	TouchToken(ctx context.Context, id string, used time.Time) error
	// RevokeTokens revokes the person's token of this ID, all of theirs where id is empty, and of
	// whomever where person is empty. It says how many were good before.
	RevokeTokens(ctx context.Context, person, id, by string, at time.Time) (int, error)
	// Tokens lists the tokens of a person, or of everyone, in the order of their IDs.
	Tokens(ctx context.Context, person, after string, limit int) ([]Record, error)
}

// Limits bound what may be made.
type Limits struct {
	// Lifetime is the longest that an API token may last, CommandLine how long a command line's
	// session does.
	Lifetime, CommandLine time.Duration
	// Each is how many good tokens a person may have.
	Each int
}

// Tokens makes tokens and checks them. It is safe for concurrent use.
type Tokens struct {
	Store
	limits Limits
	now    func() time.Time
}

// New makes the tokens that store keeps.
func New(store Store, limits Limits, now func() time.Time) *Tokens {
	return &Tokens{Store: store, limits: limits, now: now}
}

// Request asks for a token.
type Request struct {
	Kind   Kind
	Name   string
	Scopes access.Grants
	// Lifetime counts from now; 0 means the longest that is allowed.
	Lifetime time.Duration
}

// Create makes a token for owner, who must have what the scopes name, and gives its secret, which
// cannot be had again.
func (t *Tokens) Create(ctx context.Context, owner access.Principal, q Request) (Record, string, error) {
	longest := t.limits.Lifetime
	if q.Kind == CommandLine {
		longest = t.limits.CommandLine
	}
	if q.Lifetime == 0 {
		q.Lifetime = longest
	}
	if err := t.check(ctx, owner, q, longest); err != nil {
		return Record{}, "", err
	}
	secret, now := Prefix+seal.Secret(), t.now()
	r := Record{ID: seal.ID("t-"), Fingerprint: seal.Fingerprint(secret), Kind: q.Kind, Name: q.Name,
		Person: owner.ID, Scopes: q.Scopes, Created: now, Expires: now.Add(q.Lifetime)}
	if err := t.AddToken(ctx, r); err != nil {
		return Record{}, "", fmt.Errorf("keep the token: %w", err)
	}
	return r, secret, nil
}

func (t *Tokens) check(ctx context.Context, owner access.Principal, q Request, longest time.Duration) error {
	if q.Lifetime < time.Minute || q.Lifetime > longest {
		return fault.Invalid(fmt.Errorf("a lifetime of %s is not between 1m0s and %s", q.Lifetime, longest),
			"ask for a shorter one and make a new token in time")
	}
	if len(q.Scopes) == 0 {
		return fault.Invalid(errors.New("a token needs at least one scope"),
			`name what it may do: "viewer" or "developer:TEAM"`)
	}
	for _, s := range q.Scopes {
		if len(owner.Grants.Within(access.Grants{s})) == 0 {
			return fault.Invalid(fmt.Errorf("the scope %q is more than you have yourself", s),
				"your roles are listed under /api/v1/me")
		}
	}
	all, err := t.Tokens(ctx, owner.ID, "", listAll)
	if err != nil {
		return fmt.Errorf("count the tokens: %w", err)
	}
	good := 0
	for _, r := range all {
		if r.Good(t.now()) == nil {
			good++
		}
	}
	if good >= t.limits.Each {
		return fault.Invalid(fmt.Errorf("you have %d tokens already, as many as are allowed", good),
			"revoke one that is not needed")
	}
	return nil
}

// listAll bounds what is read to count one person's tokens.
const listAll = 10_000

// Good says why a token cannot be used any more: ErrRevoked, ErrExpired or nil.
func (r Record) Good(now time.Time) error {
	switch {
	case !r.Revoked.IsZero():
		return ErrRevoked
	case !now.Before(r.Expires):
		return ErrExpired
	}
	return nil
}

// touchAfter is how old Used may become before it is written again.
const touchAfter = time.Minute

// Check gives the token of a secret. It fails with ErrUnknown, ErrRevoked or ErrExpired.
func (t *Tokens) Check(ctx context.Context, secret string) (Record, error) {
	if !strings.HasPrefix(secret, Prefix) {
		return Record{}, ErrUnknown
	}
	r, err := t.TokenByFingerprint(ctx, seal.Fingerprint(secret))
	if err != nil {
		return Record{}, err
	}
	now := t.now()
	if err := r.Good(now); err != nil {
		return Record{}, err
	}
	if now.Sub(r.Used) >= touchAfter {
		r.Used = now
		if err := t.TouchToken(ctx, r.ID, now); err != nil {
			return Record{}, fmt.Errorf("note the token's use: %w", err)
		}
	}
	return r, nil
}

// Revoke revokes the person's token of this ID, all of theirs where id is empty, and of whomever
// where person is empty. It says how many were good before.
func (t *Tokens) Revoke(ctx context.Context, person, id, by string) (int, error) {
	return t.RevokeTokens(ctx, person, id, by, t.now())
}

// RevokeSecret revokes a token by its secret, whoever brings it (RFC 7009); an unknown one is none.
func (t *Tokens) RevokeSecret(ctx context.Context, secret string) error {
	r, err := t.TokenByFingerprint(ctx, seal.Fingerprint(secret))
	if errors.Is(err, ErrUnknown) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = t.RevokeTokens(ctx, r.Person, r.ID, "its holder", t.now())
	return err
}
