package supervise

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// world is a supervisor under test with what it has told.
type world struct {
	*Supervisor
	dir  string
	stop context.CancelFunc
	done chan error

	mu     sync.Mutex
	latest map[string]Status
	// entered lists "part phase" in the order in which they came.
	entered []string
	changed chan struct{}
}

// run takes parts, and functions that change the supervisor before it runs.
func run(t *testing.T, arguments ...any) *world {
	t.Helper()
	var parts []Part
	var changes []func(*Supervisor)
	for _, a := range arguments {
		switch a := a.(type) {
		case Part:
			parts = append(parts, a)
		case func(*Supervisor):
			changes = append(changes, a)
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	w := &world{dir: t.TempDir(), stop: stop, done: make(chan error, 1), latest: map[string]Status{}, changed: make(chan struct{}, 1)}
	w.Supervisor = &Supervisor{Parts: parts, Logs: filepath.Join(w.dir, "logs"), Changed: w.see,
		Timing: Timing{FirstPause: 5 * time.Millisecond, LongestPause: 80 * time.Millisecond, Poll: 2 * time.Millisecond, Check: 5 * time.Millisecond}}
	for _, change := range changes {
		change(w.Supervisor)
	}
	go func() { w.done <- w.Run(ctx) }()
	t.Cleanup(func() { w.end(t) })
	return w
}

func (w *world) see(all []Status) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range all {
		if w.latest[s.Name].Phase != s.Phase {
			w.entered = append(w.entered, s.Name+" "+string(s.Phase))
		}
		w.latest[s.Name] = s
	}
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

// until waits for a status of the part that satisfies good.
func (w *world) until(t *testing.T, part string, good func(Status) bool) Status {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		w.mu.Lock()
		s := w.latest[part]
		w.mu.Unlock()
		if good(s) {
			return s
		}
		select {
		case <-w.changed:
		case <-time.After(10 * time.Millisecond):
		case <-deadline:
			t.Fatalf("%s stays %+v", part, s)
		}
	}
}

func (w *world) end(t *testing.T) {
	t.Helper()
	w.stop()
	select {
	case err := <-w.done:
		if err != nil {
			t.Error(err)
		}
		w.done <- nil
	case <-time.After(20 * time.Second):
		t.Fatal("the supervisor does not end")
	}
}

func (w *world) history() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.entered, ", ")
}

func sh(name, script string, after ...string) Part {
	return Part{Name: name, Path: "/bin/sh", Args: []string{"-c", script}, After: after, Grace: 5 * time.Second}
}

func in(phase Phase) func(Status) bool { return func(s Status) bool { return s.Phase == phase } }

func TestRun_StartsInOrderAndStopsInReverse(t *testing.T) {
	base, top := sh("base", "exec sleep 100"), sh("top", "exec sleep 100", "base")
	open := make(chan struct{})
	base.Ready = func(context.Context) error {
		select {
		case <-open:
			return nil
		default:
			return errors.New("not open")
		}
	}
	w := run(t, base, top)
	w.until(t, "base", func(s Status) bool { return s.Phase == Starting && s.Message == "not open" })
	if s := w.until(t, "top", in(Waiting)); s.Message != "waits for base" {
		t.Errorf("top says %q", s.Message)
	}
	close(open)
	w.until(t, "top", in(Ready))
	w.end(t)
	// When top was first seen to wait is the scheduler's business.
	const want = "base starting, base ready, top starting, top ready, top stopped, base stopped"
	if got := strings.Replace(w.history(), "top waiting, ", "", 1); !strings.HasSuffix(got, want) {
		t.Errorf("went through %s, want %s", w.history(), want)
	}
}

func TestRun_StartsWhatDiesAgainWithGrowingPauses(t *testing.T) {
	dying := sh("a", "exit 3")
	dying.Ready = func(context.Context) error { return errors.New("never ready") }
	w := run(t, dying)
	s := w.until(t, "a", func(s Status) bool { return s.Restarts >= 4 })
	if s.LastExit != "exit status 3" || s.Failures != s.Restarts {
		t.Errorf("%+v", s)
	}
	w.end(t)
	log, err := os.ReadFile(filepath.Join(w.dir, "logs", "a.log"))
	if err != nil || strings.Count(string(log), "a ended: exit status 3; started again in") < 4 {
		t.Errorf("log (%v):\n%s", err, log)
	}
}

