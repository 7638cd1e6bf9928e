// Package device is the server's side of the OAuth 2.0 Device Authorization Grant (RFC 8628): a
// command line without a browser asks for a code, a person confirms it in the web interface, and
// the command line gets a token that acts for that person. It is here because an identity provider
// need not offer the grant. Codes are stored by their SHA-256.
package device

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/slipway-dev/slipway/internal/server/access"
	"github.com/slipway-dev/slipway/internal/server/seal"
)

// Limits of the grant.
const (
	// Lifetime is how long a code waits for a person.
	Lifetime = 10 * time.Minute
	// Interval is how long a client must wait between two questions, at first.
	Interval = 5 * time.Second
	// slower is what a client that asks too often must wait longer (RFC 8628, section 3.5).
	slower = 5 * time.Second
)

// State is how far a request is.
type State string

// The states of a request.
const (
	Pending  State = "pending"
	Approved State = "approved"
	Denied   State = "denied"
)

// Request is one command line that waits to be let in.
type Request struct {
	// Device and User are the fingerprints of the two codes.
	Device, User string
	// Client is what asks, by its own word; From is the address that it asks from.
	Client, From string
	Scopes       access.Grants
	Created      time.Time
	Expires      time.Time
	// Interval and Asked pace the client's questions.
	Interval time.Duration
	Asked    time.Time
	State    State
	// Person decided: their ID.
	Person string
}

// Errors of this package, by their names in RFC 8628, section 3.5.
var (
	ErrUnknown  = errors.New("there is no such code, or it was used already")
	ErrPending  = errors.New("authorization_pending")
	ErrSlowDown = errors.New("slow_down")
	ErrDenied   = errors.New("access_denied")
	ErrExpired  = errors.New("expired_token")
)

// Store keeps requests. Update and TakeApproved happen whole or not at all, also where two ask at once.
type Store interface {
	AddDevice(ctx context.Context, r Request) error
	// DeviceByUser and DeviceByDevice fail with ErrUnknown.
	DeviceByUser(ctx context.Context, user string) (Request, error)
	DeviceByDevice(ctx context.Context, device string) (Request, error)
	// UpdateDevice writes pace, state and person if the state is still the one named; it fails with
	// ErrUnknown where it is not.
	UpdateDevice(ctx context.Context, r Request, from State) error
	// TakeDevice removes a request in this state; it fails with ErrUnknown where there is none.
	TakeDevice(ctx context.Context, device string, in State) error
}

// Flow hands out codes and redeems them. It is safe for concurrent use.
type Flow struct {
	store Store
	now   func() time.Time
}

// New makes the flow that store keeps.
func New(store Store, now func() time.Time) *Flow { return &Flow{store: store, now: now} }

// Codes are what a command line gets to show and to ask with.
type Codes struct {
	Device, User string
	Expires      time.Time
}

// Begin starts a request.
func (f *Flow) Begin(ctx context.Context, client, from string, scopes access.Grants) (Codes, error) {
	now := f.now()
	codes := Codes{Device: seal.Secret(), User: userCode(), Expires: now.Add(Lifetime)}
	err := f.store.AddDevice(ctx, Request{
		Device: seal.Fingerprint(codes.Device), User: seal.Fingerprint(Normal(codes.User)),
		Client: client, From: from, Scopes: scopes, Created: now, Expires: codes.Expires,
		Interval: Interval, State: Pending,
	})
	if err != nil {
		return Codes{}, fmt.Errorf("keep the code: %w", err)
	}
	return codes, nil
}

// letters make user codes: no vowels, so no words, and nothing that looks like something else
// (RFC 8628, section 6.1). Eight of them have 34 bits; the codes live for minutes, only somebody
// who is signed in can try one, and the guard bounds how often.
const letters = "BCDFGHJKLMNPQRSTVWXZ"

func userCode() string {
	code := make([]byte, 0, 9)
	for len(code) < 9 {
		if len(code) == 4 {
			code = append(code, '-')
			continue
		}
		var b [1]byte
		_, _ = rand.Read(b[:]) // never fails (crypto/rand)
		if limit := 256 - 256%len(letters); int(b[0]) < limit {
			code = append(code, letters[int(b[0])%len(letters)])
		}
	}
	return string(code)
}

// Normal is a user code as it is compared: what a person typed, in capitals, without what is no letter.
func Normal(code string) string {
	return strings.Map(func(r rune) rune {
		if r < 'A' || r > 'Z' {
			return -1
		}
		return r
	}, strings.ToUpper(code))
}

// Waiting gives the request of a user code that still waits for a person. It fails with ErrUnknown.
func (f *Flow) Waiting(ctx context.Context, userCode string) (Request, error) {
	r, err := f.store.DeviceByUser(ctx, seal.Fingerprint(Normal(userCode)))
	if err != nil {
		return Request{}, err
	}
	if r.State != Pending || !f.now().Before(r.Expires) {
		return Request{}, ErrUnknown
	}
	return r, nil
}

// Decide lets a person approve or deny a request. It fails with ErrUnknown.
func (f *Flow) Decide(ctx context.Context, userCode, person string, approve bool) error {
	r, err := f.Waiting(ctx, userCode)
	if err != nil {
		return err
	}
	r.Person, r.State = person, Denied
	if approve {
		r.State = Approved
	}
	return f.store.UpdateDevice(ctx, r, Pending)
}

// Redeem asks whether a person has decided. Once, it gives the approved request; otherwise it fails
// with one of this package's errors.
func (f *Flow) Redeem(ctx context.Context, deviceCode string) (Request, error) {
	r, err := f.store.DeviceByDevice(ctx, seal.Fingerprint(deviceCode))
	if err != nil {
		return Request{}, err
	}
	now := f.now()
	if !now.Before(r.Expires) {
		return Request{}, ErrExpired
	}
	switch r.State {
	case Approved:
		return r, f.store.TakeDevice(ctx, r.Device, Approved)
	case Denied:
		return Request{}, ErrDenied
	}
	tooSoon := now.Sub(r.Asked) < r.Interval
	if r.Asked = now; tooSoon {
		r.Interval += slower
	}
	if err := f.store.UpdateDevice(ctx, r, Pending); err != nil && !errors.Is(err, ErrUnknown) {
		return Request{}, err
	}
	if tooSoon {
		return Request{}, ErrSlowDown
	}
	return Request{}, ErrPending
}
