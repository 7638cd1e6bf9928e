package client

import (
	"context"
	"iter"

	"github.com/slipway-dev/slipway/internal/server/api"
)

// Templates lists the golden-path templates.
func (c *Client) Templates(ctx context.Context) iter.Seq2[api.TemplateSummary, error] {
	return pages[api.TemplateSummary](ctx, c, call{route: listTemplates})
}

// Template gives a template with its parameters.
func (c *Client) Template(ctx context.Context, ref api.TemplateRef) (api.Template, error) {
	return get[api.Template](ctx, c, call{route: getTemplate, in: []string{ref.Namespace, ref.Name}})
}

// DryRun shows what a run would make.
func (c *Client) DryRun(ctx context.Context, ref api.TemplateRef, with map[string]any) (api.DryRun, error) {
	return get[api.DryRun](ctx, c, call{route: dryRun, in: []string{ref.Namespace, ref.Name}, body: api.Values{Values: with}})
}

// StartRun begins a run of a template.
func (c *Client) StartRun(ctx context.Context, team string, n api.NewRun) (api.Run, error) {
	return get[api.Run](ctx, c, call{route: startRun, in: []string{team}, body: n})
}

// Runs lists a team's runs.
func (c *Client) Runs(ctx context.Context, team string) iter.Seq2[api.Run, error] {
	return pages[api.Run](ctx, c, call{route: listRuns, in: []string{team}})
}

// Run gives a run.
func (c *Client) Run(ctx context.Context, team, id string) (api.Run, error) {
	return get[api.Run](ctx, c, call{route: getRun, in: []string{team, id}})
}

// WatchRun emits what happens in a run, from its beginning until its end.
func (c *Client) WatchRun(ctx context.Context, team, id string, emit func(api.RunEvent) error) error {
	return stream(ctx, c, call{route: watchRun, in: []string{team, id}}, byID(nil), emit)
}
