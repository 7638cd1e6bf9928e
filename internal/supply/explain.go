package supply

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/supply/command"
)

// explain makes a full disk an error that says which one, and adds next steps.
func (s *Supplier) explain(err error, dir string) error {
	if err == nil || !errors.Is(err, syscall.ENOSPC) {
		return err
	}
	where, left := fullest(dir, s.CacheDir, os.TempDir())
	return fault.Hint(fmt.Errorf("disk full: %s has %s free: %w", where, size(left), err),
		"make room there and run the command again; what is finished is kept, and nothing half-written is in the store")
}

// fullest finds the folder whose file system has the least room.
func fullest(dirs ...string) (where string, left uint64) {
	for _, d := range dirs {
		var fs unix.Statfs_t
		if unix.Statfs(d, &fs) != nil {
			continue
		}
		if free := fs.Bavail * uint64(fs.Bsize); where == "" || free < left {
			where, left = d, free
		}
	}
	return where, left
}

// size writes a number of bytes for people.
func size(n uint64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	div, exp := uint64(unit), 0
	for m := n / unit; m >= unit; m /= unit {
		div *= unit
		exp++
	}
	return fmt.Sprintf("%.1f %ciB", float64(n)/float64(div), "KMGTPE"[exp])
}

// logged points at the build's log where a program of the build failed.
func (r *Run) logged(j *job, err error) error {
	var failed *command.Error
	if !errors.As(err, &failed) {
		return err
	}
	return fault.Hint(err, "the whole output is in "+r.s.builder.LogFile(j.Recipe))
}
