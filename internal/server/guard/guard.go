// Package guard stands before every route: it bounds what clients may ask, finds out who is calling,
// refuses writes that other sites cause, and holds the caller against the route's rule in the
// access table. A route without a rule cannot be put behind it. What gets through carries its
// principal in the context (access.From).
package guard

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"time"

	"github.com/slipway-dev/slipway/internal/server/access"
	"github.com/slipway-dev/slipway/internal/server/limits"
	"github.com/slipway-dev/slipway/internal/server/observe"
	"github.com/slipway-dev/slipway/internal/server/problem"
)

// Limits bound what one client may ask.
type Limits struct {
	// Client bounds an address, Caller a token or else somebody who has signed in, Guess an address or a caller on
	// routes where something could be guessed, Failures an address whose credentials are refused.
	Client, Caller, Guess, Failures limits.Rate
	// BodyBytes bounds a request's body, Timeout the time to answer.
	BodyBytes int64
	Timeout   time.Duration
}

// Guard makes guarded handlers. Its fields are set once, before the first Wrap.
type Guard struct {
	Credentials *Credentials
	Metrics     *observe.Metrics
	// Trusted are the proxies that are believed about whom they forward for.
	Trusted []netip.Prefix
	// CrossOrigin refuses writes that a browser sends for another site.
	CrossOrigin *http.CrossOriginProtection

	limits                          Limits
	client, caller, guess, failures *limits.Buckets
}

// SetLimits sets the limits.
func (g *Guard) SetLimits(l Limits, now func() time.Time) {
	g.limits = l
	g.client, g.caller = limits.NewBuckets(l.Client, now), limits.NewBuckets(l.Caller, now)
	g.guess, g.failures = limits.NewBuckets(l.Guess, now), limits.NewBuckets(l.Failures, now)
}

// Wrap puts the handler of a mux pattern behind the guard. It fails where the access table has no
// rule for the pattern.
func (g *Guard) Wrap(pattern string, next http.Handler) (http.Handler, error) {
	rule, ok := access.Table[pattern]
	if !ok {
		return nil, fmt.Errorf("route %q has no rule in the access table", pattern)
	}
	if rule.BodyBytes == 0 {
		rule.BodyBytes = g.limits.BodyBytes
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		record := observe.From(r.Context())
		record.Route = pattern
		observe.Name(r.Context(), pattern)
		ctx, cancel := g.bound(r.Context(), w, rule)
		defer cancel()
		r = r.WithContext(ctx)
		admitted, err := g.admit(r, rule, record)
		if err == nil {
			err = g.body(w, admitted, rule)
		}
		if err != nil {
			g.refuse(w, record, err)
			return
		}
		next.ServeHTTP(w, admitted)
	}), nil
}

// bound sets how long the request may take. Streams set their own bounds.
func (g *Guard) bound(ctx context.Context, w http.ResponseWriter, rule access.Rule,
) (context.Context, context.CancelFunc) {
	// The deadline of the request before stays on the connection. One that cannot have a deadline,
	// such as a test's recorder, has none.
	control := http.NewResponseController(w)
	if rule.Long {
		_ = control.SetWriteDeadline(time.Time{})
		return ctx, func() {}
	}
	_ = control.SetWriteDeadline(time.Now().Add(2 * g.limits.Timeout))
	return context.WithTimeout(ctx, g.limits.Timeout)
}

// refusal is a request that does not get through.
type refusal struct {
	reason  string
	problem *problem.Problem
	cause   error
}

func (r *refusal) Error() string { return r.reason }

func refused(reason string, p *problem.Problem) error { return &refusal{reason: reason, problem: p} }

func (g *Guard) refuse(w http.ResponseWriter, record *observe.Request, err error) {
	var r *refusal
	if !errors.As(err, &r) {
		r = &refusal{"error", problem.New(http.StatusInternalServerError, "something went wrong inside the server",
			"try again; if it stays so, give the administrator the request's name"), err}
	}
	record.Refused, record.Cause = r.reason, r.cause
	g.Metrics.Refused(r.reason)
	r.problem.About(record.ID).Write(w)
}

