package portal

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/slipway-dev/slipway/internal/entity"
	"github.com/slipway-dev/slipway/internal/scaffold"
	"github.com/slipway-dev/slipway/internal/scaffold/diskstore"
	"github.com/slipway-dev/slipway/internal/server/api"
)

// runs are runs of templates. Their records outlive the process; the lines of their logs do not.
type runs struct {
	portal *Portal
	store  *diskstore.Store
	runner *scaffold.Runner

	mu    sync.Mutex
	logs  map[string]*runLog
	alive context.Context // ends when the server stops; nil before it runs
	going sync.WaitGroup
}

func newRuns(p *Portal, dir string) (*runs, error) {
	store, err := diskstore.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("open the records of template runs: %w", err)
	}
	r := &runs{portal: p, store: store, logs: map[string]*runLog{}}
	host := p.config.Git.URL
	if u, err := url.Parse(host); err == nil {
		host = u.Host
	}
	r.runner = &scaffold.Runner{Registry: p.templates.registry, Store: store, Now: p.now, Report: r.report,
		Environment: scaffold.Environment{Parameters: map[string]any{"forge": host, "registry": p.config.Registry,
			"gatewayNamespace": p.config.Gateway.Namespace}}}
	return r, nil
}

// actorAnnotation keeps on a run who started it.
const actorAnnotation = "slipway.dev/actor"

// userOf is a person as templates see them.
func userOf(by api.Actor) scaffold.User {
	text, _ := json.Marshal(by) // plain text fields always are JSON
	return scaffold.User{Ref: entity.NewRef("user", "", by.Username).String(), Entity: map[string]any{
		"apiVersion": "backstage.io/v1alpha1", "kind": "User",
		"metadata": map[string]any{"name": by.Username, "annotations": map[string]any{actorAnnotation: string(text)}},
		"spec":     map[string]any{"profile": map[string]any{"displayName": by.Name}}}}
}

