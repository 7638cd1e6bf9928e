package index

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// ErrNotFound says that the index has no such thing.
var ErrNotFound = errors.New("not found")

// documents lists records of one table by their documents.
func documents[T any](ctx context.Context, x *Index, q query, page Page) (List[T], error) {
	q.items = "document"
	return list(ctx, x, q, page, func(columns func(...any) error) (item T, err error) {
		var text string
		if err := columns(&text); err != nil {
			return item, err
		}
		return item, json.Unmarshal([]byte(text), &item)
	})
}

// document reads one record.
func document[T any](ctx context.Context, x *Index, k Key) (item T, err error) {
	var text string
	err = x.read.QueryRowContext(ctx, fmt.Sprintf(`SELECT document FROM %s WHERE %s = ?`, k.table, k.column),
		k.value).Scan(&text)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return item, fmt.Errorf("%v in %s: %w", k.value, k.table, ErrNotFound)
	case err != nil:
		return item, fmt.Errorf("read %v from %s: %w", k.value, k.table, broken(err))
	}
	return item, json.Unmarshal([]byte(text), &item)
}

// ApplicationQuery narrows a list of applications down.
type ApplicationQuery struct {
	// Teams are those whose applications are wanted; nil is all.
	Teams []string
}

// Applications lists applications by team and name.
func (x *Index) Applications(ctx context.Context, q ApplicationQuery, page Page) (List[Application], error) {
	l := query{name: "applications", from: "applications", order: []string{"team", "name"}}
	among(&l, "team", q.Teams)
	return documents[Application](ctx, x, l, page)
}

// Application reads an application.
func (x *Index) Application(ctx context.Context, name string) (Application, error) {
	return document[Application](ctx, x, ApplicationKey(name))
}

// EnvironmentQuery narrows a list of environments down.
type EnvironmentQuery struct {
	// Teams are those whose environments are wanted, besides those that are everyone's; nil is all.
	Teams []string
}

// Environments lists environments by their places in the pipeline and their names.
func (x *Index) Environments(ctx context.Context, q EnvironmentQuery, page Page) (List[Environment], error) {
	l := query{name: "environments", from: "environments", order: []string{"place", "name"}}
	if q.Teams != nil {
		among(&l, "team", append([]string{""}, q.Teams...))
	}
	return documents[Environment](ctx, x, l, page)
}

// Environment reads an environment.
func (x *Index) Environment(ctx context.Context, name string) (Environment, error) {
	return document[Environment](ctx, x, EnvironmentKey(name))
}

// Releases lists an application's releases, the newest first.
func (x *Index) Releases(ctx context.Context, application string, page Page) (List[Release], error) {
	l := query{name: "releases", from: "releases", order: []string{"created", "id"}, backwards: true}
	l.filter("application = ?", application)
	return documents[Release](ctx, x, l, page)
}

// Release reads a release.
func (x *Index) Release(ctx context.Context, application, release string) (Release, error) {
	return document[Release](ctx, x, ReleaseKey(application, release))
}

// ReleasesOf are all releases of an image, by its digest: what runs can be traced by it.
func (x *Index) ReleasesOf(ctx context.Context, digest string, page Page) (List[Release], error) {
	l := query{name: "releases of an image", from: "releases", order: []string{"id"}}
	l.filter("digest = ?", digest)
	return documents[Release](ctx, x, l, page)
}

// PlacementQuery narrows a list of placements down; empty fields do not.
type PlacementQuery struct{ Application, Environment, Digest string }

// Placements lists what environments hold, by environment and application.
func (x *Index) Placements(ctx context.Context, q PlacementQuery, page Page) (List[Placement], error) {
	l := query{name: "placements", from: "placements", order: []string{"environment", "application"}}
	l.equal("application", q.Application)
	l.equal("environment", q.Environment)
	l.equal("digest", q.Digest)
	return documents[Placement](ctx, x, l, page)
}

// PromotionQuery narrows a list of promotions down; empty fields do not.
type PromotionQuery struct {
	// Teams are those whose promotions are wanted; nil is all.
	Teams                        []string
	Team, Application, To, State string
}

// Promotions lists promotions, the newest first.
func (x *Index) Promotions(ctx context.Context, q PromotionQuery, page Page) (List[Promotion], error) {
	l := query{name: "promotions", from: "promotions", order: []string{"number"}, backwards: true}
	among(&l, "team", q.Teams)
	l.equal("team", q.Team)
	l.equal("application", q.Application)
	l.equal("environment", q.To)
	l.equal("state", q.State)
	return documents[Promotion](ctx, x, l, page)
}

// Promotion reads a promotion by the number of its pull request.
func (x *Index) Promotion(ctx context.Context, number int64) (Promotion, error) {
	return document[Promotion](ctx, x, PromotionKey(number))
}

// RunQuery narrows a list of CI runs down; empty fields do not.
type RunQuery struct{ Application, Commit, State string }

// Runs lists CI runs, the newest first.
func (x *Index) Runs(ctx context.Context, q RunQuery, page Page) (List[Run], error) {
	l := query{name: "runs", from: "runs", order: []string{"started", "id"}, backwards: true}
	l.equal("application", q.Application)
	l.equal("commit_", q.Commit)
	l.equal("state", q.State)
	return documents[Run](ctx, x, l, page)
}

// Run reads a CI run.
func (x *Index) Run(ctx context.Context, id string) (Run, error) {
	return document[Run](ctx, x, RunKey(id))
}

// DecisionQuery narrows a list of decisions down; empty fields do not.
type DecisionQuery struct {
	// Teams are those whose decisions are wanted; nil is all.
	Teams                                            []string
	Team, Application, Environment, Outcome, Subject string
	// From is the first moment that is wanted, Until the first that is not.
	From, Until time.Time
}

// Decisions lists decisions, the newest first.
func (x *Index) Decisions(ctx context.Context, q DecisionQuery, page Page) (List[Decision], error) {
	l := query{name: "decisions", from: "decisions", order: []string{"number"}, backwards: true}
	among(&l, "team", q.Teams)
	l.equal("team", q.Team)
	l.equal("application", q.Application)
	l.equal("environment", q.Environment)
	l.equal("outcome", q.Outcome)
	l.equal("subject", q.Subject)
	if !q.From.IsZero() {
		l.filter("at >= ?", micros(q.From))
	}
	if !q.Until.IsZero() {
		l.filter("at < ?", micros(q.Until))
	}
	return documents[Decision](ctx, x, l, page)
}
