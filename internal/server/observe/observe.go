// Package observe is what the server lets be seen of itself: one structured log line a request,
// metrics for Prometheus, and traces for OpenTelemetry where an endpoint is set. Nothing secret
// passes through it: no headers, no bodies, no query strings.
package observe

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/slipway-dev/slipway/internal/server/problem"
)

// Request is what is known of a request while it is served; whoever learns more adds it. One
// goroutine at a time may touch it, the one that serves the request.
type Request struct {
	// ID names the request in the log and in problems.
	ID string
	// Route is the pattern that matched, Client the address, Caller the principal's ID.
	Route, Client, Caller string
	// Refused says in a word why the guard did not let the request through.
	Refused string
	// Cause is what went wrong inside, for the log alone.
	Cause error
}

type requestKey struct{}

// From gives what is known of the request; outside of one, a record that nobody reads.
func From(ctx context.Context) *Request {
	if r, ok := ctx.Value(requestKey{}).(*Request); ok {
		return r
	}
	return &Request{}
}

// NewLogger writes JSON lines.
func NewLogger(out io.Writer, level slog.Level) *slog.Logger {
	return slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: level}))
}

// Handler gives each request its record, and logs and counts it when it is done. A panic becomes a
// problem, and is logged with its stack.
func Handler(log *slog.Logger, m *Metrics, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		record := &Request{ID: rand.Text()[:16], Route: "unmatched"}
		ctx := context.WithValue(r.Context(), requestKey{}, record)
		out := &writer{ResponseWriter: w}
		out.Header().Set("X-Request-Id", record.ID)
		start := time.Now()
		m.inFlight.Inc()
		defer func() {
			m.inFlight.Dec()
			caught := recover()
			if caught != nil && caught != http.ErrAbortHandler {
				log.ErrorContext(ctx, "panic", "request", record.ID, "route", record.Route, "panic", caught, "stack",
					string(debug.Stack()))
				failed(out, record)
			}
			took := time.Since(start)
			m.request(record.Route, r.Method, out.code(), took)
			logLine(ctx, log, r, record, out, took)
			if caught == http.ErrAbortHandler {
				panic(caught)
			}
		}()
		next.ServeHTTP(out, r.WithContext(ctx))
	})
}

// failed answers for a handler that panicked, where it has not begun to answer.
func failed(out *writer, record *Request) {
	if out.status == 0 {
		problem.New(http.StatusInternalServerError, "something went wrong inside the server",
			"try again; if it stays so, give the administrator the request's name").About(record.ID).Write(out)
	}
}

func logLine(ctx context.Context, log *slog.Logger, r *http.Request, record *Request, out *writer, took time.Duration) {
	level := slog.LevelInfo
	switch {
	case out.code() >= 500:
		level = slog.LevelError
	case record.Route == "GET /healthz" || record.Route == "GET /readyz":
		level = slog.LevelDebug
	}
	line := []any{"request", record.ID, "method", r.Method, "path", r.URL.Path, "route", record.Route,
		"status", out.code(), "bytes", out.bytes, "took", took.Seconds(), "client", record.Client}
	for name, value := range map[string]string{"caller": record.Caller, "refused": record.Refused} {
		if value != "" {
			line = append(line, name, value)
		}
	}
	if record.Cause != nil {
		line = append(line, "cause", record.Cause.Error())
	}
	if span := trace.SpanContextFromContext(ctx); span.HasTraceID() {
		line = append(line, "trace", span.TraceID().String())
	}
	log.Log(ctx, level, "request", line...)
}

// writer notes what is answered.
type writer struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *writer) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *writer) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// Flush and Unwrap let streams flush and set deadlines (http.ResponseController).
func (w *writer) Flush() { _ = http.NewResponseController(w.ResponseWriter).Flush() }

// Unwrap gives the writer below.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *writer) code() int {
	if w.status == 0 {
		return http.StatusOK
	}
	return w.status
}
