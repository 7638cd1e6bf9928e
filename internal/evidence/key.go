package evidence

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/slipway-dev/slipway/internal/fault"
)

// Signer signs with an ECDSA P-256 key over SHA-256. Signatures are deterministic (RFC 6979): the same
// statement signed by the same key is the same envelope.
type Signer struct {
	key *ecdsa.PrivateKey
	id  string
}

// GenerateKey makes a new private key in PEM (PKCS #8).
func GenerateKey() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a signing key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("make a signing key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// NewSigner reads a private key in PEM: PKCS #8 ("PRIVATE KEY") or SEC 1 ("EC PRIVATE KEY"), not encrypted.
func NewSigner(privatePEM []byte) (*Signer, error) {
	key, err := parsePrivateKey(privatePEM)
	if err != nil {
		return nil, fault.Invalid(fmt.Errorf("read the signing key: %w", err),
			"make one by: openssl ecparam -name prime256v1 -genkey -noout")
	}
	id, err := keyID(&key.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("read the signing key: %w", err)
	}
	return &Signer{key: key, id: id}, nil
}

func parsePrivateKey(privatePEM []byte) (*ecdsa.PrivateKey, error) {
	block, _ := pem.Decode(privatePEM)
	if block == nil {
		return nil, errors.New("there is no PEM block in it")
	}
	var parsed any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		parsed, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		parsed, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		return nil, fmt.Errorf("its PEM block is a %q, not a PRIVATE KEY or EC PRIVATE KEY", shorten(block.Type))
	}
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, errors.New("it is no ECDSA key on the curve P-256")
	}
	return key, nil
}

// Sign signs data: an ASN.1 signature over its SHA-256. It implements [dsse.Signer].
func (s *Signer) Sign(_ context.Context, data []byte) ([]byte, error) {
	sum := sha256.Sum256(data)
	return s.key.Sign(nil, sum[:], crypto.SHA256)
}

// KeyID names the key as DSSE's Go library does: "SHA256:" and the SSH fingerprint of the public key. cosign
// accepts only this id, or none, in an envelope that it verifies by a public key.
func (s *Signer) KeyID() (string, error) { return s.id, nil }

// PublicKey gives the public key in PEM (PKIX).
func (s *Signer) PublicKey() string {
	der, err := x509.MarshalPKIXPublicKey(&s.key.PublicKey)
	if err != nil { // a P-256 key always has this form
		panic(fmt.Sprintf("write a public key: %s", err))
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func keyID(public *ecdsa.PublicKey) (string, error) {
	return dsse.SHA256KeyID(public)
}

func parsePublicKey(publicPEM string) (*ecdsa.PublicKey, error) {
	block, _ := pem.Decode([]byte(publicPEM))
	if block == nil {
		return nil, errors.New("there is no PEM block in it")
	}
	if block.Type != "PUBLIC KEY" {
		return nil, fmt.Errorf("its PEM block is a %q, not a PUBLIC KEY", shorten(block.Type))
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, errors.New("it is no ECDSA key on the curve P-256")
	}
	return key, nil
}
