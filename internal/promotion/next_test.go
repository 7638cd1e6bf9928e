package promotion

import (
	"strings"
	"testing"
	"time"

	"github.com/slipway-dev/slipway/internal/promotion/gate"
)

// seen is an open promotion whose gates are as given, with nothing in the log.
func seen(outcome gate.Outcome, results ...gate.GateResult) State {
	return State{
		ID: "env#1", Application: "shop", Environment: "prod", Release: "sha256:1", Tree: "t1", Requester: "rita",
		Authors: []string{"anna"}, Now: noon, Limits: DefaultLimits(), Log: Log{Readable: true},
		Change: Change{State: Open, Head: "h1"},
		Report: &gate.Report{Promotion: "env#1", Environment: "prod", Release: "sha256:1", Head: "h1", Outcome: outcome, Results: results},
	}
}

func decided(index uint64, outcome Outcome, head string, refers ...uint64) Decision {
	d := Decision{Index: index, Outcome: outcome, Head: head, Integrated: true}
	if len(refers) > 0 {
		d.Refers = &refers[0]
	}
	return d
}

// mergedBy is a promotion that decision #5 has merged ten seconds ago.
func mergedBy(outcome Outcome) State {
	s := seen(gate.Allowed)
	s.Change = Change{State: Merged, Head: "h1", Merge: "m1"}
	s.Log.Decisions = []Decision{decided(5, outcome, "h1")}
	s.Rollout = Rollout{Synced: true, Health: gate.HealthProgressing, Since: noon.Add(-10 * time.Second), Started: noon.Add(-10 * time.Second)}
	return s
}

