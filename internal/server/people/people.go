// Package people remembers who has signed in: how the identity provider knows them, the groups they
// came with last, and whether an administrator has shut them out. Every credential that acts for a
// person is checked against it. It gives no roles; those follow from the groups (access.Mapping).
package people

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Identity is a person as the provider's signed claims describe them.
type Identity struct {
	// Issuer and Subject together are unique for ever (OpenID Connect Core 1.0, section 2).
	Issuer, Subject       string
	Username, Name, Email string
	// Groups are nil where the claims say nothing about them.
	Groups []string
	// AsOf is when the provider said so.
	AsOf time.Time
}

// ID is a short name for issuer and subject, safe in URLs.
func (i Identity) ID() string {
	sum := sha256.Sum256([]byte(i.Issuer + "\x00" + i.Subject))
	return "p-" + hex.EncodeToString(sum[:10])
}

func (i Identity) same(other Identity) bool {
	return i.Username == other.Username && i.Name == other.Name && i.Email == other.Email &&
		slices.Equal(i.Groups, other.Groups)
}

// Person is somebody who has signed in at least once.
type Person struct {
	ID string
	Identity
	// Seen is when they came last, to the minute.
	Seen time.Time
	// Shut is set where an administrator has shut them out.
	Shut *Shut
}

// Shut says who shut a person out, when and why.
type Shut struct {
	By     string
	At     time.Time
	Reason string
}

// Errors of this package.
var (
	ErrUnknown = errors.New("nobody with this ID has signed in")
	ErrShut    = errors.New("an administrator has shut this person out")
)

// Store keeps people.
type Store interface {
	// PutPerson adds a person or replaces what is known of them, but for Shut.
	PutPerson(ctx context.Context, p Person) error
	// Person fails with ErrUnknown.
	Person(ctx context.Context, id string) (Person, error)
	// People gives people in the order of their IDs, after the one named, at most limit.
	People(ctx context.Context, after string, limit int) ([]Person, error)
	// ShutPerson sets or, with nil, takes away Shut. It fails with ErrUnknown.
	ShutPerson(ctx context.Context, id string, shut *Shut) error
}

// Registry is the list of people.
type Registry struct {
	Store
	now func() time.Time
}

// New makes the list that store keeps.
func New(store Store, now func() time.Time) *Registry { return &Registry{Store: store, now: now} }

// rewrite is how old Seen may become before it is written again.
const rewrite = time.Minute

// Saw notes that the provider vouches for somebody. What it said later wins over what it said
// earlier, so that a token from before a change of groups does not bring the old ones back. It
// fails with ErrShut.
func (r *Registry) Saw(ctx context.Context, identity Identity) (Person, error) {
	slices.Sort(identity.Groups)
	p := Person{ID: identity.ID(), Identity: identity, Seen: r.now()}
	known, err := r.Person(ctx, p.ID)
	switch {
	case errors.Is(err, ErrUnknown):
	case err != nil:
		return Person{}, err
	case known.Shut != nil:
		return Person{}, ErrShut
	case identity.AsOf.Before(known.AsOf):
		p.Identity = known.Identity
	case identity.Groups == nil:
		p.Groups = known.Groups
	}
	if err == nil && p.same(known.Identity) && p.Seen.Sub(known.Seen) < rewrite {
		return known, nil
	}
	if err := r.PutPerson(ctx, p); err != nil {
		return Person{}, fmt.Errorf("remember %s: %w", identity.Username, err)
	}
	return p, nil
}

// Admitted gives a person for whom a credential acts. It fails with ErrUnknown or ErrShut.
func (r *Registry) Admitted(ctx context.Context, id string) (Person, error) {
	p, err := r.Person(ctx, id)
	if err == nil && p.Shut != nil {
		return Person{}, ErrShut
	}
	return p, err
}
