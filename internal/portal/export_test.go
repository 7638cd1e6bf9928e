package portal

import (
	"context"
	"errors"
)

// Begin does what Run does first, and lets templates be run until ctx ends.
func (p *Portal) Begin(ctx context.Context) error {
	if err := p.setUp(ctx); err != nil {
		return err
	}
	if err := p.catchUp(ctx); err != nil {
		return err
	}
	p.runs.begin(ctx)
	return nil
}

// Resume goes on with interrupted runs until ctx ends.
func (p *Portal) Resume(ctx context.Context) { p.runs.resume(ctx) }

// Expire ends the environments whose time is over.
func (p *Portal) Expire(ctx context.Context) error { return p.expireNow(ctx) }

// Previews looks at pull requests, and tells them where their previews are.
func (p *Portal) Previews(ctx context.Context) error {
	return errors.Join(p.previewsNow(ctx), p.announce(ctx))
}

// Fill fills environments that are new.
func (p *Portal) Fill(ctx context.Context) error { return p.fill(ctx) }

// Happen reads Git, as after a webhook.
func (p *Portal) Happen(ctx context.Context) error { return p.catchUp(ctx) }