func TestNext(t *testing.T) {
	missing := gate.GateResult{Gate: "approvals", Status: gate.Fail, Reason: "0 of 1"}
	passed := gate.GateResult{Gate: "tests", Status: gate.Pass}
	for _, tc := range []struct {
		name   string
		from   State
		change func(*State)
		want   string
	}{
		{"gates fail", seen(gate.Refused, passed, missing), nil, "set slipway/gates of h1 to failure: 1 of 2 gates not passed: approvals"},
		{"gates fail, and that is shown", seen(gate.Refused, passed, missing), func(s *State) {
			s.Change.Status = Status{Failure, "1 of 2 gates not passed: approvals"}
		}, "wait for approvals"},
		{"a gate is not available", seen(gate.Unavailable, gate.GateResult{Gate: "soak", Status: gate.NotAvailable}), nil,
			"set slipway/gates of h1 to pending: 1 of 1 gates not passed: soak"},
		{"not governed", seen(gate.Unavailable), func(s *State) { s.Report.Reason = "no gates for prod" },
			"set slipway/gates of h1 to pending: no gates for prod"},
		{"not evaluated", seen(gate.Allowed), func(s *State) { s.Report = nil },
			"set slipway/gates of h1 to pending: the gates are being evaluated"},
		{"evaluated over another head", seen(gate.Allowed), func(s *State) { s.Report.Head = "h0" },
			"set slipway/gates of h1 to pending: the gates are being evaluated"},
		{"evaluated over another release", seen(gate.Allowed), func(s *State) { s.Report.Release = "sha256:2" },
			"set slipway/gates of h1 to pending: the gates are being evaluated"},
		{"evaluated for another environment", seen(gate.Allowed), func(s *State) { s.Report.Environment = "dev" },
			"set slipway/gates of h1 to pending: the gates are being evaluated"},
		{"not a promotion", seen(gate.Allowed), func(s *State) { s.Change.Problem = "README.md is not the application's" },
			"set slipway/gates of h1 to failure: not a promotion: README.md is not the application's"},
		{"allowed: first the log", seen(gate.Allowed, passed), nil, "append decision: allowed: all gates are passed or waived"},
		{"allowed, but no log", seen(gate.Allowed, passed), func(s *State) { s.Log = Log{Problem: "disk full"} },
			"set slipway/gates of h1 to pending: waiting for the decision log, which cannot be read: disk full"},
		{"logged, not integrated", seen(gate.Allowed), func(s *State) { s.Log.Decisions = []Decision{{Index: 5, Outcome: Allowed, Head: "h1"}} },
			"wait for the log to integrate decision #5"},
		{"integrated: then the status", seen(gate.Allowed), func(s *State) { s.Log.Decisions = []Decision{decided(5, Allowed, "h1")} },
			"set slipway/gates of h1 to success: allowed by decision #5"},
		{"then the merge", seen(gate.Allowed), func(s *State) {
			s.Log.Decisions = []Decision{decided(5, Allowed, "h1")}
			s.Change.Status = Status{Success, "allowed by decision #5"}
		}, "merge h1 by decision #5"},
		{"pushed in between", seen(gate.Allowed), func(s *State) { s.Log.Decisions = []Decision{decided(5, Allowed, "h0")} },
			"append decision: withdrawn #5: a later commit was pushed"},
		{"an approval lost in between", seen(gate.Refused, missing), func(s *State) { s.Log.Decisions = []Decision{decided(5, Allowed, "h1")} },
			"append decision: withdrawn #5: no longer passed: approvals"},
		{"gates unknown in between", seen(gate.Allowed), func(s *State) {
			s.Log.Decisions = []Decision{decided(5, Allowed, "h1")}
			s.Report = nil
		}, "set slipway/gates of h1 to pending: the gates are being evaluated"},
		{"withdrawn, and allowed again", seen(gate.Allowed), func(s *State) {
			s.Log.Decisions = []Decision{decided(5, Allowed, "h1"), decided(6, Withdrawn, "h1", 5)}
		}, "append decision: allowed: all gates are passed or waived"},
		{"refused by a person", seen(gate.Allowed), func(s *State) { s.Refusal = &Refusal{"olga", "not today"} },
			"append decision: refused: refused by olga: not today"},
		{"refused and logged", seen(gate.Allowed), func(s *State) {
			s.Refusal, s.Log.Decisions = &Refusal{"olga", "not today"}, []Decision{decided(5, Refused, "h1")}
			s.Change.Status = Status{Failure, "refused by olga: not today"}
		}, "close: refused by olga: not today"},
		{"refused after it was allowed", seen(gate.Allowed), func(s *State) {
			s.Refusal, s.Log.Decisions = &Refusal{"olga", "not today"}, []Decision{decided(5, Allowed, "h1")}
		}, "append decision: withdrawn #5: refused by olga"},
		{"break-glass", seen(gate.Refused, missing), func(s *State) { s.BreakGlass = &BreakGlass{By: "paul", Reason: "shop is down", Head: "h1"} },
			"append decision: break-glass: shop is down"},
		{"break-glass without a log", seen(gate.Refused, missing), func(s *State) {
			s.BreakGlass, s.Log.Readable = &BreakGlass{By: "paul", Reason: "shop is down", Head: "h1"}, false
		}, "set slipway/gates of h1 to pending: waiting for the decision log, which cannot be read"},
		{"break-glass without a reason", seen(gate.Refused, missing), func(s *State) { s.BreakGlass = &BreakGlass{By: "paul", Reason: " ", Head: "h1"} },
			"set slipway/gates of h1 to failure: breaking the glass needs a name and a reason; 1 of 1 gates not passed: approvals"},
		{"break-glass for another head", seen(gate.Refused, missing), func(s *State) { s.BreakGlass = &BreakGlass{By: "paul", Reason: "x", Head: "h0"} },
			"set slipway/gates of h1 to failure: 1 of 1 gates not passed: approvals"},
		{"break-glass is not needed", seen(gate.Allowed), func(s *State) { s.BreakGlass = &BreakGlass{By: "paul", Reason: "x", Head: "h1"} },
			"append decision: allowed: all gates are passed or waived"},
		{"break-glass where gates are not known, after it was allowed", seen(gate.Allowed), func(s *State) {
			s.Log.Decisions, s.Report = []Decision{decided(5, Allowed, "h1")}, nil
			s.BreakGlass = &BreakGlass{By: "paul", Reason: "x", Head: "h1"}
		}, "append decision: withdrawn #5: the glass is to be broken instead"},
		{"break-glass taken back", seen(gate.Refused, missing), func(s *State) { s.Log.Decisions = []Decision{decided(5, BrokeGlass, "h1")} },
			"append decision: withdrawn #5: the request to break the glass was taken back"},
		{"closed", seen(gate.Refused), func(s *State) { s.Change.State = Closed }, "done: closed: closed without having been merged"},
		{"closed after it was allowed", seen(gate.Allowed), func(s *State) {
			s.Change.State, s.Log.Decisions = Closed, []Decision{decided(5, Allowed, "h1")}
		}, "append decision: withdrawn #5: closed without having been merged"},
		{"nothing is known", State{}, nil, "wait for the pull request's head, which is not known"},

		{"merged", mergedBy(Allowed), nil, "watch m1 for it to become healthy, at the latest until 2026-03-02T12:09:50Z"},
		{"merged, and not taken over", mergedBy(Allowed), func(s *State) { s.Rollout.Synced = false },
			"watch m1 for the environment to take it over, at the latest until 2026-03-02T12:09:50Z"},
		{"merged, and nothing is known", mergedBy(Allowed), func(s *State) { s.Rollout.Health = "" },
			"watch m1 for the environment's health, which is not known"},
		{"nothing has been known for long", mergedBy(Allowed), func(s *State) { s.Rollout.Health, s.Now = gate.HealthUnknown, noon.Add(time.Hour) },
			"watch m1 for the environment's health, which is not known"},
		{"just healthy", mergedBy(Allowed), func(s *State) { s.Rollout.Health, s.Rollout.Since = gate.Healthy, noon },
			"watch m1 for it to stay healthy, at the latest until 2026-03-02T12:00:10Z"},
		{"healthy, but of the release before", mergedBy(Allowed), func(s *State) { s.Rollout.Health, s.Rollout.Synced = gate.Healthy, false },
			"watch m1 for the environment to take it over, at the latest until 2026-03-02T12:09:50Z"},
		{"healthy", mergedBy(Allowed), func(s *State) { s.Rollout.Health = gate.Healthy }, "set slipway/rollout of m1 to success: healthy"},
		{"just degraded", mergedBy(Allowed), func(s *State) { s.Rollout.Health = gate.HealthDegraded },
			"watch m1 for it to recover, at the latest until 2026-03-02T12:00:50Z"},
		{"degraded", mergedBy(Allowed), func(s *State) {
			s.Rollout.Health, s.Rollout.Reason, s.Now = gate.HealthDegraded, "crash loop", noon.Add(time.Minute)
		}, "append decision: rollback #5: degraded for 1m0s: crash loop"},
		{"never healthy", mergedBy(Allowed), func(s *State) { s.Now = noon.Add(time.Hour) }, "append decision: rollback #5: not healthy within 10m0s"},
		{"never taken over", mergedBy(Allowed), func(s *State) { s.Now, s.Rollout.Synced = noon.Add(time.Hour), false },
			"append decision: rollback #5: not taken over within 10m0s"},
		{"rollback decided", mergedBy(Allowed), func(s *State) { s.Log.Decisions = append(s.Log.Decisions, decided(6, RolledBack, "h1", 5)) },
			"revert m1 by decision #6"},
		{"rollback decided, and healthy", mergedBy(Allowed), func(s *State) {
			s.Log.Decisions = append(s.Log.Decisions, decided(6, RolledBack, "h1", 5))
			s.Rollout.Health = gate.Healthy
		}, "append decision: withdrawn #6: healthy after all"},
		{"rollback decided, and superseded", mergedBy(Allowed), func(s *State) {
			s.Log.Decisions = append(s.Log.Decisions, decided(6, RolledBack, "h1", 5))
			s.Rollout.Superseded = true
		}, "append decision: withdrawn #6: a later change was merged"},
		{"reverted", mergedBy(Allowed), func(s *State) {
			s.Log.Decisions = append(s.Log.Decisions, decided(6, RolledBack, "h1", 5))
			s.Rollout.Revert = "r1"
		}, "set slipway/rollout of m1 to failure: rolled back by r1, decision #6"},
		{"superseded", mergedBy(Allowed), func(s *State) { s.Rollout.Superseded = true },
			"set slipway/rollout of m1 to success: overtaken by a later change"},
		{"reverted by hand", mergedBy(Allowed), func(s *State) { s.Rollout.Revert = "r1" },
			"set slipway/rollout of m1 to success: overtaken by a later change"},
		{"over, and degraded later", mergedBy(Allowed), func(s *State) {
			s.Rollout.Status = Status{Success, "healthy"}
			s.Rollout.Health, s.Now = gate.HealthDegraded, noon.Add(time.Hour)
		}, "done: promoted: healthy"},
		{"rolled back", mergedBy(Allowed), func(s *State) { s.Rollout.Status = Status{Failure, "rolled back by r1"} },
			"done: rolled-back: rolled back by r1"},
		{"merged without a log to read", mergedBy(Allowed), func(s *State) { s.Log.Readable = false },
			"wait for the decision log, which cannot be read"},
		{"merged by somebody else", mergedBy(Allowed), func(s *State) { s.Log.Decisions = nil },
			"done: bypassed: merged with no decision for h1"},
		{"merged by somebody else, with another head", mergedBy(Allowed), func(s *State) { s.Log.Decisions[0].Head = "h0" },
			"done: bypassed: merged with no decision for h1"},
		{"merged after the decision was withdrawn", mergedBy(Allowed), func(s *State) {
			s.Log.Decisions = append(s.Log.Decisions, decided(6, Withdrawn, "h1", 5))
		}, "done: bypassed: merged with no decision for h1"},

		{"glass broken, healthy", mergedBy(BrokeGlass), func(s *State) {
			s.BreakGlass, s.Rollout.Status = &BreakGlass{By: "paul", Reason: "x", Head: "h1"}, Status{Success, "healthy"}
		}, "wait for a second person to confirm the break-glass of decision #5"},
		{"confirmed by the same person", mergedBy(BrokeGlass), func(s *State) {
			s.BreakGlass = &BreakGlass{By: "paul", Reason: "x", Head: "h1", ConfirmedBy: "Paul"}
			s.Rollout.Status = Status{Success, "healthy"}
		}, "wait for a second person to confirm the break-glass of decision #5"},
		{"confirmed by an author", mergedBy(BrokeGlass), func(s *State) {
			s.BreakGlass = &BreakGlass{By: "paul", Reason: "x", Head: "h1", ConfirmedBy: "anna"}
			s.Rollout.Status = Status{Success, "healthy"}
		}, "wait for a second person to confirm the break-glass of decision #5"},
		{"confirmed by a second person", mergedBy(BrokeGlass), func(s *State) {
			s.BreakGlass = &BreakGlass{By: "paul", Reason: "x", Head: "h1", ConfirmedBy: "olga"}
		}, "append decision: confirmed #5: confirmed afterwards by a second person"},
		{"confirmed and logged", mergedBy(BrokeGlass), func(s *State) {
			s.BreakGlass = &BreakGlass{By: "paul", Reason: "x", Head: "h1", ConfirmedBy: "olga"}
			s.Log.Decisions = append(s.Log.Decisions, decided(6, Confirmed, "h1", 5))
			s.Rollout.Status = Status{Success, "healthy"}
		}, "done: promoted: healthy"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := tc.from
			if tc.change != nil {
				tc.change(&s)
			}
			if got := Next(s).String(); got != tc.want {
				t.Errorf("\ngot  %s\nwant %s", got, tc.want)
			}
		})
	}
}

