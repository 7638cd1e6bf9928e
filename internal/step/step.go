// Package step runs the parts of a long operation: a graph of named steps, each begun as soon
// as those before it have ended, each with its own message and timing. It knows nothing of what
// the steps do. internal/platform puts its operations together from them.
package step

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/slipway-dev/slipway/internal/progress"
)

// Step is one part of an operation.
type Step struct {
	// Name is the progress task's name, unique in the graph.
	Name string
	// After are the steps that must have ended well before this one begins.
	After []string
	// Message says what is being done.
	Message string
	// Estimate is about how long it takes, 0 where unknown.
	Estimate time.Duration
	// Run does the work; what it returns is the message of the finished task.
	Run func(ctx context.Context, t *progress.Task) (string, error)
}

// Error is the failure of a step.
type Error struct {
	Step string
	Err  error
}

// Error says which step failed, and why.
func (e *Error) Error() string { return e.Step + ": " + e.Err.Error() }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Skip is returned by a step's Run to say that there was nothing to do.
type Skip string

// Error is the reason.
func (s Skip) Error() string { return string(s) }

// Run runs the steps, in parallel where their order allows. When one fails, those that run are
// cancelled, no further one begins, and the first failure is returned after all have ended.
func Run(ctx context.Context, steps []Step, report progress.Reporter) error {
	if err := check(steps); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := map[string]chan struct{}{}
	for _, s := range steps {
		ended[s.Name] = make(chan struct{})
	}
	var (
		wg    sync.WaitGroup
		once  sync.Once
		first error
	)
	for _, s := range steps {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for _, a := range s.After {
				select {
				case <-ended[a]:
				case <-ctx.Done():
					return
				}
			}
			if ctx.Err() != nil {
				return
			}
			if err := run(ctx, s, report); err != nil {
				once.Do(func() { first = &Error{Step: s.Name, Err: err} })
				cancel()
				return
			}
			close(ended[s.Name])
		}()
	}
	wg.Wait()
	if first == nil {
		return ctx.Err()
	}
	return first
}

func run(ctx context.Context, s Step, report progress.Reporter) error {
	t := progress.Start(report, s.Name, s.Message, s.Estimate)
	message, err := s.Run(ctx, t)
	var skip Skip
	if errors.As(err, &skip) {
		t.Skip(string(skip))
		return nil
	}
	if err != nil && ctx.Err() != nil {
		t.Skip("interrupted")
		return err
	}
	return t.End(message, err)
}

// check finds names that appear twice, are missing, or wait for each other.
func check(steps []Step) error {
	after := map[string][]string{}
	for _, s := range steps {
		if _, twice := after[s.Name]; twice {
			return fmt.Errorf("step %q appears twice", s.Name)
		}
		after[s.Name] = s.After
	}
	state := map[string]int{} // 1: on the way, 2: seen
	var visit func(name string, path []string) error
	visit = func(name string, path []string) error {
		path = append(slices.Clone(path), name)
		next, ok := after[name]
		switch {
		case !ok:
			return fmt.Errorf("step %q waits for %q, which is not there", path[len(path)-2], name)
		case state[name] == 1:
			return fmt.Errorf("steps wait for each other: %q", path)
		case state[name] == 2:
			return nil
		}
		state[name] = 1
		for _, n := range next {
			if err := visit(n, path); err != nil {
				return err
			}
		}
		state[name] = 2
		return nil
	}
	for _, s := range steps {
		if err := visit(s.Name, nil); err != nil {
			return err
		}
	}
	return nil
}
