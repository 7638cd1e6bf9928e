package promotions

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	shipped "github.com/slipway-dev/slipway/catalog/policies"
	"github.com/slipway-dev/slipway/internal/app"
	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/audit"
	"github.com/slipway-dev/slipway/internal/audit/audittest"
	"github.com/slipway-dev/slipway/internal/evidence/evidencetest"
	"github.com/slipway-dev/slipway/internal/promotion"
	"github.com/slipway-dev/slipway/internal/promotion/gate"
	"github.com/slipway-dev/slipway/internal/server/api"
)

func TestAudit_ListShowExport(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	w.promote(p)
	w.release()
	w.promote(p)
	l, err := p.Audit().Decisions(t.Context(), api.Teams{Names: []string{team}}, api.DecisionQuery{Environment: "prod"}, api.Page{Limit: 1})
	w.must(err)
	if len(l.Items) != 1 || l.Items[0].Index != 1 || l.Items[0].Promotion != 2 || l.Next == "" ||
		strings.Join(l.Items[0].Actors, " ") != "ada grace slipway" {
		t.Errorf("%+v", l)
	}
	if l, err = p.Audit().Decisions(t.Context(), api.Teams{Names: []string{team}}, api.DecisionQuery{}, api.Page{Limit: 5, After: l.Next}); err != nil ||
		len(l.Items) != 1 || l.Items[0].Index != 0 {
		t.Errorf("%+v, %v", l, err)
	}
	if l, err = p.Audit().Decisions(t.Context(), api.Teams{Names: []string{"others"}}, api.DecisionQuery{}, api.Page{Limit: 5}); err != nil ||
		len(l.Items) != 0 {
		t.Errorf("%+v, %v", l, err)
	}
	d, err := p.Audit().Decision(t.Context(), 0)
	w.must(err)
	_, verifier := audittest.LogSigner(t, audittest.Origin)
	c, err := audit.OpenCheckpoint([]byte(d.Proof.Checkpoint.Note), verifier)
	w.must(err)
	if err := audit.VerifyInclusion(audit.Entry{Index: d.Index, Envelope: d.Leaf}, d.Proof.Hashes, c); err != nil {
		t.Error(err)
	}
	if len(d.Gates) != 10 || d.Gates[1].Evidence[0].Summary == "" || len(d.Proof.Checkpoint.Keys) != 2 {
		t.Errorf("%+v", d)
	}
	if _, err := p.Audit().Decision(t.Context(), 9); !errors.Is(err, api.ErrNotFound) {
		t.Error(err)
	}
	var out bytes.Buffer
	w.must(p.Audit().Export(t.Context(), api.ExportQuery{}, &out))
	bundle, err := audit.ReadZip(bytes.NewReader(out.Bytes()), int64(out.Len()))
	w.must(err)
	report, err := audit.Verify(bundle, w.trust, audit.Known{})
	w.must(err)
	if len(report.Findings) > 0 || report.Entries != 2 {
		t.Errorf("%+v", report)
	}
}

func TestFindings_WhatWentAroundTheDecisions(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	w.promote(p)
	w.must(p.lookAround(t.Context()))
	if len(p.found) > 0 {
		t.Fatalf("%+v", p.found)
	}
	w.write(Environments, mainBranch, map[string]string{app.Folder("prod", shop) + "/manifests/extra.yaml": "kind: ConfigMap\n"}, "By hand")
	other := string(evidencetest.Image(99))
	w.running = []promotion.Running{{Environment: "prod", Application: shop, Workload: "Deployment/shop", Digest: other}}
	for range 2 { // the second look finds the same, and tells of nothing new
		w.must(p.lookAround(t.Context()))
	}
	l, err := p.Audit().Findings(t.Context(), api.Teams{Names: []string{team}}, api.Page{Limit: 10})
	w.must(err)
	if len(l.Items) != 2 || l.Items[0].Kind != "commit" || !strings.Contains(l.Items[0].Reason, "by ada") ||
		l.Items[1].Kind != "image" || l.Items[1].Object != "Deployment/shop" || l.Items[1].Since.IsZero() {
		t.Errorf("%+v", l.Items)
	}
	told := 0
	for _, e := range w.events {
		if strings.HasPrefix(e.Type, "finding.") {
			told++
		}
	}
	if told != 2 || measured(t, p, "slipway_findings", "prod", "undecided-image") != 1 {
		t.Errorf("%d findings are told of", told)
	}
	w.running[0].Digest = string(evidencetest.Image(1))
	w.must(p.lookAround(t.Context()))
	if len(p.found) != 1 {
		t.Errorf("%+v", p.found)
	}
	if again := w.start(); again.lookAround(t.Context()) != nil || len(again.found) != 1 {
		t.Errorf("another life of the server finds %+v", again.found)
	}
}

func TestPolicies_TestReplaysOverWhatTheGatesSaw(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	w.promote(p)
	stricter := strings.Replace(string(shipped.Default()), "number: 1", "number: 2", 1)
	span := api.PolicyTest{From: w.clock().Add(-24 * time.Hour), To: w.clock().Add(24 * time.Hour)}
	for gates, want := range map[string]int{string(shipped.Default()): 0, stricter: 1} {
		test := span
		test.Gates = gates
		got, err := p.Policies().Test(t.Context(), test)
		w.must(err)
		if got.Replayed != 1 || len(got.Changed) != want || len(got.Undecided) != 0 {
			t.Errorf("%+v", got)
		}
		if want == 1 && (got.Changed[0].Would != api.Refused || got.Changed[0].Gates[0].Name != "approvals") {
			t.Errorf("%+v", got.Changed)
		}
	}
	for gates, want := range map[string]string{"a": "", "kind: GatePolicy\napiVersion: slipway.dev/v1alpha1\nmetadata: {name: x}\nspec: {rule: 1}": "rule"} {
		test := span
		test.Gates = gates
		if _, err := p.Policies().Test(t.Context(), test); !errors.Is(err, api.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", gates, err)
		}
	}
}

