package web

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/slipway-dev/slipway/internal/audit"
	"github.com/slipway-dev/slipway/internal/audit/audittest"
	"github.com/slipway-dev/slipway/internal/audit/memory"
	"github.com/slipway-dev/slipway/internal/evidence"
	"github.com/slipway-dev/slipway/internal/evidence/evidencetest"
	"github.com/slipway-dev/slipway/internal/server/api"
)

var update = flag.Bool("update", false, "write the vectors")

// vectors is where the console's tests find decisions of a real log, as the API gives them.
const vectors = "test/fixtures/decisions.json"

// TestVectors_AreThoseOfTheLog keeps what the console verifies in the browser the same as what the log writes.
func TestVectors_AreThoseOfTheLog(t *testing.T) {
	signer, _ := audittest.LogSigner(t, audittest.Origin)
	log, err := memory.New(signer, audittest.Keyring(t))
	if err != nil {
		t.Fatal(err)
	}
	all := decisions()
	for _, d := range all {
		if _, err := log.Append(t.Context(), evidencetest.Signed(t, d, evidencetest.Signer(t, audittest.Server))); err != nil {
			t.Fatal(err)
		}
	}
	shown := []api.Decision{}
	for i, d := range all {
		shown = append(shown, show(t, log, uint64(i), d))
	}
	got, err := json.MarshalIndent(shown, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if *update {
		if err := os.WriteFile(vectors, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(vectors)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the log gives; run the test with -update, then the console's tests", vectors)
	}
}

// decisions are a small history with every outcome that the console tells apart.
func decisions() []evidence.Decision {
	var all []evidence.Decision
	for n := range 7 {
		d := evidencetest.Decision(n)
		d.Application = "payments/orders"
		d.Image = evidence.NewSubject("registry.example.test/payments/orders", evidencetest.Image(n))
		all = append(all, d)
	}
	soak := evidence.GateResult{Name: "soak", Result: evidence.Fail, Reason: "healthy in dev for 5 minutes, and 1 hour is wanted"}
	all[1].ID, all[1].Outcome = all[1].Promotion+"/refused", evidence.Refused
	all[1].Gates = append(all[1].Gates, soak)
	all[2].Gates = append(all[2].Gates, evidence.GateResult{Name: "soak", Result: evidence.Waived,
		Waiver: &evidence.Waiver{By: evidence.Actor{Name: "grace", Role: "approver"}, Reason: "the fair is tomorrow",
			Until: all[2].Time.Add(24 * time.Hour)}})
	all[4].ID, all[4].Outcome = all[4].Promotion+"/break-glass", evidence.BreakGlass
	all[4].Gates = append(all[4].Gates, soak, evidence.GateResult{Name: "licences", Result: evidence.NotAvailable,
		Reason: "there is no bill of materials"})
	all[4].Actors.Decider = &evidence.Actor{Name: "grace", Role: "approver"}
	all[4].Reason = "payments are down, and this is the fix"
	of := uint64(4)
	all[5] = all[4]
	all[5].ID, all[5].Outcome, all[5].Refers = all[4].Promotion+"/confirmed", evidence.Confirmed, &of
	all[5].Actors.Decider = &evidence.Actor{Name: "linus", Role: "approver"}
	all[5].Reason, all[5].Time = "it was right: the log of the outage shows it", all[4].Time.Add(30*time.Minute)
	all[6].Time = all[5].Time.Add(time.Hour)
	return all
}

var outcomes = map[evidence.Outcome]api.Outcome{
	evidence.Allowed: api.Allowed, evidence.Refused: api.Refused, evidence.BreakGlass: api.BrokenGlass, evidence.Confirmed: api.Reviewed,
}

var verdicts = map[evidence.Result]api.Verdict{
	evidence.Pass: api.Pass, evidence.Fail: api.Fail, evidence.NotAvailable: api.NotAvailable, evidence.Waived: api.Waived,
}

// show gives a decision as the API does.
func show(t *testing.T, log *memory.Log, index uint64, d evidence.Decision) api.Decision {
	t.Helper()
	head := log.Checkpoint()
	var envelope []byte
	for e, err := range log.Entries(t.Context(), index, index+1) {
		if err != nil {
			t.Fatal(err)
		}
		envelope = e.Envelope
	}
	hashes, err := log.InclusionProof(t.Context(), index, head.Size)
	if err != nil {
		t.Fatal(err)
	}
	team, application, _ := strings.Cut(d.Application, "/")
	return api.Decision{
		DecisionSummary: api.DecisionSummary{
			DecisionRef: api.DecisionRef{Index: index, Outcome: outcomes[d.Outcome], At: d.Time},
			Team:        team, Application: application, Environment: d.To, Subject: string(d.Digest()), Promotion: int64(40 + index),
			Actors: []string{"ada", "grace"},
		},
		Policy: string(d.Policy), Gates: gates(d), Envelope: envelope, Leaf: envelope,
		Proof: api.InclusionProof{Index: index, Size: head.Size, Hashes: hashes, Checkpoint: checkpoint(t, head)},
	}
}

func checkpoint(t *testing.T, head audit.Checkpoint) api.Checkpoint {
	t.Helper()
	trust := audittest.Trust(t)
	ring, err := evidence.NewKeyring(trust.Keys...)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]string{}
	for _, k := range ring.Keys() {
		keys[k.ID] = k.PublicKey
	}
	return api.Checkpoint{Origin: head.Origin, Size: head.Size, Root: head.Root, Note: string(head.Note), Key: trust.Logs[0], Keys: keys}
}

func gates(d evidence.Decision) []api.GateResult {
	out := []api.GateResult{}
	for _, g := range d.Gates {
		r := api.GateResult{Name: g.Name, Verdict: verdicts[g.Result], Reason: g.Reason, Evaluated: d.Time, Evidence: []api.EvidenceRef{}}
		for _, e := range g.Evidence {
			r.Evidence = append(r.Evidence, api.EvidenceRef{Digest: string(e), Predicate: "https://in-toto.io/attestation/test-result/v0.1",
				Signer: "builder", At: &d.Time, Summary: "212 tests passed"})
		}
		if g.Waiver != nil {
			r.Reason = "waived"
			r.Waiver = &api.Waiver{By: api.Actor{ID: "p-2", Username: g.Waiver.By.Name, Kind: "person"}, At: d.Time,
				Reason: g.Waiver.Reason, Until: g.Waiver.Until}
		}
		out = append(out, r)
	}
	return out
}