func TestNext_BoundsTexts(t *testing.T) {
	s := seen(gate.Allowed)
	s.Change.Problem = strings.Repeat("é\n", 1000)
	a, ok := Next(s).(SetStatus)
	if !ok || len([]rune(a.Status.Text)) != maxStatus || strings.Contains(a.Status.Text, "\n") {
		t.Errorf("%q", a.Status.Text)
	}
	s.Change.Status = a.Status
	if _, waits := Next(s).(Wait); !waits {
		t.Errorf("the same text is set again: %s", Next(s))
	}
	s = seen(gate.Refused)
	s.BreakGlass = &BreakGlass{By: "paul", Reason: strings.Repeat("x ", 10_000), Head: "h1"}
	if d, ok := Next(s).(Append); !ok || len([]rune(d.Reason)) != maxReason {
		t.Errorf("%.100s", Next(s))
	}
}

func TestNext_DraftsSayWhatIsDecided(t *testing.T) {
	s := mergedBy(Allowed)
	s.Rollout.Before = Version{"sha256:0", "t0"}
	s.Now = noon.Add(time.Hour)
	back, ok := Next(s).(Append)
	if !ok || back.Restores == nil || *back.Restores != s.Rollout.Before || back.Release != "sha256:1" || back.Report != nil {
		t.Errorf("%+v", back)
	}
	first, ok := Next(seen(gate.Allowed)).(Append)
	if !ok || first.Report == nil || first.Tree != "t1" || first.Head != "h1" || first.Environment != "prod" || first.Application != "shop" {
		t.Errorf("%+v", first)
	}
	s = seen(gate.Allowed)
	s.Log.Decisions = []Decision{decided(5, Allowed, "h1"), decided(6, Withdrawn, "h1", 5)}
	if again, ok := Next(s).(Append); !ok || again.Key == first.Key {
		t.Errorf("a second decision has the key of the first: %q", again.Key)
	}
}
