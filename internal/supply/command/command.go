// Package command runs the machine's own clients (go, mmdebstrap, pip, npm, mvn) for the
// builds of images: in a process group of their own that ends with the context, with errors
// that show what the program said.
package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/slipway-dev/slipway/internal/fault"
)

// Command is one run of a program.
type Command struct {
	Args []string
	Dir  string
	// Env is set over the environment of this process.
	Env map[string]string
	// Log gets all output as it comes; may be nil.
	Log io.Writer
	// Nice lowers its priority, as nice(1) does, so that what already serves is not slowed down.
	Nice int
}

// grace is how long a program has to end by itself after it was asked to.
const grace = 5 * time.Second

// Run runs the command and gives its standard output.
func Run(ctx context.Context, c Command) ([]byte, error) {
	path, err := Find(c.Args[0], c.Env)
	if err != nil {
		return nil, err
	}
	cmd := &exec.Cmd{Path: path, Args: c.Args, Dir: c.Dir, Env: environment(c.Env)}
	var out bytes.Buffer
	tail := &tail{max: 8 << 10}
	log := &oneAtATime{w: io.Discard}
	if c.Log != nil {
		log.w = c.Log
	}
	cmd.Stdout = io.MultiWriter(&out, log)
	cmd.Stderr = io.MultiWriter(tail, log)
	err = runGroup(ctx, cmd, c.Nice)
	if ctx.Err() != nil {
		return nil, fmt.Errorf("%s: %w", name(c.Args), context.Cause(ctx))
	}
	if err != nil {
		return nil, &Error{Args: c.Args, Err: err, Output: output(tail.String(), out.String())}
	}
	return out.Bytes(), nil
}

// runGroup runs cmd as the leader of a process group and ends the whole group with ctx, or with this process.
func runGroup(ctx context.Context, cmd *exec.Cmd, nice int) error {
	// The kernel sends Pdeathsig when the thread ends that started the child.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	cmd.WaitDelay = grace // for grandchildren that keep the pipes open
	if err := cmd.Start(); err != nil {
		return err
	}
	if nice > 0 {
		_ = unix.Setpriority(unix.PRIO_PGRP, cmd.Process.Pid, nice)
	}
	done := make(chan struct{})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		select {
		case <-done:
			return
		case <-ctx.Done():
		}
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-done:
		case <-timer.C:
		}
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}()
	err := cmd.Wait()
	close(done)
	<-stopped
	return err
}

// Find looks a program up on the PATH that the command will have.
func Find(program string, env map[string]string) (string, error) {
	if list, ok := env["PATH"]; ok {
		for _, dir := range strings.Split(list, ":") {
			p := dir + "/" + program
			if fi, err := os.Stat(p); err == nil && fi.Mode().IsRegular() && fi.Mode()&0o111 != 0 {
				return p, nil
			}
		}
	} else if p, err := exec.LookPath(program); err == nil {
		return p, nil
	}
	pkg := DebianPackage(program)
	return "", fault.Hint(&MissingError{Program: program, Package: pkg}, "apt-get install "+pkg)
}

// MissingError says that a program is not on this machine.
type MissingError struct{ Program, Package string }

// Error names the program and the Debian package that has it.
func (e *MissingError) Error() string {
	return fmt.Sprintf("%s is not installed; it is in the Debian package %s", e.Program, e.Package)
}

// DebianPackage names the package that has a program.
func DebianPackage(program string) string {
	switch program {
	case "go":
		return "golang"
	case "python3":
		return "python3-pip"
	case "node":
		return "nodejs"
	case "mvn":
		return "maven"
	}
	return program
}

// Error says that a program ran and failed.
type Error struct {
	Args   []string
	Err    error
	Output string // the end of what it said
}

// Error shows the command and the end of its output.
func (e *Error) Error() string {
	if e.Output == "" {
		return fmt.Sprintf("%s: %v", name(e.Args), e.Err)
	}
	return fmt.Sprintf("%s: %v:\n%s", name(e.Args), e.Err, e.Output)
}

// Unwrap gives the cause. A program that complained about a full disk counts as [syscall.ENOSPC].
func (e *Error) Unwrap() []error {
	errs := []error{e.Err}
	if strings.Contains(strings.ToLower(e.Output), "no space left on device") {
		errs = append(errs, syscall.ENOSPC)
	}
	return errs
}

// ExitCode gives the code that a program ended with, or -1.
func ExitCode(err error) int {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	return -1
}

// name is a command as an error message shows it: the program and its subcommand.
func name(args []string) string {
	n := args[0]
	for _, a := range args[1:] {
		if strings.HasPrefix(a, "-") || len(a) > 20 {
			break
		}
		n += " " + a
	}
	return n
}

func environment(over map[string]string) []string {
	env := os.Environ()
	for k, v := range over {
		env = append(env, k+"="+v) // the last one counts (os/exec)
	}
	return env
}

// lines is how much of a program's output an error shows.
const lines = 15

func output(stderr, stdout string) string {
	text := strings.TrimSpace(stderr)
	if text == "" {
		text = strings.TrimSpace(stdout)
	}
	all := strings.Split(text, "\n")
	if len(all) > lines {
		all = all[len(all)-lines:]
	}
	return strings.Join(all, "\n")
}

// tail keeps the end of what is written to it.
type tail struct {
	max int
	b   []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.b = append(t.b, p...)
	if len(t.b) > 2*t.max {
		t.b = append(t.b[:0], t.b[len(t.b)-t.max:]...)
	}
	return len(p), nil
}

func (t *tail) String() string { return string(t.b) }

// oneAtATime lets the two outputs of a program share a log.
type oneAtATime struct {
	mu sync.Mutex
	w  io.Writer
}

func (o *oneAtATime) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.w.Write(p)
}
