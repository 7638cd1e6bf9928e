package ci_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/app/memforge"
	"github.com/slipway-dev/slipway/internal/ci"
	"github.com/slipway-dev/slipway/internal/ci/citest"
)

// world is everything around a controller. It stays when the controller is killed.
type world struct {
	t        *testing.T
	forge    *memforge.Forge
	engine   *citest.Engine
	app      ci.Application
	released []string
	previews []string
	commits  int
	// fail makes the n-th call from now that leaves the controller fail after it did its work; 0 lets all succeed.
	fail int
	// asked counts how often statuses were read.
	asked int
}

var errKilled = errors.New("killed")

func newWorld(t *testing.T) *world {
	t.Helper()
	_, f := memforge.New("slipway")
	w := &world{t: t, forge: f, engine: citest.New(), app: ci.Application{Name: "shop", Team: "team", CloneURL: "https://git.example/team/shop.git",
		Repository: forge.Repository{Owner: "team", Name: "shop"}, Branch: "main", Image: "registry.example/team/shop"}}
	if err := f.EnsureOrganization(t.Context(), "team"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.EnsureRepository(t.Context(), w.app.Repository, forge.RepositoryOptions{}); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) push(branch, from string) string {
	w.t.Helper()
	w.commits++
	commit, err := w.forge.Commit(w.t.Context(), w.app.Repository, forge.Commit{Branch: branch, From: from, Message: "a change",
		Changes: []forge.FileChange{{Path: fmt.Sprintf("file-%d", w.commits), Data: []byte("x")}}})
	if err != nil {
		w.t.Fatal(err)
	}
	return commit
}

func (w *world) call() error {
	if w.fail == 0 {
		return nil
	}
	if w.fail--; w.fail == 0 {
		return errKilled
	}
	return nil
}

// The world as the controller sees it.

func (w *world) Head(ctx context.Context, r forge.Repository, branch string) (string, error) {
	head, err := w.forge.Head(ctx, r, branch)
	return head, errors.Join(err, w.call())
}

func (w *world) PullRequests(ctx context.Context, r forge.Repository, s forge.PullState) ([]forge.PullRequest, error) {
	all, err := w.forge.PullRequests(ctx, r, s)
	return all, errors.Join(err, w.call())
}

func (w *world) SetStatus(ctx context.Context, r forge.Repository, commit string, s forge.Status) error {
	return errors.Join(w.forge.SetStatus(ctx, r, commit, s), w.call())
}

func (w *world) Statuses(ctx context.Context, r forge.Repository, commit string) ([]forge.Status, error) {
	w.asked++
	all, err := w.forge.Statuses(ctx, r, commit)
	return all, errors.Join(err, w.call())
}

func (w *world) Applications(context.Context) ([]ci.Application, error) {
	return []ci.Application{w.app}, w.call()
}

func (w *world) Admit(context.Context, ci.Application) error { return w.call() }

func (w *world) Released(_ context.Context, r ci.Run) error {
	if n := len(w.released); n == 0 || w.released[n-1] != r.Digest { // as whoever takes releases does
		w.released = append(w.released, r.Digest)
	}
	return w.call()
}

func (w *world) Previewed(_ context.Context, r ci.Run) error {
	if n := len(w.previews); n == 0 || w.previews[n-1] != r.Digest {
		w.previews = append(w.previews, r.Digest)
	}
	return w.call()
}

func (w *world) RunURL(r ci.Run) string { return "https://console.example/runs/" + r.ID }

func (w *world) controller() *ci.Controller {
	return ci.NewController(ci.Options{Engine: w.engine, Forge: w, Portal: w})
}

func (w *world) reconcile() {
	w.t.Helper()
	if err := w.controller().Reconcile(w.t.Context(), w.app); err != nil {
		w.t.Fatal(err)
	}
}

// settle looks, each time with a controller that knows nothing, until nothing fails.
func (w *world) settle() {
	w.t.Helper()
	for range 10 {
		err := w.controller().Reconcile(w.t.Context(), w.app)
		if err == nil {
			return
		}
		if !errors.Is(err, errKilled) && !errors.Is(err, citest.ErrLost) {
			w.t.Fatal(err)
		}
	}
	w.t.Fatal("it does not settle")
}

func (w *world) runs() []ci.Run {
	w.t.Helper()
	runs, err := w.engine.List(w.t.Context(), ci.Query{})
	if err != nil {
		w.t.Fatal(err)
	}
	return runs
}

func (w *world) status(commit, name string) forge.Status {
	w.t.Helper()
	all, err := w.forge.Statuses(w.t.Context(), w.app.Repository, commit)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, s := range all {
		if s.Context == name {
			return s
		}
	}
	return forge.Status{}
}

func image(n int) string { return fmt.Sprintf("registry.example/team/shop@sha256:%064d", n) }

func TestController_BuildsTheHeadOnceAndReleasesIt(t *testing.T) {
	w := newWorld(t)
	w.reconcile() // an empty repository
	commit := w.push("main", "")
	w.reconcile()
	w.reconcile()
	if n := w.engine.Started(); n != 1 {
		t.Fatalf("%d runs", n)
	}
	if s := w.status(commit, ci.StatusRun); s.State != forge.Pending || !strings.HasPrefix(s.URL, "https://console.example/runs/") {
		t.Errorf("%+v", s)
	}
	w.engine.Succeed(w.runs()[0].ID, image(1))
	w.reconcile()
	w.reconcile()
	if len(w.released) != 1 || w.released[0] != image(1) {
		t.Errorf("released %v", w.released)
	}
	if s := w.status(commit, ci.StatusRun); s.State != forge.Success {
		t.Errorf("%+v", s)
	}
	if s := w.status(commit, ci.StatusStep+"test"); s.State != forge.Success {
		t.Errorf("%+v", s)
	}
}

func TestController_NewerPushCancelsTheOlderRun(t *testing.T) {
	w := newWorld(t)
	first := w.push("main", "")
	w.reconcile()
	second := w.push("main", "")
	w.reconcile()
	runs := w.runs()
	if len(runs) != 2 || runs[1].Commit != first || runs[1].Phase != ci.Cancelled || runs[0].Commit != second || runs[0].Phase.Done() {
		t.Fatalf("%+v", runs)
	}
	if s := w.status(first, ci.StatusRun); s.State != forge.Error || s.Description != "cancelled: a newer commit was pushed" {
		t.Errorf("%+v", s)
	}
}

// The older run ends while nobody looks, and so does the newer one: they may end in any order.
func TestController_NeverReleasesAnOlderImageAfterANewer(t *testing.T) {
	for _, olderFirst := range []bool{true, false} {
		w := newWorld(t)
		w.push("main", "")
		w.reconcile()
		older := w.runs()[0].ID
		w.engine.Succeed(older, image(1)) // not seen yet
		w.push("main", "")
		if olderFirst {
			w.reconcile()
		} else {
			w.fail = 3 // its start is all that happens
			_ = w.controller().Reconcile(t.Context(), w.app)
			w.fail = 0
			w.reconcile()
		}
		w.engine.Succeed(w.runs()[0].ID, image(2))
		w.reconcile()
		w.reconcile()
		if n := len(w.released); n == 0 || w.released[n-1] != image(2) {
			t.Errorf("older first %t: released %v", olderFirst, w.released)
		}
		for i, r := range w.released[:len(w.released)-1] {
			if r == image(2) {
				t.Errorf("released %v: %d is newer than what follows", w.released, i)
			}
		}
	}
}

func TestController_KilledAnywhere_Converges(t *testing.T) {
	for n := 1; n <= 40; n++ {
		w := newWorld(t)
		w.push("main", "")
		w.fail = n
		w.settle()
		w.push("main", "")
		if n%2 == 0 {
			w.engine.Lose = 1
		}
		w.settle()
		runs := w.runs()
		if len(runs) != 2 || runs[1].Phase != ci.Cancelled {
			t.Fatalf("killed at call %d: %+v", n, runs)
		}
		w.engine.Succeed(runs[0].ID, image(2))
		w.settle()
		w.fail = 0
		w.settle()
		if len(w.released) != 1 || w.released[0] != image(2) {
			t.Errorf("killed at call %d: released %v", n, w.released)
		}
		if s := w.status(runs[0].Commit, ci.StatusRelease); s.State != forge.Success {
			t.Errorf("killed at call %d: %+v", n, s)
		}
	}
}

func TestController_LeavesAloneWhatTheEngineForgot(t *testing.T) {
	w := newWorld(t)
	w.push("main", "")
	w.reconcile()
	w.engine.Succeed(w.runs()[0].ID, image(1))
	w.reconcile()
	w.engine.Age()
	w.reconcile()
	if w.engine.Started() != 1 {
		t.Errorf("%d runs were started", w.engine.Started())
	}
	run, err := w.controller().Retry(t.Context(), w.app, "ada")
	if err != nil || run.Trigger != "ada" || w.engine.Started() != 2 {
		t.Errorf("%+v %v", run, err)
	}
}

func TestController_FailedBuildSaysWhyAndIsNotReleased(t *testing.T) {
	w := newWorld(t)
	commit := w.push("main", "")
	w.reconcile()
	w.engine.Fail(w.runs()[0].ID, "test", "service_test.go:20: got 500")
	w.reconcile()
	if s := w.status(commit, ci.StatusRun); s.State != forge.Failure || s.Description != "test: service_test.go:20: got 500" {
		t.Errorf("%+v", s)
	}
	if s := w.status(commit, ci.StatusStep+"test"); s.State != forge.Failure || s.Description != "service_test.go:20: got 500" {
		t.Errorf("%+v", s)
	}
	if len(w.released) != 0 || w.engine.Started() != 1 {
		t.Errorf("released %v, %d started", w.released, w.engine.Started())
	}
}

// proposed is a world with a pull request, whose commit it gives; both branches are built.
func proposed(t *testing.T) (w *world, change string, number int) {
	t.Helper()
	w = newWorld(t)
	w.push("main", "")
	change = w.push("change", "main")
	pull, err := w.forge.OpenPullRequest(t.Context(), w.app.Repository, forge.NewPullRequest{Base: "main", Head: "change", Title: "x"})
	if err != nil {
		t.Fatal(err)
	}
	w.reconcile()
	for _, r := range w.runs() {
		if r.Release != (r.Branch == "main") {
			t.Errorf("%+v", r)
		}
		w.engine.Succeed(r.ID, image(r.Number))
	}
	return w, change, pull.Number
}

func TestController_BuildsPullRequestsForTheirPreviewsAndReleasesNoneOfThem(t *testing.T) {
	w, change, _ := proposed(t)
	w.reconcile()
	w.reconcile()
	if len(w.runs()) != 2 || len(w.released) != 1 || w.status(change, ci.StatusRun).State != forge.Success || w.status(change, ci.StatusRelease).State != "" {
		t.Errorf("%d runs, released %v", len(w.runs()), w.released)
	}
	if len(w.previews) != 1 || w.previews[0] == w.released[0] || w.status(change, ci.StatusPreview).State != forge.Success {
		t.Errorf("released %v, previews %v", w.released, w.previews)
	}
}

func TestController_PreviewIsHandedOverWhereverItWasKilled(t *testing.T) {
	for n := 1; n <= 30; n++ {
		w, change, _ := proposed(t)
		w.fail = n
		w.settle()
		w.fail = 0
		w.settle()
		if len(w.previews) != 1 || len(w.released) != 1 || w.status(change, ci.StatusPreview).State != forge.Success {
			t.Errorf("killed at call %d: released %v, previews %v", n, w.released, w.previews)
		}
	}
}

// After a fast-forward the branch's head is a commit that was built already, as a proposed change.
func TestController_FastForwardIsBuiltAsARelease(t *testing.T) {
	for _, forgotten := range []bool{false, true} {
		w, change, number := proposed(t)
		w.reconcile()
		if err := w.forge.ClosePullRequest(t.Context(), w.app.Repository, number); err != nil {
			t.Fatal(err)
		}
		if forgotten {
			w.engine.Age()
		}
		w.app.Branch = "change" // whose head it is, as that of main would be after a fast-forward
		w.reconcile()
		w.reconcile()
		newest := w.runs()[0]
		if !newest.Release || newest.Commit != change || newest.Attempt != 2 {
			t.Fatalf("forgotten %t: %+v", forgotten, newest)
		}
		w.engine.Succeed(newest.ID, image(9))
		w.reconcile()
		started := w.engine.Started()
		w.reconcile()
		if last := w.released[len(w.released)-1]; last != image(9) || w.engine.Started() != started {
			t.Errorf("forgotten %t: released %v, %d started", forgotten, w.released, w.engine.Started()-started)
		}
	}
}

// handed tells of releases as they come.
type handed struct {
	*world
	to chan string
}

func (h handed) Released(ctx context.Context, r ci.Run) error {
	err := h.world.Released(ctx, r)
	h.to <- r.Digest
	return err
}

func TestController_Run_FollowsPushesAndRuns(t *testing.T) {
	w := newWorld(t)
	to := make(chan string, 10)
	started := make(chan string, 10)
	c := ci.NewController(ci.Options{Engine: tell{w.engine, started}, Forge: w, Portal: handed{w, to}})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	c.Pushed(w.app.Repository, w.push("main", ""), "ada", "Greet")
	id := <-started
	w.engine.Succeed(id, image(7))
	c.Pushed(w.app.Repository, "", "", "") // the engine may have told before anybody watched
	if got := <-to; got != image(7) {
		t.Error(got)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestController_Run_BuildsWhatWasPushedWhileItWasAway(t *testing.T) {
	w := newWorld(t)
	commit := w.push("main", "") // and nobody tells
	started := make(chan string, 10)
	c := ci.NewController(ci.Options{Engine: tell{w.engine, started}, Forge: w, Portal: w, Resync: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	<-started
	cancel()
	<-ended
	if runs := w.runs(); len(runs) != 1 || runs[0].Commit != commit {
		t.Errorf("%+v", runs)
	}
}

// tell tells of runs that are started.
type tell struct {
	*citest.Engine
	started chan string
}

func (e tell) Start(ctx context.Context, s ci.Spec) (ci.Run, error) {
	r, err := e.Engine.Start(ctx, s)
	e.started <- r.ID
	return r, err
}

func TestController_ReadsStatusesOnce(t *testing.T) {
	w := newWorld(t)
	w.push("main", "")
	c := w.controller()
	for range 3 {
		if err := c.Reconcile(t.Context(), w.app); err != nil {
			t.Fatal(err)
		}
	}
	if w.asked != 1 {
		t.Errorf("the statuses of one commit were read %d times", w.asked)
	}
}
