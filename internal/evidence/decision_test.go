package evidence_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-dev/slipway/internal/evidence"
	"github.com/slipway-dev/slipway/internal/evidence/evidencetest"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares with a file below testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-update writes it):\n%s", path, diff)
	}
}

// full uses every field of a decision.
func full() evidence.Decision {
	d := evidencetest.Decision(1)
	d.ID, d.Outcome, d.Reason = "promotion-1/break-glass", evidence.BreakGlass, "payments are down; fixes <all> & sundry"
	d.Actors.Decider = &evidence.Actor{Name: "linus", Role: "platform-admin"}
	d.ManifestsTree, d.Input = strings.Repeat("c0de", 10), evidence.DigestOf([]byte("input"))
	d.Gates = append(d.Gates,
		evidence.GateResult{Name: "soak", Result: evidence.Fail, Reason: "healthy for 5m, and 1h is wanted"},
		evidence.GateResult{Name: "licences", Result: evidence.NotAvailable, Reason: "there is no bill of materials"},
		evidence.GateResult{Name: "freeze", Result: evidence.Waived, Waiver: &evidence.Waiver{
			By: evidence.Actor{Name: "grace", Role: "approver"}, Reason: "incident 7", Until: d.Time.Add(time.Hour)}})
	return d
}

// The envelope's form is a promise to auditors: a change of this file is a new version of the predicate.
func TestDecision_GoldenEnvelope(t *testing.T) {
	envelope := evidencetest.Signed(t, full(), evidencetest.Signer(t, "server"))
	golden(t, "decision.envelope.json", string(envelope)+"\n")
	s, err := evidence.Unverified(envelope)
	if err != nil {
		t.Fatal(err)
	}
	readable, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "decision.statement.json", string(readable)+"\n")
}

func TestDecision_WrittenAndRead(t *testing.T) {
	ring := evidencetest.Keyring(t, evidencetest.Key(t, "server", evidence.Server))
	for _, want := range []evidence.Decision{full(), evidencetest.Decision(2), evidencetest.Rollback(2, 17, 1),
		evidencetest.Refer(evidencetest.Decision(2), evidence.Withdrawn, 17),
		evidencetest.Refer(evidencetest.Decision(2), evidence.Confirmed, 17)} {
		got, verified, err := ring.VerifyDecision(evidencetest.Signed(t, want, evidencetest.Signer(t, "server")))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if verified.Signer.Name != "server" || got.Digest() != evidence.Digest("sha256:"+want.Image.Digest["sha256"]) {
			t.Errorf("%+v", verified)
		}
	}
}

func TestVerifyDecision_ByAKeyThatWasValidThen(t *testing.T) {
	d := evidencetest.Decision(1)
	key := evidencetest.Key(t, "server", evidence.Server)
	key.NotAfter = d.Time
	ring := evidencetest.Keyring(t, key)
	if _, _, err := ring.VerifyDecision(evidencetest.Signed(t, d, evidencetest.Signer(t, "server"))); err != nil {
		t.Error(err)
	}
	later := evidencetest.Decision(2)
	if _, _, err := ring.VerifyDecision(evidencetest.Signed(t, later, evidencetest.Signer(t, "server"))); err == nil {
		t.Error("a key signs after its end")
	}
}

