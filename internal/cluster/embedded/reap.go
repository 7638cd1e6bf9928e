package embedded

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// reaper takes the exit status of every child, its own and those that lost their parent, as the
// first process of a PID namespace must. Everything that starts processes there goes through it:
// waiting in two places would lose exits.
type reaper struct {
	mu      sync.Mutex
	waiting map[int]chan syscall.WaitStatus
}

// newReaper begins to reap.
func newReaper() *reaper {
	r := &reaper{waiting: map[int]chan syscall.WaitStatus{}}
	died := make(chan os.Signal, 1)
	signal.Notify(died, unix.SIGCHLD)
	go func() {
		for range died {
			r.reap()
		}
	}()
	return r
}

func (r *reaper) reap() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || pid <= 0 {
			return
		}
		if exit, ours := r.waiting[pid]; ours {
			delete(r.waiting, pid)
			exit <- status
		}
	}
}

// spawn starts a command; it is a supervise.Spawner. Its output must go to files, not writers:
// nobody calls the command's own Wait.
func (r *reaper) spawn(cmd *exec.Cmd) (wait func() error, err error) {
	exit := make(chan syscall.WaitStatus, 1)
	r.mu.Lock() // no exit is taken between start and registration
	defer r.mu.Unlock()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	r.waiting[cmd.Process.Pid] = exit
	return func() error {
		status := <-exit
		_ = cmd.Process.Release()
		switch {
		case status.Signaled():
			return fmt.Errorf("signal: %s", status.Signal())
		case status.ExitStatus() != 0:
			return fmt.Errorf("exit status %d", status.ExitStatus())
		}
		return nil
	}, nil
}

// run is a hostnet.Runner that waits through the reaper.
func (r *reaper) run(ctx context.Context, stdin string, argv ...string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	in, err := memoryFile(stdin)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := memoryFile("")
	if err != nil {
		return err
	}
	defer out.Close()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, out, out
	wait, err := r.spawn(cmd)
	if err == nil {
		err = wait()
	}
	if err != nil {
		text := make([]byte, 4096)
		n, _ := out.ReadAt(text, 0)
		return fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, strings.TrimSpace(string(text[:n])))
	}
	return nil
}

func memoryFile(text string) (*os.File, error) {
	fd, err := unix.MemfdCreate("slipway", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "memory")
	if _, err := f.WriteAt([]byte(text), 0); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
