package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/slipway-dev/slipway/internal/server/session"
)

const sessionColumns = `id, fingerprint, person, created, seen, ends, client, agent, id_token`

// AddSession keeps a new session.
func (s *Store) AddSession(ctx context.Context, r session.Record) error {
	_, err := s.exec(ctx, `INSERT INTO session (`+sessionColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		r.ID, r.Fingerprint, r.Person, stamp(r.Created), stamp(r.Seen), stamp(r.Ends), r.Client, r.Agent, r.SealedToken)
	return err
}

// Session fails with session.ErrNone.
func (s *Store) Session(ctx context.Context, fingerprint string) (session.Record, error) {
	r, err := scanSession(s.db.QueryRowContext(ctx,
		`SELECT `+sessionColumns+` FROM session WHERE fingerprint = ?`, fingerprint))
	if errors.Is(err, sql.ErrNoRows) {
		return session.Record{}, session.ErrNone
	}
	return r, err
}

// TouchSession notes a use; where the session has gone meanwhile, it stays gone.
func (s *Store) TouchSession(ctx context.Context, fingerprint string, seen time.Time) error {
	_, err := s.exec(ctx, `UPDATE session SET seen = max(seen, ?) WHERE fingerprint = ?`, stamp(seen), fingerprint)
	return err
}

// EndSessions ends the person's session of this ID, or all where id is empty; it says how many.
func (s *Store) EndSessions(ctx context.Context, person, id string) (int, error) {
	return s.exec(ctx, `DELETE FROM session WHERE person = ?1 AND (id = ?2 OR ?2 = '')`, person, id)
}

// Sessions lists a person's sessions, the newest first.
func (s *Store) Sessions(ctx context.Context, person string) ([]session.Record, error) {
	return collect(ctx, s, scanSession,
		`SELECT `+sessionColumns+` FROM session WHERE person = ? ORDER BY created DESC, id`, person)
}

func scanSession(r row) (session.Record, error) {
	var s session.Record
	err := r.Scan(&s.ID, &s.Fingerprint, &s.Person, at{&s.Created}, at{&s.Seen}, at{&s.Ends},
		&s.Client, &s.Agent, &s.SealedToken)
	return s, err
}
