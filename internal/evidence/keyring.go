package evidence

import (
	"cmp"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/slipway-dev/slipway/internal/fault"
)

// Role says what a key's statements count for.
type Role string

// The roles.
const (
	// Builder keys sign images, provenance, bills of materials and test results.
	Builder Role = "builder"
	// Server keys sign approvals and decisions.
	Server Role = "server"
)

// Key is a public key that is trusted in one role.
type Key struct {
	// ID is the key's fingerprint, as in envelopes. It may be left out; where it stands it must be right.
	ID string `json:"id,omitempty"`
	// Name is what people call the key; it stands in messages.
	Name string `json:"name"`
	Role Role   `json:"role"`
	// PublicKey is the key in PEM: ECDSA on P-256, PKIX ("PUBLIC KEY").
	PublicKey string `json:"publicKey"`
	// NotBefore and NotAfter bound the time in which the key may sign, both included; a zero time is no bound.
	NotBefore time.Time `json:"notBefore,omitzero"`
	NotAfter  time.Time `json:"notAfter,omitzero"`
}

// Keyring verifies signatures by the keys that are trusted. It does not change.
type Keyring struct {
	keys []trusted
}

// trusted is a key that can verify. It implements [dsse.Verifier].
type trusted struct {
	Key
	public *ecdsa.PublicKey
}

// NewKeyring checks the keys and fills in the ids that are left out.
func NewKeyring(keys ...Key) (*Keyring, error) {
	ring := &Keyring{}
	var faults []error
	for i, k := range keys {
		t, err := newTrusted(k)
		if err == nil && slices.ContainsFunc(ring.keys, func(o trusted) bool { return o.ID == t.ID }) {
			err = fmt.Errorf("the key %s stands there twice", t.ID)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("keys[%d] (%s): %w", i, shorten(k.Name), err))
			continue
		}
		ring.keys = append(ring.keys, t)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, fault.Invalid(fmt.Errorf("read the trusted keys: %w", err), "correct the entries named above")
	}
	return ring, nil
}

func newTrusted(k Key) (trusted, error) {
	public, err := parsePublicKey(k.PublicKey)
	if err != nil {
		return trusted{}, fmt.Errorf("publicKey: %w", err)
	}
	id, err := keyID(public)
	switch {
	case err != nil:
		return trusted{}, err
	case k.ID != "" && k.ID != id:
		return trusted{}, fmt.Errorf("id is %q, and the public key's is %q", shorten(k.ID), id)
	case k.Name == "":
		return trusted{}, errors.New("name is empty")
	case k.Role != Builder && k.Role != Server:
		return trusted{}, fmt.Errorf("role is %q, and it is to be %q or %q", shorten(string(k.Role)), Builder, Server)
	case !k.NotAfter.IsZero() && k.NotAfter.Before(k.NotBefore):
		return trusted{}, errors.New("notAfter is before notBefore")
	}
	k.ID = id
	return trusted{Key: k, public: public}, nil
}

// Keys gives the keys, with their ids.
func (r *Keyring) Keys() []Key {
	out := make([]Key, len(r.keys))
	for i, k := range r.keys {
		out[i] = k.Key
	}
	return out
}

// Verified is a statement whose signature holds.
type Verified struct {
	Statement Statement
	// Payload are the bytes that were signed.
	Payload []byte
	// Envelope is the digest of the whole envelope: what a decision names as its evidence.
	Envelope Digest
	// Signer is the key of the wanted role that made the signature.
	Signer Key
}

// Verify checks that an envelope bears the signature of a key that has the role and is valid at that time, and
// reads its statement. A signature that does not count does no harm beside one that does. The error is a
// [*DecodeError], or an [*UntrustedError] that says for each signature why it does not count.
func (r *Keyring) Verify(envelope []byte, role Role, at time.Time) (*Verified, error) {
	e, payload, err := parseEnvelope(envelope)
	if err != nil {
		return nil, err
	}
	signer, err := r.signed(e, role, at)
	if err != nil {
		return nil, err
	}
	statement, err := ParseStatement(payload)
	if err != nil {
		return nil, err
	}
	return &Verified{Statement: statement, Payload: payload, Envelope: DigestOf(envelope), Signer: signer}, nil
}

// VerifyDecision reads a decision that a server's key has signed which was valid at the time of the decision.
// Errors are as in [Keyring.Verify].
func (r *Keyring) VerifyDecision(envelope []byte) (Decision, *Verified, error) {
	e, payload, err := parseEnvelope(envelope)
	if err != nil {
		return Decision{}, nil, err
	}
	statement, err := ParseStatement(payload)
	if err != nil {
		return Decision{}, nil, err
	}
	d, err := DecodeDecision(statement)
	if err != nil {
		return Decision{}, nil, err
	}
	signer, err := r.signed(e, Server, d.Time)
	if err != nil {
		return Decision{}, nil, err
	}
	return d, &Verified{Statement: statement, Payload: payload, Envelope: DigestOf(envelope), Signer: signer}, nil
}

