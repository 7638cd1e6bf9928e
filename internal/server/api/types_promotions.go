package api

import "time"

// PromotionState is how far a promotion is.
type PromotionState string

// The states of a promotion.
const (
	PromotionOpen       PromotionState = "open"
	PromotionAllowed    PromotionState = "allowed"
	PromotionRefused    PromotionState = "refused"
	PromotionMerged     PromotionState = "merged"
	PromotionHealthy    PromotionState = "healthy"
	PromotionFailed     PromotionState = "failed"
	PromotionRolledBack PromotionState = "rolled back"
	PromotionClosed     PromotionState = "closed"
)

// NewPromotion asks for a promotion.
type NewPromotion struct {
	From string `json:"from" minLength:"1" maxLength:"63" pattern:"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$" example:"dev"`
	To   string `json:"to" minLength:"1" maxLength:"63" pattern:"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$" example:"prod"`
	// Release is an image digest; empty means what runs in From.
	Release string `json:"release,omitempty" maxLength:"135" pattern:"^[a-z0-9]+:[0-9a-f]{32,128}$" doc:"image digest; absent means what runs in from"`
	Note    string `json:"note,omitempty" maxLength:"2000" doc:"for the reviewers"`
}

// PromotionQuery narrows a list of promotions down; empty fields do not.
type PromotionQuery struct {
	Team, Application, To string
	State                 PromotionState
	// Waiting asks for those that wait for the approval of the person with this user name; empty for all.
	Waiting string
}

// PromotionSummary is a promotion in a list.
type PromotionSummary struct {
	// Number is that of its pull request.
	Number      int64          `json:"number" doc:"of its pull request" example:"42"`
	Team        string         `json:"team"`
	Application string         `json:"application"`
	From        string         `json:"from"`
	To          string         `json:"to"`
	Release     Release        `json:"release"`
	State       PromotionState `json:"state" enum:"open,allowed,refused,merged,healthy,failed,rolled back,closed"`
	Reason      string         `json:"reason,omitempty" doc:"why it stands where it stands"`
	By          Actor          `json:"by"`
	Opened      time.Time      `json:"opened"`
	Updated     time.Time      `json:"updated"`
	PullRequest string         `json:"pullRequest" format:"uri"`
	BrokenGlass bool           `json:"brokenGlass,omitempty"`
	Unreviewed  bool           `json:"unreviewed,omitempty" doc:"the glass was broken, and no second person has looked yet"`
	// Progress is absent before the gates were evaluated, and once it was decided.
	Progress *GateProgress `json:"progress,omitempty" doc:"how its gates stand; absent before they were evaluated, and once it was decided"`
}

// GateProgress is how far a promotion is with its gates.
type GateProgress struct {
	Passed int           `json:"passed" doc:"gates that pass or are waived"`
	Total  int           `json:"total"`
	Waits  []WaitingGate `json:"waits" nullable:"false" doc:"the gates that do not pass"`
}

// WaitingGate is a gate that a promotion waits for.
type WaitingGate struct {
	Name    string  `json:"name" example:"approvals"`
	Verdict Verdict `json:"verdict" enum:"fail,not available"`
	Reason  string  `json:"reason" doc:"why, in a sentence"`
}

// Promotion is a promotion with its gates.
type Promotion struct {
	PromotionSummary
	Gates      []GateResult  `json:"gates" nullable:"false"`
	Approvals  []Approval    `json:"approvals" nullable:"false"`
	Policy     string        `json:"policy" doc:"digest of the gates that were evaluated"`
	BreakGlass *BreakGlass   `json:"breakGlass,omitempty"`
	Decisions  []DecisionRef `json:"decisions" nullable:"false" doc:"the oldest first"`
	// Previous is what ran before.
	Previous *Release `json:"previous,omitempty" doc:"what ran there before"`
	Diff     string   `json:"diff,omitempty" doc:"unified diff of the environment's folder"`
}

// Verdict is a gate's result.
type Verdict string

// The verdicts. What is not available never passes.
const (
	Pass         Verdict = "pass"
	Fail         Verdict = "fail"
	NotAvailable Verdict = "not available"
	Waived       Verdict = "waived"
)

// GateResult is what a gate says to a promotion.
type GateResult struct {
	Name      string        `json:"name" example:"soak"`
	Title     string        `json:"title,omitempty" example:"Healthy in dev for an hour"`
	Verdict   Verdict       `json:"verdict" enum:"pass,fail,not available,waived"`
	Reason    string        `json:"reason" doc:"why, in a sentence"`
	Hint      string        `json:"hint,omitempty" doc:"what would make it pass"`
	Evaluated time.Time     `json:"evaluated"`
	Evidence  []EvidenceRef `json:"evidence" nullable:"false" doc:"what the verdict rests on"`
	Waiver    *Waiver       `json:"waiver,omitempty"`
}

// EvidenceRef names a signed statement about a release.
type EvidenceRef struct {
	Digest    string     `json:"digest" doc:"of the envelope"`
	Predicate string     `json:"predicate" doc:"type of the statement" example:"https://slsa.dev/provenance/v1"`
	Signer    string     `json:"signer,omitempty" doc:"whose key signed it"`
	At        *time.Time `json:"at,omitempty"`
	Summary   string     `json:"summary,omitempty"`
	URL       string     `json:"url,omitempty" format:"uri"`
}

// Approval is a review of the pull request.
type Approval struct {
	By     Actor     `json:"by"`
	At     time.Time `json:"at"`
	Commit string    `json:"commit" doc:"that was approved"`
	Counts bool      `json:"counts" doc:"it counts towards the gate"`
	Reason string    `json:"reason,omitempty" doc:"why it does not count"`
}

// NewWaiver asks that a gate be waived.
type NewWaiver struct {
	Gate   string    `json:"gate" minLength:"1" maxLength:"63"`
	Reason string    `json:"reason" minLength:"10" maxLength:"2000" doc:"goes into the decision, for ever"`
	Until  time.Time `json:"until" doc:"when the waiver ends"`
}

// Waiver says who waived a gate, why, and until when.
type Waiver struct {
	By     Actor     `json:"by"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
	Until  time.Time `json:"until"`
}

// NewBreakGlass asks that a promotion go ahead whatever its gates say.
type NewBreakGlass struct {
	Reason string `json:"reason" minLength:"10" maxLength:"2000" doc:"goes into the decision, for ever"`
}

// NewReview is the second person's word on a broken glass.
type NewReview struct {
	Accepted bool   `json:"accepted" doc:"it was right to break it"`
	Comment  string `json:"comment" minLength:"10" maxLength:"2000" doc:"goes into the log, for ever"`
}

// BreakGlass is a broken glass.
type BreakGlass struct {
	By     Actor       `json:"by"`
	At     time.Time   `json:"at"`
	Reason string      `json:"reason"`
	Review *GlassCheck `json:"review,omitempty" doc:"absent until a second person has looked"`
}

// GlassCheck is what the second person said.
type GlassCheck struct {
	By       Actor     `json:"by"`
	At       time.Time `json:"at"`
	Accepted bool      `json:"accepted"`
	Comment  string    `json:"comment"`
}
