package api

import (
	"encoding/json"
	"time"
)

// Outcome is what was decided.
type Outcome string

// The outcomes of a decision.
const (
	Allowed     Outcome = "allowed"
	Refused     Outcome = "refused"
	BrokenGlass Outcome = "broken glass"
	Reviewed    Outcome = "reviewed"
	RolledBack  Outcome = "rolled back"
	// Withdrawn ends an earlier decision that was not carried out.
	Withdrawn Outcome = "withdrawn"
)

// DecisionRef names a decision.
type DecisionRef struct {
	Index   uint64    `json:"index" doc:"place in the log"`
	Outcome Outcome   `json:"outcome" enum:"allowed,refused,broken glass,reviewed,rolled back,withdrawn"`
	At      time.Time `json:"at"`
}

// DecisionQuery narrows a list of decisions down; empty fields do not.
type DecisionQuery struct {
	Team, Application, Environment string
	Outcome                        Outcome
	// Subject is an image digest.
	Subject  string
	From, To time.Time
}

// DecisionSummary is a decision in a list.
type DecisionSummary struct {
	DecisionRef
	Team        string `json:"team"`
	Application string `json:"application"`
	Environment string `json:"environment"`
	Subject     string `json:"subject" doc:"image digest"`
	Commit      string `json:"commit,omitempty" doc:"of the environments' repository"`
	Promotion   int64  `json:"promotion,omitempty" doc:"number of the promotion, or of the change of gates"`
	// Path is the file of a change of gates, of which team, application and environment are empty.
	Path   string   `json:"path,omitempty" doc:"the file, where the decision is about a change of gates; subject is the digest of its content then"`
	Actors []string `json:"actors" nullable:"false" doc:"user names of who asked, approved, waived"`
}

// Decision is a decision with everything that is needed to verify it.
type Decision struct {
	DecisionSummary
	Policy string       `json:"policy" doc:"digest of the gates"`
	Gates  []GateResult `json:"gates" nullable:"false"`
	// Envelope is the DSSE envelope as it stands in the log.
	Envelope json.RawMessage `json:"envelope" doc:"the DSSE envelope (JSON) as it stands in the log"`
	// Leaf is the log's entry, and Proof that it is in the log.
	Leaf  []byte         `json:"leaf" doc:"the log's entry"`
	Proof InclusionProof `json:"proof"`
}

// InclusionProof proves that an entry is in the log (RFC 6962, section 2.1.1).
type InclusionProof struct {
	Index      uint64     `json:"index"`
	Size       uint64     `json:"size" doc:"of the tree"`
	Hashes     [][]byte   `json:"hashes" nullable:"false" doc:"from the leaf upwards"`
	Checkpoint Checkpoint `json:"checkpoint" doc:"of the tree with that size"`
}

// Checkpoint is the log's signed head (C2SP tlog-checkpoint).
type Checkpoint struct {
	Origin string `json:"origin"`
	Size   uint64 `json:"size"`
	Root   []byte `json:"root" doc:"the tree's hash"`
	Note   string `json:"note" doc:"the signed note, as text"`
	// Key verifies Note (C2SP signed-note); whoever checks must have it from elsewhere too.
	Key string `json:"key" doc:"verifier key of the note; compare it with the one you have from elsewhere"`
	// Keys verify envelopes, by key ID, in PEM.
	Keys map[string]string `json:"keys,omitempty" doc:"public keys of envelopes by key ID, in PEM; compare them too"`
}

// ExportQuery says which part of the log to export; zero times mean all of it.
type ExportQuery struct{ From, To time.Time }

// Finding is something that runs or was merged without a decision.
type Finding struct {
	ID          string    `json:"id"`
	Kind        string    `json:"kind" enum:"image,commit,gates,broken glass" doc:"an image that runs, a commit on a governed branch, one that changed gates, or broken glass that nobody answers for"`
	Team        string    `json:"team,omitempty"`
	Application string    `json:"application,omitempty"`
	Environment string    `json:"environment"`
	Subject     string    `json:"subject" doc:"image digest, commit, or # and the number of a decision"`
	Object      string    `json:"object,omitempty" doc:"where it was seen" example:"Deployment orders-prod/orders"`
	Since       time.Time `json:"since"`
	Reason      string    `json:"reason"`
}

// RunningImage is an image that runs in a governed environment.
type RunningImage struct {
	Team        string    `json:"team,omitempty"`
	Application string    `json:"application,omitempty"`
	Environment string    `json:"environment"`
	Object      string    `json:"object" doc:"what runs it" example:"Pod/orders-7d9c"`
	Image       string    `json:"image,omitempty" doc:"image digest; absent where it cannot be told"`
	At          time.Time `json:"at" doc:"when it was seen"`
}

