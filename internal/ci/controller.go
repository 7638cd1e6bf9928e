package ci

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/slipway-dev/slipway/internal/app/forge"
)

// Forge is the Git server that pushes come to and statuses are shown on.
type Forge interface {
	// Head is the newest commit of a branch.
	Head(ctx context.Context, r forge.Repository, branch string) (string, error)
	PullRequests(ctx context.Context, r forge.Repository, state forge.PullState) ([]forge.PullRequest, error)
	SetStatus(ctx context.Context, r forge.Repository, commit string, s forge.Status) error
	Statuses(ctx context.Context, r forge.Repository, commit string) ([]forge.Status, error)
}

// Application is an application whose repository is built.
type Application struct {
	Name, Team string
	Repository forge.Repository
	CloneURL   string
	// Branch is the one that releases come from.
	Branch string
	// Image is the repository that images are pushed to: "registry.example.com/team/shop".
	Image string
}

// Portal is what the rest of the server knows and does.
type Portal interface {
	// Applications lists all applications.
	Applications(ctx context.Context) ([]Application, error)
	// Admit lets builds read an application's repository and push its images. It is called before each run.
	Admit(ctx context.Context, a Application) error
	// Released hands over the image of a run of the application's branch. It may be called several times for
	// the same run, and is never called for one that a newer run of the branch has left behind.
	Released(ctx context.Context, run Run) error
	// Previewed hands over the image of a pull request's head, for its preview. It may be called several times for the same run.
	Previewed(ctx context.Context, run Run) error
	// RunURL is the page that shows a run; "" where there is none.
	RunURL(run Run) string
}

// Options are what a [Controller] works with.
type Options struct {
	Engine Engine
	Forge  Forge
	Portal Portal
	// Resync is how often everything is looked at, in case an event was missed; 2 minutes where zero.
	Resync time.Duration
	Log    *slog.Logger
}

// Contexts of the statuses at a commit. They are the record that outlives the engine's: a commit whose run has ended,
// or whose image was handed over, is left alone although the run itself is not kept any more.
const (
	// StatusRun says how the run of the commit goes, [StatusStep] followed by a step's name how that step went.
	StatusRun  = "slipway/ci"
	StatusStep = "slipway/ci/"
	// StatusRelease says that the run's image became a release.
	StatusRelease = "slipway/release"
	// StatusPreview says that the image of a pull request's head went into its preview.
	StatusPreview = "slipway/preview"
)

// ErrNothingToBuild says that a branch has no commit, or the application is not known.
var ErrNothingToBuild = errors.New("nothing to build")

// Controller sees to it that what was pushed is built, shown and released. What it does follows from what it sees: the
// branches' heads, the engine's runs and the commits' statuses; events only say where to look.
type Controller struct {
	Options

	mu     sync.Mutex
	dirty  map[string]bool // names of applications to look at; "" is all
	wake   chan struct{}
	locks  map[string]*sync.Mutex
	pushes map[string]pushed // what is known of commits, for runs that are started by them
	// seen are the statuses of commits, by repository and commit, as they were read or written since everything
	// was looked at last: nobody else writes them.
	seen map[string]map[string]forge.Status
}

// NewController makes a controller; [Controller.Run] lets it work.
func NewController(o Options) *Controller {
	o.Resync = cmp.Or(o.Resync, 2*time.Minute)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Controller{Options: o, dirty: map[string]bool{}, wake: make(chan struct{}, 1), locks: map[string]*sync.Mutex{}, pushes: map[string]pushed{},
		seen: map[string]map[string]forge.Status{}}
}

// pushed is who pushed a commit, and the first line of its message.
type pushed struct{ by, title string }

// Pushed says that a branch of a repository has moved, or that one of its pull requests has changed. commit, who and
// title, the commit's, may be empty.
func (c *Controller) Pushed(r forge.Repository, commit, who, title string) {
	c.mu.Lock()
	if commit != "" && who != "" {
		if len(c.pushes) > 1000 {
			clear(c.pushes)
		}
		c.pushes[commit] = pushed{who, cmp.Or(title, c.pushes[commit].title)}
	}
	c.mu.Unlock()
	c.look(r.String())
}

// look wakes Run for what bears a name: a repository, or an application as "team/name".
func (c *Controller) look(name string) {
	c.mu.Lock()
	c.dirty[name] = true
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Run works until ctx ends, whose error it gives.
func (c *Controller) Run(ctx context.Context) error {
	go c.watch(ctx)
	tick := time.NewTicker(c.Resync)
	defer tick.Stop()
	c.look("")
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			c.mu.Lock()
			clear(c.seen)
			c.mu.Unlock()
			c.look("")
		case <-c.wake:
			c.pass(ctx)
		}
	}
}

