package server

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-dev/slipway/internal/server/api"
)

// sse is one server-sent event.
type sse struct{ id, name, data string }

// listening is an open stream.
type listening struct {
	t        testing.TB
	response *http.Response
	lines    *bufio.Scanner
	stop     context.CancelFunc
}

// listen opens a stream.
func (c *caller) listen(path string, headers ...string) *listening {
	c.f.t.Helper()
	ctx, cancel := context.WithCancel(c.f.t.Context())
	r, err := http.NewRequestWithContext(ctx, "GET", c.f.url+path, nil)
	if err != nil {
		c.f.t.Fatal(err)
	}
	r.Header = c.header.Clone()
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := c.client.Do(r)
	if err != nil {
		c.f.t.Fatal(err)
	}
	c.f.t.Cleanup(func() {
		cancel()
		_ = response.Body.Close()
	})
	return &listening{c.f.t, response, bufio.NewScanner(response.Body), cancel}
}

// next gives the next event; ok is false at the end of the stream. Comments are skipped.
func (l *listening) next() (e sse, ok bool) {
	l.t.Helper()
	for l.lines.Scan() {
		name, value, _ := strings.Cut(l.lines.Text(), ": ")
		switch {
		case name == "id":
			e.id = value
		case name == "event":
			e.name = value
		case name == "data":
			e.data = value
		case l.lines.Text() == "" && e.name != "":
			return e, true
		case name != "" && l.lines.Text() != "":
			l.t.Fatalf("%q is no line of a stream", l.lines.Text())
		}
	}
	return sse{}, false
}

func (l *listening) rest() (all []sse) {
	l.t.Helper()
	for {
		e, ok := l.next()
		if !ok {
			return all
		}
		all = append(all, e)
	}
}

func end(t *testing.T, e sse) api.StreamEnd {
	t.Helper()
	var out api.StreamEnd
	if err := json.Unmarshal([]byte(e.data), &out); err != nil || e.name != "end" {
		t.Fatalf("%+v is no end: %v", e, err)
	}
	return out
}

func TestStream_GoesOnAfterTheLastEventSeen(t *testing.T) {
	f, _ := filled(t)
	c := f.as(user("vera", "payments:viewers"))
	const path = "/api/v1/teams/payments/template-runs/r1/events"
	l := c.listen(path)
	if l.response.Header.Get("Content-Type") != "text/event-stream" ||
		l.response.Header.Get("Cache-Control") != "no-store" {
		t.Error(l.response.Header)
	}
	var ids []string
	all := l.rest()
	for _, e := range all {
		ids = append(ids, e.name+e.id)
	}
	if diff := cmp.Diff([]string{"run1", "run2", "run3", "end"}, ids); diff != "" {
		t.Error(diff)
	}
	if last := end(t, all[len(all)-1]); last.Reconnect || last.Problem != nil {
		t.Errorf("%+v", last)
	}
	if all := c.listen(path, "Last-Event-ID", "2").rest(); len(all) != 2 || all[0].id != "3" {
		t.Errorf("%+v", all)
	}
}

func TestStream_WhatIsWrongIsSaidBeforeOrAtTheEnd(t *testing.T) {
	f, _ := filled(t)
	c := f.as(user("dan", "payments:developers"))
	c.want(http.StatusNotFound, "GET", "/api/v1/teams/payments/template-runs/missing/events", nil).problem(t)
	c.want(http.StatusUnprocessableEntity, "GET", "/api/v1/teams/payments/applications/orders/logs?source=else",
		nil).problem(t)
	all := c.listen("/api/v1/teams/payments/applications/orders/logs?source=build&build=b9&tail=1").rest()
	if len(all) != 2 {
		t.Fatalf("%+v", all)
	}
	var line api.LogLine
	if err := json.Unmarshal([]byte(all[0].data), &line); err != nil || line.Text != "line 0\nof two" {
		t.Errorf("%+v, %v", line, err)
	}
	last := end(t, all[1])
	if last.Problem == nil || last.Problem.Hint != "see the archived log" || last.Reconnect {
		t.Errorf("%+v", last)
	}
}

func TestStream_ShowsOnlyTheCallersTeams(t *testing.T) {
	f, w := filled(t)
	w.Events = []api.Event{{ID: "1", Team: "payments", Summary: "a"}, {ID: "2", Team: "search", Summary: "b"}, {ID: "3",
		Summary: "c"}, {ID: "4", Team: "payments", Summary: "d"}}
	l := f.as(user("vera", "payments:viewers")).listen("/api/v1/events")
	for _, want := range []string{"1", "3", "4"} {
		if e, ok := l.next(); !ok || e.id != want || e.name != "event" {
			t.Errorf("%+v, not %s", e, want)
		}
	}
}

func TestStream_AreBoundedForEachCaller(t *testing.T) {
	f, _ := filled(t, func(o *Options) { o.Config.Limits.Streams = 2 })
	ada, bob := f.as(user("ada", "payments:viewers")), f.as(user("bob", "payments:viewers"))
	one, _ := ada.listen("/api/v1/events"), ada.listen("/api/v1/events")
	p := ada.want(http.StatusTooManyRequests, "GET", "/api/v1/events", nil).problem(t)
	if p.Hint == "" {
		t.Errorf("%+v", p)
	}
	if r := bob.listen("/api/v1/events").response; r.StatusCode != http.StatusOK {
		t.Errorf("somebody else gets %d", r.StatusCode)
	}
	one.stop()
	for ada.listen("/api/v1/events").response.StatusCode != http.StatusOK {
		// The server notices within moments that the client has gone; the test's own time bounds this.
	}
}

func TestStream_EndsWithTheCredential(t *testing.T) {
	f, w := filled(t)
	w.Events = []api.Event{{ID: "1", Summary: "a"}}
	claims := f.provider.Claims(user("vera", "payments:viewers"))
	claims["exp"] = f.clock.now().Add(2 * time.Second).Unix()
	all := f.with(f.provider.Token(t, claims)).listen("/api/v1/events").rest()
	if len(all) != 2 || !end(t, all[1]).Reconnect {
		t.Errorf("%+v", all)
	}
}

func TestStream_EndsWhenTheServerStops(t *testing.T) {
	f, w := filled(t)
	w.Events = []api.Event{{ID: "1", Summary: "a"}}
	l := f.as(user("vera", "payments:viewers")).listen("/api/v1/events")
	if _, ok := l.next(); !ok {
		t.Fatal("no event")
	}
	f.server.drain()
	all := l.rest()
	if len(all) != 1 || !end(t, all[0]).Reconnect {
		t.Errorf("%+v", all)
	}
}
