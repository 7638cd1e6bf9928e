package api

import (
	"context"
	"net/http"

	"github.com/slipway-dev/slipway/internal/server/access"
)

// DryRunInput is a template and the values to try it with.
type DryRunInput struct {
	InTemplate
	Body Values
}

// RunsQuery asks for a team's runs.
type RunsQuery struct {
	InTeam
	PageQuery
}

// RunStream is a run and the last event that was seen.
type RunStream struct {
	InRun
	LastEvent
}

func (a *API) registerTemplates() {
	back := a.back.Templates
	g := a.group("templates", "templates", back != nil)
	handle(g, route{"GET /templates", "list-templates", "List templates", http.StatusOK},
		func(ctx context.Context, _ access.Principal, in *PageQuery) (List[TemplateSummary], error) {
			return paged(*in, nil, func(p Page) (List[TemplateSummary], error) { return back.Templates(ctx, p) })
		})
	handle(g, route{"GET /templates/{namespace}/{name}", "get-template", "Show a template", http.StatusOK},
		func(ctx context.Context, _ access.Principal, in *InTemplate) (Template, error) {
			return back.Template(ctx, in.ref())
		})
	handle(g, route{"POST /templates/{namespace}/{name}/dry-run", "dry-run-template",
		"Show what a run would make, and touch nothing", http.StatusOK},
		func(ctx context.Context, by access.Principal, in *DryRunInput) (DryRun, error) {
			return back.DryRun(ctx, actor(by), in.ref(), in.Body.Values)
		})
	a.registerRuns()
}

func (a *API) registerRuns() {
	back := a.back.Runs
	g := a.group("templates", "templates", back != nil)
	handle(g, route{"GET /teams/{team}/template-runs", "list-template-runs", "List a team's runs", http.StatusOK},
		func(ctx context.Context, _ access.Principal, in *RunsQuery) (List[Run], error) {
			return paged(in.PageQuery, []string{in.Team}, func(p Page) (List[Run], error) { return back.Runs(ctx, in.Team, p) })
		})
	handle(g, route{"POST /teams/{team}/template-runs", "run-template", "Run a template for a team", http.StatusAccepted},
		func(ctx context.Context, by access.Principal, in *TeamBody[NewRun]) (Run, error) {
			return back.Start(ctx, actor(by), in.Team, in.Body.Template, in.Body.Values)
		})
	handle(g, route{"GET /teams/{team}/template-runs/{run}", "get-template-run", "Show a run", http.StatusOK},
		func(ctx context.Context, _ access.Principal, in *InRun) (Run, error) {
			return back.Run(ctx, in.Team, in.Run)
		})
	stream(g, route{"GET /teams/{team}/template-runs/{run}/events", "watch-template-run", "Watch a run, live",
		http.StatusOK},
		"run", func(e RunEvent) string { return e.ID },
		func(ctx context.Context, _ access.Principal, in *RunStream) (source[RunEvent], error) {
			if _, err := back.Run(ctx, in.Team, in.Run); err != nil {
				return nil, err
			}
			return func(ctx context.Context, emit func(RunEvent) error) error {
				return back.Watch(ctx, in.Team, in.Run, in.LastEventID, emit)
			}, nil
		})
}