// watch lets every change of a run wake the controller; an engine that is away is asked again.
func (c *Controller) watch(ctx context.Context) {
	for ctx.Err() == nil {
		err := c.Engine.Watch(ctx, func(r Run) { c.look(r.Repository.String()) })
		if ctx.Err() != nil {
			return
		}
		c.Log.WarnContext(ctx, "watching builds was interrupted", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(5 * time.Second):
		}
		c.look("")
	}
}

// pass looks once at everything that something has happened to.
func (c *Controller) pass(ctx context.Context) {
	c.mu.Lock()
	dirty := c.dirty
	c.dirty = map[string]bool{}
	c.mu.Unlock()
	all, err := c.Portal.Applications(ctx)
	if err != nil {
		c.Log.ErrorContext(ctx, "list applications to build", "error", err)
		return // the next tick looks at everything again
	}
	for _, a := range all {
		if !dirty[""] && !dirty[a.Repository.String()] {
			continue
		}
		if err := c.Reconcile(ctx, a); err != nil && ctx.Err() == nil {
			c.Log.ErrorContext(ctx, "look after builds", "application", a.Team+"/"+a.Name, "error", err)
		}
	}
}

// target is a branch whose head is to be built.
type target struct {
	branch, commit string
	// release says that its images become releases.
	release bool
}

// Reconcile brings an application's builds to where they should be: the head of its branch, and of each pull request
// from a branch of its repository, has one run; runs of commits that the branch has left behind are cancelled; how
// runs go stands at their commits; and the image of the newest run that succeeded is handed over, as is that of each pull
// request's head.
func (c *Controller) Reconcile(ctx context.Context, a Application) error {
	lock := c.lock(a.Repository.String())
	lock.Lock()
	defer lock.Unlock()
	targets, err := c.targets(ctx, a)
	if err != nil {
		return err
	}
	runs, err := c.runs(ctx, a)
	if err != nil {
		return err
	}
	var errs []error
	for _, t := range targets {
		newest, err := c.ensure(ctx, a, t, runs)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if newest != nil {
			runs = insert(runs, *newest)
		}
	}
	// People wait for the release, and look at what is shown.
	errs = append(errs, c.cancelOutdated(ctx, targets, runs), c.release(ctx, a, targets, runs), c.show(ctx, a, runs))
	return errors.Join(errs...)
}

func (c *Controller) lock(name string) *sync.Mutex {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.locks[name] == nil {
		c.locks[name] = &sync.Mutex{}
	}
	return c.locks[name]
}

func (c *Controller) targets(ctx context.Context, a Application) ([]target, error) {
	var out []target
	head, err := c.Forge.Head(ctx, a.Repository, a.Branch)
	switch {
	case errors.Is(err, forge.ErrNotFound): // empty, or not there any more
	case err != nil:
		return nil, fmt.Errorf("find the newest commit of %s: %w", a.Repository, err)
	default:
		out = append(out, target{a.Branch, head, true})
	}
	pulls, err := c.Forge.PullRequests(ctx, a.Repository, forge.Open)
	if err != nil && !errors.Is(err, forge.ErrNotFound) {
		return nil, fmt.Errorf("list pull requests of %s: %w", a.Repository, err)
	}
	for _, p := range pulls {
		// What comes from a fork is somebody else's code: it is not run by itself.
		own := p.HeadRepository == a.Repository || p.HeadRepository == forge.Repository{}
		if own && p.HeadCommit != "" && !slices.ContainsFunc(out, func(t target) bool { return t.branch == p.Head }) {
			out = append(out, target{p.Head, p.HeadCommit, false})
		}
	}
	return out, nil
}

// runs lists an application's runs, the newest first.
func (c *Controller) runs(ctx context.Context, a Application) ([]Run, error) {
	runs, err := c.Engine.List(ctx, Query{Team: a.Team, Application: a.Name})
	if err != nil {
		return nil, fmt.Errorf("list builds: %w", err)
	}
	slices.SortStableFunc(runs, newestFirst)
	return runs, nil
}

func newestFirst(a, b Run) int {
	return cmp.Or(cmp.Compare(b.Number, a.Number), b.Created.Compare(a.Created), cmp.Compare(b.ID, a.ID))
}

