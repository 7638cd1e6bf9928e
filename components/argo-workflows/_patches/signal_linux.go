// Package osspecific holds what differs between operating systems for Argo's executor.
// The published module zips carry its parts for macOS and Windows but not this one for Linux.
package osspecific

import (
	"errors"
	"os"
	"syscall"

	argoerrors "github.com/argoproj/argo-workflows/v3/util/errors"
)

// Term is the signal that asks a process to end.
var Term = syscall.SIGTERM

// CanIgnoreSignal says whether a signal is the kernel's or the Go runtime's housekeeping,
// which must not be passed on to the user's process.
func CanIgnoreSignal(signal os.Signal) bool {
	switch signal {
	case syscall.SIGCHLD, syscall.SIGURG:
		return true
	default:
		return false
	}
}

// Kill signals the whole process group of pid, or the process alone where it has no group.
func Kill(pid int, signal syscall.Signal) error {
	target := pid
	if group, err := syscall.Getpgid(pid); err == nil {
		target = -group
	}
	return syscall.Kill(target, signal)
}

// Setpgid lets a process start in a process group of its own, so that Kill reaches its children too.
func Setpgid(attributes *syscall.SysProcAttr) {
	attributes.Setpgid = true
}

// Wait returns once the process has ended, with its exit code as an error of package errors.
// The executor is the first process of its container: it also reaps the orphans that the user's
// process leaves behind, for which [os.Process.Wait] has no means.
func Wait(process *os.Process) error {
	pid := process.Pid
	if err := process.Release(); err != nil {
		return err
	}
	for {
		var status syscall.WaitStatus
		ended, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case err != nil:
			return err
		case ended == pid && status.Exited():
			return argoerrors.NewExitErr(status.ExitStatus())
		case ended == pid && status.Signaled():
			return argoerrors.NewExitErr(128 + int(status.Signal()))
		}
	}
}
