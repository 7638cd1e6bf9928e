package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/slipway-dev/slipway/internal/client"
	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/server/api"
)

// lastBuild stands for the newest build.
const lastBuild = "last"

type appLogsOptions struct {
	remote
	Team, Name  string
	Environment string
	Container   string
	Build       string
	Tail        int
	Follow      bool
	Times       bool
}

func newAppLogsCommand(env *Env) *cobra.Command {
	o := &appLogsOptions{remote: remote{Env: env}}
	cmd := &cobra.Command{
		Use:   "logs [TEAM/]APP",
		Short: "Read an application's logs, or those of its builds",
		Example: `  slipway app logs orders --follow
  slipway app logs orders --env prod --tail 1000
  slipway app logs orders --build last --follow`,
		Args:              usage(cobra.ExactArgs(1)),
		ValidArgsFunction: completeFirst(&o.remote, applicationNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Name = args[0]
			return runAppLogs(cmd.Context(), o)
		},
	}
	o.flags(cmd)
	addFormat(cmd, &o.Format, "text", "json")
	addTeam(cmd, &o.remote, &o.Team, "the `TEAM` whose application it is")
	f := cmd.Flags()
	f.StringVar(&o.Environment, "env", "", "of the `ENVIRONMENT`; by default the first one that it runs in")
	f.StringVar(&o.Container, "container", "", "only of the container `NAME`")
	f.StringVar(&o.Build, "build", "", "of the build `ID`, or of the `last` one")
	f.IntVar(&o.Tail, "tail", 200, "so many `LINES` of the past; 0 for all there are")
	f.BoolVarP(&o.Follow, "follow", "f", false, "stay for what comes; Ctrl-C ends it")
	f.BoolVar(&o.Times, "times", false, "put the time before each line")
	cmd.MarkFlagsMutuallyExclusive("build", "env")
	cmd.MarkFlagsMutuallyExclusive("build", "container")
	_ = cmd.RegisterFlagCompletionFunc("env", complete(&o.remote, environmentNames))
	_ = cmd.RegisterFlagCompletionFunc("build", func(c *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		return complete(&o.remote, buildNames(args))(c, args, begun)
	})
	check := cmd.PreRunE
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		if o.Tail < 0 || o.Tail > 10000 {
			return fault.Invalid(fmt.Errorf("--tail: %d is not between 0 and 10000", o.Tail), "")
		}
		return check(cmd, args)
	}
	return cmd
}

func runAppLogs(ctx context.Context, o *appLogsOptions) error {
	c, err := o.connect(ctx)
	if err != nil {
		return err
	}
	ref, err := findApplication(ctx, c, o.Team, o.Name)
	if err != nil {
		return err
	}
	q := api.LogQuery{Source: api.RuntimeLogs, Environment: o.Environment, Container: o.Container, Build: o.Build,
		Tail: o.Tail, Follow: o.Follow}
	if o.Build != "" {
		q.Source = api.BuildLogs
	}
	if o.Build == lastBuild {
		if q.Build, err = newestBuild(ctx, c, ref); err != nil {
			return err
		}
	}
	paint, encoder := painter(o.Env.Colour), json.NewEncoder(o.Env.Out)
	return c.Logs(ctx, ref.Team, ref.Name, q, func(l api.LogLine) error {
		if o.Format == "json" {
			return encoder.Encode(l)
		}
		begin := paint(yellow, l.Source) + " "
		if o.Times && l.At != nil {
			begin = l.At.UTC().Format("2006-01-02T15:04:05.000Z") + " " + begin
		}
		_, err := fmt.Fprintf(o.Env.Out, "%s%s\n", begin, l.Text)
		return err
	})
}

func newestBuild(ctx context.Context, c *client.Client, ref applicationRef) (string, error) {
	a, err := c.Application(ctx, ref.Team, ref.Name)
	switch {
	case err != nil:
		return "", err
	case len(a.Builds) > 0:
		return a.Builds[0].ID, nil
	case a.Build != nil:
		return a.Build.ID, nil
	}
	return "", fault.Hint(errors.New(ref.String()+" has not been built yet"), "push to "+a.Repository)
}
