package scaffold

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Runner runs templates. It can run several at once, each run once at a time.
type Runner struct {
	Registry    *Registry
	Store       Store
	Environment Environment
	Limits      Limits
	// Now is the clock.
	Now func() time.Time
	// Report is told what happens, in order; nil where nobody listens.
	Report func(Event)
}

// New begins a run: it validates the request and stores the record, and does nothing else. Defaults of parameters are
// filled in. The error is of type spec.Errors where values are wrong.
func (r *Runner) New(ctx context.Context, req Request) (*Run, error) {
	run, err := r.record(req)
	if err != nil {
		return nil, err
	}
	return run, r.Store.Save(ctx, run)
}

func (r *Runner) record(req Request) (*Run, error) {
	t := req.Template
	if err := AsError(r.Registry.Check(t)); err != nil {
		return nil, err
	}
	values := t.Defaults(req.Values)
	if err := t.Validate(values); err != nil {
		return nil, err
	}
	run := &Run{ID: req.ID, Template: t.Ref(), Digest: t.Digest, User: req.User, Owner: req.Owner, Values: values,
		Phase: Waiting, Created: r.Now()}
	for _, s := range t.Steps {
		run.Steps = append(run.Steps, StepRecord{ID: s.ID, Name: s.Name, Action: s.Action, Phase: Waiting})
	}
	return run, nil
}

// Execute goes on with a run until it is over: done, or failed and undone. A run that was interrupted goes on at the
// step that it was in, and a run that is over stays as it is. The run's record is kept up to date and stored.
//
// A failure of the template is not an error of Execute: it stands in the record. The error says that
// the run could not go on for now: the context has ended, or the record could not be stored.
func (r *Runner) Execute(ctx context.Context, run *Run, t *Template, secrets map[string]string) error {
	e := &execution{Runner: r, run: run, template: t}
	e.known = &known{registry: r.Registry, template: t, run: run, env: r.Environment, secrets: secrets}
	e.blot = blotter(secrets, r.Environment.Secrets)
	if run.Over() {
		return nil
	}
	if run.Phase == Undoing {
		return e.undo(ctx)
	}
	if run.Digest != t.Digest || len(run.Steps) != len(t.Steps) {
		return e.fail(ctx, -1, ErrTemplateChanged)
	}
	files, err := r.files(ctx, run)
	if err != nil {
		return e.fail(ctx, -1, fmt.Errorf("the workspace of the run is lost: %w", err))
	}
	if e.workspace, err = NewWorkspace(r.Limits, files); err != nil {
		return e.fail(ctx, -1, err)
	}
	return e.execute(ctx)
}

func (r *Runner) files(ctx context.Context, run *Run) ([]File, error) {
	if run.Snapshot == 0 {
		return nil, nil
	}
	return r.Store.Files(ctx, run.ID, run.Snapshot)
}

// execution is a run under way.
type execution struct {
	*Runner
	run       *Run
	template  *Template
	known     *known
	workspace *Workspace
	blot      *strings.Replacer
}

func (e *execution) report(step, kind, text string) {
	if e.Report != nil {
		e.Report(Event{Time: e.Now(), Run: e.run.ID, Step: step, Kind: kind, Text: e.blot.Replace(text)})
	}
}

// minSecret is the length below which a secret is not blotted out: "a" would leave nothing to read.
const minSecret = 3

// blotter replaces secrets in texts, longer ones first.
func blotter(all ...map[string]string) *strings.Replacer {
	var values []string
	for _, secrets := range all {
		for _, v := range secrets {
			if len(v) >= minSecret {
				values = append(values, v)
			}
		}
	}
	slices.SortFunc(values, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
	pairs := make([]string, 0, 2*len(values))
	for _, v := range values {
		pairs = append(pairs, v, "***")
	}
	return strings.NewReplacer(pairs...)
}

func (e *execution) execute(ctx context.Context) error {
	if e.run.Phase == Waiting {
		e.run.Phase = Running
		e.report("", "started", e.run.Template)
	}
	for i := range e.run.Steps {
		if phase := e.run.Steps[i].Phase; phase == Done || phase == Skipped {
			continue
		}
		if err := e.step(ctx, i); err != nil {
			return e.fail(ctx, i, err)
		}
	}
	output, _, err := e.known.render(ctx, "spec.output", nonNil(e.template.Output), e.known.values(false))
	if err != nil {
		return e.fail(ctx, -1, err)
	}
	e.run.Output, _ = output.(map[string]any)
	e.run.Phase, e.run.Ended = Done, e.Now()
	if err := e.save(ctx); err != nil {
		return err
	}
	e.report("", "done", "")
	return nil
}

// storeError is an error of the store: the run cannot go on, but has not failed either.
type storeError struct{ err error }

func (s *storeError) Error() string { return "store the run: " + s.err.Error() }
func (s *storeError) Unwrap() error { return s.err }

func (e *execution) save(ctx context.Context) error {
	if err := e.Store.Save(ctx, e.run); err != nil {
		return &storeError{err}
	}
	return nil
}

// checkpoint stores the workspace, if it has changed, and then the record that names it.
func (e *execution) checkpoint(ctx context.Context) error {
	if e.workspace.changed {
		files, err := e.workspace.Files(".")
		if err != nil {
			return err
		}
		if err := e.Store.SaveFiles(ctx, e.run.ID, e.run.Snapshot+1, files); err != nil {
			return &storeError{err}
		}
		e.run.Snapshot++
		e.workspace.changed = false
	}
	return e.save(ctx)
}

func (e *execution) step(ctx context.Context, i int) error {
	s, record := e.template.Steps[i], &e.run.Steps[i]
	if err := ended(ctx); err != nil {
		return err
	}
	rounds, err := e.known.rounds(ctx, s)
	if err != nil {
		return err
	}
	if rounds == nil && s.Each == nil || s.If == false {
		record.Phase = Skipped
		e.report(s.ID, "skipped", "the condition is not met")
		return e.save(ctx)
	}
	if record.Phase == Waiting {
		record.Phase, record.Started = Running, e.Now()
		if err := e.save(ctx); err != nil {
			return err
		}
	}
	e.report(s.ID, "started", s.Name)
	for n := record.Rounds; n < len(rounds); n++ {
		if err := e.round(ctx, s, record, rounds[n], n); err != nil {
			return err
		}
	}
	record.Phase, record.Ended = Done, e.Now()
	if err := e.checkpoint(ctx); err != nil {
		return err
	}
	e.report(s.ID, "done", "")
	return nil
}

// ended is why a context has ended; nil while it has not.
func ended(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	return context.Cause(ctx)
}

func (e *execution) round(ctx context.Context, s Step, record *StepRecord, r round, n int) error {
	if !r.runs {
		record.Rounds = n + 1
		e.report(s.ID, "log", fmt.Sprintf("skipped for %v: the condition is not met", r.each["key"]))
		return nil
	}
	action, err := e.Registry.action(s.Action)
	if err != nil {
		return err
	}
	output, err := protect(func() (map[string]any, error) { return action.Run(ctx, e.call(s, r, n)) })
	if err != nil {
		return err
	}
	record.Output = collect(record.Output, output, r.each != nil)
	record.Rounds = n + 1
	if r.each == nil {
		return nil // the step's end stores it
	}
	return e.checkpoint(ctx)
}

// protect turns a panic of an action into an error: one template must not end the server.
func protect(f func() (map[string]any, error)) (out map[string]any, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the action broke down: %v", r)
		}
	}()
	return f()
}

