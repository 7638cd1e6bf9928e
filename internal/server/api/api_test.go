package api

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/server/access"
	"github.com/slipway-dev/slipway/internal/server/observe"
)

func TestSlice_PagesHoldEverythingOnce(t *testing.T) {
	for n := range 12 {
		var items []string
		for i := range n {
			items = append(items, fmt.Sprintf("%02d", i))
		}
		for limit := 1; limit < 6; limit++ {
			var got []string
			page := Page{Limit: limit}
			for {
				l := Slice(items, func(s string) string { return s }, page)
				if got = append(got, l.Items...); l.Next == "" {
					break
				}
				if len(l.Items) != limit {
					t.Fatalf("a page in the middle has %d of %d", len(l.Items), limit)
				}
				page.After = l.Next
			}
			if strings.Join(got, " ") != strings.Join(items, " ") {
				t.Errorf("%d by %d: %v", n, limit, got)
			}
		}
	}
}

func TestSlice_ItemsThatGoOrComeDoNotShiftThePages(t *testing.T) {
	key := func(s string) string { return s }
	first := Slice([]string{"a", "c", "e", "g"}, key, Page{Limit: 2})
	next := Slice([]string{"b", "e", "f", "g"}, key, Page{Limit: 2, After: first.Next}) // a and c went, b and f came
	if strings.Join(next.Items, "") != "ef" {
		t.Errorf("%v", next.Items)
	}
}

func FuzzPaged(f *testing.F) {
	f.Add("e30", "q")
	f.Add(base64.RawURLEncoding.EncodeToString([]byte(`{"a":"x","o":"y"}`)), "")
	f.Fuzz(func(t *testing.T, text, query string) {
		_, err := paged(PageQuery{Limit: 1, Cursor: text}, []string{query}, func(p Page) (List[int], error) {
			if text != "" && p.After == "" {
				t.Error("a cursor became the beginning")
			}
			return List[int]{}, nil
		})
		_ = err
	})
}

func TestProblemOf_KindsOfErrors(t *testing.T) {
	tests := []struct {
		err          error
		status       int
		detail, hint string
	}{
		{fmt.Errorf("application payments/x: %w", ErrNotFound), 404, "application payments/x: not found", "check the name"},
		{fmt.Errorf("it is being deleted: %w", ErrConflict), 409, "it is being deleted", "look at how it stands now"},
		{fault.Hint(fmt.Errorf("own change: %w", ErrDenied), "ask bob"), 403, "own change", "ask bob"},
		{fault.Invalid(errors.New("gates.yaml:3: no"), "see the schema"), 422, "gates.yaml:3: no", "see the schema"},
		{fmt.Errorf("the log: %w", ErrUnavailable), 503, "the log", "try again"},
		{fmt.Errorf("read: %w", context.DeadlineExceeded), 504, "the answer took too long", "try again"},
		{errors.New("secret"), 500, "something went wrong inside the server", "give the administrator"},
		{notConfigured("audit log"), 501, "this server has no audit log", "capabilities"},
	}
	for _, tt := range tests {
		p := problemOf(t.Context(), fmt.Errorf("wrapped: %w", tt.err))
		detail := strings.TrimPrefix(p.Detail, "wrapped: ")
		if p.Status != tt.status || detail != tt.detail || !strings.Contains(p.Hint, tt.hint) {
			t.Errorf("%v: %+v", tt.err, p)
		}
	}
}

// TestRunStream_ShowsThatItIsAlive sends nothing but must be heard of.
func TestRunStream_ShowsThatItIsAlive(t *testing.T) {
	s := Streams{Lifetime: time.Minute, Beat: time.Millisecond, Draining: t.Context(), Metrics: observe.NewMetrics("test")}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		runStream(r.Context(), s, access.Principal{}, newEvents(w), "event", func(int) string { return "" },
			func(ctx context.Context, _ func(int) error) error {
				<-ctx.Done()
				return ctx.Err()
			})
	}))
	defer server.Close()
	response, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	for beats := 0; beats < 3 && lines.Scan(); {
		if lines.Text() == ": still here" {
			beats++
		}
	}
	if err := lines.Err(); err != nil {
		t.Error(err)
	}
}

// TestRunStream_GivesUpOnAClientThatIsGone must end though the source has nothing to say.
func TestRunStream_GivesUpOnAClientThatIsGone(t *testing.T) {
	done := make(chan struct{})
	s := Streams{Lifetime: time.Hour, Beat: time.Millisecond, Draining: t.Context(), Metrics: observe.NewMetrics("test")}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(done)
		// The request's own end is hidden, so that only writing can tell.
		runStream(context.WithoutCancel(r.Context()), s, access.Principal{}, newEvents(w), "event",
			func(int) string { return "" },
			func(ctx context.Context, _ func(int) error) error {
				<-ctx.Done()
				return ctx.Err()
			})
	}))
	defer server.Close()
	response, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	<-done
}

func TestEvents_IDsCannotBreakOutOfTheirLine(t *testing.T) {
	w := httptest.NewRecorder()
	if err := newEvents(w).send("1\ndata: forged\r\x00", "event", "x\ny"); err != nil {
		t.Fatal(err)
	}
	if got := w.Body.String(); got != ": open\n\nid: 1data: forged\nevent: event\ndata: \"x\\ny\"\n\n" {
		t.Errorf("%q", got)
	}
}
