// Package lockfile takes locks between processes that say who holds them. A lock is a file that
// the kernel frees when its holder dies, so nothing is ever left locked.
package lockfile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/slipway-dev/slipway/internal/fault"
)

// Holder is who has a lock.
type Holder struct {
	PID     int       `json:"pid"`
	Command string    `json:"command"`
	Since   time.Time `json:"since"`
}

// String describes the holder for people: "pid 123, `slipway up`".
func (h Holder) String() string {
	if h.PID == 0 {
		return "pid unknown"
	}
	return fmt.Sprintf("pid %d, `%s`", h.PID, h.Command)
}

// HeldError says that another process has the lock.
type HeldError struct {
	// What the lock protects, such as "the image store".
	What   string
	Path   string
	Holder Holder
}

// Error names what is locked and who locked it.
func (e *HeldError) Error() string {
	return fmt.Sprintf("another slipway (%s) is using %s", e.Holder, e.What)
}

// Lock is a lock that this process holds.
type Lock struct{ f *flock.Flock }

// retry is how often a lock that is held is tried again; the kernel has no wake-up that ends with a context.
const retry = 50 * time.Millisecond

// Try takes the lock at path or returns a [*HeldError] at once.
func Try(path, what string) (*Lock, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("lock %s: %w", what, err)
	}
	f := flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDWR), flock.SetPermissions(0o644))
	ok, err := f.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", what, err)
	}
	if !ok {
		return nil, fault.Hint(&HeldError{What: what, Path: path, Holder: read(path)},
			"wait until it has ended, or stop it, and run the command again")
	}
	if err := write(path); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", what, err), f.Unlock())
	}
	return &Lock{f: f}, nil
}

// Wait takes the lock at path, waiting until it is free or ctx ends. Where it has to wait it
// calls waiting once, with who holds the lock; waiting may be nil.
func Wait(ctx context.Context, path, what string, waiting func(Holder)) (*Lock, error) {
	tick := time.NewTicker(retry)
	defer tick.Stop()
	for told := false; ; {
		l, err := Try(path, what)
		var held *HeldError
		if !errors.As(err, &held) {
			return l, err
		}
		if !told && waiting != nil {
			told = true
			waiting(held.Holder)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", held, context.Cause(ctx))
		case <-tick.C:
		}
	}
}

// Unlock frees the lock; a nil lock is free already.
func (l *Lock) Unlock() error {
	if l == nil {
		return nil
	}
	return l.f.Unlock()
}

func write(path string) error {
	data, err := json.Marshal(Holder{PID: os.Getpid(), Command: command(os.Args), Since: time.Now().UTC()})
	if err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}

// read gives the holder as far as it is known: between its locking and its writing it is not.
func read(path string) (h Holder) {
	data, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(data, &h) != nil {
		return Holder{}
	}
	return h
}

// command is how a person would have typed args.
func command(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return strings.Join(append([]string{filepath.Base(args[0])}, args[1:]...), " ")
}
