package promotion

import (
	"time"

	"github.com/slipway-dev/slipway/internal/promotion/gate"
)

// State is what is seen in the world about one promotion, all at about the same time.
type State struct {
	// ID names the promotion on its platform, such as "slipway/environments#12".
	ID string `json:"id"`
	// OfGates says that the change is of gates and not of a release: after its merge nothing rolls out.
	OfGates     bool   `json:"ofGates,omitempty"`
	Application string `json:"application"`
	Environment string `json:"environment"`
	// Release is the digest of the image that the change's head brings, "sha256:..."; that of the file for a change of
	// gates.
	Release string `json:"release"`
	// Tree is the Git tree id of the application's folder in the environment, at the head.
	Tree string `json:"tree"`
	// Requester and Authors are names of people, as in [gate.Promotion].
	Requester string    `json:"requester"`
	Authors   []string  `json:"authors"`
	Now       time.Time `json:"now"`

	Change Change `json:"change"`
	Log    Log    `json:"log"`
	// Report is the gates' evaluation over the present head; nil where it could not be made.
	Report *gate.Report `json:"report,omitempty"`
	// Unjudged says why there is no report; empty where there is one, or nobody knows.
	Unjudged   string      `json:"unjudged,omitempty"`
	Refusal    *Refusal    `json:"refusal,omitempty"`
	BreakGlass *BreakGlass `json:"breakGlass,omitempty"`
	// Rollout is looked at once the change is merged.
	Rollout Rollout `json:"rollout"`
	Limits  Limits  `json:"limits"`
}

// ChangeState is how far a pull request has come.
type ChangeState string

// States of a pull request.
const (
	Open   ChangeState = "open"
	Merged ChangeState = "merged"
	Closed ChangeState = "closed" // without having been merged
)

// Change is the pull request.
type Change struct {
	State ChangeState `json:"state"`
	// Head is its newest commit, or the one that was merged.
	Head string `json:"head"`
	// Problem says why the change is not a promotion, such as a file outside the application's
	// folder; empty where it is one.
	Problem string `json:"problem,omitempty"`
	// Status is the required status as it stands on the head.
	Status Status `json:"status"`
	// Merge is the commit on the branch that brought the change; empty until it is merged.
	Merge string `json:"merge,omitempty"`
}

// StatusState is the state of a commit's status.
type StatusState string

// States of a commit's status; empty where none is set.
const (
	Pending StatusState = "pending"
	Failure StatusState = "failure"
	Success StatusState = "success"
)

// Status is a status on a commit, as forges show it.
type Status struct {
	State StatusState `json:"state,omitempty"`
	Text  string      `json:"text,omitempty"`
}

// Log is what the decision log holds about the promotion.
type Log struct {
	// Readable says that the log could be read to its end; without it nothing moves.
	Readable bool `json:"readable"`
	// Problem says why it could not be read.
	Problem string `json:"problem,omitempty"`
	// Decisions are those of the promotion, by index.
	Decisions []Decision `json:"decisions,omitempty"`
}

// Outcome is what a decision decides.
type Outcome string

// Outcomes of decisions.
const (
	Allowed    Outcome = "allowed"
	Refused    Outcome = "refused"     // by a person
	BrokeGlass Outcome = "break-glass" // merged without regard to the gates
	Confirmed  Outcome = "confirmed"   // a second person stands by a break-glass
	Withdrawn  Outcome = "withdrawn"   // an earlier decision that was not carried out
	RolledBack Outcome = "rollback"
)

// Decision is a decision in the log.
type Decision struct {
	Index   uint64  `json:"index"`
	Key     string  `json:"key"`
	Outcome Outcome `json:"outcome"`
	Head    string  `json:"head"`
	// Refers is the index of the decision that this one withdraws, confirms or rolls back.
	Refers *uint64 `json:"refers,omitempty"`
	// Integrated says that a checkpoint of the log covers the decision.
	Integrated bool `json:"integrated"`
}

// Refusal is a person's word that the promotion is not to happen. The server sees to it that the
// person may say so.
type Refusal struct {
	By     string `json:"by"`
	Reason string `json:"reason"`
}

// BreakGlass is a person's request to merge one head without regard to the gates. The server
// sees to it that the person may ask for it.
type BreakGlass struct {
	By     string `json:"by"`
	Reason string `json:"reason"`
	Head   string `json:"head"`
	// ConfirmedBy is who stood by it afterwards; empty until then.
	ConfirmedBy string `json:"confirmedBy,omitempty"`
}

// Rollout is what became of the merged change in its environment.
type Rollout struct {
	// Synced says that the environment has taken over the merge commit.
	Synced bool        `json:"synced"`
	Health gate.Health `json:"health"`
	// Since is since when Synced and Health are as they are.
	Since time.Time `json:"since"`
	// Started is when the change was merged, or when the watch on it began, whichever is later.
	Started time.Time `json:"started"`
	// Reason says why it is not healthy.
	Reason string `json:"reason,omitempty"`
	// Superseded says that a later change of the same folder has been merged; the revert of this
	// one is none.
	Superseded bool `json:"superseded,omitempty"`
	// Before is what the environment had before the merge, to which a revert leads back.
	Before Version `json:"before"`
	// Revert is the commit that reverts the merge; empty where there is none.
	Revert string `json:"revert,omitempty"`
	// Status is the rollout's own status as it stands on the merge commit. Once it is a success
	// or a failure, the rollout is over, whatever becomes of the application later.
	Status Status `json:"status"`
}

// Version is what an environment has of an application; empty where it has none.
type Version struct {
	Release string `json:"release"` // the image's digest
	Tree    string `json:"tree"`    // the Git tree id of the application's folder
}

// Limits say when a rollout has failed. Nothing has failed for want of knowledge.
type Limits struct {
	// Steady is how long it must be healthy to count as healthy.
	Steady time.Duration `json:"steady"`
	// Degraded is how long it may be degraded.
	Degraded time.Duration `json:"degraded"`
	// Healthy is how long it may take until it is healthy.
	Healthy time.Duration `json:"healthy"`
}

// DefaultLimits are the limits where an environment names no others.
func DefaultLimits() Limits {
	return Limits{Steady: 10 * time.Second, Degraded: time.Minute, Healthy: 10 * time.Minute}
}
