package promotions

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-dev/slipway/internal/app"
	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/promotion"
	"github.com/slipway-dev/slipway/internal/promotion/gate"
	"github.com/slipway-dev/slipway/internal/server/api"
)

func gates(p api.Promotion) string {
	var out []string
	for _, g := range p.Gates {
		out = append(out, g.Name+": "+string(g.Verdict)+": "+g.Reason)
	}
	return strings.Join(out, "\n")
}

func TestPromotion_FromRequestToHealthy(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	opened := w.open(p)
	if opened.State != api.PromotionOpen || !strings.Contains(opened.Reason, "1 of 10 gates not passed: approvals") {
		t.Errorf("%s: %s\n%s", opened.State, opened.Reason, gates(opened))
	}
	if again := w.open(p); again.Number != opened.Number {
		t.Errorf("the same request opens %d beside %d", again.Number, opened.Number)
	}
	w.review(opened.Number, "grace", forge.Approved, "")
	merged := w.settle(p, opened.Number)
	if merged.State != api.PromotionMerged || w.outcomesOf(p) != "allowed" {
		t.Errorf("%s: %s; decisions %s", merged.State, merged.Reason, w.outcomesOf(p))
	}
	w.roll(gate.Healthy)
	w.settle(p, opened.Number)
	w.pass(time.Minute)
	done := w.settle(p, opened.Number)
	if len(done.Approvals) != 1 || !done.Approvals[0].Counts {
		t.Errorf("%+v", done.Approvals)
	}
	if done.State != api.PromotionHealthy || len(done.Gates) != 10 || done.Gates[0].Evidence[0].Summary == "" {
		t.Errorf("%s: %s\n%+v", done.State, done.Reason, done.Gates)
	}
	if diff := cmp.Diff([]string{"Promote shop to prod (#1)"}, w.history()); diff != "" {
		t.Error(diff)
	}
	if !p.remember(int(opened.Number)).done {
		t.Error("is looked at for ever")
	}
}

func TestPromotion_DescribesItselfToReviewers(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	w.promote(p)
	w.release()
	opened := w.open(p)
	pull, err := w.forge.PullRequest(t.Context(), Environments, int(opened.Number))
	w.must(err)
	for _, want := range []string{"**ada** asks to promote **shop** of team payments from **dev** to **prod**",
		"> Please look at *this*.", "/compare/", "Change 2 (Ada)", "slipway/gates"} {
		if !strings.Contains(pull.Body, want) {
			t.Errorf("%q is missing in:\n%s", want, pull.Body)
		}
	}
	if strings.Contains(pull.Body, "Change 1") {
		t.Errorf("lists what is in prod already:\n%s", pull.Body)
	}
	if opened.Previous == nil || !strings.Contains(opened.Diff, "+image: "+opened.Release.Image+"@"+opened.Release.Digest) {
		t.Errorf("%+v\n%s", opened.Previous, opened.Diff)
	}
}

func TestEvents_AReviewThatDoesNotCountIsNewsAndTimeAloneIsNot(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	opened := w.open(p)
	w.settle(p, opened.Number)
	changed := func() (n int) {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, e := range w.events {
			if e.Type == "promotion.changed" {
				n++
			}
		}
		return n
	}
	before := changed()
	w.pass(time.Second)
	w.settle(p, opened.Number)
	if n := changed(); n != before {
		t.Errorf("%d events, %d before: nothing has happened", n, before)
	}
	w.review(opened.Number, "ada", forge.Approved, "")
	w.settle(p, opened.Number)
	if n := changed(); n != before+1 {
		t.Errorf("%d events, %d before the review", n, before)
	}
}

func TestGates_NobodyApprovesOwnChange(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	opened, err := p.Open(t.Context(), actor("linus"), team, shop, toProd)
	w.must(err)
	for _, test := range []struct{ by, reason, gate string }{
		{"ada", "ada wrote some of the change", "ada wrote some of it, and cannot approve own change"},
		{"linus", "linus asked for the promotion", "linus asked for it, and cannot approve it"},
	} {
		w.review(opened.Number, test.by, forge.Approved, "")
		got := w.settle(p, opened.Number)
		if got.State != api.PromotionOpen || w.outcomesOf(p) != "" {
			t.Fatalf("%s: %s", got.State, got.Reason)
		}
		last := got.Approvals[len(got.Approvals)-1]
		if last.Counts || last.Reason != test.reason {
			t.Errorf("%+v", last)
		}
		for _, g := range got.Gates {
			if g.Name == "approvals" && (g.Verdict != api.Fail || !strings.Contains(g.Reason, test.gate) || g.Hint == "") {
				t.Errorf("%s: %s (%s)", g.Verdict, g.Reason, g.Hint)
			}
		}
	}
	for name, waits := range map[string]bool{"grace": true, "ada": false, "linus": false, "stranger": false} {
		p.listed = true
		l, err := p.Promotions(t.Context(), api.Teams{All: true}, api.PromotionQuery{Waiting: name}, api.Page{Limit: 10})
		w.must(err)
		if len(l.Items) == 1 != waits {
			t.Errorf("waits for %s: %d", name, len(l.Items))
		}
		for _, s := range l.Items {
			if s.Progress == nil || s.Progress.Passed+len(s.Progress.Waits) != s.Progress.Total ||
				!slices.ContainsFunc(s.Progress.Waits, func(w api.WaitingGate) bool { return w.Name == "approvals" }) {
				t.Errorf("progress in the list: %+v", s.Progress)
			}
		}
	}
}

