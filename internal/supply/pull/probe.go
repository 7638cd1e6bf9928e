package pull

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/slipway-dev/slipway/internal/supply/store"
)

// probeTime is how long a registry may take to answer before it counts as out of reach.
const probeTime = 2 * time.Second

// answers remembers whether a registry answers.
type answers struct {
	once sync.Once
	err  error
}

// UnreachableError says that a registry doesn't answer.
type UnreachableError struct {
	Host string
	Err  error
}

// Error names the registry.
func (e *UnreachableError) Error() string {
	return fmt.Sprintf("%s does not answer: %v", e.Host, e.Err)
}

// Unwrap gives the cause.
func (e *UnreachableError) Unwrap() error { return e.Err }

// Probe asks whether an image can be pulled now. It takes [probeTime] at most; whether a
// registry answers at all is asked once.
func (p *Puller) Probe(ctx context.Context, ref string) error {
	from, err := p.At(ref)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	if err := p.reachable(ctx, from.Context().Registry); err != nil {
		return err
	}
	host := store.Host(from.Context().RegistryStr())
	_, err = remote.Head(from, p.options(ctx)...)
	var answer *transport.Error
	switch {
	case errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound:
		return fmt.Errorf("%s has no such image", host)
	case errors.As(err, &answer) && (answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden):
		return fmt.Errorf("%s wants credentials", host)
	case err != nil:
		return &UnreachableError{Host: host, Err: reason(err)}
	}
	return nil
}

func (p *Puller) reachable(ctx context.Context, r name.Registry) error {
	p.mu.Lock()
	h := p.hosts[r.RegistryStr()]
	if h == nil {
		h = &answers{}
		p.hosts[r.RegistryStr()] = h
	}
	p.mu.Unlock()
	h.once.Do(func() {
		u := url.URL{Scheme: r.Scheme(), Host: r.RegistryStr(), Path: "/v2/"}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
		if err != nil {
			h.err = err
			return
		}
		resp, err := p.rt.RoundTrip(req)
		if err != nil {
			h.err = &UnreachableError{Host: store.Host(r.RegistryStr()), Err: reason(err)}
			return
		}
		_ = resp.Body.Close() // any answer will do: most ask for credentials here
	})
	return h.err
}

// reason leaves out what a person doesn't need of a network error.
func reason(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("no answer within " + probeTime.String())
	}
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return errors.New(dns.Err)
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

func isNetwork(err error) bool {
	var n net.Error
	return errors.As(err, &n) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// patient turns a registry's plea to come back later into an error that says when.
type patient struct{ next http.RoundTripper }

// longest is the longest pause that is granted to a registry.
const longest = 2 * time.Minute

// RoundTrip implements [http.RoundTripper].
func (t patient) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(r)
	if err != nil || (resp.StatusCode != http.StatusTooManyRequests && resp.StatusCode != http.StatusServiceUnavailable) {
		return resp, err
	}
	seconds, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	if err != nil || seconds < 0 || time.Duration(seconds)*time.Second > longest {
		return resp, nil
	}
	_ = resp.Body.Close()
	return nil, fmt.Errorf("%s: %w", resp.Status, backoff.RetryAfter(seconds))
}
