package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/server/api"
	"github.com/slipway-dev/slipway/internal/server/problem"
)

// serve gives a client of a server that answers as told; nothing waits between tries.
func serve(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return at(s.URL)
}

func at(url string) *Client {
	c := New(Options{Server: url, Token: "slpw_x", UserAgent: "test"})
	c.pause = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	return c
}

func TestClient_SendsItsToken(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"username":"%s|%s|%s"}`, r.Header.Get("Authorization"), r.UserAgent(), r.URL)
	})
	me, err := c.Me(t.Context())
	if err != nil || me.Username != "Bearer slpw_x|test|/api/v1/me" {
		t.Errorf("%+v, %v", me, err)
	}
}

func TestClient_NamesAreEscaped(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, `{"name":%q}`, r.URL.EscapedPath()) })
	a, err := c.Application(t.Context(), "a/b", "../me?x=#")
	if err != nil || a.Name != "/api/v1/teams/a%2Fb/applications/..%2Fme%3Fx=%23" {
		t.Errorf("%q, %v", a.Name, err)
	}
}

func TestPages_AreFollowedAndCollected(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch q := r.URL.Query(); q.Get("cursor") {
		case "":
			fmt.Fprintf(w, `{"items":[{"name":"a"},{"name":"limit %s"}],"next":"two"}`, q.Get("limit"))
		case "two":
			fmt.Fprint(w, `{"items":[{"name":"c"}],"next":"three"}`)
		default:
			fmt.Fprint(w, `{"items":[{"name":"d"}],"next":"three"}`)
		}
	})
	got, err := Collect(c.Applications(t.Context()), 3)
	if err != nil || len(got) != 3 || got[1].Name != "limit 200" || got[2].Name != "c" {
		t.Errorf("%+v, %v", got, err)
	}
	// A server that gives the same page for ever does not keep its client for ever.
	if _, err := Collect(c.Applications(t.Context()), 0); err == nil || !strings.Contains(err.Error(), "the same one again") {
		t.Error(err)
	}
}

func TestErrors_HavePlaceCauseAndNextStep(t *testing.T) {
	p := problem.New(0, "the gate soak has not passed", "wait for an hour").About("c0ffee")
	p.Errors = []problem.Field{{Location: "body.name", Message: "expected length >= 1"}, {Message: "and more"}}
	for _, tt := range []struct {
		status, code int
		hint         string
	}{{409, fault.ExitFailed, "wait for an hour"}, {422, fault.ExitInvalid, "wait for an hour"},
		{401, fault.ExitFailed, "slipway login "}, {500, fault.ExitFailed, "wait for an hour"}} {
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			p := *p
			p.Status = tt.status
			p.Write(w)
		})
		_, err := c.OpenPromotion(t.Context(), "t", "a", api.NewPromotion{})
		hint, code := fault.Of(err)
		want := c.Server() + ": ask for a promotion: the gate soak has not passed\n  body.name: expected length >= 1\n  and more"
		if tt.status == 500 {
			want += " (urn:slipway:request:c0ffee)"
		}
		if err == nil || err.Error() != want || code != tt.code || !strings.HasPrefix(hint, tt.hint) || StatusOf(err) != tt.status {
			t.Errorf("%d: %v; %q, %d", tt.status, err, hint, code)
		}
	}
}

func TestErrors_OfWhatIsNoServerOfOurs(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>no</html>", http.StatusNotFound) })
	_, err := c.Me(t.Context())
	if hint, _ := fault.Of(err); err == nil || !strings.Contains(err.Error(), "404 Not Found") || !strings.Contains(hint, "check the URL") {
		t.Errorf("%v; %s", err, hint)
	}
	away := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "no available server", http.StatusServiceUnavailable)
	})
	_, err = away.Me(t.Context())
	if hint, _ := fault.Of(err); err == nil || !strings.Contains(err.Error(), "is away") || !strings.Contains(hint, "try again in a minute") {
		t.Errorf("a gateway without a server: %v; %s", err, hint)
	}
	for name, answer := range map[string]string{"empty": "", "no JSON": "<html>", "half": `{"username":"a`} {
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, answer) })
		if _, err := c.Me(t.Context()); err == nil || !strings.Contains(err.Error(), "ask who is calling: read the answer") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRetries_OnlyWhatIsSafe(t *testing.T) {
	for _, tt := range []struct {
		name   string
		status int
		retry  string
		read   bool
		want   int32
	}{
		{"a read of a server that starts", 503, "", true, tries},
		{"a write of a server that starts", 503, "", false, 1},
		{"a read that is too fast", 429, "1", true, tries},
		{"a write that is too fast", 429, "1", false, tries},
		{"a server that asks for an hour", 429, "3600", true, 1},
		{"a fault", 500, "", true, 1}, {"a refusal", 403, "", true, 1},
	} {
		var calls atomic.Int32
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			calls.Add(1)
			if tt.retry != "" {
				w.Header().Set("Retry-After", tt.retry)
			}
			problem.New(tt.status, "no", "").Write(w)
		})
		var err error
		if tt.read {
			_, err = c.Me(t.Context())
		} else {
			_, err = c.CreateToken(t.Context(), api.NewToken{})
		}
		if err == nil || calls.Load() != tt.want {
			t.Errorf("%s: %d calls, %v", tt.name, calls.Load(), err)
		}
	}
}

