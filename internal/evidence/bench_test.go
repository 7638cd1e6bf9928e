package evidence_test

import (
	"testing"

	"github.com/slipway-dev/slipway/internal/evidence"
	"github.com/slipway-dev/slipway/internal/evidence/evidencetest"
)

func BenchmarkSignDecision(b *testing.B) {
	d, signer := full(), evidencetest.Signer(b, "server")
	for b.Loop() {
		if _, err := d.Sign(signer); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyDecision(b *testing.B) {
	ring := evidencetest.Keyring(b, evidencetest.Key(b, "server", evidence.Server))
	envelope := evidencetest.Signed(b, full(), evidencetest.Signer(b, "server"))
	for b.Loop() {
		if _, _, err := ring.VerifyDecision(envelope); err != nil {
			b.Fatal(err)
		}
	}
}
