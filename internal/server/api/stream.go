package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/slipway-dev/slipway/internal/server/access"
	"github.com/slipway-dev/slipway/internal/server/problem"
)

// StreamEnd is the last event of a stream whose server ends it: the client need not come again, or
// should, as reconnect says.
type StreamEnd struct {
	Reconnect bool             `json:"reconnect" doc:"there may be more: come again with Last-Event-ID"`
	Problem   *problem.Problem `json:"problem,omitempty" doc:"why it ended, where something went wrong"`
}

// source feeds a stream until it or ctx ends.
type source[E any] func(ctx context.Context, emit func(E) error) error

// LastEvent is the header with which a browser comes again.
type LastEvent struct {
	LastEventID string `header:"Last-Event-ID" maxLength:"200" doc:"ID of the last event that was seen"`
}

// stream registers a route of server-sent events. open checks the request before anything is sent,
// so that what is wrong with it is an ordinary problem, and gives the source of events. name is the
// events' name, id their ID; the last event is named "end" (StreamEnd).
func stream[I, E any](g group, r route, name string, id func(E) string,
	open func(context.Context, access.Principal, *I) (source[E], error)) {
	a, op := g.api, g.operation(r)
	schema := eventSchema[E](a.huma.OpenAPI().Components.Schemas, name)
	op.Responses = map[string]*huma.Response{"200": {
		Description: "Server-sent events named " + name + ", then one named end",
		Content:     map[string]*huma.MediaType{"text/event-stream": {Schema: schema}},
	}}
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*huma.StreamResponse, error) {
		if g.absent != nil {
			return nil, problemOf(ctx, g.absent)
		}
		p, _ := access.From(ctx)
		feed, err := open(ctx, p, in)
		if err != nil {
			return nil, problemOf(ctx, err)
		}
		leave, ok := a.places.Take(p.ID)
		if !ok {
			return nil, problemOf(ctx, problem.New(http.StatusTooManyRequests,
				fmt.Sprintf("you have %d streams open, as many as are allowed", a.streams.Each),
				"close one").RetryAfter(5*time.Second))
		}
		return &huma.StreamResponse{Body: func(hctx huma.Context) {
			defer leave()
			defer a.streams.Metrics.Stream()()
			// All adapters of net/http write to its ResponseWriter.
			w := hctx.BodyWriter().(http.ResponseWriter)
			runStream(ctx, a.streams, p, newEvents(w), name, id, feed)
		}}, nil
	})
}

// eventSchema describes the stream: each item is one event's data.
func eventSchema[E any](registry huma.Registry, name string) *huma.Schema {
	one, end := schemaOf[E](registry), schemaOf[StreamEnd](registry)
	return &huma.Schema{
		Type:        huma.TypeArray,
		Description: "Data of the events, in JSON: of those named " + name + ", and at last of the one named end.",
		Items:       &huma.Schema{OneOf: []*huma.Schema{one, end}},
	}
}

// schemaOf describes a type that has a name.
func schemaOf[T any](registry huma.Registry) *huma.Schema {
	return registry.Schema(reflect.TypeFor[T](), true, reflect.TypeFor[T]().Name())
}

// runStream sends what feed gives until it ends, the caller's credential does, the stream has lasted
// long enough, or the server stops.
func runStream[E any](ctx context.Context, s Streams, p access.Principal, to *events, name string, id func(E) string,
	feed source[E],
) {
	ctx, cancel := context.WithTimeout(ctx, s.lifetime(p))
	defer cancel()
	defer context.AfterFunc(s.Draining, cancel)()
	var beating sync.WaitGroup
	beating.Go(func() { to.beat(ctx, s.Beat, cancel) })
	err := feed(ctx, func(e E) error {
		if err := to.send(id(e), name, e); err != nil {
			cancel()
			return err
		}
		return ctx.Err()
	})
	end := StreamEnd{Reconnect: ctx.Err() != nil}
	if err != nil && ctx.Err() == nil {
		end.Problem = problemOf(ctx, err)
		end.Reconnect = errors.Is(err, ErrUnavailable)
	}
	cancel()
	beating.Wait()              // nobody may write once this function has returned
	_ = to.send("", "end", end) // the client is gone where this fails
}

// lifetime is how long a stream may last for p.
func (s Streams) lifetime(p access.Principal) time.Duration {
	life := s.Lifetime
	if left := time.Until(p.Expires); !p.Expires.IsZero() && left < life {
		life = left
	}
	return life
}

// eventPatience is how long a client may take to accept one event.
const eventPatience = 10 * time.Second

// events writes server-sent events (HTML Standard, section 9.2).
type events struct {
	mu      sync.Mutex
	w       http.ResponseWriter
	control *http.ResponseController
	last    time.Time
}

func newEvents(w http.ResponseWriter) *events {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // proxies that buffer know this one
	e := &events{w: w, control: http.NewResponseController(w)}
	e.mu.Lock()
	defer e.mu.Unlock()
	_ = e.write(": open\n\n") // the next write fails too, and is noticed
	return e
}

func (e *events) send(id, name string, data any) error {
	text, err := json.Marshal(data) // holds no line break
	if err != nil {
		return fmt.Errorf("write an event: %w", err)
	}
	var b strings.Builder
	if id != "" {
		b.WriteString("id: " + strings.NewReplacer("\n", "", "\r", "", "\x00", "").Replace(id) + "\n")
	}
	b.WriteString("event: " + name + "\ndata: ")
	b.Write(text)
	b.WriteString("\n\n")
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.write(b.String())
}

// write sends text at once. The caller holds mu.
func (e *events) write(text string) error {
	e.last = time.Now()
	_ = e.control.SetWriteDeadline(e.last.Add(eventPatience))
	if _, err := e.w.Write([]byte(text)); err != nil {
		return err
	}
	return e.control.Flush()
}

// beat sends a comment when nothing else was sent for a while, and gives up on a client that is gone.
func (e *events) beat(ctx context.Context, every time.Duration, giveUp func()) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		e.mu.Lock()
		var err error
		if ctx.Err() == nil && time.Since(e.last) >= every {
			err = e.write(": still here\n\n")
		}
		e.mu.Unlock()
		if err != nil {
			giveUp()
			return
		}
	}
}
