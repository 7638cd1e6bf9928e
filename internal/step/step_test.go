package step

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/slipway-dev/slipway/internal/progress"
)

func nothing(context.Context, *progress.Task) (string, error) { return "", nil }

func TestRun_KeepsTheOrder(t *testing.T) {
	var mu sync.Mutex
	var order []string
	note := func(name string) func(context.Context, *progress.Task) (string, error) {
		return func(context.Context, *progress.Task) (string, error) {
			mu.Lock()
			defer mu.Unlock()
			order = append(order, name)
			return "", nil
		}
	}
	err := Run(t.Context(), []Step{
		{Name: "c", After: []string{"b"}, Run: note("c")},
		{Name: "b", After: []string{"a"}, Run: note("b")},
		{Name: "a", Run: note("a")},
	}, progress.Discard)
	if err != nil || strings.Join(order, "") != "abc" {
		t.Fatalf("order %v, error %v", order, err)
	}
}

func TestRun_StepsWithoutOrderRunTogether(t *testing.T) {
	meet := make(chan struct{})
	give := func(ctx context.Context, _ *progress.Task) (string, error) {
		select {
		case meet <- struct{}{}:
		case <-ctx.Done():
		}
		return "", ctx.Err()
	}
	take := func(ctx context.Context, _ *progress.Task) (string, error) {
		select {
		case <-meet:
		case <-ctx.Done():
		}
		return "", ctx.Err()
	}
	if err := Run(t.Context(), []Step{{Name: "a", Run: give}, {Name: "b", Run: take}}, progress.Discard); err != nil {
		t.Fatal(err)
	}
}

func TestRun_AFailureCancelsTheRestAndIsReturned(t *testing.T) {
	boom := errors.New("boom")
	var begun bool
	err := Run(t.Context(), []Step{
		{Name: "fails", Run: func(context.Context, *progress.Task) (string, error) { return "", boom }},
		{Name: "waits", Run: func(ctx context.Context, _ *progress.Task) (string, error) { <-ctx.Done(); return "", ctx.Err() }},
		{Name: "later", After: []string{"fails"}, Run: func(context.Context, *progress.Task) (string, error) { begun = true; return "", nil }},
	}, progress.Discard)
	var failed *Error
	if !errors.As(err, &failed) || failed.Step != "fails" || !errors.Is(err, boom) {
		t.Fatalf("got %v", err)
	}
	if begun {
		t.Fatal("a step began although the one before it had failed")
	}
}

func TestRun_SkipEndsAStepWell(t *testing.T) {
	var states []progress.State
	ran := false
	err := Run(t.Context(), []Step{
		{Name: "a", Run: func(context.Context, *progress.Task) (string, error) { return "", Skip("unchanged") }},
		{Name: "b", After: []string{"a"}, Run: func(context.Context, *progress.Task) (string, error) { ran = true; return "", nil }},
	}, progress.Func(func(e progress.Event) {
		if e.Task == "a" {
			states = append(states, e.State)
		}
	}))
	if err != nil || !ran || states[len(states)-1] != progress.Skipped {
		t.Fatalf("ran %v, states %v, error %v", ran, states, err)
	}
}

func TestRun_CancelledFromOutside(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	err := Run(ctx, []Step{{Name: "a", Run: func(ctx context.Context, _ *progress.Task) (string, error) {
		cancel()
		<-ctx.Done()
		return "", ctx.Err()
	}}}, progress.Discard)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
}

func TestRun_RefusesABrokenGraph(t *testing.T) {
	for name, c := range map[string]struct {
		steps []Step
		want  string
	}{
		"twice":   {[]Step{{Name: "a", Run: nothing}, {Name: "a", Run: nothing}}, "appears twice"},
		"missing": {[]Step{{Name: "a", After: []string{"b"}, Run: nothing}}, "is not there"},
		"cycle":   {[]Step{{Name: "a", After: []string{"b"}, Run: nothing}, {Name: "b", After: []string{"a"}, Run: nothing}}, "wait for each other"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := Run(t.Context(), c.steps, progress.Discard); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
		})
	}
}
