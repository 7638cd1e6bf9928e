package evidence_test

import (
	"strings"
	"testing"

	"github.com/slipway-dev/slipway/internal/evidence"
	"github.com/slipway-dev/slipway/internal/evidence/evidencetest"
	"github.com/slipway-dev/slipway/internal/evidence/memory"
)

// filled stores evidence of each kind about the test's image, and some that does not count.
func filled(t *testing.T) *memory.Store {
	t.Helper()
	store := &memory.Store{}
	attest := func(by string, s evidence.Statement, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		envelope, err := evidence.Sign(s, evidencetest.Signer(t, by))
		if err == nil {
			err = store.Attest(t.Context(), image, envelope)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, by := range []string{"builder", "stranger"} {
		s, err := evidence.SignImage("registry.example/team/shop", image, evidencetest.Signer(t, by))
		if err == nil {
			err = store.Sign(t.Context(), image, s)
		}
		if err == nil {
			err = store.Attest(t.Context(), image, provenance(t, by))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	sbom, err := evidence.NewSBOM(subject, []byte(read(t, "sbom.spdx.json")))
	attest("builder", sbom, err)
	tests, err := evidence.TestRun{Passed: []string{"a"}, Configuration: []evidence.Input{{Name: "x"}}}.Statement(subject)
	attest("builder", tests, err)
	approval, err := evidence.Approval{Image: subject, Promotion: "p", Application: "team/shop", To: "prod",
		ManifestsCommit: strings.Repeat("ab", 20), Approver: evidence.Actor{Name: "grace"}, Time: now}.Statement()
	attest("server", approval, err)
	attest("builder", approval, nil)
	attest("builder", statement("https://example.com/weather", `{}`), nil)
	other := statement(evidence.ProvenanceType, `{}`)
	other.Subject = []evidence.Subject{evidence.NewSubject("", evidencetest.Image(2))}
	attest("builder", other, nil)
	if err := store.Attest(t.Context(), image, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	return store
}
