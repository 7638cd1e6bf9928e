package supply

import (
	"context"
	"slices"
	"sync"
)

// gate lets a number of jobs through at once; of those that wait, the one with the lowest rank
// goes next. Where overtaking is allowed, a job that ranks before everyone inside needn't wait.
type gate struct {
	places   int
	overtake bool

	mu     sync.Mutex
	inside []int // ranks
	queue  []*waiter
}

type waiter struct {
	rank int
	open chan struct{}
}

// enter waits for a place. waiting is called first where there is none; it may be nil.
func (g *gate) enter(ctx context.Context, rank int, waiting func()) error {
	g.mu.Lock()
	if len(g.inside) < g.places || g.overtake && rank < slices.Min(g.inside) {
		g.inside = append(g.inside, rank)
		g.mu.Unlock()
		return nil
	}
	w := &waiter{rank: rank, open: make(chan struct{})}
	g.queue = append(g.queue, w)
	slices.SortStableFunc(g.queue, func(a, b *waiter) int { return a.rank - b.rank })
	g.mu.Unlock()
	if waiting != nil {
		waiting()
	}
	select {
	case <-w.open:
		return nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	i := slices.Index(g.queue, w)
	if i >= 0 {
		g.queue = slices.Delete(g.queue, i, i+1)
	}
	g.mu.Unlock()
	if i < 0 { // it was let in meanwhile
		g.leave(rank)
	}
	return context.Cause(ctx)
}

// leave gives the place of a job with that rank to the next.
func (g *gate) leave(rank int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := slices.Index(g.inside, rank); i >= 0 {
		g.inside = slices.Delete(g.inside, i, i+1)
	}
	for len(g.inside) < g.places && len(g.queue) > 0 {
		g.inside = append(g.inside, g.queue[0].rank)
		close(g.queue[0].open)
		g.queue = g.queue[1:]
	}
}
