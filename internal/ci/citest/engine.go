// Package citest has an engine in memory, for tests of what stands on package ci.
package citest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/slipway-dev/slipway/internal/ci"
)

// Steps are the names of the steps of every run.
var Steps = []string{"clone", "test", "build", "push", "attest"}

// ErrLost is what a call gives whose answer got lost although it did its work.
var ErrLost = errors.New("the connection was lost")

// Engine keeps runs in memory; tests say how they go. It outlives the controllers that work with it.
type Engine struct {
	mu    sync.Mutex
	runs  map[string]ci.Run
	begun int
	seen  []func(ci.Run)
	// Lose makes the answers of the next calls that change something get lost.
	Lose int
	// Cancels are the runs that were cancelled, in order.
	Cancels []string
}

var _ ci.Engine = (*Engine)(nil)

// New makes an engine without runs.
func New() *Engine { return &Engine{runs: map[string]ci.Run{}} }

// Start implements [ci.Engine].
func (e *Engine) Start(_ context.Context, s ci.Spec) (ci.Run, error) {
	e.mu.Lock()
	id := fmt.Sprintf("%s-%s-%d", s.Application, s.Commit, s.Attempt)
	r, there := e.runs[id]
	if !there {
		e.begun++
		r = ci.Run{ID: id, Spec: s, Number: e.begun, Phase: ci.Pending, Created: time.Unix(int64(e.begun), 0).UTC()}
		for _, name := range Steps {
			r.Steps = append(r.Steps, ci.Step{Name: name, Phase: ci.Pending})
		}
		e.runs[id] = r
	}
	err := e.lost()
	e.mu.Unlock()
	return r, err
}

func (e *Engine) lost() error {
	if e.Lose == 0 {
		return nil
	}
	e.Lose--
	return ErrLost
}

// Cancel implements [ci.Engine].
func (e *Engine) Cancel(_ context.Context, id, reason string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if r, ok := e.runs[id]; ok && !r.Phase.Done() {
		r.Phase, r.Reason = ci.Cancelled, reason
		e.runs[id] = r
		e.Cancels = append(e.Cancels, id)
	}
	return e.lost()
}

// Forget implements [ci.Engine].
func (e *Engine) Forget(_ context.Context, team, application string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for id, r := range e.runs {
		if r.Team == team && r.Application == application {
			delete(e.runs, id)
		}
	}
	return e.lost()
}

// Set changes a run and tells those who watch.
func (e *Engine) Set(id string, change func(*ci.Run)) {
	e.mu.Lock()
	r := e.runs[id]
	r.Steps = slices.Clone(r.Steps)
	change(&r)
	e.runs[id] = r
	seen := slices.Clone(e.seen)
	e.mu.Unlock()
	for _, s := range seen {
		s(r)
	}
}

// Succeed lets a run end with an image.
func (e *Engine) Succeed(id, image string) {
	e.Set(id, func(r *ci.Run) {
		r.Phase, r.Digest = ci.Succeeded, image
		for i := range r.Steps {
			r.Steps[i].Phase = ci.Succeeded
		}
	})
}

// Fail lets a run end in a step.
func (e *Engine) Fail(id, step, reason string) {
	e.Set(id, func(r *ci.Run) {
		r.Phase, r.Reason = ci.Failed, step+": "+reason
		for i, s := range r.Steps {
			switch {
			case s.Name == step:
				r.Steps[i].Phase, r.Steps[i].Message = ci.Failed, reason
				return
			default:
				r.Steps[i].Phase = ci.Succeeded
			}
		}
	})
}

// Age drops all runs that have ended, as engines do after a while.
func (e *Engine) Age() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for id, r := range e.runs {
		if r.Phase.Done() {
			delete(e.runs, id)
		}
	}
}

// Started counts the runs that were ever started.
func (e *Engine) Started() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.begun
}

// List implements [ci.Engine].
func (e *Engine) List(_ context.Context, q ci.Query) ([]ci.Run, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []ci.Run
	for _, r := range e.runs {
		is := func(want, have string) bool { return want == "" || want == have }
		if is(q.Team, r.Team) && is(q.Application, r.Application) && is(q.Commit, r.Commit) && is(q.Branch, r.Branch) {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b ci.Run) int { return cmp.Compare(b.Number, a.Number) })
	return out, nil
}

// Watch implements [ci.Engine].
func (e *Engine) Watch(ctx context.Context, seen func(ci.Run)) error {
	e.mu.Lock()
	e.seen = append(e.seen, seen)
	e.mu.Unlock()
	<-ctx.Done()
	return ctx.Err()
}

// Logs implements [ci.Engine]: one line that names the step.
func (e *Engine) Logs(_ context.Context, id, step string, _ bool, emit func(ci.LogLine) error) error {
	return emit(ci.LogLine{Text: id + " " + step})
}
