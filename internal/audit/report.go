package audit

import (
	"fmt"

	"github.com/slipway-dev/slipway/internal/evidence"
)

// Code names a kind of finding. The codes do not change.
type Code string

// What can be wrong with checkpoints.
const (
	// CheckpointUntrusted is a checkpoint that no trusted key has signed, or that cannot be read.
	CheckpointUntrusted Code = "checkpoint-untrusted"
	// CheckpointOrder is a checkpoint with fewer entries than one that was seen before it: the log shrank.
	CheckpointOrder Code = "checkpoint-order"
	// CheckpointFork is a signed checkpoint that no later one continues: the log told two stories.
	CheckpointFork Code = "checkpoint-fork"
	// CheckpointNone says that no checkpoint is left to verify by.
	CheckpointNone Code = "checkpoint-none"
)

// What can be wrong with entries.
const (
	// TreeMismatch says that a signed checkpoint commits to other entries than those in the bundle.
	TreeMismatch Code = "tree-mismatch"
	// LogTruncated says that a signed checkpoint commits to more entries than the bundle has.
	LogTruncated   Code = "log-truncated"
	EntryAltered   Code = "entry-altered"
	EntryMissing   Code = "entry-missing"
	EntryMoved     Code = "entry-moved"
	EntryInserted  Code = "entry-inserted"
	EntryRepeated  Code = "entry-repeated"
	EntryUncovered Code = "entry-uncovered"
	// HashAltered is a hash of the bundle's tree that is not its entry's, where the entry itself is right.
	HashAltered Code = "hash-altered"
)

// What can be wrong with decisions, and with what runs.
const (
	// DecisionInvalid is an entry that is no decision, or one that contradicts itself.
	DecisionInvalid Code = "decision-invalid"
	// DecisionUntrusted is a decision whose signature does not count.
	DecisionUntrusted Code = "decision-untrusted"
	// DecisionReplayed is a decision that stands in the log for the second time.
	DecisionReplayed Code = "decision-replayed"
	// PromotionReplayed is a promotion to which the same happened for the second time.
	PromotionReplayed Code = "promotion-replayed"
	// DecisionReference is a decision that confirms, withdraws or rolls back what it cannot.
	DecisionReference Code = "decision-reference"
	// DecisionBackdated is a decision whose time is long before that of one that was logged earlier.
	DecisionBackdated Code = "decision-backdated"
	// GlassUnconfirmed is a break-glass by which no second person stands.
	GlassUnconfirmed Code = "glass-unconfirmed"

	// RunningUndecided is an image that runs without any decision.
	RunningUndecided Code = "running-undecided"
	// RunningRefused is an image that runs although it was refused.
	RunningRefused Code = "running-refused"
	// RunningWithdrawn is an image that runs although the decision to let it was withdrawn.
	RunningWithdrawn Code = "running-withdrawn"
	// RunningSuperseded is an image that runs although a later decision put another one in its place.
	RunningSuperseded Code = "running-superseded"
)

// Finding is one thing that is wrong.
type Finding struct {
	Code Code `json:"code"`
	// Entry is the entry that it is about, by its index in the log; nil where it is about none.
	Entry *uint64 `json:"entry,omitempty"`
	// Subject names what else it is about: a checkpoint, a decision, an application in an environment.
	Subject string `json:"subject,omitempty"`
	// Cause says what was found, in a sentence.
	Cause string `json:"cause"`
}

func (f Finding) String() string {
	text := string(f.Code) + ": "
	if f.Entry != nil {
		text += fmt.Sprintf("entry %d: ", *f.Entry)
	}
	if f.Subject != "" {
		text += f.Subject + ": "
	}
	return text + f.Cause
}

// Report is the result of a verification.
type Report struct {
	// Origin names the log.
	Origin string `json:"origin"`
	// Entries is how many of the bundle's entries are as a checkpoint commits to them, Checkpoints how many of these hold,
	// and Size how many entries the largest of them commits to.
	Entries     uint64 `json:"entries"`
	Checkpoints int    `json:"checkpoints"`
	Size        uint64 `json:"size"`
	// Decisions counts the decisions whose signature holds, by outcome.
	Decisions map[evidence.Outcome]int `json:"decisions"`
	// Running is how many images that run were compared with their decisions.
	Running  int       `json:"running"`
	Findings []Finding `json:"findings"`
}

// OK says that nothing is wrong.
func (r *Report) OK() bool { return len(r.Findings) == 0 }

func (r *Report) find(code Code, subject, cause string, args ...any) {
	r.Findings = append(r.Findings, Finding{Code: code, Subject: subject, Cause: fmt.Sprintf(cause, args...)})
}

func (r *Report) findEntry(code Code, entry uint64, subject, cause string, args ...any) {
	r.find(code, subject, cause, args...)
	r.Findings[len(r.Findings)-1].Entry = &entry
}
