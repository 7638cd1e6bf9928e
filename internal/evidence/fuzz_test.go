package evidence_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/slipway-dev/slipway/internal/evidence"
	"github.com/slipway-dev/slipway/internal/evidence/evidencetest"
)

// FuzzVerify proves that no bytes but the signed ones are a verified decision, and that all others give an error of a
// known type.
func FuzzVerify(f *testing.F) {
	ring := evidencetest.Keyring(f, evidencetest.Key(f, "server", evidence.Server))
	good := evidencetest.Signed(f, evidencetest.Decision(1), evidencetest.Signer(f, "server"))
	payload, err := evidence.Payload(good)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(evidencetest.Signed(f, evidencetest.Decision(1), evidencetest.Signer(f, "stranger")))
	f.Add([]byte(`{"payloadType":"application/vnd.in-toto+json","payload":"e30=","signatures":[{"sig":""}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, verified, err := ring.VerifyDecision(data)
		if err == nil {
			if !bytes.Equal(verified.Payload, payload) {
				t.Fatalf("verified, and never signed: %s", verified.Payload)
			}
			return
		}
		var malformed *evidence.DecodeError
		var untrusted *evidence.UntrustedError
		if !errors.As(err, &malformed) && !errors.As(err, &untrusted) {
			t.Fatalf("an error of another type: %v", err)
		}
	})
}

// FuzzFacts proves that any predicate gives facts or an error, never a panic, and that an accepted decision is accepted
// again as it is written.
func FuzzFacts(f *testing.F) {
	for _, name := range []string{"provenance.json", "sbom.spdx.json"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for n := range 2 {
		s, err := evidencetest.Decision(n).Statement()
		if err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(s.Predicate))
	}
	f.Add([]byte(`{"result": "PASSED", "passedTests": ["a"]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = evidence.DecodeProvenance(statement(evidence.ProvenanceType, string(data)))
		_, _ = evidence.DecodeSBOM(statement(evidence.SPDXType, string(data)))
		_, _ = evidence.DecodeTestResult(statement(evidence.TestResultType, string(data)))
		_, _ = evidence.DecodeApproval(statement(evidence.ApprovalType, string(data)))
		d, err := evidence.DecodeDecision(statement(evidence.DecisionType, string(data)))
		if err != nil {
			return
		}
		if _, err := d.Statement(); err != nil {
			t.Errorf("accepted, and then refused: %s", err)
		}
	})
}
