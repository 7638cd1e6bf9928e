package evidencetest

import (
	"bytes"
	"context"
	"testing"

	"github.com/slipway-dev/slipway/internal/evidence"
)

// Store keeps evidence.
type Store interface {
	evidence.Source
	Attest(ctx context.Context, image evidence.Digest, envelope []byte) error
	Sign(ctx context.Context, image evidence.Digest, signature evidence.ImageSignature) error
}

// RunStore is what every store of evidence must do. open gives an empty one each time.
func RunStore(t *testing.T, open func(t *testing.T) Store) {
	t.Run("Empty_IsNoError", func(t *testing.T) { emptyIsNoError(t, open(t)) })
	t.Run("Attest_GivesBackTheSameBytesOnce", func(t *testing.T) { attestedOnce(t, open(t)) })
	t.Run("Sign_GivesBackTheSameSignatureOnce", func(t *testing.T) { signedOnce(t, open(t)) })
}

func emptyIsNoError(t *testing.T, s Store) {
	envelopes, err := s.Attestations(t.Context(), Image(1))
	if err != nil || len(envelopes) != 0 {
		t.Errorf("%d, %v", len(envelopes), err)
	}
	signatures, err := s.Signatures(t.Context(), Image(1))
	if err != nil || len(signatures) != 0 {
		t.Errorf("%d, %v", len(signatures), err)
	}
}

func attestedOnce(t *testing.T, s Store) {
	signer := Signer(t, "builder")
	want := [][]byte{Signed(t, Decision(1), signer), Signed(t, Decision(1), Signer(t, "another")),
		Signed(t, Decision(2), signer)}
	for _, envelope := range [][]byte{want[0], want[1], want[0]} {
		if err := s.Attest(t.Context(), Image(1), envelope); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Attest(t.Context(), Image(2), want[2]); err != nil {
		t.Fatal(err)
	}
	one, err := s.Attestations(t.Context(), Image(1))
	if err != nil {
		t.Fatal(err)
	}
	two, err := s.Attestations(t.Context(), Image(2))
	if err != nil {
		t.Fatal(err)
	}
	if len(one) != 2 || !bytes.Equal(one[0], want[0]) || !bytes.Equal(one[1], want[1]) {
		t.Errorf("image 1 has %q", one)
	}
	if len(two) != 1 || !bytes.Equal(two[0], want[2]) {
		t.Errorf("image 2 has %q", two)
	}
}

// signedOnce signs the same payload by two keys: both signatures must be there.
func signedOnce(t *testing.T, s Store) {
	var want []evidence.ImageSignature
	for _, seed := range []string{"builder", "another"} {
		signature, err := evidence.SignImage("registry.example/team/shop", Image(1), Signer(t, seed))
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, signature)
		for range 2 {
			if err := s.Sign(t.Context(), Image(1), signature); err != nil {
				t.Fatal(err)
			}
		}
	}
	got, err := s.Signatures(t.Context(), Image(1))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Fatalf("%d signatures", len(got))
	}
	for i := range want {
		if !bytes.Equal(got[i].Payload, want[i].Payload) || !bytes.Equal(got[i].Signature, want[i].Signature) {
			t.Errorf("signature %d is another one", i)
		}
	}
}
