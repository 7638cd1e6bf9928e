package portal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/slipway-dev/slipway/internal/app"
	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/ci"
	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/kube"
	"github.com/slipway-dev/slipway/internal/portal/config"
	"github.com/slipway-dev/slipway/internal/server/api"
)

// Engines are the adapters of what builds, by name. runURL gives the page of a run.
type Engines map[string]func(c *kube.Client, namespace string, runURL func(ci.Run) string) ci.Engine

// builder has applications built, and what was built released.
type builder struct {
	*Portal
	engine  ci.Engine
	console string
	account string // that builds use on the Git server
}

// openBuilds has the configured engine build.
func (p *Portal) openBuilds(o Options, c config.CI) error {
	open, ok := o.Engines[c.Adapter]
	if !ok {
		return fault.Invalid(fmt.Errorf("platform.ci.adapter: there is no adapter %q", c.Adapter),
			"adapters: "+strings.Join(slices.Sorted(maps.Keys(o.Engines)), ", "))
	}
	b := &builder{Portal: p, console: strings.TrimRight(o.PublicURL, "/"), account: c.Account}
	b.engine = open(o.Kube, c.Namespace, b.RunURL)
	controller := ci.NewController(ci.Options{Engine: b.engine, Forge: p.git.Forge, Portal: b, Log: p.log})
	p.builds = b
	p.OnGitEvent(func(e forge.Event) {
		switch {
		case e.Push != nil:
			controller.Pushed(e.Repository, e.Push.After, e.Push.Pusher, e.Push.Title)
		case e.PullRequest != nil:
			controller.Pushed(e.Repository, e.PullRequest.HeadCommit, e.PullRequest.Sender, e.PullRequest.Title)
		}
	})
	p.loops = append(p.loops, loop{"build", controller.Run}, loop{"tell of builds", b.tell})
	return nil
}

// Applications are those whose repositories are built.
func (b *builder) Applications(context.Context) ([]ci.Application, error) {
	s, err := b.environments.now()
	if err != nil {
		return nil, err
	}
	var out []ci.Application
	for _, name := range slices.Sorted(maps.Keys(s.state.Applications)) {
		a := s.state.Applications[name]
		r, err := forge.ParseRepository(a.Spec.Repository)
		if err != nil {
			continue // it is a finding of the repository's
		}
		out = append(out, ci.Application{Name: name, Team: a.Spec.Team, Repository: r, Branch: a.Spec.Branch,
			CloneURL: b.gitURL + "/" + r.String() + ".git", Image: b.config.Registry + "/" + strings.ToLower(r.String())})
	}
	return out, nil
}

// builders is the team, in each organization with applications, by which builds get what they need.
const builders = "slipway-builds"

// Admit gives the account of builds what it needs of the organization that owns the repository: to read code, and to
// push images. The portal's own is in the team too: it removes images with their application.
func (b *builder) Admit(ctx context.Context, a ci.Application) error {
	if b.account == "" {
		return nil
	}
	owner := a.Repository.Owner
	err := b.git.Forge.EnsureTeam(ctx, forge.Team{Organization: owner, Name: builders, Permission: forge.PermissionRead,
		AllRepositories: true, Packages: forge.PermissionWrite},
		[]string{b.account, b.Portal.account})
	if errors.Is(err, forge.ErrNotFound) {
		return fmt.Errorf("%s is no organization, or there is no account %s: repositories of applications belong to the organization of their team: %w",
			owner, b.account, err)
	}
	return err
}

// Released places what a run of the application's branch has made in the environments that take every release.
func (b *builder) Released(ctx context.Context, run ci.Run) error {
	return b.Portal.Released(ctx, run.Application, run.Digest, run.Commit)
}

// Previewed places what a pull request's run has made in its preview.
func (b *builder) Previewed(ctx context.Context, run ci.Run) error {
	return b.ReleasedForPreview(ctx, run.Application, run.Digest, run.Commit)
}

// RunURL is the page of a run's application.
func (b *builder) RunURL(run ci.Run) string {
	return b.console + "/applications/" + run.Team + "/" + run.Application + "?build=" + run.ID
}