// admit lets a request through, with its principal, or says why not.
func (g *Guard) admit(r *http.Request, rule access.Rule, record *observe.Request) (*http.Request, error) {
	address := limits.Client(r, g.Trusted)
	client := limits.Key(address)
	record.Client = address.String()
	if err := take("too many requests", g.client, client); err != nil {
		return nil, err
	}
	if rule.Strict {
		if err := take("too many attempts", g.guess, client); err != nil {
			return nil, err
		}
	}
	if err := g.CrossOrigin.Check(r); err != nil {
		return nil, refused("cross-origin", problem.New(http.StatusForbidden,
			"the browser sent this for another site", "use the web interface at the server's own address"))
	}
	if rule.Public {
		return r, nil
	}
	p, err := g.identify(r, client)
	if err != nil {
		return nil, err
	}
	record.Caller = p.ID
	// A program that goes wild uses up its own token's share, not its owner's.
	if err := take("too many requests", g.caller, cmp.Or(p.Token, p.ID)); err != nil {
		return nil, err
	}
	if rule.Strict {
		if err := take("too many attempts", g.guess, p.ID); err != nil {
			return nil, err
		}
	}
	if err := rule.Check(p, r.PathValue("team")); err != nil {
		return nil, refused("not allowed", problem.New(http.StatusForbidden, err.Error(),
			"your roles are listed under /api/v1/me; ask an administrator for what is missing"))
	}
	return r.WithContext(access.With(r.Context(), p)), nil
}

func take(reason string, b *limits.Buckets, key string) error {
	wait, ok := b.Take(key)
	if ok {
		return nil
	}
	return tooMany(reason, wait)
}

func tooMany(reason string, wait time.Duration) error {
	return refused(reason, problem.New(http.StatusTooManyRequests, reason,
		"wait as long as the header Retry-After says").RetryAfter(wait))
}

// identify finds out who is calling. Whoever brings bad credentials again and again is not asked for
// more until a while has passed, which spares those who must judge them.
func (g *Guard) identify(r *http.Request, client string) (access.Principal, error) {
	wait, stop := g.failures.Empty(client)
	p, err := g.Credentials.identify(r, stop)
	var bad *badCredential
	var already *refusal
	switch {
	case err == nil:
		return p, nil
	case errors.As(err, &already):
		return p, err
	case errors.Is(err, errNotAsked):
		return p, tooMany("too many refused credentials", wait)
	case errors.As(err, &bad):
		if bad.reason != noCredential {
			g.failures.Take(client)
		}
		return p, &refusal{bad.reason, bad.problem(), bad.cause}
	}
	return p, unavailable(err)
}

// unavailable says that somebody who must judge a credential cannot be asked.
func unavailable(err error) error {
	return &refusal{"unavailable", problem.New(http.StatusServiceUnavailable,
		"who you are cannot be checked at the moment", "try again in a moment").RetryAfter(5 * time.Second), err}
}

// bodyPatience is how long a client may take to send a body.
const bodyPatience = 30 * time.Second

// body reads the whole body, which is small by its bound, so that a slow or endless one costs
// nothing but this wait; what comes after reads it from memory.
func (g *Guard) body(w http.ResponseWriter, r *http.Request, rule access.Rule) error {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(bodyPatience))
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, rule.BodyBytes))
	_ = control.SetReadDeadline(time.Time{})
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return refused("too large", problem.New(http.StatusRequestEntityTooLarge,
			fmt.Sprintf("the body is larger than %d bytes", large.Limit), "send less"))
	}
	if err != nil {
		return &refusal{"unread", problem.New(http.StatusBadRequest, "the body could not be read", "send it again"), err}
	}
	r.Body = io.NopCloser(bytes.NewReader(text))
	return nil
}
