package promotions

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/promotion"
)

const (
	// manySteps is how many actions one promotion gets in a row, before others have their turn.
	manySteps = 25
	// everySweeps is how often all pull requests are listed, and not the open ones alone.
	everySweeps = 40
	// longestPause is the longest between two tries of what does not succeed.
	longestPause = time.Minute
)

// Notify says that something has changed on the Git server, in the log or in the cluster: everything that is not over
// is looked at at once. It may be called at any time, and too often.
func (p *Promotions) Notify() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// Run brings promotions to their end until ctx ends: each that is not over, whenever something is heard of, and at each
// tick.
func (p *Promotions) Run(ctx context.Context) error {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval = time.Second, longestPause
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := p.Prepare(ctx)
		if err != nil {
			p.o.Logger.WarnContext(ctx, "promotions wait for their repositories", "error", err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(pauses), backoff.WithMaxElapsedTime(0))
	for n := 0; err == nil && ctx.Err() == nil; n++ {
		wait := p.sweep(ctx, n%everySweeps == 0 || !p.ready())
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-p.wake:
			p.all()
		case <-ctx.Done():
		}
		timer.Stop()
	}
	return ctx.Err()
}

// ready says whether all promotions have been looked at once.
func (p *Promotions) ready() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.listed
}

// all lets everything that is not over be looked at by the next sweep.
func (p *Promotions) all() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, k := range p.known {
		k.next = time.Time{}
	}
}

// sweep looks at what is due, and gives how long there is nothing to do then. With whole it looks for promotions that it
// does not know.
func (p *Promotions) sweep(ctx context.Context, whole bool) time.Duration {
	due, err := p.due(ctx, whole)
	if err != nil {
		p.o.Logger.WarnContext(ctx, "promotions cannot be listed", "error", err)
	}
	for _, number := range due {
		if ctx.Err() != nil {
			return 0
		}
		p.settle(ctx, number)
	}
	if err == nil && whole {
		p.mu.Lock()
		p.listed = true
		p.mu.Unlock()
	}
	if err := p.lookAround(ctx); err != nil && ctx.Err() == nil {
		p.o.Logger.WarnContext(ctx, "what runs cannot be compared with the decisions", "error", err)
	}
	return p.until()
}

// until is how long it is until something is due, at most a tick.
func (p *Promotions) until() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	wait, now := p.o.Tick, p.now()
	for _, k := range p.known {
		if !k.done && !k.next.IsZero() {
			wait = min(wait, max(k.next.Sub(now), 10*time.Millisecond))
		}
	}
	return wait
}

// due lists the promotions to be looked at, the oldest first.
func (p *Promotions) due(ctx context.Context, whole bool) ([]int, error) {
	state := forge.Open
	if whole {
		state = ""
	}
	pulls, err := p.o.Forge.PullRequests(ctx, Environments, state)
	if errors.Is(err, forge.ErrNotFound) {
		pulls, err = nil, nil // there are no environments yet
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, pull := range pulls {
		if pull.Base != mainBranch {
			continue
		}
		if k := p.known[pull.Number]; k == nil {
			p.known[pull.Number] = &known{}
		} else if pull.State == forge.Open {
			k.done = false // opened again
		}
	}
	var out []int
	now := p.now()
	for number, k := range p.known {
		if !k.done && !k.next.After(now) {
			out = append(out, number)
		}
	}
	slices.Sort(out)
	return out, err
}

// settle takes a promotion as far as it goes now, and notes when to look again.
func (p *Promotions) settle(ctx context.Context, number int) {
	var next time.Time
	var done bool
	var err error
	for range manySteps {
		var a promotion.Action
		if a, err = p.step(ctx, number); err != nil {
			break
		}
		stop := true
		switch a := a.(type) {
		case promotion.Wait:
		case promotion.Watch:
			if a.Until.Before(p.now().Add(p.o.Tick)) { // otherwise at the next tick, for nothing tells of health
				next = a.Until
			}
		case promotion.Done:
			done = true
		default:
			stop = false
		}
		if stop {
			break
		}
	}
	k := p.remember(number)
	p.mu.Lock()
	defer p.mu.Unlock()
	k.done, k.next = done, next
	if err == nil {
		k.failures = 0
		return
	}
	k.failures++
	pause := min(time.Second<<min(k.failures, 6), longestPause)
	k.next = p.now().Add(pause)
	k.view.trouble = err.Error()
	if ctx.Err() == nil {
		p.o.Logger.WarnContext(ctx, "a promotion does not go on", "promotion", number, "error", err, "again", pause)
	}
}

// step looks at a promotion, and does the one thing that is next.
func (p *Promotions) step(ctx context.Context, number int) (promotion.Action, error) {
	p.one.Lock()
	defer p.one.Unlock()
	o, err := p.observe(ctx, number)
	if err != nil {
		return nil, err
	}
	a := promotion.Next(o.state)
	p.show(o, a)
	if err := p.act(ctx, o, a); err != nil {
		return nil, fmt.Errorf("%s: %w", a, err)
	}
	return a, nil
}
