package scaffold

import (
	"context"
	"errors"
	"time"
)

// Phase says how far a run, or a step, is.
type Phase string

// Phases. Skipped is of steps alone, Undoing of runs alone.
const (
	Waiting Phase = "waiting"
	Running Phase = "running"
	Done    Phase = "done"
	Skipped Phase = "skipped"
	Undoing Phase = "undoing"
	Failed  Phase = "failed"
)

// Run is the record of one run of a template: enough to go on with it after an interruption, and to say
// what it made. It holds no secrets.
type Run struct {
	ID string `json:"id"`
	// Template is the template's reference, Digest its file's SHA-256.
	Template string `json:"template"`
	Digest   string `json:"digest"`
	User     User   `json:"user"`
	// Owner is who owns what is made where the template does not say.
	Owner  string         `json:"owner,omitempty"`
	Values map[string]any `json:"values"`
	Phase  Phase          `json:"phase"`
	Steps  []StepRecord   `json:"steps"`
	// Made is what the run made, in that order.
	Made []Made `json:"made,omitempty"`
	// Remains is what a failed run made and could not take back, and why.
	Remains []Remainder `json:"remains,omitempty"`
	// Output is the template's spec.output.
	Output map[string]any `json:"output,omitempty"`
	// Error is why the run failed.
	Error string `json:"error,omitempty"`
	// Snapshot is the number of the workspace that belongs to this record; 0 is an empty one.
	Snapshot int       `json:"snapshot"`
	Created  time.Time `json:"created"`
	Ended    time.Time `json:"ended,omitzero"`
}

// StepRecord is how far a step is.
type StepRecord struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Action string `json:"action"`
	Phase  Phase  `json:"phase"`
	// Rounds is how many rounds of a step with "each" are done.
	Rounds  int            `json:"rounds,omitempty"`
	Output  map[string]any `json:"output,omitempty"`
	Error   string         `json:"error,omitempty"`
	Started time.Time      `json:"started,omitzero"`
	Ended   time.Time      `json:"ended,omitzero"`
}

// Remainder is something that is still there after a failed run.
type Remainder struct {
	What string `json:"what"`
	Why  string `json:"why"`
}

// Over says whether nothing more will happen to the run.
func (r *Run) Over() bool { return r.Phase == Done || r.Phase == Failed }

// Store keeps runs. What Save and SaveFiles were given is not to be held on to: it changes.
type Store interface {
	// Save stores the record, in place of an earlier one, so that it outlives the process.
	Save(ctx context.Context, run *Run) error
	// SaveFiles stores a run's workspace under a number; the workspaces before the one that the
	// stored record names are not needed any more.
	SaveFiles(ctx context.Context, run string, snapshot int, files []File) error
	// Files gives a workspace back.
	Files(ctx context.Context, run string, snapshot int) ([]File, error)
}

// Event is something that happened in a run.
type Event struct {
	Time time.Time `json:"time"`
	Run  string    `json:"run"`
	// Step is the step's ID; "" where the run is meant.
	Step string `json:"step,omitempty"`
	// Kind is "started", "log", "done", "skipped", "failed", "undone" or "remains".
	Kind string `json:"kind"`
	Text string `json:"text,omitempty"`
}

// ErrCancelled is the cause to cancel a run's context with when a person stops the run: it is undone
// then. A context that ends for another reason, because the server stops, leaves the run as it is, to be gone on with.
var ErrCancelled = errors.New("cancelled")

// ErrTemplateChanged says that a run cannot go on, because its template is not what it was.
var ErrTemplateChanged = errors.New("the template has changed since the run began")

// Request asks for a run.
type Request struct {
	// ID names the run; the caller makes it unique.
	ID       string
	Template *Template
	Values   map[string]any
	User     User
	Owner    string
	// Secrets are for expressions in steps' inputs. They are stored nowhere, and blotted out of logs.
	Secrets map[string]string
}

// Environment is what the platform tells every template, as ${{ environment.parameters.x }} and
// ${{ environment.secrets.x }}.
type Environment struct {
	Parameters map[string]any
	Secrets    map[string]string
}
