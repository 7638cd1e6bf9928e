package platform

import (
	"errors"
	"fmt"
	"time"

	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/supply/lockfile"
)

// BusyError says that another process works on the platform.
type BusyError struct {
	Platform string
	Holder   lockfile.Holder
}

// Error says who works on the platform.
func (e *BusyError) Error() string {
	text := fmt.Sprintf("the platform %s is being changed by another slipway (%s", e.Platform, e.Holder)
	if !e.Holder.Since.IsZero() {
		text += ", since " + e.Holder.Since.Local().Format(time.TimeOnly)
	}
	return text + ")"
}

// claim locks the platform's state directory, making it where it is missing. The kernel frees
// the lock when the process ends, however it ends.
func (d Dir) claim(name string) (release func(), err error) {
	lock, err := lockfile.Try(d.lockFile(), "the platform "+name)
	var held *lockfile.HeldError
	if errors.As(err, &held) {
		return nil, fault.Hint(&BusyError{Platform: name, Holder: held.Holder}, "wait until it has ended, or stop it, and run the command again")
	}
	if err != nil {
		return nil, fault.Hint(err, "run as root, or set SLIPWAY_HOME to a directory you may write to")
	}
	return func() { _ = lock.Unlock() }, nil
}
