package supply

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/slipway-dev/slipway/internal/progress"
	"github.com/slipway-dev/slipway/internal/supply/build"
	"github.com/slipway-dev/slipway/internal/supply/lockfile"
)

// How many of each run at once. Compilers use all processors themselves, so that one at a time
// is as fast on a small machine and has the first image ready sooner.
const (
	pullsAtOnce     = 2
	downloadsAtOnce = 2
)

func buildsAtOnce() int { return max(1, runtime.GOMAXPROCS(0)/2) }

// Run is the supply of several images in the background.
type Run struct {
	s      *Supplier
	cancel context.CancelFunc
	all    sync.WaitGroup
	ready  chan struct{} // closed when jobs and failed are set
	jobs   map[string]*job
	failed error

	pulls, downloads, builds *gate
}

// job is the supply of one image.
type job struct {
	rank   int
	recipe build.Recipe
	Decision
	bases []*job
	done  chan struct{}
	err   error
}

// Start begins to bring the recipes' images, those first that are named first, and returns at
// once. The caller must Close the run; ending ctx stops it as well.
func (s *Supplier) Start(ctx context.Context, recipes []string) *Run {
	ctx, cancel := context.WithCancel(ctx)
	r := &Run{s: s, cancel: cancel, ready: make(chan struct{}), jobs: map[string]*job{},
		pulls: &gate{places: pullsAtOnce}, downloads: &gate{places: downloadsAtOnce},
		// What was ready first may have begun while something more urgent was still downloading.
		builds: &gate{places: buildsAtOnce(), overtake: true}}
	r.all.Add(1)
	go func() {
		defer r.all.Done()
		r.failed = r.begin(ctx, recipes)
		close(r.ready)
	}()
	return r
}

func (r *Run) begin(ctx context.Context, recipes []string) error {
	decisions, err := r.s.Decide(ctx, recipes)
	if err != nil {
		return err
	}
	for rank, d := range decisions {
		j := &job{rank: rank, recipe: r.s.recipes[d.Recipe], Decision: d, done: make(chan struct{})}
		r.jobs[d.Recipe] = j
		if d.Action != Build {
			continue
		}
		for _, name := range j.recipe.Bases() {
			if base, ok := r.jobs[name]; ok {
				j.bases = append(j.bases, base)
			}
		}
	}
	for _, d := range decisions {
		j := r.jobs[d.Recipe]
		r.all.Add(1)
		go func() {
			defer r.all.Done()
			defer close(j.done)
			j.err = r.s.explain(r.do(ctx, j), r.s.CacheDir)
		}()
	}
	return nil
}

// Wait waits until a recipe's image is in the store, or says why it can't be.
func (r *Run) Wait(ctx context.Context, recipe string) error {
	select {
	case <-r.ready:
	case <-ctx.Done():
		return fmt.Errorf("wait for image %s: %w", recipe, context.Cause(ctx))
	}
	if r.failed != nil {
		return r.failed
	}
	j, ok := r.jobs[recipe]
	if !ok {
		return fmt.Errorf("image %s was not asked for", recipe)
	}
	select {
	case <-j.done:
		return j.err
	case <-ctx.Done():
		return fmt.Errorf("wait for image %s: %w", recipe, context.Cause(ctx))
	}
}

// Close stops what is still running and waits until it has ended and cleaned up.
func (r *Run) Close() {
	r.cancel()
	r.all.Wait()
}

// do brings one image.
func (r *Run) do(ctx context.Context, j *job) error {
	name, task := j.recipe.Metadata.Name, "images/"+j.recipe.Metadata.Name
	if j.Action == Present {
		if err := r.tag(ctx, j); err != nil {
			return r.fail(task, err)
		}
		r.say(task, progress.Skipped, j.Reason, 0)
		return nil
	}
	r.waiting(task, "its turn", j.Estimate)
	for _, base := range j.bases {
		select {
		case <-base.done:
		case <-ctx.Done():
			return r.fail(task, context.Cause(ctx))
		}
		if base.err != nil {
			return r.fail(task, fmt.Errorf("%s: its base %s: %w", name, base.Recipe, base.err))
		}
	}
	lock, err := lockfile.Wait(ctx, filepath.Join(r.s.CacheDir, "locks", name+".lock"), "the image cache for "+name, func(h lockfile.Holder) {
		r.waiting(task, fmt.Sprintf("another slipway (%s) is bringing this image", h), j.Estimate)
	})
	if err != nil {
		return r.fail(task, err)
	}
	defer func() { _ = lock.Unlock() }()
	if done, err := r.meanwhile(ctx, j); err != nil || done {
		if err != nil {
			return r.fail(task, err)
		}
		r.say(task, progress.Skipped, j.Reason, 0)
		return nil
	}
	if j.Action == Pull {
		return r.pull(ctx, j, task)
	}
	return r.build(ctx, j, task)
}

