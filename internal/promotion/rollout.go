package promotion

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slipway-dev/slipway/internal/promotion/gate"
)

// merged brings a merged change to its end: healthy, rolled back, or overtaken by another.
func (s State) merged() Action {
	d, decided := s.toMerge()
	if !decided || d.Head != s.Change.Head {
		return Done{Bypassed, "merged with no decision for " + s.Change.Head}
	}
	if d.Outcome == BrokeGlass && s.confirmable() && !s.confirmed(d) {
		return s.append(Confirmed, s.BreakGlass.ConfirmedBy, "confirmed afterwards by a second person", &d.Index)
	}
	switch s.Rollout.Status.State {
	case Success, Failure:
		return s.finished(d)
	}
	if s.OfGates {
		return s.over(Status{Success, "in force"})
	}
	return s.rollout(d)
}

// finished is the end, save for a break-glass that nobody has confirmed.
func (s State) finished(d Decision) Action {
	if d.Outcome == BrokeGlass && !s.confirmed(d) {
		return Wait{For: fmt.Sprintf("a second person to confirm the break-glass of decision #%d", d.Index)}
	}
	if s.Rollout.Status.State == Failure {
		return Done{Reverted, s.Rollout.Status.Text}
	}
	return Done{Promoted, s.Rollout.Status.Text}
}

// confirmable says whether a second person has confirmed: neither who broke the glass nor an
// author of the change.
func (s State) confirmable() bool {
	by := ""
	if s.BreakGlass != nil {
		by = s.BreakGlass.ConfirmedBy
	}
	same := func(name string) bool { return strings.EqualFold(name, by) }
	return by != "" && !same(s.BreakGlass.By) && len(s.Authors) > 0 && !slices.ContainsFunc(s.Authors, same)
}

func (s State) confirmed(d Decision) bool {
	return slices.ContainsFunc(s.Log.Decisions, func(c Decision) bool {
		return c.Outcome == Confirmed && c.Refers != nil && *c.Refers == d.Index
	})
}

// rollout watches a rollout that is not over.
func (s State) rollout(d Decision) Action {
	r := s.Rollout
	back, rollsBack := inForce(s.Log.Decisions, func(b Decision) bool {
		return b.Outcome == RolledBack && b.Refers != nil && *b.Refers == d.Index
	})
	failure := s.failure()
	switch {
	case rollsBack && r.Revert != "":
		return s.over(Status{Failure, fmt.Sprintf("rolled back by %s, decision #%d", r.Revert, back.Index)})
	case rollsBack && r.Superseded:
		return s.withdraw(back, "a later change was merged")
	case rollsBack && s.healthy():
		return s.withdraw(back, "healthy after all")
	case rollsBack:
		return Revert{Commit: s.Change.Merge, Decision: back.Index}
	case r.Superseded || r.Revert != "":
		return s.over(Status{Success, "overtaken by a later change"})
	case s.healthy():
		return s.over(Status{Success, "healthy"})
	case failure != "":
		return s.append(RolledBack, "", failure, &d.Index)
	}
	return s.watch()
}

// over sets the rollout's status, which ends it.
func (s State) over(status Status) Action {
	status.Text = bounded(status.Text, maxStatus)
	return SetStatus{Context: Rolling, Commit: s.Change.Merge, Status: status}
}

func (s State) healthy() bool {
	r := s.Rollout
	return r.Synced && r.Health == gate.Healthy && !r.Since.IsZero() && s.Now.Sub(r.Since) >= s.Limits.Steady
}

// failure says why the rollout has failed; empty where it has not, or nothing is known.
func (s State) failure() string {
	r := s.Rollout
	why := ""
	if r.Reason != "" {
		why = ": " + r.Reason
	}
	switch {
	case r.Health != gate.HealthDegraded && r.Health != gate.HealthProgressing && (r.Health != gate.Healthy || r.Synced):
		return ""
	case r.Synced && r.Health == gate.HealthDegraded && !r.Since.IsZero() && s.Now.Sub(r.Since) >= s.Limits.Degraded:
		return fmt.Sprintf("degraded for %s%s", s.Limits.Degraded, why)
	case r.Started.IsZero() || s.Now.Sub(r.Started) < s.Limits.Healthy:
		return ""
	case !r.Synced:
		return fmt.Sprintf("not taken over within %s%s", s.Limits.Healthy, why)
	}
	return fmt.Sprintf("not healthy within %s%s", s.Limits.Healthy, why)
}

// watch says what is waited for, and when to look again though nothing changes.
func (s State) watch() Action {
	r := s.Rollout
	switch r.Health {
	case gate.Healthy, gate.HealthProgressing, gate.HealthDegraded:
	default:
		return Watch{Commit: s.Change.Merge, For: "the environment's health, which is not known"}
	}
	w := Watch{Commit: s.Change.Merge, For: "it to become healthy"}
	if !r.Started.IsZero() {
		w.Until = r.Started.Add(s.Limits.Healthy)
	}
	switch {
	case !r.Synced:
		w.For = "the environment to take it over"
	case r.Health == gate.Healthy:
		w.For, w.Until = "it to stay healthy", after(r.Since, s.Limits.Steady)
	case r.Health == gate.HealthDegraded:
		w.For, w.Until = "it to recover", earlier(w.Until, after(r.Since, s.Limits.Degraded))
	}
	return w
}

// after is a time and a while after it; zero stays zero.
func after(t time.Time, while time.Duration) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Add(while)
}

// earlier is the earlier of two times, of which zero is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
