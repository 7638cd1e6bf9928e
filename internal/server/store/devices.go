package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/slipway-dev/slipway/internal/server/access"
	"github.com/slipway-dev/slipway/internal/server/device"
)

const deviceColumns = `device, user, client, asks, scopes, created, expires, interval, asked, state, person`

// AddDevice keeps a new request.
func (s *Store) AddDevice(ctx context.Context, r device.Request) error {
	_, err := s.exec(ctx, `INSERT INTO device (`+deviceColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		r.Device, r.User, r.Client, r.From, r.Scopes.Encode(), stamp(r.Created), stamp(r.Expires),
		r.Interval.Milliseconds(), stamp(r.Asked), string(r.State), r.Person)
	return err
}

// DeviceByUser fails with device.ErrUnknown.
func (s *Store) DeviceByUser(ctx context.Context, user string) (device.Request, error) {
	return s.device(ctx, `user = ?`, user)
}

// DeviceByDevice fails with device.ErrUnknown.
func (s *Store) DeviceByDevice(ctx context.Context, code string) (device.Request, error) {
	return s.device(ctx, `device = ?`, code)
}

func (s *Store) device(ctx context.Context, where, value string) (device.Request, error) {
	r, err := scanDevice(s.db.QueryRowContext(ctx, `SELECT `+deviceColumns+` FROM device WHERE `+where, value))
	if errors.Is(err, sql.ErrNoRows) {
		return device.Request{}, device.ErrUnknown
	}
	return r, err
}

// UpdateDevice writes pace, state and person if the state is still the one named; it fails with
// device.ErrUnknown where it is not.
func (s *Store) UpdateDevice(ctx context.Context, r device.Request, from device.State) error {
	n, err := s.exec(ctx,
		`UPDATE device SET interval = ?, asked = ?, state = ?, person = ? WHERE device = ? AND state = ?`,
		r.Interval.Milliseconds(), stamp(r.Asked), string(r.State), r.Person, r.Device, string(from))
	return some(n, err, device.ErrUnknown)
}

// TakeDevice removes a request in this state; it fails with device.ErrUnknown where there is none.
func (s *Store) TakeDevice(ctx context.Context, code string, in device.State) error {
	n, err := s.exec(ctx, `DELETE FROM device WHERE device = ? AND state = ?`, code, string(in))
	return some(n, err, device.ErrUnknown)
}

func scanDevice(r row) (device.Request, error) {
	var d device.Request
	var scopes string
	var interval int64
	err := r.Scan(&d.Device, &d.User, &d.Client, &d.From, &scopes, at{&d.Created}, at{&d.Expires},
		&interval, at{&d.Asked}, &d.State, &d.Person)
	if err != nil {
		return d, err
	}
	d.Interval = time.Duration(interval) * time.Millisecond
	if d.Scopes, err = access.DecodeGrants(scopes); err != nil {
		return d, fmt.Errorf("code: %w", err)
	}
	return d, nil
}
