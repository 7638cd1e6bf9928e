package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/slipway-dev/slipway/internal/client"
	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/progress"
	"github.com/slipway-dev/slipway/internal/server/api"
)

type promoteOptions struct {
	remote
	Team, Name string
	From, To   string
	Release    string
	Note       string
	Wait       bool
	Timeout    time.Duration
}

func newPromoteCommand(env *Env) *cobra.Command {
	o := &promoteOptions{remote: remote{Env: env}}
	cmd := &cobra.Command{
		Use:   "promote [TEAM/]APP --to ENVIRONMENT",
		Short: "Ask that a release move to another environment",
		Long: `Ask that a release move to another environment: this opens a pull request in the environments'
repository. Its gates are evaluated; somebody else reviews it there; what is decided is signed, and
in the audit log before anything is merged. With --wait it stays until the release runs, or until it
is certain that it won't.`,
		Example: `  slipway promote orders --from dev --to prod
  slipway promote orders --to prod --release v1.4.0 --wait --timeout 2h
  slipway promotion list --waiting     # as the one who approves`,
		Args:              usage(cobra.ExactArgs(1)),
		ValidArgsFunction: completeFirst(&o.remote, applicationNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Name = args[0]
			return runPromote(cmd.Context(), o)
		},
	}
	addRemote(cmd, &o.remote)
	addTeam(cmd, &o.remote, &o.Team, "the `TEAM` whose application it is")
	f := cmd.Flags()
	f.StringVar(&o.From, "from", "", "from `ENVIRONMENT`; by default the one before --to")
	f.StringVar(&o.To, "to", "", "to `ENVIRONMENT`")
	f.StringVar(&o.Release, "release", "", "the `RELEASE`: a version, a commit or an image digest; by default what runs in --from")
	f.StringVar(&o.Note, "note", "", "a `TEXT` for the reviewers")
	_ = cmd.MarkFlagRequired("to")
	for _, flag := range []string{"from", "to"} {
		_ = cmd.RegisterFlagCompletionFunc(flag, complete(&o.remote, environmentNames))
	}
	_ = cmd.RegisterFlagCompletionFunc("release", func(c *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		return complete(&o.remote, releaseNames(args))(c, args, begun)
	})
	addWait(cmd, &o.Wait, &o.Timeout, "wait until the release is healthy there")
	return cmd
}

func runPromote(ctx context.Context, o *promoteOptions) error {
	c, err := o.connect(ctx)
	if err != nil {
		return err
	}
	app, err := findApplication(ctx, c, o.Team, o.Name)
	if err != nil {
		return err
	}
	if o.From == "" {
		if o.From, err = before(ctx, c, o.To); err != nil {
			return err
		}
	}
	n := api.NewPromotion{From: o.From, To: o.To, Note: o.Note}
	if o.Release != "" {
		if n.Release, err = findRelease(ctx, c, app, o.Release); err != nil {
			return err
		}
	}
	p, err := c.OpenPromotion(ctx, app.Team, app.Name, n)
	if err != nil {
		return err
	}
	if o.Wait {
		o.Env.note(o.Format, "promotion %d of %s: %s\n", p.Number, app, p.PullRequest)
		return awaitPromotion(ctx, c, &o.remote, p, o.Timeout)
	}
	return show(o.Env, o.Format, p, func() {
		printPromotion(o.Env, p)
		o.Env.printf("\nfollow it with `slipway promotion show %d --wait`\n", p.Number)
	})
}

// note prints a line that is for people only.
func (e *Env) note(format, text string, args ...any) {
	if format == "text" {
		e.printf(text, args...)
	}
}

// before gives the environment that comes before another one in the pipeline.
func before(ctx context.Context, c *client.Client, to string) (string, error) {
	all, err := client.Collect(c.Environments(ctx), 0)
	if err != nil {
		return "", err
	}
	all = slices.DeleteFunc(all, func(e api.Environment) bool { return e.Order < 0 })
	slices.SortStableFunc(all, func(a, b api.Environment) int { return cmp.Compare(a.Order, b.Order) })
	at := slices.IndexFunc(all, func(e api.Environment) bool { return e.Name == to })
	switch {
	case at < 0:
		return "", fault.Invalid(fmt.Errorf("--to: there is no environment %s that releases go through", to),
			"see `slipway env list`")
	case at == 0:
		return "", fault.Invalid(fmt.Errorf("--to: %s is the first environment; no promotion leads there", to), "")
	}
	return all[at-1].Name, nil
}

var imageDigest = regexp.MustCompile(`^[a-z0-9]+:[0-9a-f]{32,128}$`)

// findRelease gives the image digest of a release: of a digest, a version, or the beginning of a commit or digest.
func findRelease(ctx context.Context, c *client.Client, app applicationRef, wanted string) (string, error) {
	if imageDigest.MatchString(wanted) {
		return wanted, nil
	}
	a, err := c.Application(ctx, app.Team, app.Name)
	if err != nil {
		return "", err
	}
	var releases []*api.Release
	for _, d := range a.Deployments {
		releases = append(releases, d.Release)
	}
	for _, b := range a.Builds {
		releases = append(releases, b.Release)
	}
	var found, known []string
	for _, r := range releases {
		if r == nil {
			continue
		}
		known = append(known, cmp.Or(r.Version, shortDigest(r.Digest)))
		if r.Version == wanted || len(wanted) >= 7 && (strings.HasPrefix(r.Commit, wanted) || strings.HasPrefix(r.Digest, wanted)) {
			found = append(found, r.Digest)
		}
	}
	slices.Sort(found)
	slices.Sort(known)
	found, known = slices.Compact(found), slices.Compact(known)
	switch len(found) {
	case 0:
		return "", fault.Invalid(fmt.Errorf("--release: %s has no release %s; it has: %s", app, wanted,
			cmp.Or(strings.Join(known, ", "), "none")), "see `slipway app show "+app.String()+"`")
	case 1:
		return found[0], nil
	}
	return "", fault.Invalid(fmt.Errorf("--release: %s stands for several images: %s", wanted, strings.Join(found, ", ")),
		"name one by its digest")
}