// signed gives the first key whose signature on an envelope counts.
func (r *Keyring) signed(e *dsse.Envelope, role Role, at time.Time) (Key, error) {
	untrusted := &UntrustedError{Role: role}
	for i, s := range e.Signatures {
		signer, err := r.signer(e, s, role, at)
		if err == nil {
			return signer, nil
		}
		untrusted.Signatures = append(untrusted.Signatures, SignatureFault{Index: i, KeyID: s.KeyID, Reason: err})
	}
	return Key{}, untrusted
}

// signer gives the key that made one signature of an envelope, or why that signature does not count.
func (r *Keyring) signer(e *dsse.Envelope, s dsse.Signature, role Role, at time.Time) (Key, error) {
	holds := func(k trusted) bool {
		single := *e
		single.Signatures = []dsse.Signature{s}
		verifier, err := dsse.NewEnvelopeVerifier(k)
		if err != nil {
			return false
		}
		_, err = verifier.Verify(context.Background(), &single)
		return err == nil
	}
	if s.KeyID == "" {
		return r.any(role, at, holds)
	}
	i := slices.IndexFunc(r.keys, func(k trusted) bool { return k.ID == s.KeyID })
	if i < 0 {
		return Key{}, ErrUnknownKey
	}
	return r.one(r.keys[i], role, at, holds)
}

// one checks a signature by the key that it names.
func (r *Keyring) one(k trusted, role Role, at time.Time, holds func(trusted) bool) (Key, error) {
	if err := k.counts(role, at); err != nil {
		return Key{}, err
	}
	if !holds(k) {
		return Key{}, fmt.Errorf("%w: the key %s did not sign this", ErrBadSignature, k.Name)
	}
	return k.Key, nil
}

// any checks a signature that names no key by each key. A key that made it and does not count says why.
func (r *Keyring) any(role Role, at time.Time, holds func(trusted) bool) (Key, error) {
	reason := fmt.Errorf("%w: no trusted key made it, and it names none", ErrBadSignature)
	// Keys that count come first, so that most signatures take one check.
	keys := slices.Clone(r.keys)
	slices.SortStableFunc(keys, func(a, b trusted) int {
		return cmp.Compare(rank(a.counts(role, at)), rank(b.counts(role, at)))
	})
	for _, k := range keys {
		if !holds(k) {
			continue
		}
		if reason = k.counts(role, at); reason == nil {
			return k.Key, nil
		}
	}
	return Key{}, reason
}

func rank(err error) int {
	if err == nil {
		return 0
	}
	return 1
}

// counts says why a key's signature does not count; nil where it does.
func (t trusted) counts(role Role, at time.Time) error {
	switch {
	case t.Role != role:
		return fmt.Errorf("%w: the key %s is a %s's, and a %s's is wanted", ErrWrongRole, t.Name, t.Role, role)
	case at.Before(t.NotBefore):
		return fmt.Errorf("%w: the key %s is valid from %s, and %s is asked for", ErrNotYetValid, t.Name,
			t.NotBefore.Format(time.RFC3339), at.Format(time.RFC3339))
	case !t.NotAfter.IsZero() && at.After(t.NotAfter):
		return fmt.Errorf("%w: the key %s was valid until %s, and %s is asked for", ErrExpired, t.Name,
			t.NotAfter.Format(time.RFC3339), at.Format(time.RFC3339))
	}
	return nil
}

// Verify implements [dsse.Verifier].
func (t trusted) Verify(_ context.Context, data, signature []byte) error {
	sum := sha256.Sum256(data)
	if !ecdsa.VerifyASN1(t.public, sum[:], signature) {
		return ErrBadSignature
	}
	return nil
}

// KeyID implements [dsse.Verifier].
func (t trusted) KeyID() (string, error) { return t.ID, nil }

// Public implements [dsse.Verifier].
func (t trusted) Public() crypto.PublicKey { return t.public }

// Why a signature does not count; a [SignatureFault]'s reason is one of them.
var (
	ErrUnknownKey   = errors.New("the key is not among the trusted ones")
	ErrWrongRole    = errors.New("wrong role")
	ErrNotYetValid  = errors.New("not yet valid")
	ErrExpired      = errors.New("expired")
	ErrBadSignature = errors.New("the signature does not fit")
)

// SignatureFault says why one signature of an envelope does not count.
type SignatureFault struct {
	Index int
	// KeyID is the key that the signature names; "" where it names none.
	KeyID  string
	Reason error
}

// UntrustedError is about an envelope, or an image's signature, none of whose signatures counts.
type UntrustedError struct {
	Role       Role
	Signatures []SignatureFault
}

func (e *UntrustedError) Error() string {
	reasons := make([]string, len(e.Signatures))
	for i, s := range e.Signatures {
		by := ""
		if s.KeyID != "" {
			by = " by " + shorten(s.KeyID)
		}
		reasons[i] = fmt.Sprintf("signature %d%s: %s", s.Index, by, s.Reason)
	}
	return fmt.Sprintf("no signature of a trusted %s: %s", e.Role, strings.Join(reasons, "; "))
}

// Unwrap gives the reasons to errors.Is.
func (e *UntrustedError) Unwrap() []error {
	out := make([]error, len(e.Signatures))
	for i, s := range e.Signatures {
		out[i] = s.Reason
	}
	return out
}
