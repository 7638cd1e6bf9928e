package promotions

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/audit"
	"github.com/slipway-dev/slipway/internal/promotion/gate"
	"github.com/slipway-dev/slipway/internal/server/api"
)

// trouble is what happens to one call to the outside, counted from 0.
type trouble struct {
	at   int
	what string
	// writes counts only calls that change something.
	writes bool

	calls int
	names []string
	dead  bool
}

// What can happen to a call.
const (
	killedBefore = "killed before"
	killedAfter  = "killed after"
	lostAnswer   = "answer lost"
	refused      = "refused"
	repeated     = "repeated"
)

// writing are the calls that change something.
var writing = []string{"Commit", "OpenPullRequest", "ClosePullRequest", "Merge", "Comment", "SetStatus", "Append"}

func writes(name string) bool {
	return slices.ContainsFunc(writing, func(w string) bool { return strings.HasPrefix(name, w) })
}

var errTrouble = errors.New("trouble")

// during makes a call to the outside, and lets happen to it what is to happen.
func during[T any](t *trouble, name string, call func() (T, error)) (T, error) {
	var none T
	if t.dead {
		return none, errTrouble
	}
	if t.writes && !writes(name) {
		return call()
	}
	n := t.calls
	t.calls++
	t.names = append(t.names, name)
	what := t.what
	if n != t.at {
		what = ""
	}
	switch what {
	case killedBefore:
		t.dead = true
		return none, errTrouble
	case refused:
		return none, errTrouble
	}
	out, err := call()
	switch what {
	case killedAfter:
		t.dead = true
		return none, errTrouble
	case lostAnswer:
		return none, errTrouble
	case repeated:
		return call()
	}
	return out, err
}

func quietly(t *trouble, name string, call func() error) error {
	_, err := during(t, name, func() (struct{}, error) { return struct{}{}, call() })
	return err
}

// troubled is a Git server whose calls meet trouble.
type troubled struct {
	f theForge
	t *trouble
}

func (x troubled) Head(ctx context.Context, r forge.Repository, b string) (string, error) {
	return during(x.t, "Head", func() (string, error) { return x.f.Head(ctx, r, b) })
}
func (x troubled) Log(ctx context.Context, r forge.Repository, after, to string) ([]forge.LogEntry, error) {
	return during(x.t, "Log", func() ([]forge.LogEntry, error) { return x.f.Log(ctx, r, after, to) })
}
func (x troubled) Tree(ctx context.Context, r forge.Repository, ref, folder string) (string, error) {
	return during(x.t, "Tree", func() (string, error) { return x.f.Tree(ctx, r, ref, folder) })
}
func (x troubled) ReadFile(ctx context.Context, r forge.Repository, ref, path string) (forge.File, error) {
	return during(x.t, "ReadFile", func() (forge.File, error) { return x.f.ReadFile(ctx, r, ref, path) })
}
func (x troubled) ReadFolder(ctx context.Context, r forge.Repository, ref, folder string) ([]forge.File, error) {
	return during(x.t, "ReadFolder", func() ([]forge.File, error) { return x.f.ReadFolder(ctx, r, ref, folder) })
}
func (x troubled) Commit(ctx context.Context, r forge.Repository, c forge.Commit) (string, error) {
	return during(x.t, "Commit "+r.Name, func() (string, error) { return x.f.Commit(ctx, r, c) })
}
func (x troubled) Pushes(ctx context.Context, r forge.Repository, since time.Time) ([]forge.Push, error) {
	return during(x.t, "Pushes", func() ([]forge.Push, error) { return x.f.Pushes(ctx, r, since) })
}
func (x troubled) OpenPullRequest(ctx context.Context, r forge.Repository, n forge.NewPullRequest) (forge.PullRequest, error) {
	return during(x.t, "OpenPullRequest", func() (forge.PullRequest, error) { return x.f.OpenPullRequest(ctx, r, n) })
}
func (x troubled) PullRequest(ctx context.Context, r forge.Repository, number int) (forge.PullRequest, error) {
	return during(x.t, "PullRequest", func() (forge.PullRequest, error) { return x.f.PullRequest(ctx, r, number) })
}
func (x troubled) PullRequests(ctx context.Context, r forge.Repository, s forge.PullState) ([]forge.PullRequest, error) {
	return during(x.t, "PullRequests", func() ([]forge.PullRequest, error) { return x.f.PullRequests(ctx, r, s) })
}
func (x troubled) ClosePullRequest(ctx context.Context, r forge.Repository, number int) error {
	return quietly(x.t, "ClosePullRequest", func() error { return x.f.ClosePullRequest(ctx, r, number) })
}
func (x troubled) Merge(ctx context.Context, r forge.Repository, m forge.Merge) (string, error) {
	return during(x.t, "Merge", func() (string, error) { return x.f.Merge(ctx, r, m) })
}
func (x troubled) Comment(ctx context.Context, r forge.Repository, number int, text string) error {
	return quietly(x.t, "Comment", func() error { return x.f.Comment(ctx, r, number, text) })
}
func (x troubled) Reviews(ctx context.Context, r forge.Repository, number int) ([]forge.Review, error) {
	return during(x.t, "Reviews", func() ([]forge.Review, error) { return x.f.Reviews(ctx, r, number) })
}
func (x troubled) SetStatus(ctx context.Context, r forge.Repository, commit string, s forge.Status) error {
	return quietly(x.t, "SetStatus "+s.Context, func() error { return x.f.SetStatus(ctx, r, commit, s) })
}
func (x troubled) Statuses(ctx context.Context, r forge.Repository, commit string) ([]forge.Status, error) {
	return during(x.t, "Statuses", func() ([]forge.Status, error) { return x.f.Statuses(ctx, r, commit) })
}
func (x troubled) EnsureOrganization(ctx context.Context, name string) error {
	return quietly(x.t, "EnsureOrganization", func() error { return x.f.EnsureOrganization(ctx, name) })
}
func (x troubled) EnsureRepository(ctx context.Context, r forge.Repository, o forge.RepositoryOptions) (forge.RepositoryInfo, error) {
	return during(x.t, "EnsureRepository", func() (forge.RepositoryInfo, error) { return x.f.EnsureRepository(ctx, r, o) })
}
func (x troubled) Protect(ctx context.Context, r forge.Repository, p forge.Protection) error {
	return quietly(x.t, "Protect", func() error { return x.f.Protect(ctx, r, p) })
}