// say reports about a task that has not begun, or needs no beginning.
func (r *Run) say(task string, state progress.State, message string, estimate time.Duration) {
	r.s.Report.Report(progress.Event{Time: time.Now().UTC(), Task: task, State: state, Message: message, Estimate: estimate.Seconds()})
}

func (r *Run) waiting(task, what string, estimate time.Duration) {
	r.say(task, progress.Waiting, what, estimate)
}

func (r *Run) fail(task string, err error) error {
	r.say(task, progress.Failed, err.Error(), 0)
	return err
}

// meanwhile sees whether another process brought the image since the decision.
func (r *Run) meanwhile(ctx context.Context, j *job) (bool, error) {
	if i, ok := r.s.builder.Built(j.key); j.Action == Build && ok {
		j.found, j.Reason = found{i.Descriptor, Build, i}, "built meanwhile"
		return true, r.tag(ctx, j)
	}
	if j.Action == Pull {
		if d, ok := r.s.pulled(r.s.upstream(j.recipe)); ok {
			j.found, j.Reason = found{Descriptor: d, how: Pull}, "pulled meanwhile"
			return true, r.tag(ctx, j)
		}
	}
	return false, nil
}

func (r *Run) pull(ctx context.Context, j *job, task string) error {
	if err := r.pulls.enter(ctx, j.rank, func() { r.waiting(task, "other pulls", j.Estimate) }); err != nil {
		return r.fail(task, err)
	}
	defer r.pulls.leave(j.rank)
	begun := time.Now()
	from := r.s.upstream(j.recipe)
	t := progress.Start(r.s.Report, task, "pulling "+from, j.Estimate)
	d, err := r.s.puller.Pull(ctx, from, t.Update)
	if err == nil {
		err = r.s.rememberPulled(from, d)
	}
	if err == nil {
		j.found = found{Descriptor: d, how: Pull}
		err = r.tag(ctx, j)
	}
	if err == nil {
		r.s.timings.record(j.Recipe, Pull, time.Since(begun))
	}
	return t.End("pulled", err)
}

func (r *Run) build(ctx context.Context, j *job, task string) error {
	bases := map[string]build.Image{}
	for _, b := range j.bases {
		bases[b.Recipe] = b.found.image
	}
	if err := r.downloads.enter(ctx, j.rank, func() { r.waiting(task, "other downloads", j.Estimate) }); err != nil {
		return r.fail(task, err)
	}
	begun := time.Now()
	t := progress.Start(r.s.Report, task, "downloading", j.Estimate)
	work := build.Work{Bases: bases, Note: t.Update, Nice: r.nice(j)}
	fetch, err := r.s.builder.Fetch(ctx, j.recipe, work)
	r.downloads.leave(j.rank)
	if err != nil {
		return t.End("", r.logged(j, fmt.Errorf("build %s: %w", j.Recipe, err)))
	}
	fetched := time.Since(begun)
	if fetch.Compile {
		if err := r.builds.enter(ctx, j.rank, func() { t.Wait("other builds") }); err != nil {
			return t.End("", err)
		}
		defer r.builds.leave(j.rank)
	}
	begun = time.Now()
	t = progress.Start(r.s.Report, task, "building", j.Estimate)
	work.Note, work.Nice = t.Update, r.nice(j)
	image, err := r.s.builder.Build(ctx, j.recipe, j.key, work)
	if err == nil {
		j.found = found{image.Descriptor, Build, image}
		err = r.tag(ctx, j)
	}
	if err != nil {
		return t.End("", r.logged(j, fmt.Errorf("build %s: %w", j.Recipe, err)))
	}
	if fetch.Made || fetch.Compile { // else it says nothing about the next time
		r.s.timings.record(j.Recipe, Build, fetched+time.Since(begun))
	}
	return t.End("built", nil)
}

// Priorities of the programs that build (nice(1)): below what already serves, and far below
// when something more urgent is still to be built.
const (
	niceFirst = 10
	niceLater = 19
)

// nice is the priority that a job has among those that are not done.
func (r *Run) nice(j *job) int {
	for _, other := range r.jobs {
		if other.rank >= j.rank || other.Action != Build || !other.recipe.Heavy() {
			continue
		}
		select {
		case <-other.done:
		default:
			return niceLater
		}
	}
	return niceFirst
}

// tag makes the recipe's references point at its image.
func (r *Run) tag(ctx context.Context, j *job) error {
	var stale []string
	for _, ref := range refs(j.recipe) {
		if at, ok := r.s.Store.Resolve(ref); !ok || at.Digest != j.found.Digest {
			stale = append(stale, ref)
		}
	}
	if len(stale) == 0 {
		return nil
	}
	return r.s.Store.Tag(ctx, j.found.Descriptor, string(j.found.how), stale...)
}
