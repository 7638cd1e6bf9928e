package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/slipway-dev/slipway/internal/server/access"
	"github.com/slipway-dev/slipway/internal/server/token"
)

const tokenColumns = `id, fingerprint, kind, name, person, scopes, created, expires, used, revoked, revoked_by`

// AddToken keeps a new token.
func (s *Store) AddToken(ctx context.Context, r token.Record) error {
	_, err := s.exec(ctx, `INSERT INTO token (`+tokenColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		r.ID, r.Fingerprint, string(r.Kind), r.Name, r.Person, r.Scopes.Encode(),
		stamp(r.Created), stamp(r.Expires), stamp(r.Used), stamp(r.Revoked), r.RevokedBy)
	return err
}

// TokenByFingerprint fails with token.ErrUnknown.
func (s *Store) TokenByFingerprint(ctx context.Context, fingerprint string) (token.Record, error) {
	r, err := scanToken(s.db.QueryRowContext(ctx,
		`SELECT `+tokenColumns+` FROM token WHERE fingerprint = ?`, fingerprint))
	if errors.Is(err, sql.ErrNoRows) {
		return token.Record{}, token.ErrUnknown
	}
	return r, err
}

// TouchToken notes a use.
func (s *Store) TouchToken(ctx context.Context, id string, used time.Time) error {
	_, err := s.exec(ctx, `UPDATE token SET used = max(used, ?) WHERE id = ?`, stamp(used), id)
	return err
}

// RevokeTokens revokes the person's token of this ID, all of theirs where id is empty, and of whomever
// where person is empty. It says how many were good before.
func (s *Store) RevokeTokens(ctx context.Context, person, id, by string, when time.Time) (int, error) {
	if person == "" && id == "" {
		return 0, errors.New("revoke tokens: neither a person nor a token is named")
	}
	return s.exec(ctx, `UPDATE token SET revoked = ?1, revoked_by = ?2
		WHERE (person = ?3 OR ?3 = '') AND (id = ?4 OR ?4 = '') AND revoked = 0 AND expires > ?1`,
		stamp(when), by, person, id)
}

// Tokens lists the tokens of a person, or of everyone, in the order of their IDs.
func (s *Store) Tokens(ctx context.Context, person, after string, limit int) ([]token.Record, error) {
	return collect(ctx, s, scanToken, `SELECT `+tokenColumns+` FROM token
		WHERE (person = ?1 OR ?1 = '') AND id > ?2 ORDER BY id LIMIT ?3`, person, after, limit)
}

func scanToken(r row) (token.Record, error) {
	var t token.Record
	var scopes string
	err := r.Scan(&t.ID, &t.Fingerprint, &t.Kind, &t.Name, &t.Person, &scopes,
		at{&t.Created}, at{&t.Expires}, at{&t.Used}, at{&t.Revoked}, &t.RevokedBy)
	if err != nil {
		return t, err
	}
	if t.Scopes, err = access.DecodeGrants(scopes); err != nil {
		return t, fmt.Errorf("token %s: %w", t.ID, err)
	}
	return t, nil
}