func TestRun_TellsOfAProgramThatCannotStart(t *testing.T) {
	w := run(t, Part{Name: "a", Path: "/nowhere/a"})
	if s := w.until(t, "a", in(Failed)); !strings.Contains(s.LastExit, "no such file") {
		t.Errorf("last exit %q", s.LastExit)
	}
}

func TestRun_KilledPartComesBackUnderAnotherPID(t *testing.T) {
	w := run(t, sh("a", "exec sleep 100"))
	first := w.until(t, "a", in(Ready))
	p, err := os.FindProcess(first.PID)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	second := w.until(t, "a", func(s Status) bool { return s.Phase == Ready && s.PID != first.PID })
	if second.Restarts != 1 || second.Failures != 0 || second.LastExit != "signal: killed" {
		t.Errorf("%+v", second)
	}
}

func TestRun_KillsWhatIgnoresSIGTERM(t *testing.T) {
	dir := t.TempDir()
	stubborn := sh("a", `trap "" TERM; touch "$MARK"; while :; do sleep 0.05; done`)
	stubborn.Env, stubborn.Grace = []string{"MARK=" + filepath.Join(dir, "trapped")}, 50*time.Millisecond
	stubborn.Ready = func(context.Context) error { _, err := os.Stat(filepath.Join(dir, "trapped")); return err }
	w := run(t, stubborn)
	w.until(t, "a", in(Ready))
	w.end(t)
	if s := w.until(t, "a", in(Stopped)); s.PID != 0 {
		t.Errorf("%+v", s)
	}
}

func TestRun_ShowsAReadyPartThatStopsAnswering(t *testing.T) {
	var mu sync.Mutex
	var sick error
	p := sh("a", "exec sleep 100")
	p.Ready = func(context.Context) error { mu.Lock(); defer mu.Unlock(); return sick }
	w := run(t, p)
	first := w.until(t, "a", in(Ready))
	mu.Lock()
	sick = errors.New("no answer")
	mu.Unlock()
	if s := w.until(t, "a", in(Unready)); s.Message != "no answer" || s.PID != first.PID {
		t.Errorf("%+v", s)
	}
	mu.Lock()
	sick = nil
	mu.Unlock()
	w.until(t, "a", in(Ready))
}

func TestRun_KillsAPartThatHangs(t *testing.T) {
	var mu sync.Mutex
	asked := 0
	p := sh("a", "exec sleep 100")
	p.Ready = func(context.Context) error {
		mu.Lock()
		defer mu.Unlock()
		if asked++; asked == 1 {
			return nil
		}
		return errors.New("no answer")
	}
	w := run(t, p, func(s *Supervisor) { s.Timing.Hung = 30 * time.Millisecond })
	s := w.until(t, "a", func(s Status) bool { return s.Restarts == 1 })
	if s.LastExit != "signal: killed" {
		t.Errorf("%+v", s)
	}
}

func TestRun_StoppedComesBeforeTheEarlierPartStops(t *testing.T) {
	base, top := sh("base", "exec sleep 100"), sh("top", "exec sleep 100", "base")
	var w *world
	started := make(chan struct{})
	top.Stopped = func(context.Context) {
		<-started
		if s := w.until(t, "base", func(Status) bool { return true }); s.Phase != Ready {
			t.Errorf("base is %s while top's Stopped runs", s.Phase)
		}
	}
	w = run(t, base, top)
	close(started)
	w.until(t, "top", in(Ready))
	w.end(t)
}

func TestRun_RefusesAnImpossibleOrder(t *testing.T) {
	s := &Supervisor{Logs: t.TempDir(), Parts: []Part{sh("a", "", "b"), sh("b", "")}}
	if err := s.Run(context.Background()); err == nil || !strings.Contains(err.Error(), "a comes after b") {
		t.Errorf("error %v", err)
	}
}