// over says whether a promotion has come to its end, and whether that is the one that was wanted.
func over(s api.PromotionState) (end, well bool) {
	switch s {
	case api.PromotionHealthy:
		return true, true
	case api.PromotionRefused, api.PromotionRolledBack, api.PromotionClosed:
		return true, false
	}
	return false, false // one that failed is on its way back
}

// awaitPromotion shows a promotion's gates and its way until it is over. One that did not come to its goal is an error.
func awaitPromotion(ctx context.Context, c *client.Client, r *remote, p api.Promotion, timeout time.Duration) error {
	ref := client.PromotionRef{Team: p.Team, Application: p.Application, Number: p.Number}
	display := r.display(fmt.Sprintf("promotion %d: %s/%s to %s", p.Number, p.Team, p.Application, p.To))
	defer display.Close()
	tasks := promotionTasks{to: display}
	err := until(ctx, c, timeout, func() string { return string(p.State) + " " + p.Reason + openGates(p) },
		func(e api.Event) bool { return e.Team == p.Team && e.Application == p.Application },
		func(ctx context.Context) (bool, error) {
			now, err := c.Promotion(ctx, ref)
			if err != nil {
				return false, err
			}
			p = now
			tasks.show(p)
			end, _ := over(p.State)
			return end, nil
		})
	display.Close()
	if err != nil {
		return err
	}
	if err := show(r.Env, r.Format, p, func() {
		r.Env.printf("\n")
		printPromotion(r.Env, p)
	}); err != nil {
		return err
	}
	if _, well := over(p.State); !well {
		return fault.Hint(errors.New(strings.TrimSuffix(fmt.Sprintf("promotion %d is %s: %s", p.Number, p.State, p.Reason),
			": ")), "slipway promotion show "+fmt.Sprint(p.Number))
	}
	return nil
}

// openGates names the gates that have not let a promotion through.
func openGates(p api.Promotion) string {
	var names []string
	for _, g := range p.Gates {
		if g.Verdict != api.Pass && g.Verdict != api.Waived {
			names = append(names, g.Name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "; gates that have not passed: " + strings.Join(names, ", ")
}

// promotionTasks shows a promotion as tasks.
type promotionTasks struct {
	to    progress.Reporter
	known map[string]*progress.Task
	ended map[string]progress.State
}

// set shows a task in a state; one that has ended in it is not shown again.
func (t *promotionTasks) set(name string, state progress.State, message string) {
	if t.known == nil {
		t.known, t.ended = map[string]*progress.Task{}, map[string]progress.State{}
	}
	task := t.known[name]
	if task == nil {
		task = progress.Start(t.to, name, message, 0)
		t.known[name] = task
	}
	if t.ended[name] == state {
		return
	}
	delete(t.ended, name)
	switch state {
	case progress.Waiting:
		task.Wait(message)
	case progress.Running:
		task.Update(message)
	case progress.Failed:
		_ = task.End("", errors.New(message))
	case progress.Skipped:
		task.Skip(message)
	default:
		_ = task.End(message, nil)
	}
	if state != progress.Waiting && state != progress.Running {
		t.ended[name] = state
	}
}

func (t *promotionTasks) show(p api.Promotion) {
	end, well := over(p.State)
	for _, g := range p.Gates {
		message := g.Reason
		if g.Hint != "" && g.Verdict != api.Pass {
			message += "; " + g.Hint
		}
		state := progress.Waiting
		switch {
		case g.Verdict == api.Pass:
			state = progress.Done
		case g.Verdict == api.Waived:
			state = progress.Skipped
			if g.Waiver != nil {
				message = "waived by " + g.Waiver.By.Username + " until " + when(g.Waiver.Until) + ": " + g.Waiver.Reason
			}
		case end && !well:
			state = progress.Failed
		}
		t.set("gates/"+g.Name, state, message)
	}
	switch p.State {
	case api.PromotionOpen:
		t.set("decision", progress.Waiting, cmp.Or(p.Reason, "for the gates"))
	case api.PromotionRefused, api.PromotionClosed:
		t.set("decision", progress.Failed, strings.TrimSuffix(string(p.State)+": "+p.Reason, ": "))
	default:
		t.set("decision", progress.Done, decidedText(p))
	}
	switch p.State {
	case api.PromotionAllowed, api.PromotionMerged:
		t.set(p.To, progress.Running, cmp.Or(p.Reason, string(p.State)))
	case api.PromotionHealthy:
		t.set(p.To, progress.Done, releaseText(&p.Release))
	case api.PromotionFailed:
		t.set(p.To, progress.Running, cmp.Or(p.Reason, "it failed, and is rolled back"))
	case api.PromotionRolledBack:
		t.set(p.To, progress.Failed, strings.TrimSuffix(string(p.State)+": "+p.Reason, ": "))
	}
}

// decidedText names the last decision.
func decidedText(p api.Promotion) string {
	if len(p.Decisions) == 0 {
		return string(p.State)
	}
	d := p.Decisions[len(p.Decisions)-1]
	return fmt.Sprintf("%s, entry %d of the audit log", d.Outcome, d.Index)
}
