package supply

import (
	"context"
	"errors"
	"testing"
)

// queued enters the gate in the background and returns once it waits; the channel gives the result.
func queued(ctx context.Context, g *gate, rank int) <-chan error {
	waits, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- g.enter(ctx, rank, func() { close(waits) }) }()
	<-waits
	return done
}

func mustEnter(t *testing.T, g *gate, rank int) {
	t.Helper()
	if err := g.enter(t.Context(), rank, func() { t.Errorf("%d has to wait", rank) }); err != nil {
		t.Fatal(err)
	}
}

func TestGate_TheLowestRankGoesNext(t *testing.T) {
	g := &gate{places: 1}
	mustEnter(t, g, 0)
	late, soon := queued(t.Context(), g, 7), queued(t.Context(), g, 3)
	g.leave(0)
	if err := <-soon; err != nil {
		t.Fatal(err)
	}
	select {
	case <-late:
		t.Fatal("two are inside")
	default:
	}
	g.leave(3)
	if err := <-late; err != nil {
		t.Fatal(err)
	}
}

func TestGate_TheMostUrgentOvertakesWhereAllowed(t *testing.T) {
	g := &gate{places: 1, overtake: true}
	mustEnter(t, g, 5)
	mustEnter(t, g, 1)
	third := queued(t.Context(), g, 3) // not before all that are inside
	g.leave(1)
	select {
	case <-third:
		t.Fatal("it went in beside 5")
	default:
	}
	g.leave(5)
	if err := <-third; err != nil {
		t.Fatal(err)
	}
}

func TestGate_WhoGivesUpKeepsNoPlace(t *testing.T) {
	g := &gate{places: 1}
	mustEnter(t, g, 0)
	ctx, cancel := context.WithCancel(t.Context())
	gone := queued(ctx, g, 1)
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	g.leave(0)
	mustEnter(t, g, 2)
}
