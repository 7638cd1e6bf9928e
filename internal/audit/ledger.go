package audit

import (
	"fmt"
	"strings"

	"github.com/slipway-dev/slipway/internal/evidence"
)

// Receipt says where a decision stands in the log.
type Receipt struct {
	Index uint64
	// Checkpoint is signed and commits to the decision.
	Checkpoint Checkpoint
	// Known says that the decision was there already.
	Known bool
}

// Ledger knows which decisions a log holds and how they stand to each other, so that none gets in twice. It is filled
// in the order of the log, and is not safe for concurrent use. The zero value is empty and ready.
type Ledger struct {
	decisions map[string]*recorded
	entries   map[uint64]*recorded
	// ahead maps promotions to the decision that lets them be carried out, unless that was withdrawn.
	ahead map[string]*recorded
}

// recorded is what is kept of a decision.
type recorded struct {
	index     uint64
	payload   evidence.Digest
	promotion string
	outcome   evidence.Outcome
	decider   string
	// later are the decisions that refer to this one, by outcome.
	later map[evidence.Outcome]uint64
}

// ReplayError is about a decision that would stand in the log for a second time.
type ReplayError struct {
	Decision, Promotion string
	// Index is the entry that was first.
	Index uint64
	// Other says that the same identifier stands for another content.
	Other bool
	// Outcome, where it is not empty, is what happened to the promotion before, and can happen to it but once.
	Outcome evidence.Outcome
}

func (e *ReplayError) Error() string {
	switch {
	case e.Outcome != "":
		return fmt.Sprintf("entry %d did the same to the promotion %s before: %s", e.Index, e.Promotion, e.Outcome)
	case e.Other:
		return fmt.Sprintf("the decision %s stands at entry %d with another content", e.Decision, e.Index)
	}
	return fmt.Sprintf("the decision %s stands at entry %d already", e.Decision, e.Index)
}

// Same says that the very decision stands there already, and so need not be appended again.
func (e *ReplayError) Same() bool { return !e.Other && e.Outcome == "" }

// ReferenceError is about a decision that confirms, withdraws or rolls back what it cannot.
type ReferenceError struct {
	Decision string
	// Refers is the entry that it refers to.
	Refers uint64
	Reason string
}

func (e *ReferenceError) Error() string {
	return fmt.Sprintf("the decision %s refers to entry %d: %s", e.Decision, e.Refers, e.Reason)
}

// RangeError is about entries that the log does not have.
type RangeError struct{ From, To, Size uint64 }

func (e *RangeError) Error() string {
	return fmt.Sprintf("entries %d to %d: the log has %d", e.From, e.To, e.Size)
}

// Find gives the entry of a decision.
func (l *Ledger) Find(id string) (index uint64, found bool) {
	r, found := l.decisions[id]
	if !found {
		return 0, false
	}
	return r.index, true
}

// Check says whether a decision may be appended: the error is a [*ReplayError] or a [*ReferenceError] where it may not.
// payload is the digest of the bytes that are signed; by it the same decision is told from another one with the same
// identifier.
func (l *Ledger) Check(d evidence.Decision, payload evidence.Digest) error {
	if r, found := l.decisions[d.ID]; found {
		return &ReplayError{Decision: d.ID, Promotion: d.Promotion, Index: r.index, Other: r.payload != payload}
	}
	if r, found := l.ahead[d.Promotion]; found && d.Outcome.GoesAhead() {
		return &ReplayError{Decision: d.ID, Promotion: d.Promotion, Index: r.index, Outcome: r.outcome}
	}
	if d.Outcome.Refers() && d.Refers != nil {
		return l.checkReference(d, *d.Refers)
	}
	return nil
}

func (l *Ledger) checkReference(d evidence.Decision, entry uint64) error {
	no := func(reason string, args ...any) error {
		return &ReferenceError{Decision: d.ID, Refers: entry, Reason: fmt.Sprintf(reason, args...)}
	}
	of, found := l.entries[entry]
	if !found || of.promotion != d.Promotion {
		return no("it is no earlier decision of the promotion %s", d.Promotion)
	}
	if before, done := of.later[d.Outcome]; done {
		return &ReplayError{Decision: d.ID, Promotion: d.Promotion, Index: before, Outcome: d.Outcome}
	}
	_, withdrawn := of.later[evidence.Withdrawn]
	_, rolledBack := of.later[evidence.RolledBack]
	switch {
	case !of.outcome.GoesAhead(), d.Outcome == evidence.Confirmed && of.outcome != evidence.BreakGlass:
		return no("its outcome is %s, which is never %s", of.outcome, d.Outcome)
	case withdrawn:
		return no("it was withdrawn")
	case d.Outcome == evidence.Withdrawn && rolledBack:
		return no("it was carried out, and rolled back")
	case d.Outcome == evidence.Confirmed && strings.EqualFold(d.Actors.Decider.Name, of.decider):
		return no("%s decided that one too, and a second person is wanted", of.decider)
	}
	return nil
}

// Add records the decision at an entry. Of decisions that are there twice, the first one counts.
func (l *Ledger) Add(d evidence.Decision, payload evidence.Digest, index uint64) {
	if l.decisions == nil {
		l.decisions, l.entries, l.ahead = map[string]*recorded{}, map[uint64]*recorded{}, map[string]*recorded{}
	}
	if _, found := l.decisions[d.ID]; found {
		return
	}
	r := &recorded{index: index, payload: payload, promotion: d.Promotion, outcome: d.Outcome}
	if d.Actors.Decider != nil {
		r.decider = d.Actors.Decider.Name
	}
	l.decisions[d.ID], l.entries[index] = r, r
	if _, found := l.ahead[d.Promotion]; !found && d.Outcome.GoesAhead() {
		l.ahead[d.Promotion] = r
	}
	if d.Outcome.Refers() && d.Refers != nil {
		l.refer(d, index)
	}
}

func (l *Ledger) refer(d evidence.Decision, index uint64) {
	of, found := l.entries[*d.Refers]
	if !found || of.promotion != d.Promotion {
		return
	}
	if of.later == nil {
		of.later = map[evidence.Outcome]uint64{}
	}
	if _, found := of.later[d.Outcome]; !found {
		of.later[d.Outcome] = index
	}
	if d.Outcome == evidence.Withdrawn && l.ahead[d.Promotion] == of {
		delete(l.ahead, d.Promotion)
	}
}

// withdrawn says whether the decision at an entry was withdrawn, and confirmed whether a second person confirmed it.
func (l *Ledger) withdrawn(entry uint64) bool { return l.has(entry, evidence.Withdrawn) }
func (l *Ledger) confirmed(entry uint64) bool { return l.has(entry, evidence.Confirmed) }

func (l *Ledger) has(entry uint64, outcome evidence.Outcome) bool {
	r, found := l.entries[entry]
	if !found {
		return false
	}
	_, done := r.later[outcome]
	return done
}