// tell says when a run begins and ends.
func (b *builder) tell(ctx context.Context) error {
	type told struct {
		phase ci.Phase
		step  string
	}
	seen := map[string]told{}
	began := b.now()
	return b.engine.Watch(ctx, func(r ci.Run) {
		before, known := seen[r.ID]
		now := told{r.Phase, stepOf(r)}
		seen[r.ID] = now
		if before == now || !known && r.Phase.Done() && r.Finished.Before(began) {
			return
		}
		kind := strings.ToLower(string(r.Phase))
		summary := fmt.Sprintf("build %d of %s (%s) is %s", r.Number, r.Application, r.Commit[:min(len(r.Commit), 8)], kind)
		switch {
		case r.Phase == ci.Failed && r.Reason != "":
			summary += ": " + r.Reason
		case before.phase == r.Phase:
			kind, summary = "step", summary+": "+now.step
		}
		b.events.tell(api.Event{Type: "build." + kind, Team: r.Team, Application: r.Application,
			Subject: "/teams/" + r.Team + "/applications/" + r.Application, Summary: summary})
	})
}

// stepOf says how far a run is: the last step that has begun, and its phase; empty once the run has ended.
func stepOf(r ci.Run) string {
	out := ""
	for _, s := range r.Steps {
		if s.Phase != ci.Pending && !r.Phase.Done() {
			out = s.Name + " is " + strings.ToLower(string(s.Phase))
		}
	}
	return out
}

var buildStates = map[ci.Phase]api.BuildState{ci.Pending: api.BuildPending, ci.Running: api.BuildRunning,
	ci.Succeeded: api.BuildSucceeded, ci.Failed: api.BuildFailed, ci.Cancelled: api.BuildCancelled}

var stepStates = map[ci.Phase]api.RunState{ci.Pending: api.RunPending, ci.Running: api.RunRunning,
	ci.Succeeded: api.RunSucceeded, ci.Failed: api.RunFailed, ci.Cancelled: api.RunSkipped}

// Forget ends and removes all builds of an application.
func (b *builder) Forget(ctx context.Context, team, application string) error {
	return b.engine.Forget(ctx, team, application)
}

// Builds lists an application's builds.
func (b *builder) Builds(ctx context.Context, team, application string, limit int) ([]api.Build, error) {
	runs, err := b.engine.List(ctx, ci.Query{Team: team, Application: application})
	if err != nil {
		return nil, err
	}
	out := make([]api.Build, 0, limit)
	for _, r := range runs[:min(limit, len(runs))] {
		out = append(out, buildOf(r))
	}
	return out, nil
}

func buildOf(r ci.Run) api.Build {
	out := api.Build{ID: r.ID, Commit: r.Commit, Title: r.Title, Branch: r.Branch, State: cmp.Or(buildStates[r.Phase], api.BuildPending),
		Started: optional(cmp.Or(r.Started, r.Created)), Finished: optional(r.Finished), Reason: r.Reason}
	if r.Digest != "" {
		name, digest := app.Image(r.Digest)
		out.Release = &api.Release{Image: name, Digest: digest, Commit: r.Commit, Built: optional(r.Finished)}
	}
	for _, s := range r.Steps {
		step := api.RunStep{TemplateStep: api.TemplateStep{ID: s.Name, Name: s.Name, Action: "build"},
			State: cmp.Or(stepStates[s.Phase], api.RunPending), Started: optional(s.Started), Finished: optional(s.Finished)}
		if s.Phase == ci.Failed {
			step.Error = s.Message
		}
		out.Steps = append(out.Steps, step)
	}
	return out
}

// BuildLogs emits a build's log, step by step.
func (b *builder) BuildLogs(ctx context.Context, team, application, build string, q api.LogQuery,
	emit func(api.LogLine) error) error {
	runs, err := b.engine.List(ctx, ci.Query{Team: team, Application: application})
	if err != nil {
		return err
	}
	at := slices.IndexFunc(runs, func(r ci.Run) bool { return build == "" || r.ID == build })
	if at < 0 {
		return fmt.Errorf("build %q of %s: %w", build, application, api.ErrNotFound)
	}
	for _, s := range runs[at].Steps {
		if q.Container != "" && q.Container != s.Name || s.Phase == ci.Pending && !q.Follow {
			continue
		}
		var last []api.LogLine
		show := func(l ci.LogLine) error {
			line := api.LogLine{At: optional(l.Time), Source: s.Name, Text: l.Text}
			if q.Follow || q.Tail == 0 {
				return emit(line)
			}
			if last = append(last, line); len(last) > q.Tail {
				last = last[1:]
			}
			return nil
		}
		if err := b.engine.Logs(ctx, runs[at].ID, s.Name, q.Follow, show); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		for _, line := range last {
			if err := emit(line); err != nil {
				return err
			}
		}
	}
	return nil
}
