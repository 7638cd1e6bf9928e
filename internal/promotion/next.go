package promotion

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/slipway-dev/slipway/internal/promotion/gate"
)

// Next gives the one action that brings a promotion on from what is seen. The same state always
// gives the same action; a state that the action has been carried out on gives another, until
// there is nothing to do but to wait, to watch, or to be done.
func Next(s State) Action {
	switch {
	case s.Change.Head == "":
		return Wait{For: "the pull request's head, which is not known"}
	case s.Change.State == Merged && s.Change.Merge == "":
		return Wait{For: "the merge commit, which is not known"}
	}
	if a := s.logFirst(); a != nil {
		return a
	}
	switch s.Change.State {
	case Open:
		return s.open()
	case Merged:
		return s.merged()
	case Closed:
		return s.closed()
	}
	return Wait{For: "the pull request's state, which is not known"}
}

// logFirst says what to do where the log is not there to be relied upon; nil where it is.
func (s State) logFirst() Action {
	if !s.Log.Readable {
		why := "the decision log, which cannot be read"
		if s.Log.Problem != "" {
			why += ": " + s.Log.Problem
		}
		if s.Change.State == Open {
			return s.status(Status{Pending, "waiting for " + why}, Wait{For: why})
		}
		return Wait{For: why}
	}
	for _, d := range s.Log.Decisions {
		if !d.Integrated {
			return Wait{For: fmt.Sprintf("the log to integrate decision #%d", d.Index)}
		}
	}
	return nil
}

// open brings a pull request towards its merge.
func (s State) open() Action {
	d, decided := s.toMerge()
	if decided {
		if why := s.lapsed(d); why != "" {
			return s.withdraw(d, why)
		}
	}
	switch {
	case s.Refusal != nil:
		return s.refuse()
	case s.Change.Problem != "":
		return s.status(Status{Failure, "not a promotion: " + s.Change.Problem}, Wait{For: "a change that is a promotion"})
	case decided && (s.allows() || d.Outcome == BrokeGlass):
		text := fmt.Sprintf("%s by decision #%d", d.Outcome, d.Index)
		return s.status(Status{Success, text}, Merge{Head: s.Change.Head, Decision: d.Index})
	case s.allows():
		return s.append(Allowed, "", "all gates are passed or waived", nil)
	case s.glassBroken():
		return s.append(BrokeGlass, s.BreakGlass.By, s.BreakGlass.Reason, nil)
	case !s.judged():
		text := "the gates are being evaluated"
		if s.Unjudged != "" {
			text = "the gates cannot be evaluated: " + s.Unjudged
		}
		return s.status(Status{Pending, text}, Wait{For: "the gates' evaluation"})
	}
	return s.blocked()
}

// judged says whether there is a report about the very head that is open.
func (s State) judged() bool {
	r := s.Report
	return r != nil && s.Change.Head != "" && s.Release != "" && r.Head == s.Change.Head && r.Promotion == s.ID &&
		r.Environment == s.Environment && r.Release == s.Release
}

func (s State) allows() bool { return s.judged() && s.Report.Outcome == gate.Allowed }

// glassBroken says whether a break-glass is asked for that may be: for this head, with a reason.
func (s State) glassBroken() bool {
	b := s.BreakGlass
	return b != nil && b.By != "" && strings.TrimSpace(b.Reason) != "" && s.Change.Head != "" && b.Head == s.Change.Head
}

// toMerge gives the decision by which the change may be merged, if one is in force.
func (s State) toMerge() (Decision, bool) {
	return inForce(s.Log.Decisions, func(d Decision) bool { return d.Outcome == Allowed || d.Outcome == BrokeGlass })
}

// inForce gives the last of some decisions that is not withdrawn.
func inForce(all []Decision, is func(Decision) bool) (Decision, bool) {
	withdrawn := map[uint64]bool{}
	for _, d := range all {
		if d.Outcome == Withdrawn && d.Refers != nil {
			withdrawn[*d.Refers] = true
		}
	}
	for _, d := range slices.Backward(all) {
		if is(d) && !withdrawn[d.Index] {
			return d, true
		}
	}
	return Decision{}, false
}