func TestGates_AnAuthorWhoIsNotKnownStopsIt(t *testing.T) {
	w := newWorld(t)
	commits := []forge.LogEntry{{Account: "ada"}, {Author: forge.Person{Name: "Somebody", Email: "else@example.com"}}}
	if got := people(commits, nil); len(got) != 2 || got[0].Name != "" {
		t.Errorf("%+v", got)
	}
	if got := people(commits, []string{"Grace"}); len(got) != 3 || got[0].Name != "ada" || got[1].Name != "grace" {
		t.Errorf("%+v", got)
	}
	_ = w
}

func TestPromotion_FailedRolloutIsRolledBack(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	w.promote(p)
	before, err := w.forge.Tree(t.Context(), Environments, mainBranch, app.Folder("prod", shop))
	w.must(err)
	w.release()
	opened := w.open(p)
	w.review(opened.Number, "grace", forge.Approved, "")
	w.settle(p, opened.Number)
	w.roll(gate.HealthDegraded)
	w.settle(p, opened.Number)
	w.pass(2 * time.Minute)
	got := w.settle(p, opened.Number)
	if got.State != api.PromotionRolledBack || w.outcomesOf(p) != "allowed allowed rollback" {
		t.Errorf("%s: %s; %s", got.State, got.Reason, w.outcomesOf(p))
	}
	after, err := w.forge.Tree(t.Context(), Environments, mainBranch, app.Folder("prod", shop))
	w.must(err)
	if after != before {
		t.Errorf("the folder is %s, and was %s", after, before)
	}
	w.must(p.lookAround(t.Context()))
	if len(p.found) > 0 {
		t.Errorf("%+v", p.found)
	}
	d := p.decisions.every()[2]
	if !strings.Contains(d.Reason, "pod shop-1 restarts") || d.Restores == nil || d.Restores.ManifestsTree != before {
		t.Errorf("%+v", d.Decision)
	}
}

func TestPromotion_FirstOneThatFailsLeavesNothing(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	opened := w.open(p)
	w.review(opened.Number, "grace", forge.Approved, "")
	w.settle(p, opened.Number)
	w.roll(gate.HealthDegraded)
	w.settle(p, opened.Number)
	w.pass(2 * time.Minute)
	if got := w.settle(p, opened.Number); got.State != api.PromotionRolledBack {
		t.Fatalf("%s: %s", got.State, got.Reason)
	}
	if files, err := w.forge.ReadFolder(t.Context(), Environments, mainBranch, app.Folder("prod", shop)); err != nil || len(files) > 0 {
		t.Errorf("%d files, %v", len(files), err)
	}
	w.must(p.lookAround(t.Context()))
	if len(p.found) > 0 {
		t.Errorf("%+v", p.found)
	}
}

func TestPromotion_RejectionIsRecordedAndCloses(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	opened := w.open(p)
	w.review(opened.Number, "grace", forge.Rejected, "Not on a Friday.")
	got := w.settle(p, opened.Number)
	if got.State != api.PromotionRefused || w.outcomesOf(p) != "refused" {
		t.Errorf("%s: %s; %s", got.State, got.Reason, w.outcomesOf(p))
	}
	d := p.decisions.every()[0]
	if d.Actors.Decider.Name != "grace" || !strings.Contains(d.Reason, "Not on a Friday.") {
		t.Errorf("%+v", d.Decision)
	}
	if again := w.open(p); again.Number == opened.Number {
		t.Error("a refused promotion is opened again")
	}
}

func TestPromotion_WhatOthersPushIsNone(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	opened := w.open(p)
	w.review(opened.Number, "grace", forge.Approved, "")
	pull, err := w.forge.PullRequest(t.Context(), Environments, int(opened.Number))
	w.must(err)
	w.write(Environments, pull.Head, map[string]string{app.Folder("prod", shop) + "/manifests/extra.yaml": "kind: Secret\n"}, "More")
	got := w.settle(p, opened.Number)
	if got.State != api.PromotionOpen || !strings.Contains(got.Reason, "which is not Slipway's") || w.outcomesOf(p) != "" {
		t.Errorf("%s: %s; %s", got.State, got.Reason, w.outcomesOf(p))
	}
	// Asking again puts it right, and the approval of what was there before does not count.
	again := w.open(p)
	if again.Number != opened.Number || again.State != api.PromotionOpen || !strings.Contains(again.Reason, "approvals") {
		t.Errorf("%d %s: %s", again.Number, again.State, again.Reason)
	}
}