// NewGatesChange asks for a change of a file by which promotions are decided.
type NewGatesChange struct {
	Path    string `json:"path" maxLength:"200" pattern:"^(policies/[a-z0-9-]+\\.yaml|freezes\\.yaml|environments/[a-z0-9-]+/environment\\.yaml)$" doc:"of the environments' repository" example:"policies/default.yaml"`
	Content string `json:"content,omitempty" maxLength:"262144" doc:"the file's new content"`
	Remove  bool   `json:"remove,omitempty" doc:"the file goes"`
	Note    string `json:"note,omitempty" maxLength:"2000" doc:"for the reviewers"`
}

// GatesChangeSummary is a change of gates in a list.
type GatesChangeSummary struct {
	// Number is that of its pull request.
	Number int64  `json:"number" doc:"of its pull request" example:"43"`
	Path   string `json:"path" example:"policies/default.yaml"`
	// Digest is that of the new content.
	Digest      string         `json:"digest,omitempty" doc:"of the new content; absent where the file goes"`
	State       PromotionState `json:"state" enum:"open,allowed,refused,merged,healthy,failed,rolled back,closed" doc:"merged is in force"`
	Reason      string         `json:"reason,omitempty" doc:"why it stands where it stands"`
	By          Actor          `json:"by"`
	Opened      time.Time      `json:"opened"`
	Updated     time.Time      `json:"updated"`
	PullRequest string         `json:"pullRequest" format:"uri"`
}

// GatesChange is a change of gates, with the gates that it has to pass itself.
type GatesChange struct {
	GatesChangeSummary
	Gates     []GateResult  `json:"gates" nullable:"false"`
	Policy    string        `json:"policy" doc:"digest of the gates that were evaluated"`
	Approvals []Approval    `json:"approvals" nullable:"false"`
	Decisions []DecisionRef `json:"decisions" nullable:"false" doc:"the oldest first"`
	Diff      string        `json:"diff,omitempty" doc:"unified diff of the file"`
}

// PolicyTest asks what changed gates would have said.
type PolicyTest struct {
	Gates string    `json:"gates" minLength:"1" maxLength:"262144" doc:"the gates' YAML"`
	From  time.Time `json:"from"`
	To    time.Time `json:"to"`
}

// PolicyReport says whose outcome would differ.
type PolicyReport struct {
	Replayed int            `json:"replayed" doc:"promotions that were replayed"`
	Changed  []PolicyChange `json:"changed" nullable:"false"`
	// Undecided could not be replayed, for want of evidence.
	Undecided []PolicyChange `json:"undecided" nullable:"false" doc:"could not be replayed, for want of evidence"`
}

// PolicyChange is a promotion whose outcome would differ.
type PolicyChange struct {
	Decision DecisionSummary `json:"decision"`
	Would    Outcome         `json:"would,omitempty" enum:"allowed,refused,broken glass,reviewed,rolled back,withdrawn"`
	Gates    []GateResult    `json:"gates" nullable:"false" doc:"those that differ"`
}

// Capability is what the platform can do, and the tool that does it.
type Capability struct {
	Name string `json:"name" example:"git"`
	Tool string `json:"tool"`
	// Description says what the tool is.
	Description string      `json:"description,omitempty"`
	Version     string      `json:"version,omitempty"`
	State       HealthState `json:"state" enum:"healthy,progressing,degraded,missing,unknown"`
	Reason      string      `json:"reason,omitempty"`
	Links       []Link      `json:"links" nullable:"false"`
	// Outputs are what the capability's contract gives, secrets left out.
	Outputs map[string]string `json:"outputs,omitempty" doc:"what its contract gives, secrets left out"`
}

// Capabilities are all capabilities.
type Capabilities struct {
	Items []Capability `json:"items" nullable:"false"`
}

// Health is the platform's.
type Health struct {
	State  HealthState   `json:"state" enum:"healthy,progressing,degraded,missing,unknown"`
	Checks []HealthCheck `json:"checks" nullable:"false"`
	At     time.Time     `json:"at"`
}

// HealthCheck is one thing that was looked at.
type HealthCheck struct {
	Name   string      `json:"name"`
	State  HealthState `json:"state" enum:"healthy,progressing,degraded,missing,unknown"`
	Reason string      `json:"reason,omitempty" doc:"the root cause where it is not healthy"`
	Hint   string      `json:"hint,omitempty"`
}

// Event is something that happened.
type Event struct {
	// ID grows from event to event.
	ID          string    `json:"id"`
	At          time.Time `json:"at"`
	Type        string    `json:"type" example:"promotion.opened"`
	Team        string    `json:"team,omitempty" doc:"absent for what concerns everyone"`
	Application string    `json:"application,omitempty"`
	Environment string    `json:"environment,omitempty"`
	// Subject is what it is about, below /api/v1.
	Subject string `json:"subject,omitempty" doc:"path of what it is about, below /api/v1"`
	Summary string `json:"summary"`
}