// troubledLog is a log whose calls meet trouble.
type troubledLog struct {
	Log
	t *trouble
}

func (x troubledLog) Append(ctx context.Context, envelope []byte) (audit.Receipt, error) {
	return during(x.t, "Append", func() (audit.Receipt, error) { return x.Log.Append(ctx, envelope) })
}

func (x troubledLog) Entries(ctx context.Context, from, to uint64) iter.Seq2[audit.Entry, error] {
	if from == to {
		return x.Log.Entries(ctx, from, to)
	}
	out, err := during(x.t, "Entries", func() (iter.Seq2[audit.Entry, error], error) { return x.Log.Entries(ctx, from, to), nil })
	if err != nil {
		return func(yield func(audit.Entry, error) bool) { yield(audit.Entry{}, err) }
	}
	return out
}

// story is a promotion with people and a cluster around it. It is told again after each trouble, from the beginning:
// each part looks whether it has happened.
type story struct {
	end gate.Health
	// glass is broken, and reviewed.
	glass bool
	// rejected by grace.
	rejected bool
	want     api.PromotionState
	outcomes string
	history  []string
}

var stories = map[string]story{
	"healthy": {end: gate.Healthy, want: api.PromotionHealthy, outcomes: "allowed", history: []string{"Promote shop to prod (#1)"}},
	"degraded": {end: gate.HealthDegraded, want: api.PromotionRolledBack, outcomes: "allowed rollback",
		history: []string{"Promote shop to prod (#1)", "Roll back shop in prod"}},
	"broken glass": {end: gate.Healthy, glass: true, want: api.PromotionHealthy, outcomes: "break-glass confirmed",
		history: []string{"Promote shop to prod (#1)"}},
	"rejected": {rejected: true, want: api.PromotionRefused, outcomes: "refused"},
}