func TestPolicy_OfTheRepositoryTakesThePlaceOfTheShipped(t *testing.T) {
	w := newWorld(t)
	w.write(Environments, mainBranch, map[string]string{"policies/default.yaml": `apiVersion: slipway.dev/v1alpha1
kind: GatePolicy
metadata: {name: default}
spec:
  description: Nothing but a freeze.
  rules:
    - environments: {names: ["prod"]}
      gates:
        - name: freeze
          description: No freeze window is open.
          expression: freezes.all(f, now < f.from || now >= f.until)
          messageExpression: "'frozen: ' + freezes.map(f, f.name).join(', ')"
`, "freezes.yaml": "freezes:\n- {name: holidays, environments: [prod], from: 2020-01-01T00:00:00Z, until: 2100-01-01T00:00:00Z}\n"}, "Own gates")
	p := w.start()
	opened := w.open(p)
	if gates(opened) != "freeze: fail: frozen: holidays" {
		t.Error(gates(opened))
	}
	w.write(Environments, mainBranch, map[string]string{"freezes.yaml": "freezes: [{name: x, form: y}]\n"}, "A mistake")
	if got := w.settle(p, opened.Number); !strings.Contains(gates(got), "freeze: not available") {
		t.Error(gates(got))
	}
	w.write(Environments, mainBranch, map[string]string{"freezes.yaml": "freezes: []\n"}, "None")
	if got := w.settle(p, opened.Number); got.State != api.PromotionMerged {
		t.Errorf("%s: %s", got.State, got.Reason)
	}
}

func TestPublisher_KeepsEachCheckpointOnce(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	w.promote(p)
	to := Publisher{Git: w.forge}
	c := w.log.Checkpoint()
	for range 2 {
		w.must(to.Publish(t.Context(), c))
	}
	log, err := w.forge.Log(t.Context(), Checkpoints, "", recordsBranch)
	w.must(err)
	f, err := w.forge.ReadFile(t.Context(), Checkpoints, recordsBranch, "checkpoint")
	w.must(err)
	if len(log) != 1 || !bytes.Equal(f.Data, c.Note) {
		t.Errorf("%d commits, %s", len(log), f.Data)
	}
	c.Note = bytes.Replace(c.Note, []byte("\n1\n"), []byte("\n1\nx"), 1)
	if err := to.Publish(t.Context(), c); err == nil || !strings.Contains(err.Error(), "another one of that size") {
		t.Error(err)
	}
}

func TestReadKeys_TheSameSecretsGiveTheSameKeys(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(DecisionsKey, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n")
	write(LogKey, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
	one, err := ReadKeys(dir, "console.example.com/audit")
	if err != nil {
		t.Fatal(err)
	}
	two, err := ReadKeys(dir, "console.example.com/audit")
	if err != nil || one.Trust.Logs[0] != two.Trust.Logs[0] || one.Decisions.PublicKey() != two.Decisions.PublicKey() {
		t.Errorf("%+v and %+v, %v", one.Trust, two.Trust, err)
	}
	const secret = "c2hvcnQ="
	write(LogKey, secret)
	if _, err := ReadKeys(dir, "x"); err == nil || strings.Contains(err.Error(), secret) || !strings.Contains(err.Error(), "32 random bytes") {
		t.Error(err)
	}
	if err := os.Remove(filepath.Join(dir, LogKey)); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadKeys(dir, "x"); err == nil {
		t.Error("a key that is missing is none")
	}
}

// TestRun_BringsPromotionsToTheirEnd lets the loop itself work.
func TestRun_BringsPromotionsToTheirEnd(t *testing.T) {
	w := newWorld(t)
	p := w.server(w.forge, w.log)
	p.o.Tick = 10 * time.Millisecond
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = p.Run(ctx) }()
	defer func() { stop(); <-ended }()
	eventually := func(what string, is func(api.PromotionSummary) bool) {
		t.Helper()
		for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
			l, err := p.Promotions(t.Context(), api.Teams{All: true}, api.PromotionQuery{}, api.Page{Limit: 5})
			if err == nil && len(l.Items) == 1 && is(l.Items[0]) {
				return
			}
		}
		t.Fatalf("not seen: %s", what)
	}
	for !p.ready() {
		time.Sleep(time.Millisecond)
	}
	w.open(p)
	eventually("open", func(s api.PromotionSummary) bool { return s.State == api.PromotionOpen })
	w.review(1, "grace", forge.Approved, "")
	p.Notify()
	eventually("merged", func(s api.PromotionSummary) bool { return s.State == api.PromotionMerged })
	w.roll(gate.Healthy)
	p.Notify()
	for range 20 {
		w.pass(10 * time.Second)
		time.Sleep(20 * time.Millisecond)
	}
	eventually("healthy", func(s api.PromotionSummary) bool { return s.State == api.PromotionHealthy })
}
