package ui

import (
	"strings"
	"time"

	"github.com/slipway-dev/slipway/internal/progress"
)

// board folds events into the present state of every task, in order of first appearance.
type board struct {
	begun time.Time
	tasks []*task
	index map[string]*task
}

// task is what is known about one task.
type task struct {
	group, name string // "images", "shop"; group is "" for a task of its own
	state       progress.State
	message     string
	begun       time.Time // when it began to run or to wait
	ended       time.Time
	estimate    time.Duration
}

func newBoard(now time.Time) *board {
	return &board{begun: now, index: map[string]*task{}}
}

// apply takes an event; changed says whether the task is new or its state another one.
func (b *board) apply(e progress.Event) (t *task, changed bool) {
	t, known := b.index[e.Task]
	if !known {
		t = &task{name: e.Task}
		if group, name, ok := strings.Cut(e.Task, "/"); ok {
			t.group, t.name = group, name
		}
		b.index[e.Task] = t
		b.tasks = append(b.tasks, t)
	}
	changed = !known || t.state != e.State
	if t.begun.IsZero() || (changed && e.State == progress.Running) {
		t.begun = e.Time.Add(-seconds(e.Elapsed))
	}
	t.state, t.message = e.State, e.Message
	if e.Estimate > 0 {
		t.estimate = seconds(e.Estimate)
	}
	t.ended = time.Time{}
	if t.over() {
		t.ended = e.Time
	}
	return t, changed
}

// path is the name that events use.
func (t *task) path() string {
	if t.group == "" {
		return t.name
	}
	return t.group + "/" + t.name
}

// over says whether the task has ended, in whichever way.
func (t *task) over() bool {
	return t.state == progress.Done || t.state == progress.Skipped || t.state == progress.Failed
}

// elapsed is how long the task took, or has taken so far.
func (t *task) elapsed(now time.Time) time.Duration {
	if t.over() {
		return t.ended.Sub(t.begun)
	}
	return now.Sub(t.begun)
}

// remaining is about how long the open tasks with an estimate still take, one after the other,
// as builds on a small machine do; 0 where nothing is known.
func (b *board) remaining(now time.Time) time.Duration {
	var sum time.Duration
	for _, t := range b.tasks {
		if t.over() || t.estimate == 0 {
			continue
		}
		left := t.estimate
		if t.state == progress.Running {
			left -= t.elapsed(now)
		}
		sum += max(left, 0)
	}
	return sum
}

// open lists the tasks that are running, then those that wait.
func (b *board) open() []*task {
	var running, waiting []*task
	for _, t := range b.tasks {
		switch t.state {
		case progress.Running:
			running = append(running, t)
		case progress.Waiting:
			waiting = append(waiting, t)
		}
	}
	return append(running, waiting...)
}

// groups lists the tasks below each group, both in order of appearance; a task without a
// group is a group of its own.
func (b *board) groups() []group {
	var out []group
	at := map[string]int{}
	for _, t := range b.tasks {
		key := t.group
		if key == "" {
			key = t.name
		}
		i, ok := at[key]
		if !ok {
			i = len(out)
			at[key] = i
			out = append(out, group{name: key})
		}
		if t.group == "" {
			out[i].own = t
		} else {
			out[i].tasks = append(out[i].tasks, t)
		}
	}
	return out
}

// group is a heading with what stands below it.
type group struct {
	name  string
	own   *task // the event that bears the group's own name, if any came
	tasks []*task
}

// all lists the group's own task and those below it.
func (g group) all() []*task {
	if g.own == nil {
		return g.tasks
	}
	return append([]*task{g.own}, g.tasks...)
}

// state is the group's state as the sum of its tasks': a failure shows, then work, then waiting.
func (g group) state() progress.State {
	count := map[progress.State]int{}
	for _, t := range g.all() {
		count[t.state]++
	}
	for _, s := range []progress.State{progress.Failed, progress.Running} {
		if count[s] > 0 {
			return s
		}
	}
	switch total := len(g.all()); {
	case count[progress.Skipped] == total:
		return progress.Skipped
	case count[progress.Waiting] == 0:
		return progress.Done
	case count[progress.Waiting] < total:
		return progress.Running
	}
	return progress.Waiting
}

// span is the time from the group's first beginning to its last end, or to now.
func (g group) span(now time.Time) time.Duration {
	var first, last time.Time
	for _, t := range g.all() {
		if first.IsZero() || t.begun.Before(first) {
			first = t.begun
		}
		end := now
		if t.over() {
			end = t.ended
		}
		if end.After(last) {
			last = end
		}
	}
	return last.Sub(first)
}

// done counts the ended tasks below the group.
func (g group) done() int {
	n := 0
	for _, t := range g.tasks {
		if t.over() {
			n++
		}
	}
	return n
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