func TestPromotion_PullRequestOfAnotherIsNone(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	_, err := w.forge.Commit(t.Context(), Environments, forge.Commit{Branch: "mine", From: mainBranch, Message: "x",
		Changes: []forge.FileChange{{Path: app.Folder("prod", shop) + "/manifests/x.yaml", Data: []byte("x")}}})
	w.must(err)
	pull, err := w.forge.OpenPullRequest(t.Context(), Environments, forge.NewPullRequest{Base: mainBranch, Head: "mine", Title: "x"})
	w.must(err)
	w.review(int64(pull.Number), "grace", forge.Approved, "")
	a, err := p.step(t.Context(), pull.Number)
	w.must(err)
	if _, sets := a.(promotion.SetStatus); !sets || !strings.Contains(a.String(), "nobody asked Slipway") {
		t.Error(a)
	}
	if _, err := w.forge.Merge(t.Context(), Environments, forge.Merge{Number: pull.Number, HeadCommit: pull.HeadCommit}); !errors.Is(err,
		forge.ErrNotReady) {
		t.Error(err)
	}
}

func TestOpen_NewReleaseTakesThePlaceOfTheOlder(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	first := w.open(p)
	w.release()
	second := w.open(p)
	if second.Number == first.Number {
		t.Fatal("another release, and the same promotion")
	}
	if got := w.settle(p, first.Number); got.State != api.PromotionClosed {
		t.Errorf("%s: %s", got.State, got.Reason)
	}
}

func TestOpen_SaysWhyNot(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	w.promote(p)
	for _, test := range []struct {
		team, application string
		n                 api.NewPromotion
		want              string
		is                error
	}{
		{"others", shop, toProd, "application shop of team others", api.ErrNotFound},
		{team, "cart", toProd, "application cart", api.ErrNotFound},
		{team, shop, toProd, "is in prod already", api.ErrConflict},
		{team, shop, api.NewPromotion{From: "prod", To: "dev"}, "does not come later", nil},
		{team, shop, api.NewPromotion{From: "dev", To: "moon"}, `does not go through an environment "moon"`, nil},
	} {
		_, err := p.Open(t.Context(), actor("ada"), test.team, test.application, test.n)
		if err == nil || !strings.Contains(err.Error(), test.want) || test.is != nil && !errors.Is(err, test.is) {
			t.Errorf("%+v: %v", test.n, err)
		}
	}
	w.release()
	other := toProd
	other.Release = "sha256:" + strings.Repeat("0", 64)
	if _, err := p.Open(t.Context(), actor("ada"), team, shop, other); err == nil || !strings.Contains(err.Error(), "runs there") {
		t.Error(err)
	}
}

func TestGates_SoakWaitsForAHealthyTime(t *testing.T) {
	w := newWorld(t)
	o, _ := w.health.Observe(t.Context(), "dev", shop)
	o.Since = time.Time{} // the environment does not tell: it counts from when it was first seen
	w.health.set("dev", o)
	p := w.start()
	opened := w.open(p)
	if !strings.Contains(gates(opened), "soak: fail: healthy in dev for 0s") {
		t.Error(gates(opened))
	}
	w.pass(time.Minute)
	w.settle(p, opened.Number)
	w.pass(90 * time.Second)
	if got := w.settle(p, opened.Number); !strings.Contains(gates(got), "soak: pass") {
		t.Error(gates(got))
	}
	w.pass(time.Hour) // nobody looked
	if got := w.settle(p, opened.Number); !strings.Contains(gates(got), "soak: fail") {
		t.Error(gates(got))
	}
}

// Nothing on the Git server tells that a roll-out has become healthy.
func TestPromotions_ARolloutIsLookedAtWithEachTick(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	opened := w.open(p)
	w.review(opened.Number, "grace", forge.Approved, "")
	p.sweep(t.Context(), true)
	w.roll(gate.HealthProgressing)
	p.all()
	p.sweep(t.Context(), false)
	w.roll(gate.Healthy)
	for range 3 {
		w.pass(p.o.Tick)
		p.sweep(t.Context(), false)
	}
	out, err := p.Promotion(t.Context(), team, shop, opened.Number)
	w.must(err)
	if out.State != api.PromotionHealthy {
		t.Errorf("%s: %s", out.State, out.Reason)
	}
}
