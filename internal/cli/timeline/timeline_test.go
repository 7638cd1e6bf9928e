package timeline

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slipway-dev/slipway/internal/progress"
)

var update = flag.Bool("update", false, "write the golden files")

func read(t *testing.T, name string) Chart {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	events, err := Read(f)
	if err != nil {
		t.Fatal(err)
	}
	return New(events)
}

func TestDraw_ARunWithEveryStateLooksAsItDid(t *testing.T) {
	var got bytes.Buffer
	if err := Draw(&got, "slipway up: <starter> & more", read(t, "up.jsonl")); err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "up.svg")
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("the drawing is another than %s; look at both, then run the test with -update", golden)
	}
	wellFormed(t, got.Bytes())
}

// wellFormed fails where text is not XML, which a browser would not show.
func wellFormed(t *testing.T, text []byte) {
	t.Helper()
	for d := xml.NewDecoder(bytes.NewReader(text)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("not XML: %v", err)
		}
	}
}

func TestNew_SpansFollowTheStates(t *testing.T) {
	c := read(t, "up.jsonl")
	var gateway Task
	for _, g := range c.Groups {
		for _, task := range g.Tasks {
			if task.Name == "tools/gateway" {
				gateway = task
			}
		}
	}
	var got []string
	for _, s := range gateway.Spans {
		got = append(got, string(s.State)+" "+s.End.Sub(s.Begin).String())
	}
	if want := "waiting 2s, running 3s, waiting 1s, running 2s"; strings.Join(got, ", ") != want {
		t.Errorf("got %s, want %s", strings.Join(got, ", "), want)
	}
	if gateway.State != progress.Failed {
		t.Errorf("got the state %s, want %s", gateway.State, progress.Failed)
	}
}

func TestNew_OrderOfEventsDoesNotMatter(t *testing.T) {
	begin := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	events := []progress.Event{
		{Time: begin, Task: "a", State: progress.Running},
		{Time: begin.Add(time.Second), Task: "b/c", State: progress.Running},
		{Time: begin.Add(2 * time.Second), Task: "a", State: progress.Done},
		{Time: begin.Add(3 * time.Second), Task: "b/c", State: progress.Done},
	}
	var forward, backward bytes.Buffer
	if err := Draw(&forward, "", New(events)); err != nil {
		t.Fatal(err)
	}
	if err := Draw(&backward, "", New([]progress.Event{events[3], events[2], events[1], events[0]})); err != nil {
		t.Fatal(err)
	}
	if forward.String() != backward.String() {
		t.Error("the drawings differ")
	}
}

func TestNew_ATaskThatRunsAgainHasAGap(t *testing.T) {
	begin := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	at := func(seconds int, state progress.State) progress.Event {
		return progress.Event{Time: begin.Add(time.Duration(seconds) * time.Second), Task: "manifests", State: state}
	}
	c := New([]progress.Event{at(0, progress.Running), at(1, progress.Done), at(5, progress.Running), at(7, progress.Done)})
	spans := c.Groups[0].Tasks[0].Spans
	if len(spans) != 2 || spans[0].End.Sub(spans[0].Begin) != time.Second || spans[1].End.Sub(spans[1].Begin) != 2*time.Second {
		t.Errorf("got %v", spans)
	}
}

func TestRead(t *testing.T) {
	const event = `{"time":"2026-01-02T03:04:05Z","task":"a","state":"done"}`
	for name, c := range map[string]struct {
		in     string
		events int
		err    string
	}{
		"summary is passed over":        {in: event + "\n" + `{"summary":{"name":"x"}}` + "\n", events: 1},
		"last line cut off":             {in: event + "\n" + `{"time":"2026-01-`, events: 1},
		"no line end at the end":        {in: event, events: 1},
		"empty":                         {in: "", err: "there are none"},
		"another file":                  {in: "kind: Platform\nname: x\n", err: "line 1 is not an event"},
		"a broken line in the middle":   {in: event + "\n{\n" + event, err: "line 2 is not an event"},
		"only what is not about a task": {in: `{"summary":{}}`, err: "there are none"},
	} {
		t.Run(name, func(t *testing.T) {
			events, err := Read(strings.NewReader(c.in))
			if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Fatalf("got the error %v, want %q", err, c.err)
			}
			if len(events) != c.events {
				t.Errorf("got %d events, want %d", len(events), c.events)
			}
		})
	}
}

func TestMarksAndLengths(t *testing.T) {
	for d, want := range map[time.Duration][2]string{
		0:                        {"0", "0.0 s"},
		300 * time.Millisecond:   {"300 ms", "0.3 s"},
		34 * time.Second:         {"34 s", "34 s"},
		59900 * time.Millisecond: {"59.9 s", "1:00 min"},
		125 * time.Second:        {"2:05", "2:05 min"},
		70 * time.Minute:         {"70:00", "70:00 min"},
	} {
		if got := mark(d); got != want[0] {
			t.Errorf("mark(%s) = %q, want %q", d, got, want[0])
		}
		if got := length(d); got != want[1] {
			t.Errorf("length(%s) = %q, want %q", d, got, want[1])
		}
	}
}
