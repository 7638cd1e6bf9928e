package supervise

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/cenkalti/backoff/v5"
	"gopkg.in/natefinch/lumberjack.v2"
)

// Supervisor runs parts. Set the fields, then call Run once.
type Supervisor struct {
	Parts []Part
	// Logs is the directory of the parts' logs, NAME.log.
	Logs string
	// Spawn starts processes; Exec where nil.
	Spawn Spawner
	// Changed is called, one call at a time, with the status of all parts after every change.
	Changed func([]Status)
	// Timing may be changed by tests; zero fields get their defaults.
	Timing Timing

	mu    sync.Mutex
	state map[string]*state
}

// state is a part with what the supervisor knows about it.
type state struct {
	part   Part
	status Status
	ready  chan struct{} // closed when first ready
	stop   chan struct{} // closed when the part is to end
	done   chan struct{} // closed when it has ended for good
}

// Run starts the parts and keeps them running until ctx is done; then it stops them, each before
// those it came after, and returns. An error means that the parts' order is impossible.
func (s *Supervisor) Run(ctx context.Context) error {
	if err := s.prepare(); err != nil {
		return err
	}
	var wg sync.WaitGroup
	for _, p := range s.Parts {
		st := s.state[p.Name]
		wg.Go(func() { s.keep(st) })
		wg.Go(func() {
			<-ctx.Done()
			for _, dependent := range s.state {
				if slices.Contains(dependent.part.After, st.part.Name) {
					<-dependent.done
				}
			}
			close(st.stop)
		})
	}
	wg.Wait()
	return nil
}

func (s *Supervisor) prepare() error {
	s.Timing = s.Timing.defaulted()
	if s.Spawn == nil {
		s.Spawn = Exec
	}
	if s.Changed == nil {
		s.Changed = func([]Status) {}
	}
	if err := os.MkdirAll(s.Logs, 0o750); err != nil {
		return err
	}
	s.state = map[string]*state{}
	for _, p := range s.Parts {
		for _, before := range p.After {
			if s.state[before] == nil {
				return fmt.Errorf("part %s comes after %s, which is not before it", p.Name, before)
			}
		}
		s.state[p.Name] = &state{
			part:   p,
			status: Status{Name: p.Name, Phase: Waiting, Since: time.Now().UTC()},
			ready:  make(chan struct{}), stop: make(chan struct{}), done: make(chan struct{}),
		}
	}
	return nil
}

// keep runs one part over and over until it is to stop.
func (s *Supervisor) keep(st *state) {
	defer close(st.done)
	defer func() {
		if st.part.Stopped != nil {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			st.part.Stopped(ctx)
		}
		s.set(st, func(v *Status) { v.Phase, v.PID, v.Message = Stopped, 0, "" })
	}()
	for _, before := range st.part.After {
		s.set(st, func(v *Status) { v.Message = "waits for " + before })
		select {
		case <-s.state[before].ready:
		case <-st.stop:
			return
		}
	}
	log := &lumberjack.Logger{Filename: filepath.Join(s.Logs, st.part.Name+".log"), MaxSize: 10, MaxBackups: 2}
	defer log.Close()
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval, pauses.Multiplier = s.Timing.FirstPause, s.Timing.LongestPause, 2
	for {
		begun := time.Now()
		reason, wanted := s.once(st, log)
		if wanted {
			return
		}
		if time.Since(begun) >= s.Timing.Stable {
			pauses.Reset()
		}
		pause := pauses.NextBackOff()
		fmt.Fprintf(log, "--- %s %s ended: %s; started again in %s\n", time.Now().UTC().Format(time.RFC3339), st.part.Name, reason, pause.Round(time.Millisecond))
		s.set(st, func(v *Status) {
			v.Phase, v.PID, v.LastExit = Failed, 0, reason
			v.Message = "ended: " + reason + "; started again after a pause"
			v.Restarts++
			v.Failures++
		})
		select {
		case <-time.After(pause):
		case <-st.stop:
			return
		}
	}
}

