// Package hostshare keeps what platforms on one machine must agree on: which names run, and the
// few settings of the host that every node needs. The first platform to start makes them, the
// last one to stop puts them back. All of it lies in memory below /run, as the settings do.
package hostshare

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/gofrs/flock"

	"github.com/slipway-dev/slipway/internal/fault"
)

// lockPoll is the pause between two tries for the lock.
const lockPoll = 20 * time.Millisecond

// Directory is where platforms of this machine meet.
const Directory = "/run/slipway"

// Host is the machine as far as platforms share it. Tests use a directory and files of their own.
type Host struct {
	// Dir holds locks and the record; Directory on a real host.
	Dir string
	// Forwarding is the kernel's switch for forwarding between links.
	Forwarding string
	// MountPoints are directories that nodes mount over in their own mount namespaces and that
	// must exist on the host for that.
	MountPoints []string
}

// This is the machine the process runs on.
func This() Host {
	return Host{Dir: Directory, Forwarding: "/proc/sys/net/ipv4/ip_forward",
		MountPoints: []string{"/var/lib/kubelet", "/var/lib/cni"}}
}

// Socket is the path of a platform's control socket.
func (h Host) Socket(platform string) string { return filepath.Join(h.Dir, platform+".sock") }

// Claimed is the path of the file that the process which runs the platform holds locked.
func (h Host) Claimed(platform string) string { return h.claim(platform) }

func (h Host) claim(platform string) string { return filepath.Join(h.Dir, platform+".lock") }

// record is what was changed on the host and how it was before.
type record struct {
	// Forwarding is the former text of the switch; empty where it was not changed.
	Forwarding string `json:"forwarding,omitempty"`
	// Made are the mount points that did not exist.
	Made []string `json:"made,omitempty"`
	// gone says that nothing is to be remembered any more.
	gone bool
}

// Claim makes the calling process the one that runs the platform, until it ends or releases the
// claim. The error names the state directory from which another process runs it.
func (h Host) Claim(ctx context.Context, platform, stateDir string) (release func(), err error) {
	lock := flock.New(h.claim(platform))
	err = h.locked(ctx, func(*record) error {
		// A look at who owns the claim holds it for a moment.
		brief, cancel := context.WithTimeout(ctx, 20*lockPoll)
		defer cancel()
		got, err := lock.TryLockContext(brief, lockPoll)
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("claim the platform %s: %w", platform, err)
		}
		if !got {
			owner, _ := os.ReadFile(h.claim(platform))
			return fault.Hint(fmt.Errorf("the platform %s already runs, from %s", platform, strings.TrimSpace(string(owner))),
				"stop it first, with the same SLIPWAY_HOME as it was started with: slipway down")
		}
		return os.WriteFile(h.claim(platform), []byte(stateDir+"\n"), 0o644)
	})
	if err != nil {
		lock.Close()
		return nil, err
	}
	return func() { lock.Close() }, nil
}

// Owner is the state directory from which the platform runs, and whether it does.
func (h Host) Owner(platform string) (stateDir string, running bool) {
	if !held(h.claim(platform)) {
		return "", false
	}
	owner, _ := os.ReadFile(h.claim(platform))
	return strings.TrimSpace(string(owner)), true
}

// held says whether some process holds the lock file.
func held(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
	return errors.Is(err, syscall.EWOULDBLOCK)
}

// Prepare changes the host as nodes need it, remembering what was there. Call it with the claim held.
func (h Host) Prepare(ctx context.Context) error {
	return h.locked(ctx, func(r *record) error {
		for _, dir := range h.MountPoints {
			err := os.Mkdir(dir, 0o755)
			switch {
			case err == nil:
				r.Made = append(r.Made, dir)
			case !errors.Is(err, fs.ErrExist):
				return fmt.Errorf("make the mount point: %w", err)
			}
		}
		now, err := os.ReadFile(h.Forwarding)
		if err != nil {
			return err
		}
		if strings.TrimSpace(string(now)) == "0" {
			r.Forwarding = "0"
			// Remembered first: a crash in between must not lose the former value.
			if err := h.save(*r); err != nil {
				return err
			}
			return os.WriteFile(h.Forwarding, []byte("1"), 0o644)
		}
		return nil
	})
}

// Restore puts the host back when no platform but the given one runs. Call it with that
// platform's node gone.
func (h Host) Restore(ctx context.Context, platform string) error {
	if _, err := os.Stat(h.Dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return h.locked(ctx, func(r *record) error {
		if h.othersRun(platform) {
			os.Remove(h.Socket(platform))
			os.Remove(h.claim(platform))
			return nil
		}
		if r.Forwarding != "" {
			if err := os.WriteFile(h.Forwarding, []byte(r.Forwarding), 0o644); err != nil {
				return fmt.Errorf("put forwarding back: %w", err)
			}
		}
		for _, dir := range r.Made {
			// One that somebody filled meanwhile is theirs.
			if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTEMPTY) {
				return err
			}
		}
		*r = record{gone: true}
		return nil
	})
}

func (h Host) othersRun(platform string) bool {
	claims, _ := filepath.Glob(filepath.Join(h.Dir, "*.lock"))
	return slices.ContainsFunc(claims, func(path string) bool {
		return path != h.claim(platform) && path != h.lock() && held(path)
	})
}

func (h Host) record() string { return filepath.Join(h.Dir, "host.json") }

// lock is no platform's claim: platforms' names are DNS labels and begin with no dot.
func (h Host) lock() string { return filepath.Join(h.Dir, ".host.lock") }

// locked changes the record under the machine's lock.
func (h Host) locked(ctx context.Context, change func(*record) error) error {
	if err := os.MkdirAll(h.Dir, 0o755); err != nil {
		return err
	}
	lock := flock.New(h.lock())
	if _, err := lock.TryLockContext(ctx, lockPoll); err != nil {
		return fmt.Errorf("wait for the machine's lock %s: %w", h.lock(), err)
	}
	defer lock.Close()
	var r record
	if b, err := os.ReadFile(h.record()); err == nil {
		if err := json.Unmarshal(b, &r); err != nil {
			return fmt.Errorf("read %s: %w", h.record(), err)
		}
	}
	if err := change(&r); err != nil {
		return errors.Join(err, h.save(r))
	}
	return h.save(r)
}

func (h Host) save(r record) error {
	if r.gone {
		return os.RemoveAll(h.Dir)
	}
	if err := os.MkdirAll(h.Dir, 0o755); err != nil { // the last platform may just have left
		return err
	}
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	tmp := h.record() + ".new"
	if err := os.WriteFile(tmp, b, 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, h.record())
}
