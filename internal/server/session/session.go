// Package session keeps people signed in to the web interface: the login at the identity provider
// (OpenID Connect, authorization code with PKCE), the cookie that stands for it, its ends by time
// and by will, and the proof that a write comes from the web interface itself. What a person may do
// is decided elsewhere (access), and who they are by the provider.
package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/slipway-dev/slipway/internal/server/seal"
)

// Record is one sign-in, as it is stored.
type Record struct {
	// ID names the session to its owner; Fingerprint is that of the secret in the cookie.
	ID, Fingerprint string
	// Person is the ID in the list of people.
	Person string
	// Seen is the last use, to within a minute. Ends is when it is over whatever happens.
	Created, Seen, Ends time.Time
	// Client and Agent help the owner to recognise it: address and browser.
	Client, Agent string
	// SealedToken is the sealed ID token, which the provider wants for signing out there.
	SealedToken string
}

// Errors of this package.
var (
	ErrNone    = errors.New("there is no session")
	ErrExpired = errors.New("the session has ended")
	ErrForged  = errors.New("the session cookie was not made by this server")
)

// Store keeps sessions.
type Store interface {
	AddSession(ctx context.Context, r Record) error
	// Session fails with ErrNone.
	Session(ctx context.Context, fingerprint string) (Record, error)
	TouchSession(ctx context.Context, fingerprint string, seen time.Time) error
	// EndSessions ends the person's session of this ID, or all where id is empty; it says how many.
	EndSessions(ctx context.Context, person, id string) (int, error)
	// Sessions lists a person's sessions, the newest first.
	Sessions(ctx context.Context, person string) ([]Record, error)
}

// Lifetimes are how long sessions last.
type Lifetimes struct {
	// Idle ends a session that is not used, Absolute any.
	Idle, Absolute time.Duration
}

// Sessions hands out sessions and checks them. It is safe for concurrent use.
type Sessions struct {
	store  Store
	keys   *seal.Keys
	life   Lifetimes
	secure bool
	now    func() time.Time
}

// New makes sessions. secure says that the server is reached by HTTPS, as it must be anywhere but
// on the machine's own loopback.
func New(store Store, keys *seal.Keys, life Lifetimes, secure bool, now func() time.Time) *Sessions {
	return &Sessions{store: store, keys: keys, life: life, secure: secure, now: now}
}

// Purposes for which this package seals and signs.
const (
	forCookie  = "session cookie"
	forLogin   = "login cookie"
	forIDToken = "id token"
	forWrites  = "csrf token"
)

// touchAfter is how old Seen may become before it is written again.
const touchAfter = time.Minute

// Start signs a person in with a fresh secret, so that a cookie from before is worth nothing.
func (s *Sessions) Start(w http.ResponseWriter, r *http.Request, person, idToken, client string) (Record, error) {
	secret, now := seal.Secret(), s.now()
	record := Record{
		ID: seal.ID("s-"), Fingerprint: seal.Fingerprint(secret), Person: person,
		Created: now, Seen: now, Ends: now.Add(s.life.Absolute),
		Client: client, Agent: cut(r.UserAgent(), 200),
		SealedToken: s.keys.Seal(forIDToken, []byte(idToken)),
	}
	if err := s.store.AddSession(r.Context(), record); err != nil {
		return Record{}, fmt.Errorf("keep the session: %w", err)
	}
	http.SetCookie(w, s.cookie(cookieName, s.keys.Seal(forCookie, []byte(secret)), s.life.Absolute))
	return record, nil
}

func cut(text string, n int) string {
	if len(text) > n {
		return text[:n]
	}
	return text
}

// Load gives the session of a request's cookie. It fails with ErrNone, ErrForged or ErrExpired.
func (s *Sessions) Load(r *http.Request) (Record, error) {
	cookie, err := r.Cookie(s.name(cookieName))
	if err != nil {
		return Record{}, ErrNone
	}
	secret, err := s.keys.Open(forCookie, cookie.Value)
	if err != nil {
		return Record{}, ErrForged
	}
	fingerprint := seal.Fingerprint(string(secret))
	record, err := s.store.Session(r.Context(), fingerprint)
	if errors.Is(err, ErrNone) {
		return Record{}, ErrExpired
	}
	if err != nil {
		return Record{}, fmt.Errorf("look up the session: %w", err)
	}
	now := s.now()
	if !now.Before(s.Until(record)) {
		return Record{}, ErrExpired
	}
	if now.Sub(record.Seen) >= touchAfter {
		record.Seen = now
		if err := s.store.TouchSession(r.Context(), fingerprint, now); err != nil {
			return Record{}, fmt.Errorf("prolong the session: %w", err)
		}
	}
	return record, nil
}

// Until is when a session ends if it is not used again.
func (s *Sessions) Until(r Record) time.Time {
	if idle := r.Seen.Add(s.life.Idle); idle.Before(r.Ends) {
		return idle
	}
	return r.Ends
}

// End ends one session and takes its cookie back.
func (s *Sessions) End(w http.ResponseWriter, r *http.Request, record Record) error {
	if _, err := s.store.EndSessions(r.Context(), record.Person, record.ID); err != nil {
		return fmt.Errorf("end the session: %w", err)
	}
	http.SetCookie(w, s.cookie(cookieName, "", -time.Second))
	return nil
}

// EndAll ends a person's session of this ID, or all of theirs where id is empty; it says how many
// there were.
func (s *Sessions) EndAll(ctx context.Context, person, id string) (int, error) {
	return s.store.EndSessions(ctx, person, id)
}

// List gives a person's sessions that have not ended, the newest first.
func (s *Sessions) List(ctx context.Context, person string) ([]Record, error) {
	all, err := s.store.Sessions(ctx, person)
	if err != nil {
		return nil, fmt.Errorf("list the sessions: %w", err)
	}
	var live []Record
	for _, r := range all {
		if s.now().Before(s.Until(r)) {
			live = append(live, r)
		}
	}
	return live, nil
}

// WriteToken gives the token that a write of this session must carry in the header WriteHeader.
func (s *Sessions) WriteToken(r Record) string { return s.keys.Sign(forWrites, r.Fingerprint) }

// WriteHeader is the request header that carries the token of WriteToken.
const WriteHeader = "X-CSRF-Token"

// CheckWrite says whether a request that came with this session's cookie was made by the web
// interface: a page of another site can send the cookie, but not know the token.
func (s *Sessions) CheckWrite(r *http.Request, record Record) bool {
	return s.keys.Verify(forWrites, record.Fingerprint, r.Header.Get(WriteHeader))
}

func (s *Sessions) idToken(r Record) string {
	token, err := s.keys.Open(forIDToken, r.SealedToken)
	if err != nil {
		return "" // the key was replaced; the provider then asks the person
	}
	return string(token)
}
