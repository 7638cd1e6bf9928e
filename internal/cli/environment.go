package cli

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/slipway-dev/slipway/internal/client"
	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/server/access"
	"github.com/slipway-dev/slipway/internal/server/api"
)

func newEnvironmentCommand(env *Env) *cobra.Command {
	return group(&cobra.Command{
		Use:     "env",
		Aliases: []string{"environment"},
		Short:   "Make, look at and delete environments",
	}, newEnvCreateCommand(env), newEnvListCommand(env), newEnvShowCommand(env), newEnvDeleteCommand(env))
}

type envCreateOptions struct {
	remote
	Team        string
	Environment api.NewEnvironment
}

func newEnvCreateCommand(env *Env) *cobra.Command {
	o := &envCreateOptions{remote: remote{Env: env}}
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Make an environment for a team: a namespace with quota, network policy and access",
		Long: `Make an environment for a team: a namespace with quota, network policy and access. What runs in the first
environment of the team's applications comes into it at once, and each release from then on.`,
		Example: `  slipway env create load-test --ttl 48h
  slipway env create demo --team payments --description "for the fair"`,
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Environment.Name = args[0]
			return runEnvCreate(cmd.Context(), o)
		},
	}
	addRemote(cmd, &o.remote)
	addTeam(cmd, &o.remote, &o.Team, "for `TEAM`; by default the one that you develop for")
	cmd.Flags().StringVar(&o.Environment.Description, "description", "", "what it is for, in a `SENTENCE`")
	cmd.Flags().StringVar(&o.Environment.Lifetime, "ttl", "", "delete it after `DURATION`, such as 48h or 7d")
	return cmd
}

func runEnvCreate(ctx context.Context, o *envCreateOptions) error {
	lifetime, err := lifetime(o.Environment.Lifetime)
	if err != nil {
		return err
	}
	o.Environment.Lifetime = lifetime
	c, err := o.connect(ctx)
	if err != nil {
		return err
	}
	team, err := ownTeam(ctx, c, o.Team, access.Developer)
	if err != nil {
		return err
	}
	e, err := c.CreateEnvironment(ctx, team, o.Environment)
	if err != nil {
		return err
	}
	return show(o.Env, o.Format, e, func() { printEnvironment(o.Env, e) })
}

var inDays = regexp.MustCompile(`^([0-9]{1,4})d$`)

// lifetime reads a duration in which days may stand, and gives it as the API has it.
func lifetime(text string) (string, error) {
	d, err := duration("--ttl", text)
	if err != nil || d == 0 {
		return "", err
	}
	return fmt.Sprintf("%ds", int(d.Seconds())), nil
}

// duration reads a Go duration, or days ("7d").
func duration(flag, text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	if m := inDays.FindStringSubmatch(text); m != nil {
		days := 0
		_, _ = fmt.Sscan(m[1], &days) // the expression lets numbers alone pass
		return time.Duration(days) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(text)
	if err == nil && d < time.Second {
		err = errors.New("it must be a second at least")
	}
	if err != nil {
		return 0, fault.Invalid(fmt.Errorf("%s: %q is not a duration: %w", flag, text, err), "write 90m, 48h or 7d")
	}
	return d, nil
}

func newEnvListCommand(env *Env) *cobra.Command {
	r := &remote{Env: env}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the environments of your teams, and everyone's",
		Example: `  slipway env list
  slipway env list -o json`,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := r.connect(cmd.Context())
			if err != nil {
				return err
			}
			all, err := client.Collect(c.Environments(cmd.Context()), 0)
			if err != nil {
				return err
			}
			return show(env, r.Format, all, func() { printEnvironments(env, all) })
		},
	}
	addRemote(cmd, r)
	return cmd
}

func printEnvironments(env *Env, all []api.Environment) {
	if env.orNone(len(all), "no environments") {
		return
	}
	t := newTable(env.Out, "NAME", "TEAM", "GOVERNED", "HEALTH", "EXPIRES", "DESCRIPTION")
	for _, e := range all {
		t.row(e.Name, owner(e), yesNo(e.Governed), env.healthText(e.State), whenever(e.Expires), e.Description)
	}
	t.flush()
}