// actorOf is who started a run.
func actorOf(u scaffold.User) (by api.Actor) {
	metadata, _ := u.Entity["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	text, _ := annotations[actorAnnotation].(string)
	_ = json.Unmarshal([]byte(text), &by) // nobody, where it is not ours
	return by
}

// teamOf is whose a run is.
func teamOf(run *scaffold.Run) string {
	ref, err := entity.ParseRef(run.Owner, "group", "")
	if err != nil {
		return ""
	}
	return ref.Name
}

// newRunID is sorted by time.
func newRunID(now time.Time) string {
	var random [4]byte
	_, _ = rand.Read(random[:]) // never fails (crypto/rand)
	return now.UTC().Format("20060102-150405") + "-" + hex.EncodeToString(random[:])
}

// Start begins a run; it goes on when the request is over.
func (r *runs) Start(ctx context.Context, by api.Actor, team string, ref api.TemplateRef, values map[string]any) (api.Run, error) {
	r.mu.Lock()
	alive := r.alive
	r.mu.Unlock()
	if alive == nil {
		return api.Run{}, fmt.Errorf("the platform's Git server is not set up yet: %w", api.ErrUnavailable)
	}
	template, err := r.portal.templates.runnable(ctx, ref)
	if err != nil {
		return api.Run{}, err
	}
	run, err := r.runner.New(ctx, scaffold.Request{ID: newRunID(r.portal.now()), Template: template, Values: values,
		User: userOf(by), Owner: entity.NewRef("group", "", team).String()})
	if err != nil {
		return api.Run{}, wrongValues(err)
	}
	shown := runOf(run) // before it moves on
	r.portal.log.InfoContext(ctx, "template run started", "run", run.ID, "template", run.Template, "team", team, "by", by.Username)
	r.execute(alive, run, template)
	return shown, nil
}

// execute goes on with a run in the background.
func (r *runs) execute(ctx context.Context, run *scaffold.Run, template *scaffold.Template) {
	team, by := teamOf(run), actorOf(run.User)
	r.logOf(run)
	r.going.Go(func() {
		err := r.runner.Execute(asMaker(ctx, team, r.portal.personOf(by)), run, template, nil)
		if err != nil { // it goes on when the server is there again
			r.portal.log.WarnContext(ctx, "template run interrupted", "run", run.ID, "cause", err.Error())
			return
		}
		r.portal.log.InfoContext(ctx, "template run over", "run", run.ID, "phase", string(run.Phase), "cause", run.Error)
		r.portal.events.tell(api.Event{Type: "run." + string(stateOf(run.Phase)), Team: team,
			Subject: "/teams/" + team + "/template-runs/" + run.ID, Application: applicationOf(run),
			Summary: fmt.Sprintf("%s, started by %s: %s", run.Template, by.Username, stateOf(run.Phase))})
		r.end(run)
	})
}

// begin lets runs be started; they are interrupted when ctx ends.
func (r *runs) begin(ctx context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.alive = ctx
}

// resume goes on with all runs that a kill interrupted, and waits for all runs until ctx ends.
func (r *runs) resume(ctx context.Context) {
	r.begin(ctx)
	ids, err := r.store.List(ctx)
	if err != nil {
		r.portal.log.ErrorContext(ctx, "list template runs", "cause", err.Error())
	}
	for _, id := range ids {
		run, err := r.store.Load(ctx, id)
		if err != nil || run.Over() {
			continue
		}
		var template *scaffold.Template
		if err := r.portal.untilDone(ctx, "read the template of run "+id, func(ctx context.Context) error {
			template, err = r.templateOf(ctx, run)
			return err
		}); err != nil {
			break
		}
		r.portal.log.InfoContext(ctx, "template run goes on", "run", id)
		r.execute(ctx, run, template)
	}
	<-ctx.Done()
	r.going.Wait()
}

// templateOf is the template of a run that goes on. Where it is no longer there, or cannot be run, the run has to
// be undone: an empty template does that.
func (r *runs) templateOf(ctx context.Context, run *scaffold.Run) (*scaffold.Template, error) {
	ref, err := entity.ParseRef(run.Template, "template", "")
	if err != nil {
		return &scaffold.Template{}, nil
	}
	template, err := r.portal.templates.runnable(ctx, api.TemplateRef{Namespace: ref.Namespace, Name: ref.Name})
	if errors.Is(err, api.ErrNotFound) || errors.Is(err, api.ErrInvalid) {
		return &scaffold.Template{}, nil
	}
	return template, err
}

var runStates = map[scaffold.Phase]api.RunState{scaffold.Waiting: api.RunPending, scaffold.Running: api.RunRunning,
	scaffold.Undoing: api.RunRunning, scaffold.Done: api.RunSucceeded, scaffold.Skipped: api.RunSkipped,
	scaffold.Failed: api.RunFailed}

func stateOf(p scaffold.Phase) api.RunState { return runStates[p] }

// applicationOf is the name of the application that a run makes, as far as its values tell.
func applicationOf(run *scaffold.Run) string {
	name, _ := run.Values["name"].(string)
	return name
}

func runOf(run *scaffold.Run) api.Run {
	out := api.Run{ID: run.ID, Team: teamOf(run), State: stateOf(run.Phase), By: actorOf(run.User), Created: run.Created.UTC(),
		Finished: optional(run.Ended), Steps: []api.RunStep{}, Output: run.Output, Error: run.Error,
		Application: applicationOf(run)}
	if ref, err := entity.ParseRef(run.Template, "template", ""); err == nil {
		out.Template = api.TemplateRef{Namespace: ref.Namespace, Name: ref.Name}
	}
	for _, s := range run.Steps {
		out.Steps = append(out.Steps, api.RunStep{TemplateStep: api.TemplateStep{ID: s.ID, Name: s.Name, Action: s.Action},
			State: stateOf(s.Phase), Started: optional(s.Started), Finished: optional(s.Ended), Error: s.Error})
	}
	for _, rest := range run.Remains {
		out.Remains = append(out.Remains, rest.What+": "+rest.Why)
	}
	switch {
	case len(out.Remains) > 0:
		out.Hint = "remove by hand what remains, then run the template again"
	case run.Phase == scaffold.Failed:
		out.Hint = "everything it made was taken back; correct the cause and run the template again"
	}
	return out
}

// optional is a time that may be missing.
func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// Runs lists a team's runs, the newest first.
func (r *runs) Runs(ctx context.Context, team string, page api.Page) (api.List[api.Run], error) {
	ids, err := r.store.List(ctx)
	if err != nil {
		return api.List[api.Run]{}, err
	}
	out := api.List[api.Run]{Items: []api.Run{}}
	for _, id := range slices.Backward(ids) {
		if page.After != "" && id >= page.After {
			continue
		}
		run, err := r.store.Load(ctx, id)
		if err != nil || teamOf(run) != team {
			continue
		}
		if len(out.Items) == max(1, page.Limit) {
			out.Next = out.Items[len(out.Items)-1].ID
			break
		}
		out.Items = append(out.Items, runOf(run))
	}
	return out, nil
}

// Run shows a run.
func (r *runs) Run(ctx context.Context, team, id string) (api.Run, error) {
	run, err := r.load(ctx, team, id)
	if err != nil {
		return api.Run{}, err
	}
	return runOf(run), nil
}

func (r *runs) load(ctx context.Context, team, id string) (*scaffold.Run, error) {
	run, err := r.store.Load(ctx, id)
	if errors.Is(err, fs.ErrNotExist) || err == nil && teamOf(run) != team {
		return nil, fmt.Errorf("run %s: %w", id, api.ErrNotFound)
	}
	return run, err
}

// runLog is what happens in a run. One that this process has not seen begin, begins with what its
// record says.
type runLog struct {
	mu     sync.Mutex
	events []api.RunEvent
	over   bool
	more   chan struct{} // closed when there is more
}

func (l *runLog) add(e api.RunEvent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.ID, e.At = strconv.Itoa(len(l.events)+1), e.At.UTC()
	l.events = append(l.events, e)
	l.wake()
}

func (l *runLog) wake() {
	close(l.more)
	l.more = make(chan struct{})
}

// logOf finds a run's log, or begins it.
func (r *runs) logOf(run *scaffold.Run) *runLog {
	r.mu.Lock()
	defer r.mu.Unlock()
	if l := r.logs[run.ID]; l != nil {
		return l
	}
	l := &runLog{more: make(chan struct{}), over: run.Over()}
	for _, s := range run.Steps {
		if s.Phase != scaffold.Waiting {
			l.add(api.RunEvent{At: s.Started, Step: s.ID, State: stateOf(s.Phase), Line: s.Error})
		}
	}
	if run.Over() {
		l.add(api.RunEvent{At: run.Ended, State: stateOf(run.Phase), Line: run.Error})
		return l // made anew each time: it does not change
	}
	r.logs[run.ID] = l
	return l
}

var eventStates = map[string]api.RunState{"started": api.RunRunning, "done": api.RunSucceeded, "skipped": api.RunSkipped,
	"failed": api.RunFailed}

// report takes note of what happens.
func (r *runs) report(e scaffold.Event) {
	r.mu.Lock()
	l := r.logs[e.Run]
	r.mu.Unlock()
	if l == nil {
		return
	}
	line := e.Text
	if e.Kind == "undone" || e.Kind == "remains" {
		line = e.Kind + ": " + e.Text
	}
	l.add(api.RunEvent{At: e.Time, Step: e.Step, State: eventStates[e.Kind], Line: line})
}

// end closes a run's log; who watches still reads it to its end.
func (r *runs) end(run *scaffold.Run) {
	r.mu.Lock()
	l := r.logs[run.ID]
	delete(r.logs, run.ID)
	r.mu.Unlock()
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	l.wake()
}

// Watch emits what happens in a run.
func (r *runs) Watch(ctx context.Context, team, id, after string, emit func(api.RunEvent) error) error {
	run, err := r.load(ctx, team, id)
	if err != nil {
		return err
	}
	l := r.logOf(run)
	seen, err := strconv.Atoi(after)
	if err != nil || seen < 0 {
		seen = 0
	}
	for {
		l.mu.Lock()
		some, over, more := slices.Clone(l.events[min(seen, len(l.events)):]), l.over, l.more
		l.mu.Unlock()
		for _, e := range some {
			if err := emit(e); err != nil {
				return err
			}
		}
		seen += len(some)
		if over {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-more:
		}
	}
}

// sleep waits, unless ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
