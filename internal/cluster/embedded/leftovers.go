package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/slipway-dev/slipway/internal/cluster/embedded/cgroups"
	"github.com/slipway-dev/slipway/internal/cluster/embedded/hostnet"
	"github.com/slipway-dev/slipway/internal/cluster/embedded/hostshare"
	"github.com/slipway-dev/slipway/internal/cluster/embedded/nodeconf"
)

// endFormerNode waits until the process 1 that an outer supervisor before this one left behind is
// gone: it stops by itself when it loses its supervisor. One that does not is killed.
func endFormerNode(ctx context.Context, dir nodeconf.Layout) error {
	f, err := os.OpenFile(dir.InitLock(), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	deadline := time.Now().Add(stopPatience + 2*time.Second)
	killed := false
	for {
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			if killed {
				return fmt.Errorf("a former process 1 of the node does not end (it holds %s)", dir.InitLock())
			}
			if pid := formerInit(dir); pid > 0 {
				_ = unix.Kill(pid, unix.SIGKILL)
			}
			killed, deadline = true, time.Now().Add(5*time.Second)
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// formerInit finds the process 1 of this state directory: it has the lock file open, and lives in
// a PID namespace of its own.
func formerInit(dir nodeconf.Layout) int {
	for _, pid := range openers(dir.InitLock()) {
		if pidNamespace(pid) != pidNamespace(os.Getpid()) {
			return pid
		}
	}
	return 0
}

// holder finds another process that has the file open, 0 if there is none.
func holder(path string) int {
	for _, pid := range openers(path) {
		if pid != os.Getpid() {
			return pid
		}
	}
	return 0
}

// openers lists the processes that have the file open.
func openers(path string) []int {
	wanted, err := os.Stat(path)
	if err != nil {
		return nil
	}
	var pids []int
	files, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, file := range files {
		if open, err := os.Stat(file); err == nil && os.SameFile(open, wanted) {
			var pid int
			if _, err := fmt.Sscanf(file, "/proc/%d/", &pid); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// pidNamespace names the PID namespace of a process, "" where it is gone.
func pidNamespace(pid int) string {
	name, _ := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", pid))
	return name
}

// cleanUp removes what the platform's node made on the host; its processes must be gone or going.
func cleanUp(ctx context.Context, host hostshare.Host, platform string) error {
	err := errors.Join(hostnet.Leave(platform), hostnet.Forbid(ctx, platform))
	groups, groupsErr := cgroups.Host()
	if groupsErr == nil {
		err = errors.Join(err, cgroups.Remove(groups, "/slipway/"+platform, 5*time.Second))
	}
	return errors.Join(err, groupsErr, host.Restore(ctx, platform))
}
