package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/slipway-dev/slipway/internal/server/people"
)

const personColumns = `id, issuer, subject, username, name, email, member_of, as_of, seen, shut_at, shut_by, shut_why`

// PutPerson adds a person or replaces what is known of them, but for Shut.
func (s *Store) PutPerson(ctx context.Context, p people.Person) error {
	groups, err := json.Marshal(p.Groups)
	if err != nil {
		return err
	}
	_, err = s.exec(ctx, `INSERT INTO person (id, issuer, subject, username, name, email, member_of, as_of, seen)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET username = excluded.username, name = excluded.name, email = excluded.email,
			member_of = excluded.member_of, as_of = excluded.as_of, seen = excluded.seen`,
		p.ID, p.Issuer, p.Subject, p.Username, p.Name, p.Email, string(groups), stamp(p.AsOf), stamp(p.Seen))
	return err
}

// Person fails with people.ErrUnknown.
func (s *Store) Person(ctx context.Context, id string) (people.Person, error) {
	p, err := scanPerson(s.db.QueryRowContext(ctx, `SELECT `+personColumns+` FROM person WHERE id = ?`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return people.Person{}, people.ErrUnknown
	}
	return p, err
}

// People gives people in the order of their IDs, after the one named, at most limit.
func (s *Store) People(ctx context.Context, after string, limit int) ([]people.Person, error) {
	return collect(ctx, s, scanPerson,
		`SELECT `+personColumns+` FROM person WHERE id > ? ORDER BY id LIMIT ?`, after, limit)
}

// ShutPerson sets or, with nil, takes away Shut. It fails with people.ErrUnknown.
func (s *Store) ShutPerson(ctx context.Context, id string, shut *people.Shut) error {
	var set people.Shut
	if shut != nil {
		set = *shut
	}
	n, err := s.exec(ctx, `UPDATE person SET shut_at = ?, shut_by = ?, shut_why = ? WHERE id = ?`,
		stamp(set.At), set.By, set.Reason, id)
	return some(n, err, people.ErrUnknown)
}

func scanPerson(r row) (people.Person, error) {
	var p people.Person
	var groups string
	var shutAt time.Time
	var shut people.Shut
	err := r.Scan(&p.ID, &p.Issuer, &p.Subject, &p.Username, &p.Name, &p.Email, &groups, at{&p.AsOf}, at{&p.Seen},
		at{&shutAt}, &shut.By, &shut.Reason)
	if err != nil {
		return p, err
	}
	if !shutAt.IsZero() {
		shut.At = shutAt
		p.Shut = &shut
	}
	if err := json.Unmarshal([]byte(groups), &p.Groups); err != nil {
		return p, fmt.Errorf("read the groups of %s: %w", p.ID, err)
	}
	return p, nil
}
