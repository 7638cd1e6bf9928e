package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"

	"github.com/slipway-dev/slipway/internal/entity"
	"github.com/slipway-dev/slipway/internal/spec"
)

// Source is one of the things that the index is made from: a repository, the audit log.
type Source interface {
	// Name is the source's own, and never another's.
	Name() string
	// Changes gives what the source says after position, where it has been read up to; "" is
	// before its beginning. The same position gives the same changes, or more.
	Changes(ctx context.Context, position string) (Changes, error)
}

// Changes are what a source says.
type Changes struct {
	// Position is where the source has been read up to with these changes.
	Position string
	// More says that there is more behind Position; false where it is the newest.
	More bool
	// Replace says that the changes are all there is up to Position: what the source said before
	// is forgotten.
	Replace bool
	// Entities are those that the source defines, in the order in which they count. A source with
	// entities always replaces.
	Entities []entity.Entity
	// Rank is the precedence of the source's entities: the lowest counts.
	Rank int
	// Findings are the mistakes in files, by file; a file with an empty list has none any more.
	Findings map[string][]spec.Finding
	// Put are records that are new or have changed, in order. Remove are those that are gone.
	Put    []Record
	Remove []Key
}

// ErrMoved says that the source has been read further meanwhile.
var ErrMoved = errors.New("the source has been read further meanwhile")

// Position is where a source has been read up to; "" where it has not been read.
func (x *Index) Position(ctx context.Context, name string) (string, error) {
	var position string
	err := x.read.QueryRowContext(ctx, `SELECT position FROM sources WHERE name = ?`, name).Scan(&position)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("read the position of %s: %w", name, broken(err))
	}
	return position, nil
}

// CatchUp reads a source from where it has been read up to, until there is nothing more. Calling
// it too often does no harm, and calls for one source follow each other.
func (x *Index) CatchUp(ctx context.Context, s Source) error {
	defer x.alone(s.Name())()
	for {
		position, err := x.Position(ctx, s.Name())
		if err != nil {
			return err
		}
		changes, err := s.Changes(ctx, position)
		if err != nil {
			return fmt.Errorf("read %s from %q: %w", s.Name(), position, err)
		}
		if changes.Position != position || changes.Replace {
			if err := x.Apply(ctx, s.Name(), position, changes); err != nil {
				return err
			}
		}
		if !changes.More {
			return nil
		}
		if changes.Position == position {
			return fmt.Errorf("read %s from %q: there is more, but not behind it", s.Name(), position)
		}
	}
}

// Rebuild forgets everything, and reads all sources from their beginning.
func (x *Index) Rebuild(ctx context.Context, sources ...Source) error {
	err := x.change(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM sources`); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM entity_text`)
		return err
	})
	if err != nil {
		return fmt.Errorf("clear the index: %w", err)
	}
	var errs []error
	for _, s := range sources {
		errs = append(errs, x.CatchUp(ctx, s))
	}
	return errors.Join(errs...)
}

// Forget forgets a source and all that it said: a repository that is gone.
func (x *Index) Forget(ctx context.Context, name string) error {
	defer x.alone(name)()
	err := x.change(ctx, func(tx *sql.Tx) error {
		refs, err := forgetEntities(ctx, tx, name)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM sources WHERE name = ?`, name); err != nil {
			return err
		}
		return choose(ctx, tx, refs)
	})
	if err != nil {
		return fmt.Errorf("forget %s: %w", name, err)
	}
	return nil
}

// Sources are the names of all sources that have been read, sorted.
func (x *Index) Sources(ctx context.Context) ([]string, error) {
	rows, err := x.read.QueryContext(ctx, `SELECT name FROM sources ORDER BY name`)
	if err != nil {
		return nil, fmt.Errorf("list the sources: %w", broken(err))
	}
	return texts(rows)
}

// Apply writes what a source said after position, in one transaction with the new position. Where
// the source has been read further meanwhile, or less far, it writes nothing and fails with [ErrMoved].
func (x *Index) Apply(ctx context.Context, name, position string, c Changes) error {
	if len(c.Entities) > 0 && !c.Replace {
		return fmt.Errorf("write what %s says: entities without replacing them", name)
	}
	err := x.change(ctx, func(tx *sql.Tx) error {
		if err := advance(ctx, tx, name, position, c.Position); err != nil {
			return err
		}
		if c.Replace {
			if err := x.replace(ctx, tx, name, c); err != nil {
				return err
			}
		}
		for _, k := range c.Remove {
			if err := removeRecord(ctx, tx, k); err != nil {
				return err
			}
		}
		for _, r := range c.Put {
			if err := putRecord(ctx, tx, name, r); err != nil {
				return err
			}
		}
		return putFindings(ctx, tx, name, c.Findings)
	})
	if err != nil {
		return fmt.Errorf("write what %s says up to %q: %w", name, c.Position, err)
	}
	return nil
}

// advance moves a source's position from one place to another.
func advance(ctx context.Context, tx *sql.Tx, name, from, to string) error {
	var have string
	err := tx.QueryRowContext(ctx, `SELECT position FROM sources WHERE name = ?`, name).Scan(&have)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if have != from {
		return fmt.Errorf("%w: to %q, not %q", ErrMoved, have, from)
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO sources (name, position) VALUES (?, ?)
		ON CONFLICT (name) DO UPDATE SET position = excluded.position`, name, to)
	return err
}

// replace puts the source's entities in the place of those it had, and forgets its records.
func (x *Index) replace(ctx context.Context, tx *sql.Tx, name string, c Changes) error {
	refs, err := forgetEntities(ctx, tx, name)
	if err != nil {
		return err
	}
	for _, table := range []string{"findings", "beginnings", "applications", "environments", "releases", "placements",
		"promotions", "runs", "decisions"} {
		if _, err := tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE source = ?`, name); err != nil {
			return err
		}
	}
	added, err := putEntities(ctx, tx, name, c)
	if err != nil {
		return err
	}
	return choose(ctx, tx, append(refs, added...))
}

// alone makes calls for one source follow each other.
func (x *Index) alone(name string) func() {
	x.mu.Lock()
	m := x.catching[name]
	if m == nil {
		m = &sync.Mutex{}
		x.catching[name] = m
	}
	x.mu.Unlock()
	m.Lock()
	return m.Unlock
}

// texts reads rows of one text and closes them.
func texts(rows *sql.Rows) ([]string, error) {
	defer func() { _ = rows.Close() }()
	var out []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, broken(err)
		}
		out = append(out, s)
	}
	return out, broken(rows.Err())
}
