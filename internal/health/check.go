package health

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/slipway-dev/slipway/internal/kube"
	"github.com/slipway-dev/slipway/internal/progress"
)

// checkWidth is how many objects are read at a time; round is the pause between two looks at
// what is not ready.
const (
	checkWidth = 16
	round      = 500 * time.Millisecond
)

// Check looks once at units. An object that cannot be read counts as progressing, with the
// error as its reason.
func Check(ctx context.Context, c *kube.Client, units []Unit) []UnitHealth {
	whole := make([]Unit, len(units))
	for i, u := range units {
		whole[i] = u.complete()
	}
	return look(ctx, c, whole)
}

// look checks units that are complete.
func look(ctx context.Context, c *kube.Client, units []Unit) []UnitHealth {
	healths := make([]UnitHealth, len(units))
	var group errgroup.Group
	group.SetLimit(checkWidth)
	results := make([][]ObjectHealth, len(units))
	for i, u := range units {
		results[i] = make([]ObjectHealth, len(u.Objects))
		for j, obj := range u.Objects {
			group.Go(func() error {
				results[i][j] = u.object(ctx, c, obj)
				return nil
			})
		}
	}
	_ = group.Wait()
	for i, u := range units {
		healths[i] = summary(u, results[i])
	}
	return healths
}

// complete adds the objects that a condition names although the unit does not hold them, such
// as what a controller makes. Their API version is left to the server.
func (u Unit) complete() Unit {
	u.Objects = slices.Clone(u.Objects)
	for _, check := range u.Ready {
		t := check.Target
		held := slices.ContainsFunc(u.Objects, func(o *unstructured.Unstructured) bool { return Matches(t, u.Name, o) })
		if held || t.Kind == "" || t.Name == "" {
			continue
		}
		obj := &unstructured.Unstructured{}
		obj.SetGroupVersionKind(schema.GroupVersionKind{Group: t.Group, Version: t.Version, Kind: t.Kind})
		obj.SetNamespace(t.Namespace)
		obj.SetName(t.Name)
		u.Objects = append(u.Objects, obj)
	}
	return u
}

// NotReadyError says what was still missing when a wait ended.
type NotReadyError struct {
	Units []UnitHealth // those that are not ready
	Cause error        // why the wait ended
}

// Error lists every unit that is not ready, with its reason.
func (e *NotReadyError) Error() string {
	reasons := make([]string, 0, len(e.Units))
	for _, u := range e.Units {
		reasons = append(reasons, u.Unit+": "+u.Reason)
	}
	return fmt.Sprintf("not ready (%v): %s", e.Cause, strings.Join(reasons, "; "))
}

// Unwrap gives why the wait ended.
func (e *NotReadyError) Unwrap() error { return e.Cause }

// Wait waits until every object of every unit is ready, or ctx ends: then the error is a
// [*NotReadyError]. Each unit is a task of its own below prefix, which says what it waits for.
func Wait(ctx context.Context, c *kube.Client, units []Unit, report progress.Reporter, prefix string) error {
	var (
		mu      sync.Mutex
		missing []UnitHealth
		group   sync.WaitGroup
	)
	for _, u := range units {
		group.Go(func() {
			task := progress.Start(report, prefix+"/"+u.Name, fmt.Sprintf("looking at %d objects", len(u.Objects)), 0)
			if h, err := u.complete().wait(ctx, c, task); err != nil {
				mu.Lock()
				missing = append(missing, h)
				mu.Unlock()
			}
		})
	}
	group.Wait()
	if len(missing) == 0 {
		return nil
	}
	slices.SortFunc(missing, func(a, b UnitHealth) int { return strings.Compare(a.Unit, b.Unit) })
	return &NotReadyError{Units: missing, Cause: context.Cause(ctx)}
}

// wait looks at the unit until all is ready. What was once ready is not looked at again, except
// in the last look, which sees everything: a rollout may begin after the first look at it.
func (u Unit) wait(ctx context.Context, c *kube.Client, task *progress.Task) (UnitHealth, error) {
	left := u
	last := UnitHealth{Unit: u.Name, State: Progressing, Reason: "it was not looked at", Total: len(u.Objects)}
	for {
		h := look(ctx, c, []Unit{left})[0]
		if ctx.Err() != nil { // what was seen meanwhile is only that time ran out
			return last, task.End("", errors.New(last.Reason))
		}
		switch {
		case h.State != Ready:
			task.Wait(fmt.Sprintf("%d of %d objects ready; %s", len(u.Objects)-len(h.Objects), len(u.Objects), h.Reason))
			left = u.only(h.Objects)
		case len(left.Objects) == len(u.Objects):
			return h, task.End(fmt.Sprintf("%d objects ready", len(u.Objects)), nil)
		default:
			left = u
			continue
		}
		last = h
		last.Total = len(u.Objects)
		select {
		case <-ctx.Done():
		case <-time.After(round):
		}
	}
}

// only is the unit with just those objects.
func (u Unit) only(objects []ObjectHealth) Unit {
	wanted := map[kube.ID]bool{}
	for _, o := range objects {
		wanted[o.Object] = true
	}
	all := u.Objects
	u.Objects = nil
	for _, o := range all {
		if wanted[kube.IDOf(o)] {
			u.Objects = append(u.Objects, o)
		}
	}
	return u
}
