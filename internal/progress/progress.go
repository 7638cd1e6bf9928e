// Package progress carries what long work reports about itself, from the stages that do it
// to whoever shows it: a live tree, plain lines or JSON events. It decides nothing.
package progress

import "time"

// State is where a task stands.
type State string

// The states of a task, in the order they can be passed.
const (
	Waiting State = "waiting" // known, not begun; Message says for what it waits
	Running State = "running"
	Done    State = "done"
	Skipped State = "skipped" // nothing to do; Message says why
	Failed  State = "failed"
)

// Event is one report about a task.
type Event struct {
	// Time is when it happened, in UTC.
	Time time.Time `json:"time"`
	// Task names the task, a path whose last element is the task itself: "images/shop".
	Task  string `json:"task"`
	State State  `json:"state"`
	// Message is for people: what is being done, waited for, or what failed.
	Message string `json:"message,omitempty"`
	// Elapsed is the time since the task began, in seconds; 0 on its first event.
	Elapsed float64 `json:"elapsedSeconds,omitempty"`
	// Estimate is the expected whole duration in seconds; 0 where unknown.
	Estimate float64 `json:"estimateSeconds,omitempty"`
}

// Reporter takes events; implementations are safe for concurrent use.
type Reporter interface{ Report(Event) }

// Func makes a function a Reporter.
type Func func(Event)

// Report calls f.
func (f Func) Report(e Event) { f(e) }

// Discard is a Reporter that keeps nothing.
var Discard Reporter = Func(func(Event) {})

// Task is a running task that remembers when it began.
type Task struct {
	r     Reporter
	name  string
	begun time.Time
	est   float64
}

// Start reports that a task runs; estimate is 0 where unknown.
func Start(r Reporter, name, message string, estimate time.Duration) *Task {
	t := &Task{r: r, name: name, begun: time.Now(), est: estimate.Seconds()}
	t.report(Running, message)
	return t
}

// Update says what the task does now.
func (t *Task) Update(message string) { t.report(Running, message) }

// Wait says what the task waits for now.
func (t *Task) Wait(message string) { t.report(Waiting, message) }

// Skip ends the task without work.
func (t *Task) Skip(why string) { t.report(Skipped, why) }

// End ends the task: done with message, or failed with err's text. It returns err.
func (t *Task) End(message string, err error) error {
	if err != nil {
		t.report(Failed, err.Error())
		return err
	}
	t.report(Done, message)
	return nil
}

func (t *Task) report(s State, message string) {
	now := time.Now()
	t.r.Report(Event{Time: now.UTC(), Task: t.name, State: s, Message: message,
		Elapsed: now.Sub(t.begun).Seconds(), Estimate: t.est})
}