func TestDecision_SaysWhatIsWrong(t *testing.T) {
	type decision = evidence.Decision
	long := strings.Repeat("x", 257)
	for name, tc := range map[string]struct {
		change func(*decision)
		says   string
	}{
		"no id":          {func(d *decision) { d.ID = "" }, "id is empty"},
		"a long id":      {func(d *decision) { d.ID = long }, "id has 257 bytes"},
		"no promotion":   {func(d *decision) { d.Promotion = "" }, "promotion is empty"},
		"no application": {func(d *decision) { d.Application = "" }, "application is empty"},
		"no environment": {func(d *decision) { d.To = "" }, "to is empty"},
		"no release":     {func(d *decision) { d.Release = "" }, "release is empty"},
		"a branch":       {func(d *decision) { d.ManifestsCommit = "main" }, `manifestsCommit: "main" names no Git object`},
		"no policy":      {func(d *decision) { d.Policy = "" }, `policy: "" is no digest`},
		"no requester":   {func(d *decision) { d.Actors.Requester.Name = "" }, "actors.requester.name is empty"},
		"no time":        {func(d *decision) { d.Time = time.Time{} }, "time is empty"},
		"local time":     {func(d *decision) { d.Time = d.Time.In(time.FixedZone("", 3600)) }, "time is not in UTC"},
		"no image":       {func(d *decision) { d.Image.Digest = nil }, "is to have a digest sha256"},
		"two digests":    {func(d *decision) { d.Image.Digest["sha512"] = "00" }, "is to have a digest sha256, and no other"},
		"evidence that is no digest": {func(d *decision) { d.Gates[0].Evidence[0] = "x" },
			`gates[0]: evidence[0]: "x" is no digest`},
		"a nameless gate":   {func(d *decision) { d.Gates[0].Name = "" }, "gates[0]: name is empty"},
		"an unknown result": {func(d *decision) { d.Gates[0].Result = "ok" }, `gates[0]: result is "ok"`},
		"a gate twice": {func(d *decision) { d.Gates = append(d.Gates, d.Gates[0]) },
			`gates[1]: the gate "tests-passed" stands`},
		"allowed in spite of a gate": {func(d *decision) {
			d.Gates[0] = evidence.GateResult{Name: "soak", Result: evidence.Fail, Reason: "x"}
		},
			"outcome is allowed, and these gates did not pass: soak"},
		"failed without reason": {func(d *decision) { d.Gates[0].Result, d.Outcome = evidence.Fail, evidence.Refused },
			"gates[0]: reason is empty"},
		"waived by nobody": {func(d *decision) { d.Gates[0].Result = evidence.Waived }, "there is no waiver"},
		"waived too long ago": {func(d *decision) {
			d.Gates[0].Result = evidence.Waived
			d.Gates[0].Waiver = &evidence.Waiver{By: evidence.Actor{Name: "x"}, Reason: "x", Until: d.Time.Add(-1)}
		}, "the waiver ended at"},
		"waiver of a pass": {func(d *decision) { d.Gates[0].Waiver = &evidence.Waiver{} },
			"there is a waiver, and result is pass"},
		"refused for nothing": {func(d *decision) { d.Outcome = evidence.Refused }, "refused, every gate passed"},
		"glass broken for nothing": {func(d *decision) { d.Outcome = evidence.BreakGlass },
			"break-glass, and there is no reason"},
		"rolled back for nothing": {func(d *decision) { d.Outcome = evidence.RolledBack },
			"rollback, and there is no reason"},
		"glass broken by nobody": {func(d *decision) { d.Outcome, d.Reason = evidence.BreakGlass, "x" }, "no decider"},
		"withdrawn of nothing": {func(d *decision) { d.Outcome, d.Reason = evidence.Withdrawn, "x" },
			"outcome is withdrawn, and refers is there: false"},
		"allowed of something": {func(d *decision) { d.Refers = new(uint64) }, "allowed, and refers is there: true"},
		"rolled back to nowhere": {func(d *decision) { *d = evidencetest.Rollback(1, 0, 0); d.Restores = nil },
			"outcome is rollback, and restores is there: false"},
		"rolled back to a name": {func(d *decision) { *d = evidencetest.Rollback(1, 0, 0); d.Restores.Image = "x" },
			`restores.image: "x" is no digest`},
		"a tree that is none":   {func(d *decision) { d.ManifestsTree = "x" }, `manifestsTree: "x" names no Git object`},
		"an input that is none": {func(d *decision) { d.Input = "x" }, `input: "x" is no digest`},
		"another outcome":       {func(d *decision) { d.Outcome = "maybe" }, `outcome is "maybe"`},
		"an approver twice": {func(d *decision) { d.Actors.Approvers = append(d.Actors.Approvers, d.Actors.Approvers...) },
			`actors.approvers[1]: "grace" stands there twice`},
		"a nameless author": {func(d *decision) { d.Actors.Authors[0].Name = "" }, "actors.authors[0].name is empty"},
	} {
		d := evidencetest.Decision(1)
		tc.change(&d)
		if _, err := d.Statement(); err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDecodeDecision_IsStrict(t *testing.T) {
	s, err := evidencetest.Decision(1).Statement()
	if err != nil {
		t.Fatal(err)
	}
	good := string(s.Predicate)
	for name, tc := range map[string]struct{ predicate, says string }{
		"unknown field":     {strings.Replace(good, `{`, `{"colour":"red",`, 1), `unknown field "colour"`},
		"repeated field":    {strings.Replace(good, `{`, `{"outcome":"refused",`, 1), `duplicate field "outcome"`},
		"name in capitals":  {strings.Replace(good, `"outcome"`, `"Outcome"`, 1), `unknown field "Outcome"`},
		"policy no digest":  {strings.Replace(good, `"policy":"sha256:`, `"policy":"sha512:`, 1), `policy: "sha512:`},
		"time without zone": {strings.Replace(good, `09:01:00Z`, `09:01:00`, 1), "decision: "},
	} {
		s.Predicate = json.RawMessage(tc.predicate)
		if _, err := evidence.DecodeDecision(s); err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDecision_FitsIntoALog(t *testing.T) {
	d := evidencetest.Decision(1)
	d.Outcome, d.Reason = evidence.Refused, strings.Repeat("because ", 8000)
	_, err := d.Sign(evidencetest.Signer(t, "server"))
	if err == nil || !strings.Contains(err.Error(), "a log takes 65535") {
		t.Error(err)
	}
}
