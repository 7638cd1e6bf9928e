package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/slipway-dev/slipway/internal/server/api"
)

const (
	// streamSilence is how long a stream may be silent; the server shows every 20 seconds that it is there.
	streamSilence = 70 * time.Second
	// maxEvent bounds one event, in bytes.
	maxEvent = 4 << 20
)

// errLost says that a stream ended without the server's last word.
var errLost = errors.New("the connection was lost")

// errBig is about an event that is too big.
var errBig = fmt.Errorf("an event has more than the %d bytes that are read", maxEvent)

// resume says how to come again to a stream that was cut: with which query, or, where ok is false, not at all.
type resume func(last string) (q url.Values, ok bool)

// byID comes again after the last event that was seen.
func byID(q url.Values) resume { return func(string) (url.Values, bool) { return q, true } }

// stream gives the events of a route of server-sent events (HTML Standard, section 9.2) until the server says that
// there are no more, emit fails, or ctx ends. It comes again where the connection is lost, or the server asks for it.
func stream[E any](ctx context.Context, c *Client, k call, again resume, emit func(E) error) error {
	last, lost := "", 0
	for {
		seen := false
		end, err := read(ctx, c, k, &last, func(e E) error {
			seen = true
			return emit(e)
		})
		var own emitError
		switch {
		case errors.As(err, &own):
			return own.error
		case err == nil && !end.Reconnect:
			return c.ended(k, end)
		case err != nil && !errors.Is(err, errLost):
			return err
		case seen:
			lost = 0
		}
		q, ok := again(last)
		if lost++; !ok || lost > tries {
			if end.Problem != nil {
				return c.ended(k, end)
			}
			return c.failed(k, errLost)
		}
		k.query, k.header = q, http.Header{}
		if last != "" {
			k.header.Set("Last-Event-ID", last)
		}
		if err := c.pause(ctx, 250*time.Millisecond<<(lost-1)); err != nil {
			return c.failed(k, cause(ctx, err))
		}
	}
}

// ended is the error of a stream's end; nil where nothing went wrong.
func (c *Client) ended(k call, end api.StreamEnd) error {
	if end.Problem == nil {
		return nil
	}
	return (&Error{Server: c.options.Server, Doing: k.route.doing, Problem: *end.Problem}).fault()
}

// emitError keeps the caller's own error apart from the stream's.
type emitError struct{ error }

func (e emitError) Unwrap() error { return e.error }

// read reads one connection's events. The error is errLost where the stream just stops.
func read[E any](ctx context.Context, c *Client, k call, last *string, emit func(E) error) (api.StreamEnd, error) {
	heard, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silent := time.AfterFunc(c.silence, func() { cancel(errLost) })
	defer silent.Stop()
	response, err := c.send(heard, k)
	if err != nil && errors.Is(context.Cause(heard), errLost) {
		return api.StreamEnd{}, errLost
	}
	if err != nil {
		return api.StreamEnd{}, err
	}
	defer response.Body.Close()
	lines := &lineReader{r: bufio.NewReader(response.Body), alive: func() { silent.Reset(c.silence) }}
	for {
		event, err := lines.next()
		if err != nil {
			return api.StreamEnd{}, c.lost(ctx, k, err)
		}
		if event.name == "end" {
			var end api.StreamEnd
			if err := json.Unmarshal([]byte(event.data), &end); err != nil {
				return end, c.failed(k, fmt.Errorf("read the stream's end: %w", err))
			}
			return end, nil
		}
		var e E
		if err := json.Unmarshal([]byte(event.data), &e); err != nil {
			return api.StreamEnd{}, c.failed(k, fmt.Errorf("read an event: %w", err))
		}
		if event.id != "" {
			*last = event.id
		}
		if err := emit(e); err != nil {
			return api.StreamEnd{}, emitError{err}
		}
	}
}

// lost tells a connection that broke from what cannot get better by coming again.
func (c *Client) lost(ctx context.Context, k call, err error) error {
	switch {
	case errors.Is(err, errBig):
		return c.failed(k, err)
	case ctx.Err() != nil:
		return c.failed(k, context.Cause(ctx))
	}
	return errLost
}

// event is one server-sent event.
type event struct{ id, name, data string }

// lineReader reads server-sent events.
type lineReader struct {
	r *bufio.Reader
	// alive is told of each line.
	alive func()
}

func (l *lineReader) next() (event, error) {
	var e event
	var data []string
	size := 0
	for {
		line, err := l.line(&size)
		if err != nil {
			return e, err
		}
		l.alive()
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "" && data == nil:
			e, size = event{}, 0
		case line == "":
			e.data = strings.Join(data, "\n")
			return e, nil
		case field == "id":
			e.id = value
		case field == "event":
			e.name = value
		case field == "data":
			data = append(data, value)
		}
	}
}

// line reads a line without its end.
func (l *lineReader) line(size *int) (string, error) {
	var b strings.Builder
	for {
		part, err := l.r.ReadSlice('\n')
		if *size += len(part); *size > maxEvent {
			return "", errBig
		}
		b.Write(part)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case err != nil:
			return "", errors.Join(io.ErrUnexpectedEOF, err)
		default:
			return strings.TrimRight(b.String(), "\r\n"), nil
		}
	}
}
