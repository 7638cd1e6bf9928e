// Package evidencetest has keys and decisions for tests: the same seed gives the same key, and so the same envelopes.
package evidencetest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/slipway-dev/slipway/internal/evidence"
)

// Start is the time of decision 0; each of the others is a minute after the one before.
var Start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// PrivateKey gives the private key of a seed in PEM.
func PrivateKey(tb testing.TB, seed string) []byte {
	tb.Helper()
	scalar := sha256.Sum256([]byte(seed))
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar[:])
	if err != nil {
		tb.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		tb.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// Signer gives the signer of a seed.
func Signer(tb testing.TB, seed string) *evidence.Signer {
	tb.Helper()
	s, err := evidence.NewSigner(PrivateKey(tb, seed))
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// Key gives the public half of a seed's key, trusted in a role without bounds of time. It is called as the seed.
func Key(tb testing.TB, seed string, role evidence.Role) evidence.Key {
	tb.Helper()
	return evidence.Key{Name: seed, Role: role, PublicKey: Signer(tb, seed).PublicKey()}
}

// Keyring trusts the keys.
func Keyring(tb testing.TB, keys ...evidence.Key) *evidence.Keyring {
	tb.Helper()
	ring, err := evidence.NewKeyring(keys...)
	if err != nil {
		tb.Fatal(err)
	}
	return ring
}

// Image gives the digest of an image that is known by a number.
func Image(n int) evidence.Digest { return evidence.DigestOf(fmt.Appendf(nil, "image %d", n)) }

// Decision gives a decision that allows promotion n of the application team/shop from dev to prod.
func Decision(n int) evidence.Decision {
	return evidence.Decision{
		Image:       evidence.NewSubject("registry.example/team/shop", Image(n)),
		ID:          fmt.Sprintf("promotion-%d/allowed", n),
		Promotion:   fmt.Sprintf("promotion-%d", n),
		Application: "team/shop", From: "dev", To: "prod", Release: fmt.Sprintf("v1.0.%d", n),
		ManifestsCommit: strings.Repeat(fmt.Sprintf("%08x", n), 5),
		Gates: []evidence.GateResult{{Name: "tests-passed", Result: evidence.Pass,
			Evidence: []evidence.Digest{evidence.DigestOf(fmt.Appendf(nil, "tests of %d", n))}}},
		Policy: evidence.DigestOf([]byte("gates")),
		Actors: evidence.Actors{Authors: []evidence.Actor{{Name: "ada", Role: "developer"}},
			Requester: evidence.Actor{Name: "ada", Role: "developer"},
			Approvers: []evidence.Actor{{Name: "grace", Role: "approver"}}},
		Outcome: evidence.Allowed,
		Time:    Start.Add(time.Duration(n) * time.Minute),
	}
}

// Refer gives the decision that confirms, withdraws or rolls back another one, which stands at an entry of the log.
func Refer(of evidence.Decision, outcome evidence.Outcome, entry uint64) evidence.Decision {
	d := of
	d.ID, d.Outcome, d.Refers = of.Promotion+"/"+string(outcome), outcome, &entry
	d.Gates, d.Reason, d.Time = []evidence.GateResult{}, "for a test", of.Time.Add(time.Second)
	d.Actors.Decider = &evidence.Actor{Name: "grace", Role: "approver"}
	return d
}

// Rollback gives the decision that rolls promotion n, decided at an entry of the log, back to an image.
func Rollback(n int, entry uint64, image int) evidence.Decision {
	d := Refer(Decision(n), evidence.RolledBack, entry)
	d.Restores = &evidence.Restored{Image: Image(image)}
	return d
}

// Signed puts a decision into an envelope.
func Signed(tb testing.TB, d evidence.Decision, by *evidence.Signer) []byte {
	tb.Helper()
	envelope, err := d.Sign(by)
	if err != nil {
		tb.Fatal(err)
	}
	return envelope
}
