package timeline

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/slipway-dev/slipway/internal/progress"
)

// Chart is a run as it is drawn: tasks in groups over time.
type Chart struct {
	Begin, End time.Time
	Groups     []Group
}

// Group is the tasks whose names begin with the same word.
type Group struct {
	Name  string
	Tasks []Task
	// Skipped counts tasks with nothing to do; they have no bar.
	Skipped int
}

// Task is one bar.
type Task struct {
	// Name is the task's whole path.
	Name       string
	Begin, End time.Time
	Spans      []Span
	// State is the last one; Running or Waiting where the run broke off.
	State progress.State
	// Message is the last one.
	Message string
}

// Span is a stretch of time in which a task's state did not change.
type Span struct {
	Begin, End time.Time
	State      progress.State
	// Messages are those of the span, each once, in their order.
	Messages []string
}

// New puts events, in any order, together to a chart.
func New(events []progress.Event) Chart {
	events = slices.Clone(events)
	slices.SortStableFunc(events, func(a, b progress.Event) int { return a.Time.Compare(b.Time) })
	c := Chart{Begin: events[0].Time, End: events[len(events)-1].Time}
	tasks := map[string]*Task{}
	var order []*Task
	for _, e := range events {
		t, ok := tasks[e.Task]
		if !ok {
			t = &Task{Name: e.Task, Begin: e.Time}
			tasks[e.Task] = t
			order = append(order, t)
		}
		t.add(e)
	}
	for _, t := range order {
		if t.open() {
			t.close(c.End)
		}
	}
	c.Groups = grouped(order)
	return c
}

// open says that the task has not ended.
func (t *Task) open() bool { return t.State == progress.Running || t.State == progress.Waiting }

func (t *Task) close(at time.Time) {
	t.End = at
	if len(t.Spans) > 0 && t.open() {
		t.Spans[len(t.Spans)-1].End = at
	}
}

func (t *Task) add(e progress.Event) {
	if t.open() {
		t.close(e.Time)
	}
	before := t.State
	t.State, t.Message, t.End = e.State, e.Message, e.Time
	if !t.open() {
		return
	}
	if e.State != before {
		t.Spans = append(t.Spans, Span{Begin: e.Time, State: e.State})
	}
	s := &t.Spans[len(t.Spans)-1]
	s.End = e.Time
	if e.Message != "" && !slices.Contains(s.Messages, e.Message) {
		s.Messages = append(s.Messages, e.Message)
	}
}

// grouped sorts tasks by when they began, in groups by when the first of each began.
func grouped(tasks []*Task) []Group {
	var groups []Group
	at := map[string]int{}
	for _, t := range tasks {
		name, _, _ := strings.Cut(t.Name, "/")
		i, ok := at[name]
		if !ok {
			i = len(groups)
			at[name] = i
			groups = append(groups, Group{Name: name})
		}
		if t.State == progress.Skipped && len(t.Spans) == 0 {
			groups[i].Skipped++
			continue
		}
		groups[i].Tasks = append(groups[i].Tasks, *t)
	}
	for _, g := range groups {
		slices.SortStableFunc(g.Tasks, func(a, b Task) int {
			return cmp.Or(a.Begin.Compare(b.Begin), cmp.Compare(a.Name, b.Name))
		})
	}
	return groups
}
