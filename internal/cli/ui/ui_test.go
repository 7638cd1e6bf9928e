package ui

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/slipway-dev/slipway/internal/progress"
)

var start = time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)

func at(s float64, task string, state progress.State, message string) progress.Event {
	return progress.Event{Time: start.Add(seconds(s)), Task: task, State: state, Message: message}
}

// clockwork is a clock that the test moves.
type clockwork struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clockwork) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.now }
func (c *clockwork) set(s float64)  { c.mu.Lock(); defer c.mu.Unlock(); c.now = start.Add(seconds(s)) }

// lockedBuffer may be read while the display writes.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}
func (l *lockedBuffer) String() string { l.mu.Lock(); defer l.mu.Unlock(); return l.b.String() }

func TestPlain_OneLineForEachChangeOfState(t *testing.T) {
	c := &clockwork{now: start}
	var out lockedBuffer
	p := newPlain(&out, c.Now, time.Hour)
	for _, e := range []progress.Event{
		at(0, "images/coredns", progress.Waiting, "for a free processor"),
		at(1, "images/coredns", progress.Running, "compile"),
		at(2, "images/coredns", progress.Running, "compile package 10 of 100"),
		at(65, "images/traefik", progress.Running, "pull"),
		at(65, "images/traefik", progress.Done, "pulled"),
		at(65, "images/coredns", progress.Done, "built"),
	} {
		c.set(e.Time.Sub(start).Seconds())
		p.Report(e)
	}
	p.Close()
	want := `00:01  waiting  images/coredns: for a free processor
00:02  running  images/coredns: compile
01:05  done     images/traefik: pulled
01:05  done     images/coredns: built (1m04s)
`
	if out.String() != want {
		t.Fatalf("got\n%swant\n%s", out.String(), want)
	}
}

func TestPlain_SaysWhatIsWaitedForWhenNothingChanges(t *testing.T) {
	c := &clockwork{now: start}
	var out lockedBuffer
	p := newPlain(&out, c.Now, 20*time.Millisecond)
	defer p.Close()
	e := at(0, "node", progress.Running, "until the API answers")
	e.Estimate = 30
	p.Report(e)
	shows := func(word string) {
		t.Helper()
		deadline := time.Now().Add(5 * time.Second)
		for !strings.Contains(out.String(), word) {
			if time.Now().After(deadline) {
				t.Fatalf("%q is not shown; got %q", word, out.String())
			}
			time.Sleep(time.Millisecond)
		}
	}
	c.set(1)
	shows("running")
	c.set(12)
	shows("still")
	if want := "00:12  still    node until the API answers (12s of about 30s); about 18s to go\n"; !strings.HasSuffix(out.String(), want) {
		t.Fatalf("got %q, want it to end with %q", out.String(), want)
	}
}

func TestJSON_EventsComeBackAsTheyWere(t *testing.T) {
	var out bytes.Buffer
	d := NewJSON(&out)
	sent := at(1, "node", progress.Running, "starts")
	d.Report(sent)
	d.Close()
	var got progress.Event
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || got != sent {
		t.Fatalf("got %+v, error %v", got, err)
	}
}

func picture80(height int, s float64) picture {
	return picture{title: "slipway up", width: 80, height: height, now: start.Add(seconds(s))}
}

func TestDraw_FinishedGroupsAreOneLine(t *testing.T) {
	b := newBoard(start)
	b.apply(at(0, "images/a", progress.Running, "compile"))
	b.apply(at(0, "images/b", progress.Running, "compile"))
	b.apply(at(5, "images/a", progress.Done, "built"))
	if got := ansi.Strip(draw(b, picture80(24, 6))); !strings.Contains(got, "images     1/2") || !strings.Contains(got, "b  ") {
		t.Fatalf("an unfinished group shows its tasks; got\n%s", got)
	}
	b.apply(at(9, "images/b", progress.Done, "built"))
	got := ansi.Strip(draw(b, picture80(24, 10)))
	want := "slipway up  00:10\n✓ images     2/2  9.0s\n"
	if got != want {
		t.Fatalf("got\n%q\nwant\n%q", got, want)
	}
}

