package index

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/app"
)

// Record is one of this package's types that a source can put into the index.
type Record interface {
	// row is where it goes: the first column is the key.
	row() row
}

type row struct {
	table   string
	columns []string
	values  []any
	// origin are fields that stay as they were when the record was put first, even where it was gone
	// meanwhile; created is the time among them, a column of its own. Nil where nothing stays.
	origin  any
	created time.Time
}

// origin is what a record keeps of its beginning.
type origin struct {
	Created time.Time
	By      string `json:",omitempty"`
}

// Key names a record.
type Key struct {
	table, column string
	value         any
}

// Application is an application on record.
type Application struct {
	v1alpha1.Application
	// Created is when it was recorded, Updated when it last changed; By is who recorded it.
	Created, Updated time.Time
	By               string
}

// ApplicationKey names an application.
func ApplicationKey(name string) Key { return Key{"applications", "name", name} }

func (a Application) row() row {
	return row{"applications", []string{"name", "team"}, []any{a.Metadata.Name, a.Spec.Team}, origin{a.Created, a.By},
		a.Created}
}

// Environment is an environment on record.
type Environment struct {
	v1alpha1.Environment
	Created, Updated time.Time
	By               string
}

// EnvironmentKey names an environment.
func EnvironmentKey(name string) Key { return Key{"environments", "name", name} }

func (e Environment) row() row {
	return row{"environments", []string{"name", "team", "place"}, []any{e.Metadata.Name, e.Spec.Team, e.Spec.Order},
		origin{e.Created, e.By}, e.Created}
}

// Release is a release on record.
type Release struct {
	v1alpha1.Release
	// Created is when it was recorded.
	Created time.Time
}

// ReleaseKey names a release of an application.
func ReleaseKey(application, release string) Key {
	return Key{"releases", "id", application + "/" + release}
}

func (r Release) row() row {
	_, digest := app.Image(r.Spec.Image)
	return row{"releases", []string{"id", "application", "digest"},
		[]any{r.Spec.Application + "/" + r.Metadata.Name, r.Spec.Application, digest}, origin{Created: r.Created},
		r.Created}
}

// Placement is the release that an environment holds of an application.
type Placement struct {
	Environment string
	Release     v1alpha1.Release
	// Since is when it came there, Commit the commit of the environments' repository that brought
	// it, By who made that.
	Since      time.Time
	Commit, By string
}

// PlacementKey names what an environment holds of an application.
func PlacementKey(environment, application string) Key {
	return Key{"placements", "id", environment + "/" + application}
}

func (p Placement) row() row {
	_, digest := app.Image(p.Release.Spec.Image)
	application := p.Release.Spec.Application
	return row{"placements", []string{"id", "environment", "application", "digest"},
		[]any{p.Environment + "/" + application, p.Environment, application, digest}, nil, time.Time{}}
}

// Promotion is a release on its way to an environment.
type Promotion struct {
	// Number is that of its pull request.
	Number                      int64
	Team, Application, From, To string
	// Release is its name, Image the image by digest.
	Release, Image string
	// State is the promotion's own word, Reason why it stands where it stands.
	State, Reason string
	// By is who asked for it, as an account's name.
	By              string
	Opened, Updated time.Time
	// URL is the pull request's; HeadCommit is what was decided about, MergeCommit what came of it.
	URL, HeadCommit, MergeCommit string
	// BrokenGlass says that it went around its gates, Unreviewed that no second person has looked.
	BrokenGlass, Unreviewed bool
}

// PromotionKey names a promotion.
func PromotionKey(number int64) Key { return Key{"promotions", "number", number} }

func (p Promotion) row() row {
	return row{"promotions", []string{"number", "team", "application", "environment", "state"},
		[]any{p.Number, p.Team, p.Application, p.To, p.State}, nil, time.Time{}}
}

// Run is a run of CI.
type Run struct {
	ID, Team, Application      string
	Repository, Commit, Branch string
	// Title is the commit's first line.
	Title string
	// State is the run's own word, Reason why it failed, in one line.
	State, Reason string
	// Release is the name of what came of it.
	Release           string
	Started, Finished time.Time
}

// RunKey names a run.
func RunKey(id string) Key { return Key{"runs", "id", id} }

func (r Run) row() row {
	return row{"runs", []string{"id", "application", "commit_", "state", "started"},
		[]any{r.ID, r.Application, r.Commit, r.State, micros(r.Started)}, nil, time.Time{}}
}

// Decision is an entry of the audit log, as far as lists show it.
type Decision struct {
	// Number is the entry's place in the log, from 0.
	Number                         int64
	Outcome                        string
	Team, Application, Environment string
	// Subject is the image's digest; Commit the environments' repository's.
	Subject, Commit string
	Promotion       int64
	// Actors are the accounts of those who asked, approved, waived.
	Actors []string
	At     time.Time
	// Statement is the digest of the signed envelope.
	Statement string
}

func (d Decision) row() row {
	return row{"decisions", []string{"number", "team", "application", "environment", "outcome", "subject", "at"},
		[]any{d.Number, d.Team, d.Application, d.Environment, d.Outcome, d.Subject, micros(d.At)}, nil, time.Time{}}
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func putRecord(ctx context.Context, tx *sql.Tx, source string, record Record) error {
	r := record.row()
	document, err := json.Marshal(record)
	if err != nil {
		return fmt.Errorf("write to %s: %w", r.table, err)
	}
	columns, values := append(r.columns, "source", "document"), append(r.values, source, string(document))
	marks := strings.Repeat("?, ", len(values)-1) + "?"
	if r.origin != nil {
		created, fields, err := begin(ctx, tx, source, r)
		if err != nil {
			return err
		}
		columns, values = append(columns, "created"), append(values, fields, created)
		marks = strings.Repeat("?, ", len(r.columns)+1) + "json_patch(?, ?), ?"
	}
	updates := make([]string, len(columns)-1)
	for i, c := range columns[1:] {
		updates[i] = c + " = excluded." + c
	}
	_, err = tx.ExecContext(ctx, fmt.Sprintf(`INSERT INTO %s (%s) VALUES (%s) ON CONFLICT (%s) DO UPDATE SET %s`,
		r.table, strings.Join(columns, ", "), marks, columns[0], strings.Join(updates, ", ")), values...)
	return err
}

// begin notes a record's beginning, and gives the one that was noted first.
func begin(ctx context.Context, tx *sql.Tx, source string, r row) (created int64, fields string, err error) {
	first, err := json.Marshal(r.origin)
	if err != nil {
		return 0, "", fmt.Errorf("write to %s: %w", r.table, err)
	}
	record := fmt.Sprint(r.table, "/", r.values[0])
	if _, err := tx.ExecContext(ctx, `INSERT OR IGNORE INTO beginnings (source, record, created, fields)
		VALUES (?, ?, ?, ?)`, source, record, micros(r.created), string(first)); err != nil {
		return 0, "", err
	}
	err = tx.QueryRowContext(ctx, `SELECT created, fields FROM beginnings WHERE source = ? AND record = ?`, source,
		record).Scan(&created, &fields)
	return created, fields, err
}

func removeRecord(ctx context.Context, tx *sql.Tx, k Key) error {
	_, err := tx.ExecContext(ctx, fmt.Sprintf(`DELETE FROM %s WHERE %s = ?`, k.table, k.column), k.value)
	return err
}
