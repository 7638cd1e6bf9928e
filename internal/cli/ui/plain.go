package ui

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/slipway-dev/slipway/internal/progress"
)

const (
	// heartbeat is the longest silence of the plain display.
	heartbeat = 10 * time.Second
	// notice is how long a task must last before its beginning is worth a line of its own.
	notice = 300 * time.Millisecond
)

// Plain writes a line for each change of a task's state, prefixed by the time since the
// beginning, and says what is going on when nothing has changed for a while. Of a task that ends
// at once only the end is shown.
type Plain struct {
	out   io.Writer
	now   func() time.Time
	beat  time.Duration
	stop  chan struct{}
	ended sync.WaitGroup

	mu    sync.Mutex
	board *board
	last  time.Time // when a line was written last
	held  []held    // changes that are not shown yet
}

// held is a change that is shown once it has lasted.
type held struct {
	task  *task
	since time.Time
}

// NewPlain gives a display of plain lines.
func NewPlain(out io.Writer) *Plain { return newPlain(out, time.Now, heartbeat) }

func newPlain(out io.Writer, now func() time.Time, beat time.Duration) *Plain {
	p := &Plain{out: out, now: now, beat: beat, stop: make(chan struct{}), board: newBoard(now()), last: now()}
	p.ended.Add(1)
	go p.run()
	return p
}

func (p *Plain) run() {
	defer p.ended.Done()
	tick := time.NewTicker(min(p.beat, notice) / 3)
	defer tick.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-tick.C:
			p.mu.Lock()
			p.release(p.now())
			if p.now().Sub(p.last) >= p.beat {
				p.still()
			}
			p.mu.Unlock()
		}
	}
}

// Report writes a line where the event changes a task's state.
func (p *Plain) Report(e progress.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.release(e.Time)
	t, changed := p.board.apply(e)
	if !changed {
		return
	}
	// What was held back of this task is overtaken.
	p.held = slices.DeleteFunc(p.held, func(h held) bool { return h.task == t })
	if !t.over() {
		p.held = append(p.held, held{t, e.Time})
		return
	}
	p.show(t, e.Time)
}

// release shows the changes that have lasted until now.
func (p *Plain) release(now time.Time) {
	p.held = slices.DeleteFunc(p.held, func(h held) bool {
		if now.Sub(h.since) < notice {
			return false
		}
		p.show(h.task, now)
		return true
	})
}

// show writes the line of a task as it is now.
func (p *Plain) show(t *task, now time.Time) {
	text := t.message
	if t.over() && t.elapsed(now) >= 100*time.Millisecond {
		text = strings.TrimSpace(text + " (" + short(t.elapsed(now)) + ")")
	} else if !t.over() && t.estimate > 0 {
		text = strings.TrimSpace(text + " (about " + short(t.estimate) + ")")
	}
	p.line(string(t.state), t.path(), text)
}

// still says what runs and what is waited for; with nothing open it says nothing.
func (p *Plain) still() {
	now := p.now()
	var parts []string
	for _, t := range p.board.open() {
		if len(parts) == 4 {
			parts = append(parts, fmt.Sprintf("and %d more", len(p.board.open())-4))
			break
		}
		what := t.path()
		if t.message != "" {
			what += " " + t.message
		}
		parts = append(parts, what+" ("+timing(t, now)+")")
	}
	p.last = now
	if len(parts) == 0 {
		return
	}
	if left := p.board.remaining(now); left >= 10*time.Second {
		parts = append(parts, "about "+short(left)+" to go")
	}
	p.line("still", strings.Join(parts, "; "), "")
}

func (p *Plain) line(state, name, text string) {
	if text != "" {
		name += ": " + text
	}
	p.last = p.now()
	fmt.Fprintf(p.out, "%s  %-7s  %s\n", clock(p.last.Sub(p.board.begun)), state, name)
}

// Close ends the heartbeat.
func (p *Plain) Close() {
	select {
	case <-p.stop:
	default:
		close(p.stop)
	}
	p.ended.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, h := range p.held {
		p.show(h.task, p.now())
	}
	p.held = nil
}
