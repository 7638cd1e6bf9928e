package scaffold

import (
	"context"
	"fmt"
)

// Preview is what a run would do.
type Preview struct {
	Steps []StepPreview `json:"steps"`
	// Files are those of the workspace at the end.
	Files  []File         `json:"files"`
	Output map[string]any `json:"output,omitempty"`
}

// StepPreview is what a step would do.
type StepPreview struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Action string `json:"action"`
	// Skipped says that the step's condition is not met.
	Skipped bool `json:"skipped,omitempty"`
	// Inputs are the step's, one a round; secrets are "***".
	Inputs []map[string]any `json:"inputs,omitempty"`
	// Output is the step's, or made up where it would come from outside: "<remoteUrl of publish>".
	Output map[string]any `json:"output,omitempty"`
	// Outside says that a run would do more than this preview did: it reaches beyond the workspace.
	Outside bool     `json:"outside,omitempty"`
	Log     []string `json:"log,omitempty"`
}

// Preview shows what a run would do and touches nothing but a workspace of its own. The error is of
// type spec.Errors where the template or the values are wrong; a step that fails gives an error too,
// beside the steps so far.
func (r *Runner) Preview(ctx context.Context, req Request) (*Preview, error) {
	run, err := r.record(req)
	if err != nil {
		return nil, err
	}
	workspace, err := NewWorkspace(r.Limits, nil)
	if err != nil {
		return nil, err
	}
	p := &previewing{Runner: r, run: run, template: req.Template, workspace: workspace}
	p.known = &known{registry: r.Registry, template: req.Template, run: run, secrets: hidden(req.Secrets),
		env: Environment{Parameters: r.Environment.Parameters, Secrets: hidden(r.Environment.Secrets)}}
	out := &Preview{}
	for i, s := range req.Template.Steps {
		shown, err := p.step(ctx, i, s)
		out.Steps = append(out.Steps, shown)
		if err != nil {
			return out, fmt.Errorf("step %s: %w", s.ID, err)
		}
	}
	output, _, err := p.known.render(ctx, "spec.output", nonNil(req.Template.Output), p.known.values(false))
	if err != nil {
		return out, err
	}
	out.Output, _ = output.(map[string]any)
	out.Files, err = workspace.Files(".")
	return out, err
}

// hidden are secrets without their values.
func hidden(secrets map[string]string) map[string]string {
	out := make(map[string]string, len(secrets))
	for name := range secrets {
		out[name] = "***"
	}
	return out
}

type previewing struct {
	*Runner
	run       *Run
	template  *Template
	known     *known
	workspace *Workspace
}

func (p *previewing) step(ctx context.Context, i int, s Step) (StepPreview, error) {
	shown := StepPreview{ID: s.ID, Name: s.Name, Action: s.Action}
	rounds, err := p.known.rounds(ctx, s)
	if err != nil {
		return shown, err
	}
	if rounds == nil && s.Each == nil || s.If == false {
		shown.Skipped = true
		p.run.Steps[i].Phase = Skipped
		return shown, nil
	}
	action, err := p.Registry.action(s.Action)
	if err != nil {
		return shown, err
	}
	shown.Outside = !action.Local
	for n, r := range rounds {
		if !r.runs {
			continue
		}
		shown.Inputs = append(shown.Inputs, r.input)
		output, err := p.round(ctx, action, s, r, n, &shown.Log)
		if err != nil {
			return shown, err
		}
		shown.Output = collect(shown.Output, output, r.each != nil)
	}
	p.run.Steps[i].Phase, p.run.Steps[i].Output = Done, shown.Output
	return shown, nil
}

func (p *previewing) round(
	ctx context.Context, a *registered, s Step, r round, n int, log *[]string,
) (map[string]any, error) {
	run := a.Preview
	if a.Local {
		run = a.Run
	}
	if run == nil {
		return examples(a, s.ID), nil
	}
	c := &Call{RunID: p.run.ID, Template: p.run.Template, Origin: p.template.Origin, User: p.run.User, Owner: p.run.Owner,
		Step: s.ID, Round: n, Input: r.input, Workspace: p.workspace,
		log:    func(text string) { *log = append(*log, text) },
		record: func(context.Context, []Made) error { return nil }}
	return protect(func() (map[string]any, error) { return run(ctx, c) })
}

// examples stand for outputs that only a run can give.
func examples(a *registered, step string) map[string]any {
	out := map[string]any{}
	for _, name := range a.Outputs {
		out[name] = fmt.Sprintf("<%s of %s>", name, step)
	}
	return out
}