// tell takes the story on with one life of the server, until its end or the server's.
func (s story) tell(w *world, p *Promotions, t *trouble) {
	w.Helper()
	ctx := w.Context()
	again := func(do func() error) bool { // people try again while the server lives
		for range 4 {
			err := do()
			if err == nil || t.dead || errors.Is(err, api.ErrConflict) {
				return !t.dead
			}
			if !errors.Is(err, errTrouble) {
				w.Fatal(err)
			}
		}
		w.Fatal("does not get through")
		return false
	}
	if !again(func() error { return p.Prepare(ctx) }) {
		return
	}
	pulls, err := w.forge.PullRequests(ctx, Environments, "")
	w.must(err)
	if len(pulls) == 0 || pulls[0].State == forge.Open {
		if !again(func() error { _, err := p.Open(ctx, actor("ada"), team, shop, toProd); return err }) {
			return
		}
	}
	if !s.act(w, p, again) {
		return
	}
	for n := range 12 {
		p.settle(ctx, 1)
		if t.dead {
			return
		}
		if _, err := w.forge.Head(ctx, Environments, mainBranch); err == nil && s.end != "" {
			w.roll(s.end)
		}
		w.pass(20 * time.Second)
		if s.glass && n > 6 && !again(func() error {
			_, err := p.Exceptions().Review(ctx, actor("grace"), team, shop, 1, api.NewReview{Accepted: true, Comment: "It was right."})
			return err
		}) {
			return
		}
	}
}

// act is what people do.
func (s story) act(w *world, p *Promotions, again func(func() error) bool) bool {
	pull, err := w.forge.PullRequest(w.Context(), Environments, 1)
	w.must(err)
	if pull.State != forge.Open {
		return true
	}
	if s.glass {
		return again(func() error {
			_, err := p.Exceptions().BreakGlass(w.Context(), actor("linus"), team, shop, 1, "The shop is down.")
			return err
		})
	}
	reviews, err := w.forge.Reviews(w.Context(), Environments, 1)
	w.must(err)
	verdict := forge.Approved
	if s.rejected {
		verdict = forge.Rejected
	}
	if !slices.ContainsFunc(reviews, func(r forge.Review) bool { return r.Commit == pull.HeadCommit }) {
		w.review(1, "grace", verdict, "No.")
	}
	return true
}

// TestPromotion_ConvergesWhateverCallMeetsTrouble lets calls of each story meet each trouble: the server is killed
// before or after it, its answer is lost, it is refused, or it is made twice.
func TestPromotion_ConvergesWhateverCallMeetsTrouble(t *testing.T) {
	for name, s := range stories {
		for _, what := range []string{killedBefore, killedAfter, lostAnswer, refused, repeated} {
			t.Run(name+"/"+what, func(t *testing.T) {
				t.Parallel()
				for at, call := range s.with(t, &trouble{at: -1}) {
					// Every call that changes something; of those that only look, one in a few, as they are alike.
					if writes(call) || at%6 == 0 {
						s.with(t, &trouble{at: at, what: what})
					}
				}
			})
		}
	}
}

// with tells the story with a trouble, and then undisturbed to its end; it gives the calls.
func (s story) with(t *testing.T, trouble *trouble) []string {
	t.Helper()
	w := newWorld(t)
	s.tell(w, w.server(troubled{w.forge, trouble}, troubledLog{w.log, trouble}), trouble)
	calls := trouble.names
	p := w.server(w.forge, w.log)
	s.tell(w, p, &forgetting)
	got, err := p.Promotion(t.Context(), team, shop, 1)
	w.must(err)
	where := trouble.what
	if trouble.at >= 0 && trouble.at < len(trouble.names) {
		where += " " + trouble.names[trouble.at]
	}
	if got.State != s.want || w.outcomesOf(p) != s.outcomes || !slices.Equal(w.history(), s.history) {
		t.Errorf("%s (call %d): %s: %s; decisions %s; prod %s", where, trouble.at, got.State, got.Reason, w.outcomesOf(p),
			strings.Join(w.history(), ", "))
	}
	pulls, err := w.forge.PullRequests(t.Context(), Environments, "")
	w.must(err)
	if len(pulls) != 1 || !p.remember(1).done {
		t.Errorf("%s (call %d): %d pull requests, over: %v", where, trouble.at, len(pulls), p.remember(1).done)
	}
	w.must(p.lookAround(t.Context()))
	if len(p.found) > 0 {
		t.Errorf("%s (call %d): %+v", where, trouble.at, p.found)
	}
	return calls
}

// forgetting is no trouble at all.
var forgetting = trouble{at: -1}
