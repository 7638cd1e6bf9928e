package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/slipway-dev/slipway/internal/server/access"
)

func (a *API) registerPlatform() {
	back := a.back.Platform
	g := a.group("platform", "view of the platform", back != nil)
	handle(g, route{"GET /platform/capabilities", "list-capabilities", "List capabilities and their tools", http.StatusOK},
		func(ctx context.Context, _ access.Principal, _ *Empty) (Capabilities, error) {
			all, err := back.Capabilities(ctx)
			if all == nil {
				all = []Capability{}
			}
			return Capabilities{Items: all}, err
		})
	handle(g, route{"GET /platform/health", "get-health", "Show the platform's health", http.StatusOK},
		func(ctx context.Context, _ access.Principal, _ *Empty) (Health, error) {
			return back.Health(ctx)
		})
	events := a.back.Events
	stream(a.group("platform", "events", events != nil), route{"GET /events", "watch-events",
		"Watch what happens to one's teams' things, live", http.StatusOK},
		"event", func(e Event) string { return e.ID },
		func(_ context.Context, by access.Principal, in *LastEvent) (source[Event], error) {
			return func(ctx context.Context, emit func(Event) error) error {
				return events.Watch(ctx, visible(by), in.LastEventID, emit)
			}, nil
		})
}

// WebhookInput is a delivery, as it came.
type WebhookInput struct {
	Source  string `path:"source" maxLength:"63" pattern:"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$" doc:"who sends it, as configured"`
	RawBody []byte `contentType:"*/*"`

	header http.Header
}

// Resolve keeps the headers, in one of which the signature is.
func (in *WebhookInput) Resolve(ctx huma.Context) []error {
	in.header = http.Header{}
	ctx.EachHeader(func(name, value string) { in.header.Add(name, value) })
	return nil
}

func (a *API) registerWebhooks() {
	back := a.back.Webhooks
	act(a.group("platform", "webhooks", back != nil), route{"POST /webhooks/{source}", "receive-webhook",
		"Take word from another system, by its signature", http.StatusAccepted},
		func(ctx context.Context, _ access.Principal, in *WebhookInput) error {
			return back.Receive(ctx, in.Source, in.header, in.RawBody)
		})
}