// owner is the team of an environment in a cell.
func owner(e api.Environment) string {
	if e.Team == "" {
		return "(everyone)"
	}
	return e.Team
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func printEnvironment(env *Env, e api.Environment) {
	by := ""
	if e.By != nil {
		by = strings.TrimSpace(e.By.Username + " " + whenever(e.Created))
	}
	governed := "no: releases come as soon as they are there"
	if e.Governed {
		governed = "yes: releases come in by promotion only"
	}
	health := env.healthText(e.State)
	if e.Reason != "" {
		health += ": " + e.Reason
	}
	env.page(e.Name, "team", owner(e), "description", e.Description, "namespace", e.Namespace, "governed", governed,
		"health", health, "made by", by, "expires", whenever(e.Expires), "pull request", e.Preview)
}

func newEnvShowCommand(env *Env) *cobra.Command {
	r := &remote{Env: env}
	team := ""
	cmd := &cobra.Command{
		Use:               "show [TEAM/]ENVIRONMENT",
		Short:             "Show an environment",
		Example:           `  slipway env show load-test`,
		Args:              usage(cobra.ExactArgs(1)),
		ValidArgsFunction: completeFirst(r, environmentNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := r.connect(cmd.Context())
			if err != nil {
				return err
			}
			e, err := findEnvironment(cmd.Context(), c, team, args[0])
			if err != nil {
				return err
			}
			return show(env, r.Format, e, func() { printEnvironment(env, e) })
		},
	}
	addRemote(cmd, r)
	addTeam(cmd, r, &team, "the `TEAM` whose environment it is")
	return cmd
}

// findEnvironment says which environment is meant: NAME or TEAM/NAME.
func findEnvironment(ctx context.Context, c *client.Client, team, argument string) (api.Environment, error) {
	name := argument
	if in, of, ok := strings.Cut(argument, "/"); ok {
		team, name = in, of
	}
	if team != "" {
		return c.Environment(ctx, team, name)
	}
	var found []api.Environment
	var teams []string
	for e, err := range c.Environments(ctx) {
		if err != nil {
			return e, err
		}
		if e.Name == name {
			found, teams = append(found, e), append(teams, owner(e))
		}
	}
	switch len(found) {
	case 0:
		return api.Environment{}, fault.Hint(fmt.Errorf("there is no environment %s in your teams", name),
			"see `slipway env list`")
	case 1:
		return found[0], nil
	}
	return api.Environment{}, fault.Invalid(fmt.Errorf("there are several environments %s: of %s", name,
		strings.Join(teams, ", ")), "say whose: --team TEAM")
}

type envDeleteOptions struct {
	remote
	Team, Name string
	Yes        bool
}

func newEnvDeleteCommand(env *Env) *cobra.Command {
	o := &envDeleteOptions{remote: remote{Env: env}}
	cmd := &cobra.Command{
		Use:   "delete [TEAM/]ENVIRONMENT",
		Short: "Delete a team's environment with everything in it",
		Example: `  slipway env delete load-test
  slipway env delete load-test --yes`,
		Args:              usage(cobra.ExactArgs(1)),
		ValidArgsFunction: completeFirst(&o.remote, environmentNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Name = args[0]
			return runEnvDelete(cmd.Context(), o)
		},
	}
	addRemote(cmd, &o.remote)
	addTeam(cmd, &o.remote, &o.Team, "the `TEAM` whose environment it is")
	cmd.Flags().BoolVarP(&o.Yes, "yes", "y", false, "don't ask")
	return cmd
}

func runEnvDelete(ctx context.Context, o *envDeleteOptions) error {
	c, err := o.connect(ctx)
	if err != nil {
		return err
	}
	e, err := findEnvironment(ctx, c, o.Team, o.Name)
	if err != nil {
		return err
	}
	if e.Team == "" {
		return fault.Hint(fmt.Errorf("the environment %s is everyone's", e.Name),
			"it is removed where it was made: in the environments' repository")
	}
	if !o.Yes {
		what := "This deletes the environment " + e.Team + "/" + e.Name + " and its namespace " + e.Namespace + ", with everything in it."
		if err := confirmName(o.Env, what, e.Name, "slipway env delete "+e.Team+"/"+e.Name+" --yes"); err != nil {
			return err
		}
	}
	d, err := c.DeleteEnvironment(ctx, e.Team, e.Name)
	if err != nil {
		return err
	}
	return show(o.Env, o.Format, d, func() { printDeletion(o.Env, "environment "+e.Team+"/"+e.Name, d) })
}