// collect adds a round's output to a step's: with "each", every name has a list, one entry a round.
func collect(before, output map[string]any, each bool) map[string]any {
	if !each {
		return output
	}
	out := map[string]any{}
	for name, v := range before {
		out[name] = v
	}
	for name, v := range output {
		list, _ := out[name].([]any)
		out[name] = append(slices.Clone(list), v)
	}
	return out
}

// call is what an action gets.
func (e *execution) call(s Step, r round, n int) *Call {
	c := &Call{RunID: e.run.ID, Template: e.run.Template, Origin: e.template.Origin, User: e.run.User, Owner: e.run.Owner,
		Step: s.ID, Round: n, Input: r.input, Workspace: e.workspace}
	mine := func(m Made) bool { return m.Step == s.ID && m.Round == n }
	for _, m := range e.run.Made {
		if mine(m) {
			c.Made = append(c.Made, m)
		} else {
			c.Earlier = append(c.Earlier, m)
		}
	}
	c.log = func(text string) { e.report(s.ID, "log", text) }
	c.record = func(ctx context.Context, made []Made) error {
		e.run.Made = slices.DeleteFunc(slices.Clone(e.run.Made), mine)
		for i := range made {
			made[i].Action, made[i].Step, made[i].Round = s.Action, s.ID, n
			e.run.Made = append(e.run.Made, made[i])
		}
		return e.save(context.WithoutCancel(ctx))
	}
	return c
}

// fail ends a run: what it made is taken back. A run whose context has ended, or that cannot be
// stored, is left as it is.
func (e *execution) fail(ctx context.Context, step int, err error) error {
	var store *storeError
	if errors.As(err, &store) {
		return err
	}
	cause := ended(ctx)
	if cause != nil && !errors.Is(cause, ErrCancelled) {
		return cause
	}
	text := e.blot.Replace(err.Error())
	if cause != nil {
		text = ErrCancelled.Error()
	}
	e.run.Phase, e.run.Error = Undoing, text
	if step >= 0 {
		record := &e.run.Steps[step]
		record.Phase, record.Error, record.Ended = Failed, text, e.Now()
		e.run.Error = fmt.Sprintf("step %s: %s", record.ID, text)
		e.report(record.ID, "failed", text)
	}
	if cause != nil { // the person who cancelled wants it undone
		ctx = context.WithoutCancel(ctx)
	}
	if err := e.save(ctx); err != nil {
		return err
	}
	return e.undo(ctx)
}

// undo takes back what the run made, the last first.
func (e *execution) undo(ctx context.Context) error {
	for i := len(e.run.Made) - 1; i >= 0; i-- {
		m := &e.run.Made[i]
		if m.Undone || m.Remains {
			continue
		}
		if err := e.undoOne(ctx, m); err != nil {
			return err
		}
		if err := e.save(ctx); err != nil {
			return err
		}
	}
	e.run.Phase, e.run.Ended = Failed, e.Now()
	if err := e.save(ctx); err != nil {
		return err
	}
	e.report("", "failed", e.run.Error)
	return nil
}

// undoOne takes back one thing, or notes why it remains. The error says that undoing was interrupted.
func (e *execution) undoOne(ctx context.Context, m *Made) error {
	why := "its action cannot be undone"
	if action, err := e.Registry.action(m.Action); err != nil {
		why = err.Error()
	} else if action.Undo != nil {
		_, err := protect(func() (map[string]any, error) { return nil, action.Undo(ctx, *m) })
		if err == nil {
			m.Undone = true
			e.report(m.Step, "undone", m.What)
			return nil
		}
		if cause := ended(ctx); cause != nil {
			return cause
		}
		why = e.blot.Replace(err.Error())
	}
	what := m.What
	if !m.Certain {
		what += " (if it was made)"
	}
	e.run.Remains = append(e.run.Remains, Remainder{What: what, Why: why})
	m.Remains = true
	e.report(m.Step, "remains", what+": "+why)
	return nil
}
