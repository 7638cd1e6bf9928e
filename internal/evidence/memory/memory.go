// Package memory keeps evidence in memory, for tests of what reads it. It behaves as the registry's adapter does.
package memory

import (
	"bytes"
	"context"
	"slices"
	"sync"

	"github.com/slipway-dev/slipway/internal/evidence"
)

// Store holds envelopes and signatures by image. The zero value is empty and ready.
type Store struct {
	mu           sync.Mutex
	attestations map[evidence.Digest][][]byte
	signatures   map[evidence.Digest][]evidence.ImageSignature
}

var _ evidence.Source = (*Store)(nil)

// Attestations implements [evidence.Source].
func (s *Store) Attestations(_ context.Context, image evidence.Digest) ([][]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.attestations[image]), nil
}

// Signatures implements [evidence.Source].
func (s *Store) Signatures(_ context.Context, image evidence.Digest) ([]evidence.ImageSignature, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.signatures[image]), nil
}

// Attest stores an envelope; one that is stored already stays as it is.
func (s *Store) Attest(_ context.Context, image evidence.Digest, envelope []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.attestations[image] {
		if bytes.Equal(e, envelope) {
			return nil
		}
	}
	if s.attestations == nil {
		s.attestations = map[evidence.Digest][][]byte{}
	}
	s.attestations[image] = append(s.attestations[image], bytes.Clone(envelope))
	return nil
}

// Sign stores an image's signature; one that is stored already stays as it is.
func (s *Store) Sign(_ context.Context, image evidence.Digest, signature evidence.ImageSignature) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.signatures[image] {
		if bytes.Equal(o.Payload, signature.Payload) && bytes.Equal(o.Signature, signature.Signature) {
			return nil
		}
	}
	if s.signatures == nil {
		s.signatures = map[evidence.Digest][]evidence.ImageSignature{}
	}
	s.signatures[image] = append(s.signatures[image], signature)
	return nil
}
