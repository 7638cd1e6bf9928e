package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/slipway-dev/slipway/internal/cli/ui"
	"github.com/slipway-dev/slipway/internal/client"
	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/progress"
	"github.com/slipway-dev/slipway/internal/server/api"
)

// display shows progress where the output is for people; other forms hold nothing but the result.
func (r *remote) display(title string) ui.Display {
	if r.Format != ui.FormatText {
		return quiet{progress.Discard}
	}
	return ui.New(r.Env.Out, ui.FormatText, title, r.Env.Terminal)
}

// quiet is a display that shows nothing.
type quiet struct{ progress.Reporter }

func (quiet) Close() {}

// states are the states of a run's steps in the words of progress.
var states = map[api.RunState]progress.State{api.RunPending: progress.Waiting, api.RunRunning: progress.Running,
	api.RunSucceeded: progress.Done, api.RunFailed: progress.Failed, api.RunSkipped: progress.Skipped}

// lastLines is how many lines of a failed run's log are shown.
const lastLines = 20

// finishRun follows a run to its end and prints what it gave, or, detached, how to follow it.
func finishRun(ctx context.Context, c *client.Client, r *remote, run api.Run, detach bool) error {
	if detach {
		return show(r.Env, r.Format, run, func() {
			r.Env.printf("run %s of %s has begun for team %s\n", run.ID, templateText(run.Template), run.Team)
		})
	}
	display := r.display("template " + templateText(run.Template))
	defer display.Close()
	run, log, err := followRun(ctx, c, run, display)
	display.Close()
	if err != nil {
		return err
	}
	if err := show(r.Env, r.Format, run, func() { printRun(r.Env, run) }); err != nil {
		return err
	}
	return failedRun(r.Env, run, log)
}

// followRun shows a run's steps until it ends, and gives it as it is then with the end of its log.
func followRun(ctx context.Context, c *client.Client, run api.Run, to progress.Reporter) (api.Run, []string, error) {
	steps, begun := map[string]api.RunStep{}, map[string]time.Time{}
	for _, s := range run.Steps {
		steps[s.ID] = s
		report(to, "steps/"+s.ID, states[s.State], cmp.Or(s.Error, s.Name, s.Action), time.Time{}, run.Created)
	}
	var log []string
	err := c.WatchRun(ctx, run.Team, run.ID, func(e api.RunEvent) error {
		if e.Line != "" {
			log = append(log, e.Line)
			log = log[max(0, len(log)-lastLines):]
		}
		if e.Step == "" || e.State == "" {
			return nil
		}
		s := steps[e.Step]
		if e.State == api.RunRunning {
			begun[e.Step] = e.At
		}
		report(to, "steps/"+e.Step, states[e.State], cmp.Or(s.Name, s.Action), begun[e.Step], e.At)
		return nil
	})
	if err != nil {
		return run, log, err
	}
	run, err = c.Run(ctx, run.Team, run.ID)
	return run, log, err
}

// report makes a progress event of what the server said.
func report(to progress.Reporter, task string, state progress.State, message string, begun, at time.Time) {
	e := progress.Event{Time: at, Task: task, State: cmp.Or(state, progress.Waiting), Message: message}
	if !begun.IsZero() {
		e.Elapsed = at.Sub(begun).Seconds()
	}
	to.Report(e)
}

// printRun shows what a run's template gives at its end.
func printRun(env *Env, run api.Run) {
	links, _ := run.Output["links"].([]any)
	if len(links) > 0 {
		env.printf("\n")
		t := newTable(env.Out)
		for _, l := range links {
			link, _ := l.(map[string]any)
			if at := text(link["url"]); at != "" {
				t.row("  "+text(link["title"]), at)
			}
		}
		t.flush()
	}
	texts, _ := run.Output["text"].([]any)
	for _, t := range texts {
		one, _ := t.(map[string]any)
		content, _ := one["content"].(string)
		env.printf("\n%s\n", cmp.Or(content, text(one["title"])))
	}
}

// failedRun is the error of a run that failed, with the end of its log before it and what remains of it.
func failedRun(env *Env, run api.Run, log []string) error {
	if run.State == api.RunSucceeded {
		return nil
	}
	for _, line := range log {
		fmt.Fprintf(env.Err, "  %s\n", line)
	}
	message := fmt.Sprintf("run %s %s", run.ID, run.State)
	if run.Error != "" {
		message += ": " + run.Error
	}
	for _, left := range run.Remains {
		message += "\n  not undone: " + left
	}
	return fault.Hint(errors.New(message), run.Hint)
}
