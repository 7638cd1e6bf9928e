package api

import (
	"context"
	"net/http"

	"github.com/slipway-dev/slipway/internal/server/access"
)

// DeleteApplicationInput says which application, and what is to stay.
type DeleteApplicationInput struct {
	InApplication
	KeepRepository bool `query:"keepRepository" doc:"leave the source where it is"`
}

// LogsInput says which log lines are wanted.
type LogsInput struct {
	InApplication
	Source      string `query:"source" enum:"runtime,build" default:"runtime"`
	Environment string `query:"environment" maxLength:"63" doc:"of run-time logs"`
	Container   string `query:"container" maxLength:"63" doc:"of run-time logs"`
	Build       string `query:"build" maxLength:"100" doc:"the build's ID"`
	Tail        int    `query:"tail" minimum:"0" maximum:"10000" default:"200" doc:"lines of the past; 0 for all there are"`
	Follow      bool   `query:"follow" doc:"stay for what comes"`
}

func (a *API) registerApplications() {
	back := a.back.Applications
	g := a.group("applications", "applications", back != nil)
	handle(g, route{"GET /applications", "list-applications", "List the applications of one's teams", http.StatusOK},
		func(ctx context.Context, by access.Principal, in *PageQuery) (List[ApplicationSummary], error) {
			return paged(*in, nil, func(p Page) (List[ApplicationSummary], error) {
				return back.Applications(ctx, visible(by), p)
			})
		})
	handle(g, route{"POST /teams/{team}/applications", "create-application", "Make an application from a template",
		http.StatusAccepted},
		func(ctx context.Context, by access.Principal, in *TeamBody[NewApplication]) (Run, error) {
			return back.Create(ctx, actor(by), in.Team, in.Body)
		})
	handle(g, route{"GET /teams/{team}/applications/{application}", "get-application", "Show an application",
		http.StatusOK},
		func(ctx context.Context, _ access.Principal, in *InApplication) (Application, error) {
			return back.Application(ctx, in.Team, in.Application)
		})
	handle(g, route{"DELETE /teams/{team}/applications/{application}", "delete-application", "Delete an application",
		http.StatusAccepted},
		func(ctx context.Context, by access.Principal, in *DeleteApplicationInput) (Deletion, error) {
			return back.Delete(ctx, actor(by), in.Team, in.Application, DeleteApplication{KeepRepository: in.KeepRepository})
		})
	stream(g, route{"GET /teams/{team}/applications/{application}/logs", "watch-logs",
		"Read an application's logs, live", http.StatusOK},
		"line", func(LogLine) string { return "" }, a.openLogs)
}

func (a *API) openLogs(ctx context.Context, _ access.Principal, in *LogsInput) (source[LogLine], error) {
	back := a.back.Applications
	if _, err := back.Application(ctx, in.Team, in.Application); err != nil {
		return nil, err
	}
	q := LogQuery{Source: LogSource(in.Source), Environment: in.Environment, Container: in.Container, Build: in.Build,
		Tail: in.Tail, Follow: in.Follow}
	return func(ctx context.Context, emit func(LogLine) error) error {
		return back.Logs(ctx, in.Team, in.Application, q, emit)
	}, nil
}

func (a *API) registerEnvironments() {
	back := a.back.Environments
	g := a.group("environments", "environments", back != nil)
	handle(g, route{"GET /environments", "list-environments", "List the environments of one's teams, and everyone's",
		http.StatusOK},
		func(ctx context.Context, by access.Principal, in *PageQuery) (List[Environment], error) {
			return paged(*in, nil, func(p Page) (List[Environment], error) { return back.Environments(ctx, visible(by), p) })
		})
	handle(g, route{"POST /teams/{team}/environments", "create-environment", "Make an environment", http.StatusCreated},
		func(ctx context.Context, by access.Principal, in *TeamBody[NewEnvironment]) (Environment, error) {
			return back.Create(ctx, actor(by), in.Team, in.Body)
		})
	handle(g, route{"GET /teams/{team}/environments/{environment}", "get-environment", "Show an environment",
		http.StatusOK},
		func(ctx context.Context, _ access.Principal, in *InEnvironment) (Environment, error) {
			return back.Environment(ctx, in.Team, in.Environment)
		})
	handle(g, route{"DELETE /teams/{team}/environments/{environment}", "delete-environment", "Delete an environment",
		http.StatusAccepted},
		func(ctx context.Context, by access.Principal, in *InEnvironment) (Deletion, error) {
			return back.Delete(ctx, actor(by), in.Team, in.Environment)
		})
}