func TestRetries_AServerThatComesBackIsReached(t *testing.T) {
	var calls atomic.Int32
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1) < 3 {
			panic(http.ErrAbortHandler) // the connection breaks
		}
		fmt.Fprint(w, `{"username":"ada"}`)
	})
	if me, err := c.Me(t.Context()); err != nil || me.Username != "ada" {
		t.Error(me, err)
	}
	calls.Store(0)
	// What may have been done is not done again.
	if _, err := c.CreateToken(t.Context(), api.NewToken{}); err == nil || calls.Load() != 1 {
		t.Errorf("%d calls, %v", calls.Load(), err)
	}
	// What never reached the server is.
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	waits := 0
	gone := at(closed.URL)
	gone.pause = func(context.Context, time.Duration) error { waits++; return nil }
	if _, err := gone.CreateToken(t.Context(), api.NewToken{}); err == nil || waits != tries-1 {
		t.Errorf("%d pauses, %v", waits, err)
	}
}

func TestRetries_UntrustedCertificateSaysHowToTrustIt(t *testing.T) {
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.StartTLS()
	defer s.Close()
	c := at(s.URL)
	c.pause = func(context.Context, time.Duration) error { t.Error("it tries again"); return nil }
	_, err := c.Me(t.Context())
	if hint, _ := fault.Of(err); err == nil || !strings.Contains(hint, "--ca-file") {
		t.Errorf("%v; %s", err, hint)
	}
}

