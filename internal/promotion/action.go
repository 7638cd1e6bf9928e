package promotion

import (
	"fmt"
	"time"

	"github.com/slipway-dev/slipway/internal/promotion/gate"
)

// Action is the one thing to do next: one of [SetStatus], [Append], [Merge], [Revert], [Close],
// [Watch], [Wait] and [Done]. Each may be carried out twice without harm, by the means that its
// comment names. String says it in one line.
type Action interface {
	fmt.Stringer
	action()
}

// Context names which of a commit's statuses is meant.
type Context string

// Contexts.
const (
	Gates   Context = "slipway/gates"   // the required one, on the change's head
	Rolling Context = "slipway/rollout" // on the merge commit
)

// SetStatus sets a commit's status; the newest of a context is the one that holds.
type SetStatus struct {
	Context Context
	Commit  string
	Status  Status
}

// Append adds a decision to the log. The log keeps one entry for a key.
type Append struct{ Draft }

// Draft is a decision that is to be signed.
type Draft struct {
	// Key is the same whenever the same decision is asked for again.
	Key         string
	Outcome     Outcome
	Promotion   string
	Application string
	Environment string
	Release     string
	Head, Tree  string
	// By is the person who decided; empty where the gates did.
	By string
	// Reason is a sentence for people.
	Reason string
	// Refers is the index of the decision that this one withdraws, confirms or rolls back.
	Refers *uint64
	// Restores is what a rollback leads back to; nil for other outcomes.
	Restores *Version
	// Report is what the gates said; nil where they were not asked.
	Report *gate.Report
}

// Merge merges the change, provided that its head is still the given one; the forge refuses
// other heads, and what is merged already. The merge commit names the decision.
type Merge struct {
	Head     string
	Decision uint64
}

// Revert reverts a merge commit on the branch, once; its message names the decision, by which a
// revert that is there already is found.
type Revert struct {
	Commit   string
	Decision uint64
}

// Close closes the pull request without merging it, and says why on it.
type Close struct{ Reason string }

// Watch looks at the rollout until it changes, at the latest until a time (zero: no such time).
type Watch struct {
	Commit string
	For    string
	Until  time.Time
}

// Wait does nothing until what is seen changes.
type Wait struct{ For string }

// Done says that the promotion is over.
type Done struct {
	Result Result
	Text   string
}

// Result is how a promotion ended.
type Result string

// Results.
const (
	Promoted  Result = "promoted"
	Reverted  Result = "rolled-back"
	Abandoned Result = "closed"
	// Bypassed promotions were merged with no decision for what was merged; see [Detect].
	Bypassed Result = "bypassed"
)

func (SetStatus) action() {}
func (Append) action()    {}
func (Merge) action()     {}
func (Revert) action()    {}
func (Close) action()     {}
func (Watch) action()     {}
func (Wait) action()      {}
func (Done) action()      {}

func (a SetStatus) String() string {
	return fmt.Sprintf("set %s of %s to %s: %s", a.Context, a.Commit, a.Status.State, a.Status.Text)
}

func (a Append) String() string {
	s := fmt.Sprintf("append decision: %s", a.Outcome)
	if a.Refers != nil {
		s += fmt.Sprintf(" #%d", *a.Refers)
	}
	return s + ": " + a.Reason
}

func (a Merge) String() string { return fmt.Sprintf("merge %s by decision #%d", a.Head, a.Decision) }
func (a Revert) String() string {
	return fmt.Sprintf("revert %s by decision #%d", a.Commit, a.Decision)
}
func (a Close) String() string { return "close: " + a.Reason }
func (a Wait) String() string  { return "wait for " + a.For }
func (a Done) String() string  { return fmt.Sprintf("done: %s: %s", a.Result, a.Text) }

func (a Watch) String() string {
	s := fmt.Sprintf("watch %s for %s", a.Commit, a.For)
	if !a.Until.IsZero() {
		s += ", at the latest until " + a.Until.UTC().Format(time.RFC3339)
	}
	return s
}
