package portal

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/server/api"
)

// webhookSource is the Git server's name in the path of its calls.
const webhookSource = "git"

// webhook is how the Git server calls.
type webhook struct{ url, secret string }

// Receive takes a call of the Git server: it says where to look.
func (p *Portal) Receive(ctx context.Context, source string, header http.Header, body []byte) error {
	if source != webhookSource || p.hook.secret == "" {
		return fmt.Errorf("source %q: %w", source, api.ErrNotFound)
	}
	event, err := p.git.ParseEvent(header, body, p.hook.secret)
	switch {
	case errors.Is(err, forge.ErrSignature):
		p.metrics.calls.WithLabelValues("refused").Inc()
		return fmt.Errorf("%w: %w", err, api.ErrDenied)
	case err != nil:
		p.metrics.calls.WithLabelValues("invalid").Inc()
		return fmt.Errorf("%w: %w", err, api.ErrInvalid)
	}
	p.metrics.calls.WithLabelValues("taken").Inc()
	p.Happened(ctx, event)
	return nil
}

// Happened takes note of something that happened on the Git server. Nothing depends on it but how soon it is
// seen: what was missed is found by looking.
func (p *Portal) Happened(ctx context.Context, event forge.Event) {
	p.log.DebugContext(ctx, "Git event", "kind", event.Kind, "repository", event.Repository.String())
	p.heard.ring()
	if event.PullRequest != nil {
		p.pulls.ring()
	}
	for _, listen := range p.listeners {
		listen(event)
	}
}

// OnGitEvent calls listen for what the Git server tells; it must not wait. It comes before Run.
func (p *Portal) OnGitEvent(listen func(forge.Event)) { p.listeners = append(p.listeners, listen) }

// lookAgain is how often Git is looked at without being told.
const lookAgain = 30 * time.Second

// followGit reads what is new, whenever the Git server tells, and now and then.
func (p *Portal) followGit(ctx context.Context) error {
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	for {
		if err := p.catchUp(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-p.heard:
		case <-tick.C:
		}
	}
}

// catchUp reads the environments' repository and all sources of the index.
func (p *Portal) catchUp(ctx context.Context) error {
	if err := p.environments.followNamespaces(ctx); err != nil {
		return err
	}
	return p.catalogue.catchUp(ctx)
}