func TestClient_StoppedByItsCaller(t *testing.T) {
	begun := make(chan struct{})
	c := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done()
	})
	ctx, stop := context.WithCancel(t.Context())
	go func() { <-begun; stop() }()
	if _, err := c.Me(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestStream_GoesOnWhereItWas(t *testing.T) {
	var calls atomic.Int32
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch n := calls.Add(1); n {
		case 1: // breaks in the middle of an event
			fmt.Fprint(w, ": open\n\nid: 1\nevent: run\ndata: {\"line\":\"a\"}\n\nid: 2\nevent: run\ndata: {\"li")
		case 2: // the server asks to come again
			fmt.Fprintf(w, "id: 2\r\nevent: run\r\ndata: {\"line\":\r\ndata: \"after %s\"}\r\n\r\nevent: end\ndata: {\"reconnect\":true}\n\n",
				r.Header.Get("Last-Event-ID"))
		default:
			fmt.Fprintf(w, "id: 3\nevent: run\ndata: {\"line\":\"after %s\"}\n\nevent: end\ndata: {}\n\n", r.Header.Get("Last-Event-ID"))
		}
	})
	var got []string
	err := c.WatchRun(t.Context(), "t", "r", func(e api.RunEvent) error { got = append(got, e.Line); return nil })
	if err != nil || cmp.Diff([]string{"a", "after 1", "after 2"}, got) != "" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestStream_Ends(t *testing.T) {
	for name, tt := range map[string]struct{ text, says string }{
		"with a problem":  {"event: end\ndata: {\"problem\":{\"detail\":\"its pod is gone\",\"hint\":\"look at the archive\"}}\n\n", "its pod is gone"},
		"with nonsense":   {"event: end\ndata: {\n\n", "read the stream's end"},
		"in a broken one": {"event: run\ndata: {\n\n", "read an event"},
		"lost for good":   {": open\n\n", "the connection was lost"},
		"too big":         {"data: " + strings.Repeat("x", maxEvent) + "\n\n", "more than the"},
	} {
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, tt.text) })
		err := c.WatchRun(t.Context(), "t", "r", func(api.RunEvent) error { return nil })
		if err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	own := errors.New("enough")
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "data: {}\n\ndata: {}\n\n") })
	if err := c.Events(t.Context(), func(api.Event) error { return own }); !errors.Is(err, own) || err.Error() != "enough" {
		t.Error(err)
	}
}

func TestStream_SilenceCountsAsLost(t *testing.T) {
	var calls atomic.Int32
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) == 1 {
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
			return
		}
		fmt.Fprint(w, "event: end\ndata: {}\n\n")
	})
	c.silence = 20 * time.Millisecond
	if err := c.WatchRun(t.Context(), "t", "r", nil); err != nil || calls.Load() < 2 {
		t.Errorf("%d calls, %v", calls.Load(), err)
	}
}

func TestLogs_LinesAreShownOnceThroughALostConnection(t *testing.T) {
	line := func(second int, source, text string) string {
		return fmt.Sprintf("event: line\ndata: {\"at\":\"2026-03-01T12:00:%02dZ\",\"source\":%q,\"text\":%q}\n\n", second, source, text)
	}
	var calls atomic.Int32
	var tails []string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		tails = append(tails, r.URL.Query().Get("tail"))
		if calls.Add(1) == 1 {
			fmt.Fprint(w, line(1, "a", "one"), line(2, "a", "two"), line(2, "a", "twice"), line(2, "a", "twice"), line(1, "b", "one"))
			return
		}
		fmt.Fprint(w, line(1, "a", "one"), line(2, "a", "two"), line(2, "a", "twice"), line(2, "a", "new"), line(3, "a", "three"),
			line(1, "b", "one"), "event: end\ndata: {}\n\n")
	})
	var got []string
	err := c.Logs(t.Context(), "t", "a", api.LogQuery{Tail: 5, Follow: true}, func(l api.LogLine) error {
		got = append(got, l.Source+" "+l.Text)
		return nil
	})
	want := []string{"a one", "a two", "a twice", "a twice", "b one", "a new", "a three"}
	if err != nil || cmp.Diff(want, got) != "" || cmp.Diff([]string{"5", "1000"}, tails) != "" {
		t.Errorf("%q, tails %q, %v", got, tails, err)
	}
}

func TestExport_HalfAFileIsAnError(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "half")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	var out bytes.Buffer
	if err := c.Export(t.Context(), api.ExportQuery{}, &out); err == nil || !strings.Contains(err.Error(), "broke off after 4 bytes") {
		t.Error(err)
	}
	whole := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "whole") })
	if err := whole.Export(t.Context(), api.ExportQuery{}, full{}); err == nil || err.Error() != "the disk is full" {
		t.Error(err)
	}
}

// full is a disk that is.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("the disk is full") }

var _ io.Writer = full{}