func insert(runs []Run, r Run) []Run {
	runs = slices.DeleteFunc(slices.Clone(runs), func(old Run) bool { return old.ID == r.ID })
	runs = append(runs, r)
	slices.SortStableFunc(runs, newestFirst)
	return runs
}

// ensure starts the run of a head that has none; nil where it has one, or had. What a pull request's run has made is no
// release: a head of the application's branch that is known from there, as after a fast-forward, has a run of its own.
func (c *Controller) ensure(ctx context.Context, a Application, t target, runs []Run) (*Run, error) {
	attempt := 1
	for _, r := range runs { // the newest first
		if r.Commit != t.commit {
			continue
		}
		attempt = max(attempt, r.Attempt+1)
		if t.release && !r.Release {
			continue
		}
		// A head that comes back after it was left behind, by a push of what was before, is built again.
		if !(r.Phase == Cancelled && r.Reason == reasonOutdated) {
			return nil, nil
		}
		break
	}
	if attempt > 1 {
		return c.start(ctx, a, t, attempt)
	}
	statuses, err := c.statuses(ctx, a.Repository, t.commit)
	if err != nil {
		return nil, err
	}
	switch s := statuses[StatusRun].State; {
	case s == forge.Failure, s == forge.Error, s == forge.Success && (!t.release || statuses[StatusRelease].State == forge.Success):
		return nil, nil // it was built, and the engine does not keep the run any more
	case s == forge.Success:
		attempt = 2 // as a proposed change
	}
	return c.start(ctx, a, t, attempt)
}

func (c *Controller) start(ctx context.Context, a Application, t target, attempt int) (*Run, error) {
	c.mu.Lock()
	push := c.pushes[t.commit]
	c.mu.Unlock()
	if err := c.Portal.Admit(ctx, a); err != nil {
		return nil, fmt.Errorf("let the build of %s in: %w", a.Repository, err)
	}
	run, err := c.Engine.Start(ctx, Spec{Application: a.Name, Team: a.Team, Repository: a.Repository, CloneURL: a.CloneURL,
		Commit: t.commit, Branch: t.branch, Release: t.release, Trigger: push.by, Title: push.title, Image: a.Image, Attempt: attempt})
	if err != nil {
		return nil, fmt.Errorf("start the build of %s: %w", t.commit, err)
	}
	c.Log.InfoContext(ctx, "build started", "run", run.ID, "repository", a.Repository.String(), "commit", t.commit, "branch", t.branch)
	return &run, nil
}

// Retry builds the head of an application's branch again, whatever became of it before.
func (c *Controller) Retry(ctx context.Context, a Application, who string) (Run, error) {
	lock := c.lock(a.Repository.String())
	lock.Lock()
	defer lock.Unlock()
	defer c.look(a.Repository.String())
	head, err := c.Forge.Head(ctx, a.Repository, a.Branch)
	if errors.Is(err, forge.ErrNotFound) {
		return Run{}, fmt.Errorf("%s has no commit on %s: %w", a.Repository, a.Branch, ErrNothingToBuild)
	}
	if err != nil {
		return Run{}, err
	}
	runs, err := c.runs(ctx, a)
	if err != nil {
		return Run{}, err
	}
	attempt := 1
	for _, r := range runs {
		if r.Commit != head {
			continue
		}
		if !r.Phase.Done() {
			return r, nil
		}
		attempt = max(attempt, r.Attempt+1)
	}
	if attempt == 1 { // the runs before are not kept any more; their statuses must not speak for this one
		attempt = 2
	}
	c.Pushed(a.Repository, head, who, "")
	run, err := c.start(ctx, a, target{a.Branch, head, true}, attempt)
	if err != nil {
		return Run{}, err
	}
	return *run, nil
}

// reasonOutdated is why runs are cancelled by themselves.
const reasonOutdated = "a newer commit was pushed"

// cancelOutdated ends runs of commits that are no branch's head any more. What has come as far as that counts as well
// as what still waits: two pushes in a row never cross.
func (c *Controller) cancelOutdated(ctx context.Context, targets []target, runs []Run) error {
	var errs []error
	for i, r := range runs {
		if r.Phase.Done() || slices.ContainsFunc(targets, func(t target) bool { return t.branch == r.Branch && t.commit == r.Commit }) {
			continue
		}
		if err := c.Engine.Cancel(ctx, r.ID, reasonOutdated); err != nil {
			errs = append(errs, fmt.Errorf("cancel %s: %w", r.ID, err))
			continue
		}
		runs[i].Phase, runs[i].Reason = Cancelled, reasonOutdated
	}
	return errors.Join(errs...)
}
