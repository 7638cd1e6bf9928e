package ci

import (
	"context"
	"time"

	"github.com/slipway-dev/slipway/internal/app/forge"
)

// Phase is how far a run, or a step of it, is.
type Phase string

// The phases.
const (
	Pending   Phase = "Pending"
	Running   Phase = "Running"
	Succeeded Phase = "Succeeded"
	Failed    Phase = "Failed"
	Cancelled Phase = "Cancelled"
)

// Done says whether a phase is final.
func (p Phase) Done() bool { return p == Succeeded || p == Failed || p == Cancelled }

// Spec says what is to be built.
type Spec struct {
	// Application is the application's name, Team the team that owns it.
	Application string `json:"application"`
	Team        string `json:"team"`
	// Repository is where the source is, CloneURL how Git gets it (without credentials).
	Repository forge.Repository `json:"repository"`
	CloneURL   string           `json:"cloneURL"`
	// Commit is 40 hexadecimal digits; Branch is the one whose head it was.
	Commit string `json:"commit"`
	Branch string `json:"branch"`
	// Release says that the branch is the one that releases come from.
	Release bool `json:"release"`
	// Trigger is who caused the run; "" where that is not known, as for a push that was found later.
	Trigger string `json:"trigger,omitempty"`
	// Title is the first line of the commit's message; "" where that is not known either.
	Title string `json:"title,omitempty"`
	// Image is the repository that the image is pushed to: "registry.example.com/team/shop".
	Image string `json:"image"`
	// Attempt is 1 for the first run of a commit, and grows with each that somebody asks for.
	Attempt int `json:"attempt"`
}

// Run is a build under way, or one that has ended.
type Run struct {
	// ID names the run at the engine.
	ID string `json:"id"`
	Spec
	// Number counts the runs of an application in the order in which they were started.
	Number int   `json:"number"`
	Phase  Phase `json:"phase"`
	// Created is when the run was asked for; Started and Finished are zero until it has.
	Created  time.Time `json:"created,omitzero"`
	Started  time.Time `json:"started,omitzero"`
	Finished time.Time `json:"finished,omitzero"`
	// Steps are in the order of the pipeline, also those that have not begun.
	Steps []Step `json:"steps"`
	// Digest is the image by digest, "registry.example.com/team/shop@sha256:...", once the run has succeeded.
	Digest string `json:"digest,omitempty"`
	// Reason says in one line why the run failed or was cancelled.
	Reason string `json:"reason,omitempty"`
}

// Step is a part of a run that has a log of its own.
type Step struct {
	Name     string    `json:"name"`
	Phase    Phase     `json:"phase"`
	Started  time.Time `json:"started,omitzero"`
	Finished time.Time `json:"finished,omitzero"`
	// Message is one line about how it went.
	Message string `json:"message,omitempty"`
}

// Query selects runs; empty fields select all.
type Query struct {
	Team, Application string
	Commit, Branch    string
}

// LogLine is a line of a step's log.
type LogLine struct {
	Time time.Time `json:"time"`
	Text string    `json:"text"`
}

// Engine runs builds. What it keeps of them outlives the process that asked for them.
type Engine interface {
	// Start starts the run of a spec; one that was started already, by commit and attempt, is given as it is.
	Start(ctx context.Context, spec Spec) (Run, error)
	// Cancel ends a run, with a reason in one line. One that has ended, or is not there, stays as it is.
	Cancel(ctx context.Context, id, reason string) error
	// Forget ends and removes all runs of an application, and has what they kept for the next removed. It may be called again.
	Forget(ctx context.Context, team, application string) error
	// List gives runs, the newest first.
	List(ctx context.Context, query Query) ([]Run, error)
	// Watch calls seen with every run there is, and with each that changes, until ctx ends. Its error is never nil.
	Watch(ctx context.Context, seen func(Run)) error
	// Logs gives the lines of a step's log, the oldest first; follow waits for more until the step or ctx ends.
	Logs(ctx context.Context, id, step string, follow bool, emit func(LogLine) error) error
}
