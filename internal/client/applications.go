package client

import (
	"context"
	"iter"
	"net/url"
	"strconv"
	"time"

	"github.com/slipway-dev/slipway/internal/server/api"
)

// Applications lists the applications of the caller's teams.
func (c *Client) Applications(ctx context.Context) iter.Seq2[api.ApplicationSummary, error] {
	return pages[api.ApplicationSummary](ctx, c, call{route: listApplications})
}

// CreateApplication begins to make an application from a template.
func (c *Client) CreateApplication(ctx context.Context, team string, n api.NewApplication) (api.Run, error) {
	return get[api.Run](ctx, c, call{route: createApplication, in: []string{team}, body: n})
}

// Application gives an application with all that its page shows.
func (c *Client) Application(ctx context.Context, team, name string) (api.Application, error) {
	return get[api.Application](ctx, c, call{route: getApplication, in: []string{team, name}})
}

// DeleteApplication begins to delete an application.
func (c *Client) DeleteApplication(ctx context.Context, team, name string, o api.DeleteApplication) (api.Deletion, error) {
	return get[api.Deletion](ctx, c, call{route: deleteApplication, in: []string{team, name},
		query: values("keepRepository", yes(o.KeepRepository))})
}

// Logs emits the lines of an application's log until there are no more or, with Follow, ctx ends. After a lost
// connection only lines that were not seen yet are emitted, as far as their times tell.
func (c *Client) Logs(ctx context.Context, team, name string, q api.LogQuery, emit func(api.LogLine) error) error {
	seen := &logTail{}
	again := func(string) (url.Values, bool) {
		missed := q
		missed.Tail = 1000
		seen.again = true
		return logQuery(missed), q.Follow
	}
	return stream(ctx, c, call{route: watchLogs, in: []string{team, name}, query: logQuery(q)}, again,
		func(l api.LogLine) error {
			if seen.has(l) {
				return nil
			}
			return emit(l)
		})
}

func logQuery(q api.LogQuery) url.Values {
	out := values("source", string(q.Source), "environment", q.Environment, "container", q.Container, "build", q.Build,
		"follow", yes(q.Follow))
	out.Set("tail", strconv.Itoa(q.Tail))
	return out
}

// logTail remembers the last lines, so that they are not shown again.
type logTail struct {
	// again says that the stream has been come to again.
	again bool
	at    map[string]time.Time
	lines map[api.LogLine]bool
}

// has says whether a line was seen, and remembers it.
func (t *logTail) has(l api.LogLine) bool {
	if l.At == nil {
		return false
	}
	if t.at == nil {
		t.at, t.lines = map[string]time.Time{}, map[api.LogLine]bool{}
	}
	key := api.LogLine{Source: l.Source, Text: l.Text}
	switch last := t.at[l.Source]; {
	case t.again && l.At.Before(last), t.again && l.At.Equal(last) && t.lines[key]:
		return true
	case !l.At.Equal(last):
		for seen := range t.lines {
			if seen.Source == l.Source {
				delete(t.lines, seen)
			}
		}
	}
	t.at[l.Source], t.lines[key] = *l.At, true
	return false
}

// Environments lists the environments of the caller's teams, and everyone's.
func (c *Client) Environments(ctx context.Context) iter.Seq2[api.Environment, error] {
	return pages[api.Environment](ctx, c, call{route: listEnvironments})
}

// CreateEnvironment makes an environment.
func (c *Client) CreateEnvironment(ctx context.Context, team string, n api.NewEnvironment) (api.Environment, error) {
	return get[api.Environment](ctx, c, call{route: createEnvironment, in: []string{team}, body: n})
}

// Environment gives an environment.
func (c *Client) Environment(ctx context.Context, team, name string) (api.Environment, error) {
	return get[api.Environment](ctx, c, call{route: getEnvironment, in: []string{team, name}})
}

// DeleteEnvironment begins to delete an environment.
func (c *Client) DeleteEnvironment(ctx context.Context, team, name string) (api.Deletion, error) {
	return get[api.Deletion](ctx, c, call{route: deleteEnvironment, in: []string{team, name}})
}
