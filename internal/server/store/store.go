// Package store keeps what the server itself must remember: people, sessions, tokens and the codes of
// the device flow, in one SQLite file. What it has said is kept is on disk, whenever the process is
// killed. Secrets are never in it, only their fingerprints. Everything else that the platform knows
// lives in Git and the audit log.
package store

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/slipway-dev/slipway/internal/fault"
)

// FileName is the database's name in the server's data directory.
const FileName = "access.db"

// Store is an open database. It is safe for concurrent use.
type Store struct{ db *sql.DB }

// migrations bring a database to the newest form, one step each; steps are only ever added.
var migrations = []string{first}

//go:embed schema.sql
var first string

// Open opens the database in dir, and makes or migrates it where that is needed.
func Open(ctx context.Context, dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	file := filepath.Join(dir, FileName)
	if err := private(file); err != nil {
		return nil, fault.Hint(fmt.Errorf("open %s: %w", file, err), "the data directory must be writable by the server")
	}
	db, err := sql.Open("sqlite", source(file))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", file, err)
	}
	db.SetMaxOpenConns(4)
	s := &Store{db}
	if err := s.migrate(ctx); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("open %s: %w", file, err)
	}
	return s, nil
}

// private makes the file readable by the server alone before SQLite writes to it; the files beside
// it get the same mode.
func private(file string) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Chmod(0o600), f.Close())
}

// source is the driver's name of the database. A commit returns when it is on disk (synchronous
// FULL, https://www.sqlite.org/pragma.html#pragma_synchronous); writers wait for each other.
func source(file string) string {
	q := url.Values{"_txlock": {"immediate"}, "_pragma": {
		"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "secure_delete(1)"}}
	return (&url.URL{Scheme: "file", Path: file, RawQuery: q.Encode()}).String()
}

func (s *Store) migrate(ctx context.Context) error {
	return s.change(ctx, func(tx *sql.Tx) error {
		var have int
		if err := tx.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&have); err != nil {
			return err
		}
		if have > len(migrations) {
			return fault.Hint(fmt.Errorf("the database has form %d, this program knows %d", have, len(migrations)),
				"run the newer slipway that wrote it, or restore the backup from before")
		}
		for _, step := range migrations[have:] {
			if _, err := tx.ExecContext(ctx, step); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, fmt.Sprintf(`PRAGMA user_version = %d`, len(migrations)))
		return err
	})
}

// Close closes the database.
func (s *Store) Close() error { return s.db.Close() }

// Ping says whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	var n int
	return s.db.QueryRowContext(ctx, `SELECT count(*) FROM (SELECT 1 FROM person LIMIT 1)`).Scan(&n)
}

// keepEnded is how long what has ended is still listed.
const keepEnded = 30 * 24 * time.Hour

// Prune forgets sessions and codes that are over, and tokens that have been over for a month.
func (s *Store) Prune(ctx context.Context, now time.Time) error {
	return s.change(ctx, func(tx *sql.Tx) error {
		for _, q := range []string{`DELETE FROM session WHERE ends <= ?1`, `DELETE FROM device WHERE expires <= ?1`} {
			if _, err := tx.ExecContext(ctx, q, stamp(now)); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM token WHERE expires <= ?1 OR revoked BETWEEN 1 AND ?1`,
			stamp(now.Add(-keepEnded)))
		return err
	})
}

// change runs f in a transaction that happens whole or not at all.
func (s *Store) change(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := f(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// exec runs one statement and gives the number of rows that it changed.
func (s *Store) exec(ctx context.Context, query string, args ...any) (int, error) {
	result, err := s.db.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	return int(n), err
}

// some turns "no row was changed" into an error.
func some(n int, err, none error) error {
	if err == nil && n == 0 {
		return none
	}
	return err
}

// stamp is a time as it is stored: milliseconds since 1970, 0 for none.
func stamp(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// at scans a stamp.
type at struct{ to *time.Time }

// Scan reads what stamp wrote.
func (a at) Scan(value any) error {
	ms, ok := value.(int64)
	if !ok {
		return fmt.Errorf("a time is stored as %T", value)
	}
	*a.to = time.Time{}
	if ms != 0 {
		*a.to = time.UnixMilli(ms).UTC()
	}
	return nil
}

// collect scans all rows of a query.
func collect[T any](ctx context.Context, s *Store, scan func(row) (T, error), query string, args ...any) ([]T, error) {
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, rows.Err()
}

// row is one row of a result.
type row interface{ Scan(to ...any) error }
