package client

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"strconv"
	"time"
)

const (
	// tries is how often a call is made at most.
	tries = 4
	// longestPause is the longest wait before another try; a server that asks for more is taken at its word at once.
	longestPause = 20 * time.Second
)

// send makes a call, again where that is safe, and gives the answer of a success. Safe is what the server never began
// to do: a call that did not reach it, or that it turned away for its rate; and besides whatever only reads.
func (c *Client) send(ctx context.Context, k call) (*http.Response, error) {
	for try := 1; ; try++ {
		r, err := c.request(ctx, k)
		if err != nil {
			return nil, err
		}
		response, err := c.http.Do(r)
		if err == nil && response.StatusCode < 300 {
			return response, nil
		}
		wait, again := after(r.Method, response, err, try)
		switch {
		case err != nil:
			err = c.failed(k, cause(ctx, err))
		default:
			err = c.refused(k, response)
		}
		if !again || try == tries {
			return nil, err
		}
		if c.pause(ctx, wait) != nil {
			return nil, err
		}
	}
}

// cause prefers the reason for which the context ended.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil && !errors.Is(ctx.Err(), context.Canceled) {
		return context.Cause(ctx)
	}
	return err
}

// after says whether to try again, and when.
func after(method string, response *http.Response, err error, try int) (wait time.Duration, again bool) {
	wait = 250 * time.Millisecond << (try - 1)
	if err != nil {
		return wait, unsent(err) || method == http.MethodGet && passing(err)
	}
	if seconds, e := strconv.Atoi(response.Header.Get("Retry-After")); e == nil {
		wait = time.Duration(seconds) * time.Second
	}
	switch response.StatusCode {
	case http.StatusTooManyRequests:
		again = true
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		again = method == http.MethodGet
	}
	return wait, again && wait <= longestPause
}

// unsent says that nothing was sent: there was no connection.
func unsent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial" && passing(err)
}

// passing says that an error may be gone the next time.
func passing(err error) bool {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var lookup *net.DNSError
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.As(err, &unknown),
		errors.As(err, &name), errors.As(err, &invalid):
		return false
	case errors.As(err, &lookup) && lookup.IsNotFound:
		return false
	}
	return true
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
