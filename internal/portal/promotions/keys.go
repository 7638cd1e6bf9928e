package promotions

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/slipway-dev/slipway/internal/audit"
	"github.com/slipway-dev/slipway/internal/evidence"
	"github.com/slipway-dev/slipway/internal/fault"
)

// The files of a folder of keys: each holds 32 random bytes in base64 (openssl rand -base64 32), from which the key
// itself is made.
const (
	// DecisionsKey is the file of the key that signs decisions.
	DecisionsKey = "decisions"
	// LogKey is the file of the key that signs the log's checkpoints.
	LogKey = "log"
)

// Keys are Slipway's own: of its decisions, and of the log.
type Keys struct {
	Decisions *evidence.Signer
	Log       note.Signer
	// Verifier verifies the log's checkpoints.
	Verifier note.Verifier
	// Trust are the public halves.
	Trust audit.Trust
}

// ReadKeys reads the keys of a folder. Origin names the log, as "console.example.com/audit".
func ReadKeys(folder, origin string) (Keys, error) {
	var out Keys
	private, err := seed(folder, DecisionsKey)
	if err != nil {
		return out, err
	}
	if out.Decisions, err = signer(private); err != nil {
		return out, fmt.Errorf("make the key of decisions: %w", err)
	}
	logSeed, err := seed(folder, LogKey)
	if err != nil {
		return out, err
	}
	expanded, err := hkdf.Key(sha256.New, logSeed, nil, "slipway log", 32)
	if err != nil {
		return out, fmt.Errorf("make the key of the log: %w", err)
	}
	secret, public, err := note.GenerateKey(bytes.NewReader(expanded), origin)
	if err != nil {
		return out, fmt.Errorf("make the key of the log %s: %w", origin, err)
	}
	if out.Log, err = note.NewSigner(secret); err != nil {
		return out, fmt.Errorf("make the key of the log: %w", err)
	}
	if out.Verifier, err = note.NewVerifier(public); err != nil {
		return out, fmt.Errorf("make the key of the log: %w", err)
	}
	out.Trust = audit.Trust{Logs: []string{public}, Keys: []evidence.Key{{Name: "slipway", Role: evidence.Server,
		PublicKey: out.Decisions.PublicKey()}}}
	return out, nil
}

// seed reads a file of random bytes.
func seed(folder, name string) ([]byte, error) {
	path := filepath.Join(folder, name)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fault.Invalid(fmt.Errorf("read a key: %w", err), "make one by: openssl rand -base64 32")
	}
	data, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err == nil && len(data) < 32 {
		err = errors.New("it has fewer than 32 bytes")
	}
	if err != nil { // the error must not show the key
		return nil, fault.Invalid(fmt.Errorf("read the key %s: it is not 32 random bytes in base64", path),
			"make one by: openssl rand -base64 32")
	}
	return data, nil
}

// signer makes an ECDSA key on P-256 of a seed: the first of the numbers that HKDF (RFC 5869) draws from it that is a
// private key.
func signer(secret []byte) (*evidence.Signer, error) {
	for try := range 16 { // each fails once in 2^32
		scalar, err := hkdf.Key(sha256.New, secret, nil, fmt.Sprintf("slipway decisions %d", try), 32)
		if err != nil {
			return nil, err
		}
		key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar)
		if err != nil {
			continue
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return nil, err
		}
		return evidence.NewSigner(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	}
	return nil, errors.New("the seed gives none")
}