func TestDraw_ATaskThatHasItsGroupsNameIsItsHeading(t *testing.T) {
	b := newBoard(start)
	b.apply(at(0, "node", progress.Running, "starts"))
	b.apply(at(0, "node/etcd", progress.Done, "ready"))
	got := ansi.Strip(draw(b, picture80(24, 3)))
	if strings.Count(got, "node") != 1 || !strings.Contains(got, "1/1 starts") {
		t.Fatalf("got\n%s", got)
	}
}

func TestDraw_NeverHigherThanTheTerminalButShowsWhatFailed(t *testing.T) {
	b := newBoard(start)
	for i := range 60 {
		b.apply(at(0, fmt.Sprintf("images/%02d", i), progress.Done, "built"))
	}
	b.apply(at(0, "images/running", progress.Running, "compile"))
	b.apply(progress.Event{Time: start, Task: "images/broken", State: progress.Failed, Message: errors.New("no space left").Error()})
	got := ansi.Strip(draw(b, picture80(20, 1)))
	if n := strings.Count(got, "\n"); n > 20 {
		t.Fatalf("%d lines on a terminal of 20:\n%s", n, got)
	}
	for _, want := range []string{"running", "no space left", "more"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
}

func TestBoard_RemainingCountsWhatIsLeftOfEstimates(t *testing.T) {
	b := newBoard(start)
	for _, e := range []progress.Event{
		{Time: start, Task: "images/a", State: progress.Running, Estimate: 60},
		{Time: start, Task: "images/b", State: progress.Waiting, Estimate: 100},
		{Time: start, Task: "images/c", State: progress.Done, Estimate: 500},
		{Time: start, Task: "images/d", State: progress.Running, Estimate: 5},
	} {
		b.apply(e)
	}
	if got := b.remaining(start.Add(20 * time.Second)); got != 140*time.Second {
		t.Fatalf("got %s, want 40s of a and 100s of b", got)
	}
}

func TestGroupState(t *testing.T) {
	for _, c := range []struct {
		states []progress.State
		want   progress.State
	}{
		{[]progress.State{progress.Done, progress.Failed, progress.Running}, progress.Failed},
		{[]progress.State{progress.Done, progress.Running}, progress.Running},
		{[]progress.State{progress.Done, progress.Waiting}, progress.Running},
		{[]progress.State{progress.Waiting, progress.Waiting}, progress.Waiting},
		{[]progress.State{progress.Done, progress.Skipped}, progress.Done},
		{[]progress.State{progress.Skipped}, progress.Skipped},
	} {
		var g group
		for _, s := range c.states {
			g.tasks = append(g.tasks, &task{state: s})
		}
		if got := g.state(); got != c.want {
			t.Errorf("%v: got %s, want %s", c.states, got, c.want)
		}
	}
}

func TestDurations(t *testing.T) {
	for _, c := range []struct {
		d           time.Duration
		short, mmss string
	}{
		{400 * time.Millisecond, "0.4s", "00:00"},
		{34 * time.Second, "34s", "00:34"},
		{450 * time.Second, "7m30s", "07:30"},
		{65 * time.Minute, "1h05m", "1:05:00"},
	} {
		if got := short(c.d); got != c.short {
			t.Errorf("short(%s) = %s, want %s", c.d, got, c.short)
		}
		if got := clock(c.d); got != c.mmss {
			t.Errorf("clock(%s) = %s, want %s", c.d, got, c.mmss)
		}
	}
}

func TestLive_EndsWhenClosedAndDrawsTheEnd(t *testing.T) {
	var out lockedBuffer
	l := newLive(&out, "slipway up")
	l.Report(progress.Event{Time: time.Now(), Task: "node", State: progress.Running, Message: "starts"})
	l.Report(progress.Event{Time: time.Now(), Task: "node", State: progress.Done, Message: "ready"})
	l.Close()
	l.Close()
	if got := ansi.Strip(out.String()); !strings.Contains(got, "node") || !strings.Contains(got, "ready") {
		t.Fatalf("got %q", got)
	}
}
