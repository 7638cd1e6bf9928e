// Package client calls the HTTP API of `slipway server`, with the API's own types. It follows pages, tries again where
// that is safe, and turns the server's problems into errors with their next step. The command line calls it, and
// whatever else in Go wants to; it keeps nothing, and never asks the user.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-dev/slipway/internal/server/api"
)

const (
	// patience is how long one call may take, streams and downloads aside.
	patience = time.Minute
	// maxAnswer bounds what is read of an answer, in bytes.
	maxAnswer = 32 << 20
	// perPage is how many items are asked for at once; it is the most that the server gives.
	perPage = 200
)

// Options are what a client is made of.
type Options struct {
	// Server is the server's URL without a path, such as https://console.example.com.
	Server string
	// Token is sent as bearer token; without one only public routes answer.
	Token string
	// Transport carries the calls; nil means the standard library's.
	Transport http.RoundTripper
	// UserAgent names the caller in the server's log.
	UserAgent string
}

// Client calls one server as one caller. It is safe for concurrent use.
type Client struct {
	options Options
	http    *http.Client
	// pause waits before another try; tests replace it.
	pause func(context.Context, time.Duration) error
	// silence is how long a stream may be silent before it counts as lost.
	silence time.Duration
}

// New makes a client; it calls nobody yet.
func New(o Options) *Client {
	o.Server = strings.TrimSuffix(o.Server, "/")
	return &Client{options: o, http: &http.Client{Transport: o.Transport}, pause: pause, silence: streamSilence}
}

// Server is the URL of the server that is called.
func (c *Client) Server() string { return c.options.Server }

// call is one request as it is made.
type call struct {
	route route
	// in fills the path's places in their order.
	in    []string
	query url.Values
	// body is sent as JSON, form as a form.
	body   any
	form   url.Values
	header http.Header
}

func (c *Client) request(ctx context.Context, k call) (*http.Request, error) {
	var body io.Reader
	kind := ""
	switch {
	case k.form != nil:
		body, kind = strings.NewReader(k.form.Encode()), "application/x-www-form-urlencoded"
	case k.body != nil:
		text, err := json.Marshal(k.body)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k.route.doing, err)
		}
		body, kind = bytes.NewReader(text), "application/json"
	}
	at := c.options.Server + api.Prefix + k.route.fill(k.in)
	if len(k.query) > 0 {
		at += "?" + k.query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, k.route.method, at, body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", k.route.doing, err)
	}
	for name, values := range k.header {
		r.Header[name] = values
	}
	// net/http takes the header away where a redirect leads to another host.
	if c.options.Token != "" {
		r.Header.Set("Authorization", "Bearer "+c.options.Token)
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	if c.options.UserAgent != "" {
		r.Header.Set("User-Agent", c.options.UserAgent)
	}
	return r, nil
}

// do makes a call and reads its answer into to, which may be nil.
func (c *Client) do(ctx context.Context, k call, to any) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errSlow)
	defer cancel()
	response, err := c.send(ctx, k)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if to == nil {
		return nil
	}
	body := &io.LimitedReader{R: response.Body, N: maxAnswer + 1}
	err = json.NewDecoder(body).Decode(to)
	switch {
	case body.N == 0:
		err = fmt.Errorf("the answer has more than the %d bytes that are read", maxAnswer)
	case errors.Is(err, io.EOF):
		err = errors.New("the answer is empty")
	case err == nil:
		return nil
	}
	return c.failed(k, fmt.Errorf("read the answer: %w", err))
}

// get calls a route that gives a T.
func get[T any](ctx context.Context, c *Client, k call) (T, error) {
	var out T
	return out, c.do(ctx, k, &out)
}

// pages gives the items of all pages of a list. An error ends them.
func pages[T any](ctx context.Context, c *Client, k call) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		query := url.Values{}
		for name, values := range k.query {
			query[name] = values
		}
		query.Set("limit", strconv.Itoa(perPage))
		k := k
		k.query = query
		for {
			page, err := get[api.List[T]](ctx, c, k)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range page.Items {
				if !yield(item, nil) {
					return
				}
			}
			if page.Next == "" {
				return
			}
			if page.Next == query.Get("cursor") {
				var none T
				yield(none, c.failed(k, errors.New("the next page is the same one again")))
				return
			}
			query.Set("cursor", page.Next)
		}
	}
}

// Collect gathers items, at most so many; 0 means all of them.
func Collect[T any](items iter.Seq2[T, error], most int) ([]T, error) {
	out := []T{}
	for item, err := range items {
		if err != nil {
			return nil, err
		}
		out = append(out, item)
		if len(out) == most {
			break
		}
	}
	return out, nil
}

// values makes a query of what is not empty.
func values(pairs ...string) url.Values {
	out := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			out.Set(pairs[i], pairs[i+1])
		}
	}
	return out
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func yes(b bool) string {
	if b {
		return "true"
	}
	return ""
}
