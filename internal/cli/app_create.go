package cli

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/slipway-dev/slipway/internal/client"
	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/progress"
	"github.com/slipway-dev/slipway/internal/server/access"
	"github.com/slipway-dev/slipway/internal/server/api"
)

type appCreateOptions struct {
	remote
	Team     string
	Name     string
	Template string
	Given    valueFlags
	Detach   bool
	Wait     bool
	Timeout  time.Duration
}

func newAppCreateCommand(env *Env) *cobra.Command {
	o := &appCreateOptions{remote: remote{Env: env}}
	cmd := &cobra.Command{
		Use:   "create NAME --template TEMPLATE",
		Short: "Make an application from a template, and show how it goes",
		Long: `Make an application from a template: its repository, its entry in the catalogue, and its place in
the environments. With --wait it stays until the first release answers.`,
		Example: `  slipway template list
  slipway app create orders --template go-service
  slipway app create orders --template go-service --team payments --set port=8081 --wait`,
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Name = args[0]
			return runAppCreate(cmd.Context(), o)
		},
	}
	addRemote(cmd, &o.remote)
	addTeam(cmd, &o.remote, &o.Team, "for `TEAM`; by default the one that you develop for")
	cmd.Flags().StringVar(&o.Template, "template", "", "from the template `[NAMESPACE/]NAME`")
	_ = cmd.MarkFlagRequired("template")
	_ = cmd.RegisterFlagCompletionFunc("template", complete(&o.remote, templateNames))
	o.Given.flags(cmd)
	cmd.Flags().BoolVar(&o.Detach, "detach", false, "begin, and don't wait for the template's end")
	addWait(cmd, &o.Wait, &o.Timeout, "wait until its first release is healthy")
	cmd.MarkFlagsMutuallyExclusive("detach", "wait")
	return cmd
}

// addWait adds the flags of commands that can wait.
func addWait(cmd *cobra.Command, wait *bool, timeout *time.Duration, help string) {
	cmd.Flags().BoolVar(wait, "wait", false, help)
	cmd.Flags().DurationVar(timeout, "timeout", 0, "with --wait: give up after `DURATION`, such as 10m; 0 for never")
}

func runAppCreate(ctx context.Context, o *appCreateOptions) error {
	c, err := o.connect(ctx)
	if err != nil {
		return err
	}
	ref := templateRef(o.Template)
	values, err := o.Given.read(ctx, o.Env, c, ref)
	if err != nil {
		return err
	}
	team, err := ownTeam(ctx, c, o.Team, access.Developer)
	if err != nil {
		return err
	}
	run, err := c.CreateApplication(ctx, team, api.NewApplication{Name: o.Name, Template: ref, Values: values})
	if err != nil {
		return err
	}
	if !o.Wait {
		return finishRun(ctx, c, &o.remote, run, o.Detach)
	}
	return createAndWait(ctx, c, o, run)
}

// createAndWait shows the template's run and then the application on its way into its first environment.
func createAndWait(ctx context.Context, c *client.Client, o *appCreateOptions, run api.Run) error {
	app := applicationRef{run.Team, cmp.Or(run.Application, o.Name)}
	display := o.display("application " + app.String())
	defer display.Close()
	run, log, err := followRun(ctx, c, run, display)
	if err == nil && run.State == api.RunSucceeded {
		err = awaitHealthy(ctx, c, o, app, display)
	}
	display.Close()
	if err != nil {
		return err
	}
	if err := failedRun(o.Env, run, log); err != nil {
		return err
	}
	a, err := c.Application(ctx, app.Team, app.Name)
	if err != nil {
		return err
	}
	return show(o.Env, o.Format, a, func() {
		o.Env.printf("\n")
		printApplication(o.Env, a)
	})
}

// awaitHealthy waits until an application's first environment runs it well. A build that failed ends it.
func awaitHealthy(ctx context.Context, c *client.Client, o *appCreateOptions, app applicationRef,
	to progress.Reporter) error {
	build := progress.Start(to, "build", "for the first push", 0)
	var place *progress.Task
	missing := "no build has begun"
	err := until(ctx, c, o.Timeout, func() string { return missing }, func(e api.Event) bool {
		return e.Team == app.Team && e.Application == app.Name
	}, func(ctx context.Context) (bool, error) {
		a, err := c.Application(ctx, app.Team, app.Name)
		if err != nil {
			return false, err
		}
		if b := a.Build; b != nil && build != nil {
			missing = "build " + b.ID + " is " + string(b.State)
			switch b.State {
			case api.BuildSucceeded:
				_ = build.End(b.ID, nil)
				build = nil
			case api.BuildFailed, api.BuildCancelled:
				err := fault.Hint(fmt.Errorf("build %s of %s %s: %s", b.ID, app, b.State, b.Reason),
					"slipway app logs "+app.String()+" --build "+b.ID)
				return true, build.End("", err)
			default:
				build.Update(b.ID + " " + string(b.State))
			}
		}
		for _, d := range a.Deployments[:min(1, len(a.Deployments))] {
			if place == nil {
				place = progress.Start(to, d.Environment, "", 0)
			}
			missing = d.Environment + " is " + string(d.Health) + " " + d.Reason
			if d.Health == api.Healthy && d.Release != nil {
				if build != nil {
					_ = build.End("", nil)
				}
				return true, place.End(cmp.Or(d.URL, releaseText(d.Release)), nil)
			}
			place.Update(string(d.Health) + " " + d.Reason)
		}
		return false, nil
	})
	return err
}
