//go:build integration

package promotions

import (
	"context"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/app/gitea"
	"github.com/slipway-dev/slipway/internal/app/gitea/giteatest"
	"github.com/slipway-dev/slipway/internal/audit"
	"github.com/slipway-dev/slipway/internal/audit/audittest"
	"github.com/slipway-dev/slipway/internal/audit/tlog"
	"github.com/slipway-dev/slipway/internal/evidence/evidencetest"
	"github.com/slipway-dev/slipway/internal/promotion"
	"github.com/slipway-dev/slipway/internal/promotion/gate"
	"github.com/slipway-dev/slipway/internal/server/api"
)

// real is the world on a real Git server and a log on disk.
func real(t *testing.T) (*world, gitea.Access, tlog.Options) {
	t.Helper()
	access := giteatest.Start(t)
	f := gitea.New(access)
	signer, verifier := audittest.LogSigner(t, audittest.Origin)
	o := tlog.Options{Dir: t.TempDir(), Signer: signer, Verifiers: []note.Verifier{verifier}, Keys: audittest.Keyring(t),
		Publisher: Publisher{Git: f}}
	return furnish(t, f, openLog(t, o)), access, o
}

func openLog(t *testing.T, o tlog.Options) *tlog.Log {
	t.Helper()
	l, err := tlog.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		_ = l.Close(ctx) // some tests have closed it already
	})
	return l
}

// TestPromotion_OnARealGitServerAndLog promotes, rolls back, and proves it, with the server killed between the log and
// the merge, and the log opened anew.
func TestPromotion_OnARealGitServerAndLog(t *testing.T) {
	w, access, o := real(t)
	p := w.start()
	opened := w.open(p)
	if opened.State != api.PromotionOpen || len(opened.Gates) != 10 {
		t.Fatalf("%s: %s\n%s", opened.State, opened.Reason, gates(opened))
	}
	if again := w.open(p); again.Number != opened.Number {
		t.Fatalf("promotions %d and %d", opened.Number, again.Number)
	}
	w.review(opened.Number, "grace", forge.Approved, "")

	// Others can neither push nor merge, not even an administrator by mistake.
	as := access
	as.Username = "grace"
	grace := gitea.New(as)
	if _, err := grace.Merge(t.Context(), Environments, forge.Merge{Number: int(opened.Number), HeadCommit: headOf(w, opened)}); err == nil {
		t.Fatal("grace merged by herself")
	}

	// The server is killed when the decision is in the log, and nothing is merged yet.
	for {
		a, err := p.step(t.Context(), int(opened.Number))
		w.must(err)
		if _, appended := a.(promotion.Append); appended {
			break
		}
	}
	w.must(w.log.(*tlog.Log).Close(t.Context()))
	w.log = openLog(t, o)
	p = w.start()
	if got := w.settle(p, opened.Number); got.State != api.PromotionMerged || w.outcomesOf(p) != "allowed" {
		t.Fatalf("%s: %s; %s", got.State, got.Reason, w.outcomesOf(p))
	}
	w.roll(gate.Healthy)
	w.settle(p, opened.Number)
	w.pass(time.Minute)
	if got := w.settle(p, opened.Number); got.State != api.PromotionHealthy {
		t.Fatalf("%s: %s", got.State, got.Reason)
	}

	w.release()
	next := w.open(p)
	w.review(next.Number, "grace", forge.Approved, "")
	w.settle(p, next.Number)
	w.roll(gate.HealthDegraded)
	w.settle(p, next.Number)
	w.pass(2 * time.Minute)
	if got := w.settle(p, next.Number); got.State != api.PromotionRolledBack || w.outcomesOf(p) != "allowed allowed rollback" {
		t.Fatalf("%s: %s; %s", got.State, got.Reason, w.outcomesOf(p))
	}
	w.must(p.lookAround(t.Context()))
	if len(p.found) > 0 {
		t.Errorf("%+v", p.found)
	}
	bundle, err := audit.Export(t.Context(), w.log, w.trust)
	w.must(err)
	report, err := audit.Verify(bundle, w.trust, audit.Known{Running: []audit.Running{{Application: team + "/" + shop,
		Environment: "prod", Image: evidencetest.Image(1)}}})
	w.must(err)
	if len(report.Findings) > 0 {
		t.Errorf("%+v", report.Findings)
	}
	published(t, w)
}

func headOf(w *world, p api.Promotion) string {
	w.Helper()
	pull, err := w.forge.PullRequest(w.Context(), Environments, int(p.Number))
	w.must(err)
	return pull.HeadCommit
}

// published waits until the newest checkpoint stands in its repository.
func published(t *testing.T, w *world) {
	t.Helper()
	want := w.log.Checkpoint()
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		f, err := w.forge.ReadFile(t.Context(), Checkpoints, recordsBranch, "checkpoint")
		if err == nil && string(f.Data) == string(want.Note) {
			return
		}
		if time.Now().After(end) {
			_, problem := w.log.(*tlog.Log).Published()
			t.Fatalf("%s, %v; %v", f.Data, err, problem)
		}
	}
}