// lapsed says why a decision to merge must not be carried out any more; empty where it may, or
// where that is not known at the moment.
func (s State) lapsed(d Decision) string {
	switch {
	case d.Head != s.Change.Head:
		return "a later commit was pushed"
	case s.Change.Problem != "":
		return "the change is not a promotion: " + s.Change.Problem
	case s.Refusal != nil:
		return "refused by " + s.Refusal.By
	case d.Outcome == Allowed && s.glassBroken() && !s.allows():
		return "the glass is to be broken instead"
	case d.Outcome == BrokeGlass && !s.glassBroken():
		return "the request to break the glass was taken back"
	case d.Outcome == Allowed && s.judged() && !s.allows():
		return "no longer passed: " + strings.Join(s.notPassed(), ", ")
	}
	return ""
}

// notPassed are the gates that do not let the promotion through.
func (s State) notPassed() []string {
	var names []string
	for _, r := range s.Report.Results {
		if r.Status != gate.Pass && r.Status != gate.Waived {
			names = append(names, r.Gate)
		}
	}
	if len(names) == 0 {
		return []string{s.Report.Reason}
	}
	return names
}

// blocked shows which gates are in the way.
func (s State) blocked() Action {
	names := s.notPassed()
	gates := len(s.Report.Results)
	state, text := Failure, fmt.Sprintf("%d of %d gates not passed: %s", len(names), gates, strings.Join(names, ", "))
	if gates == 0 {
		text = s.Report.Reason
	}
	if s.Report.Outcome == gate.Unavailable {
		state = Pending
	}
	if s.BreakGlass != nil && s.BreakGlass.Head == s.Change.Head {
		text = "breaking the glass needs a name and a reason; " + text
	}
	return s.status(Status{state, text}, Wait{For: strings.Join(names, ", ")})
}

func (s State) refuse() Action {
	reason := fmt.Sprintf("refused by %s: %s", s.Refusal.By, s.Refusal.Reason)
	if !s.refused() {
		return s.append(Refused, s.Refusal.By, reason, nil)
	}
	return s.status(Status{Failure, reason}, Close{Reason: reason})
}

// refused says whether the refusal of this head is in the log.
func (s State) refused() bool {
	return slices.ContainsFunc(s.Log.Decisions, func(d Decision) bool {
		return d.Outcome == Refused && d.Head == s.Change.Head
	})
}

// closed tidies up after a pull request that was not merged.
func (s State) closed() Action {
	if d, decided := s.toMerge(); decided {
		return s.withdraw(d, "closed without having been merged")
	}
	if s.Refusal != nil {
		if !s.refused() {
			return s.append(Refused, s.Refusal.By, fmt.Sprintf("refused by %s: %s", s.Refusal.By, s.Refusal.Reason), nil)
		}
		return Done{Abandoned, "refused by " + s.Refusal.By}
	}
	return Done{Abandoned, "closed without having been merged"}
}

// Bounds on texts in characters: that of a status as forges have it, that of a reason in the log.
const (
	maxStatus = 140
	maxReason = 1000
)

// status sets the required status where it is another, and goes on with the next action where it
// is this one.
func (s State) status(want Status, next Action) Action {
	want.Text = bounded(want.Text, maxStatus)
	if s.Change.Status == want {
		return next
	}
	return SetStatus{Context: Gates, Commit: s.Change.Head, Status: want}
}

// bounded puts a text on one line of at most some characters.
func bounded(text string, most int) string {
	text = strings.Join(strings.Fields(text), " ")
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}

func (s State) withdraw(d Decision, why string) Action { return s.append(Withdrawn, "", why, &d.Index) }

// append drafts a decision. Its key hangs on what the log held before, so that the same
// question gets the same key, and a later decision of the same kind another.
func (s State) append(outcome Outcome, by, reason string, refers *uint64) Action {
	d := Draft{
		Key:     fmt.Sprintf("%s %d %s %s", s.ID, len(s.Log.Decisions), outcome, s.Change.Head),
		Outcome: outcome, Promotion: s.ID, Application: s.Application, Environment: s.Environment,
		Release: s.Release, Head: s.Change.Head, Tree: s.Tree, By: by, Reason: bounded(reason, maxReason), Refers: refers,
	}
	if outcome == RolledBack {
		d.Restores = &s.Rollout.Before
	}
	if s.Change.State == Open && s.judged() {
		d.Report = s.Report
	}
	return Append{d}
}