// once runs a part until it ends. It returns why, and whether that was asked for.
func (s *Supervisor) once(st *state, log io.Writer) (reason string, wanted bool) {
	select {
	case <-st.stop:
		return "", true
	default:
	}
	r, w, err := os.Pipe()
	if err != nil {
		return err.Error(), false
	}
	cmd := exec.Command(st.part.Path, st.part.Args...)
	cmd.Env = append(os.Environ(), st.part.Env...)
	cmd.Stdout, cmd.Stderr = w, w
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	wait, err := s.Spawn(cmd)
	w.Close()
	if err != nil {
		r.Close()
		return err.Error(), false
	}
	go func() { _, _ = io.Copy(log, r); r.Close() }()
	s.set(st, func(v *Status) { v.Phase, v.PID, v.Message = Starting, cmd.Process.Pid, "started" })

	ended := make(chan string, 1)
	go func() { ended <- exitReason(wait()) }()
	ctx, cancel := context.WithCancel(context.Background())
	var watch sync.WaitGroup
	watch.Go(func() {
		if s.watch(ctx, st) {
			fmt.Fprintf(log, "--- %s %s has not answered for %s and is killed\n", time.Now().UTC().Format(time.RFC3339), st.part.Name, s.Timing.Hung)
			_ = cmd.Process.Kill()
		}
	})
	defer watch.Wait()
	defer cancel()
	select {
	case reason := <-ended:
		return reason, false
	case <-st.stop:
	}
	cancel()
	_ = cmd.Process.Signal(syscall.SIGTERM)
	grace := st.part.Grace
	if grace == 0 {
		grace = 5 * time.Second
	}
	select {
	case reason = <-ended:
	case <-time.After(grace):
		_ = cmd.Process.Kill()
		reason = <-ended
	}
	return reason, true
}

// watch asks a running part whether it is ready, often until it is and then now and again. It
// returns true when a part that was ready has stopped answering for too long.
func (s *Supervisor) watch(ctx context.Context, st *state) (hung bool) {
	pause := s.Timing.Poll
	answered := time.Now()
	for ready := false; ; {
		err := s.ask(ctx, st.part.Ready)
		if ctx.Err() != nil {
			return false
		}
		switch {
		case err == nil:
			s.set(st, func(v *Status) { v.Phase, v.Message, v.Failures = Ready, "", 0 })
			if !ready {
				ready = true
				s.first(st)
			}
			pause, answered = s.Timing.Check, time.Now()
		case ready:
			if time.Since(answered) > s.Timing.Hung {
				return true
			}
			s.set(st, func(v *Status) { v.Phase, v.Message = Unready, err.Error() })
			pause = min(s.Timing.Check, time.Second)
		default:
			s.set(st, func(v *Status) { v.Message = err.Error() })
			pause = min(pause*5/4, 500*time.Millisecond)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return false
		}
	}
}

func (s *Supervisor) ask(ctx context.Context, ready func(context.Context) error) error {
	if ready == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.Timing.Patience)
	defer cancel()
	return ready(ctx)
}

// first opens the way for the parts after this one.
func (s *Supervisor) first(st *state) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-st.ready:
	default:
		close(st.ready)
	}
}

// set changes a part's status and tells it, if it is another one now.
func (s *Supervisor) set(st *state, change func(*Status)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := st.status
	change(&next)
	if next == st.status {
		return
	}
	if next.Phase != st.status.Phase {
		next.Since = time.Now().UTC()
	}
	st.status = next
	all := make([]Status, 0, len(s.Parts))
	for _, p := range s.Parts {
		all = append(all, s.state[p.Name].status)
	}
	s.Changed(all)
}

func exitReason(err error) string {
	if err == nil {
		return "exit status 0"
	}
	return err.Error()
}
