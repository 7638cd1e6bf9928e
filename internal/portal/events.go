package portal

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/slipway-dev/slipway/internal/server/api"
)

// keptEvents is how many events those who come again can be told of.
const keptEvents = 1000

// events tells everybody who watches what happens. It remembers the last ones of this process: who comes
// with the ID of an earlier process's gets what there is.
type events struct {
	now func() time.Time
	// epoch tells the IDs of one process from those of another.
	epoch string

	mu    sync.Mutex
	first int // number of kept[0]
	kept  []api.Event
	more  chan struct{} // closed when there is more
}

func newEvents(now func() time.Time) *events {
	return &events{now: now, epoch: strconv.FormatInt(now().UnixMilli(), 36), first: 1, more: make(chan struct{})}
}

// tell adds an event; its ID and time are made here.
func (e *events) tell(event api.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	event.ID = fmt.Sprintf("%s-%d", e.epoch, e.first+len(e.kept))
	if event.At.IsZero() {
		event.At = e.now().UTC()
	}
	e.kept = append(e.kept, event)
	if over := len(e.kept) - keptEvents; over > 0 {
		e.kept = append([]api.Event(nil), e.kept[over:]...)
		e.first += over
	}
	close(e.more)
	e.more = make(chan struct{})
}

// after gives what came after a number, and a channel that is closed when there is more.
func (e *events) after(number int) ([]api.Event, int, <-chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	from := min(max(0, number+1-e.first), len(e.kept))
	return append([]api.Event(nil), e.kept[from:]...), e.first + len(e.kept) - 1, e.more
}

// number is that of an ID of this process; without one it is the last, so that only what is new is told.
func (e *events) number(id string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	if epoch, text, ok := strings.Cut(id, "-"); ok {
		if n, err := strconv.Atoi(text); err == nil && epoch == e.epoch {
			return n
		}
		return 0
	}
	return e.first + len(e.kept) - 1
}

// Watch emits what happens to the teams' things.
func (e *events) Watch(ctx context.Context, teams api.Teams, after string, emit func(api.Event) error) error {
	at := e.number(after)
	for {
		some, last, more := e.after(at)
		for _, event := range some {
			if event.Team != "" && !teams.Includes(event.Team) {
				continue
			}
			if err := emit(event); err != nil {
				return err
			}
		}
		at = last
		select {
		case <-ctx.Done():
			return nil
		case <-more:
		}
	}
}

// alarm wakes a loop; calls before it looks count as one.
type alarm chan struct{}

func newAlarm() alarm { return make(alarm, 1) }

func (a alarm) ring() {
	select {
	case a <- struct{}{}:
	default:
	}
}
