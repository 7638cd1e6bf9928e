package cli

import (
	"bufio"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/slipway-dev/slipway/internal/client"
	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/server/api"
)

func newAppCommand(env *Env) *cobra.Command {
	return group(&cobra.Command{
		Use:   "app",
		Short: "Make, look at and delete applications",
	}, newAppCreateCommand(env), newAppListCommand(env), newAppShowCommand(env), newAppLogsCommand(env),
		newAppDeleteCommand(env))
}

func newAppListCommand(env *Env) *cobra.Command {
	r := &remote{Env: env}
	team := ""
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the applications of your teams, and what runs where",
		Example: `  slipway app list
  slipway app list --team payments -o json`,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := r.connect(cmd.Context())
			if err != nil {
				return err
			}
			all, err := client.Collect(c.Applications(cmd.Context()), 0)
			if err != nil {
				return err
			}
			all = slices.DeleteFunc(all, func(a api.ApplicationSummary) bool { return team != "" && a.Team != team })
			return show(env, r.Format, all, func() { printApplications(env, all) })
		},
	}
	addRemote(cmd, r)
	addTeam(cmd, r, &team, "only those of `TEAM`")
	return cmd
}

// printApplications has a column for each environment, in the order of promotion.
func printApplications(env *Env, all []api.ApplicationSummary) {
	if env.orNone(len(all), "no applications; `slipway app create` makes one") {
		return
	}
	var environments []string
	for _, a := range all {
		for _, d := range a.Deployments {
			if d.Preview == "" && !slices.Contains(environments, d.Environment) {
				environments = append(environments, d.Environment)
			}
		}
	}
	header := []string{"TEAM", "NAME", "BUILD"}
	for _, e := range environments {
		header = append(header, strings.ToUpper(e))
	}
	t := newTable(env.Out, header...)
	for _, a := range all {
		row := []string{a.Team, a.Name, env.buildText(a.Build)}
		for _, e := range environments {
			row = append(row, env.deploymentText(a.Deployments, e))
		}
		t.row(row...)
	}
	t.flush()
}

func (e *Env) buildText(b *api.Build) string {
	if b == nil {
		return "-"
	}
	return e.mood(string(b.State), b.State == api.BuildSucceeded, b.State == api.BuildPending || b.State == api.BuildRunning)
}

// deploymentText is what an application has in an environment, in a cell.
func (e *Env) deploymentText(all []api.Deployment, environment string) string {
	for _, d := range all {
		if d.Environment != environment || d.Preview != "" {
			continue
		}
		if d.Release == nil {
			return "-"
		}
		text := d.Release.Version
		if text == "" {
			text = shortDigest(d.Release.Digest)
		}
		return text + " " + e.healthText(d.Health)
	}
	return "-"
}

func newAppShowCommand(env *Env) *cobra.Command {
	r := &remote{Env: env}
	team := ""
	cmd := &cobra.Command{
		Use:   "show [TEAM/]APP",
		Short: "Show an application: where it runs, how it is and why, its builds",
		Example: `  slipway app show orders
  slipway app show payments/orders -o yaml`,
		Args:              usage(cobra.ExactArgs(1)),
		ValidArgsFunction: completeFirst(r, applicationNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := r.connect(cmd.Context())
			if err != nil {
				return err
			}
			ref, err := findApplication(cmd.Context(), c, team, args[0])
			if err != nil {
				return err
			}
			a, err := c.Application(cmd.Context(), ref.Team, ref.Name)
			if err != nil {
				return err
			}
			return show(env, r.Format, a, func() { printApplication(env, a) })
		},
	}
	addRemote(cmd, r)
	addTeam(cmd, r, &team, "the `TEAM` whose application it is")
	return cmd
}

func printApplication(env *Env, a api.Application) {
	template, by := "", ""
	if a.Template != nil {
		template = templateText(*a.Template)
	}
	if a.By != nil {
		by = strings.TrimSpace(a.By.Username + " " + whenever(a.Created))
	}
	env.page(a.Team+"/"+a.Name, "title", a.Title, "description", a.Description, "repository", a.Repository,
		"template", template, "made by", by)
	if len(a.Deployments) > 0 {
		env.printf("\n")
		t := newTable(env.Out, "ENVIRONMENT", "RELEASE", "HEALTH", "SINCE", "URL")
		for _, d := range a.Deployments {
			t.row(d.Environment, releaseText(d.Release), env.healthText(d.Health), whenever(d.Since), d.URL)
		}
		t.flush()
		printReasons(env, a.Deployments)
	}
	if len(a.Builds) > 0 {
		env.printf("\n")
		t := newTable(env.Out, "BUILD", "COMMIT", "STATE", "STARTED", "REASON")
		for _, b := range a.Builds[:min(len(a.Builds), 5)] {
			t.row(b.ID, shortCommit(b.Commit), env.buildText(&b), whenever(b.Started), b.Reason)
		}
		t.flush()
	}
	printLinks(env, a.Links)
}

// printReasons says why what is not healthy is not, and by what that shows.
func printReasons(env *Env, all []api.Deployment) {
	for _, d := range all {
		if d.Reason == "" || d.Release == nil && d.Health == api.Missing {
			continue
		}
		env.printf("\n%s: %s\n", d.Environment, d.Reason)
		for _, line := range d.Evidence {
			env.printf("  %s\n", line)
		}
	}
}

func printLinks(env *Env, links []api.Link) {
	if len(links) == 0 {
		return
	}
	env.printf("\n")
	t := newTable(env.Out, "LINK", "URL")
	for _, l := range links {
		t.row(l.Title, l.URL)
	}
	t.flush()
}

type appDeleteOptions struct {
	remote
	Team           string
	KeepRepository bool
	Yes            bool
	Name           string
}

func newAppDeleteCommand(env *Env) *cobra.Command {
	o := &appDeleteOptions{remote: remote{Env: env}}
	cmd := &cobra.Command{
		Use:   "delete [TEAM/]APP",
		Short: "Delete an application from every environment, with its repository",
		Example: `  slipway app delete orders
  slipway app delete orders --keep-repository --yes`,
		Args:              usage(cobra.ExactArgs(1)),
		ValidArgsFunction: completeFirst(&o.remote, applicationNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Name = args[0]
			return runAppDelete(cmd.Context(), o)
		},
	}
	addRemote(cmd, &o.remote)
	addTeam(cmd, &o.remote, &o.Team, "the `TEAM` whose application it is")
	cmd.Flags().BoolVar(&o.KeepRepository, "keep-repository", false, "leave the source where it is")
	cmd.Flags().BoolVarP(&o.Yes, "yes", "y", false, "don't ask")
	return cmd
}

func runAppDelete(ctx context.Context, o *appDeleteOptions) error {
	c, err := o.connect(ctx)
	if err != nil {
		return err
	}
	ref, err := findApplication(ctx, c, o.Team, o.Name)
	if err != nil {
		return err
	}
	if !o.Yes {
		a, err := c.Application(ctx, ref.Team, ref.Name)
		if err != nil {
			return err
		}
		what := "This deletes the application " + ref.String() + ":\n" + parts(a, o.KeepRepository)
		if err := confirmName(o.Env, what, ref.Name, "slipway app delete "+ref.String()+" --yes"); err != nil {
			return err
		}
	}
	d, err := c.DeleteApplication(ctx, ref.Team, ref.Name, api.DeleteApplication{KeepRepository: o.KeepRepository})
	if err != nil {
		return err
	}
	return show(o.Env, o.Format, d, func() { printDeletion(o.Env, "application "+ref.String(), d) })
}

// parts are what an application is made of, a line each, for who is about to delete it.
func parts(a api.Application, keepRepository bool) string {
	var lines []string
	for _, d := range a.Deployments {
		if d.Release != nil {
			lines = append(lines, strings.TrimSpace(fmt.Sprintf("what runs in %s, in the namespace %s %s", d.Environment, d.Namespace, d.URL)))
		}
	}
	if n := len(a.Builds); n > 0 {
		lines = append(lines, fmt.Sprintf("its builds (%d of the last), their logs and their cache", n))
	}
	lines = append(lines, "its images, unless the audit log has decisions about them")
	if keepRepository {
		lines = append(lines, "not its repository "+a.Repository)
	} else {
		lines = append(lines, "its repository "+a.Repository+", with all issues and pull requests")
	}
	return "  " + strings.Join(lines, "\n  ")
}

func printDeletion(env *Env, what string, d api.Deletion) {
	if d.Done {
		env.printf("%s is deleted\n", what)
	} else {
		env.printf("%s is being deleted\n", what)
	}
	for _, left := range d.Remains {
		env.printf("  still there: %s\n", left)
	}
}

// confirmName asks for a name before something is deleted; instead is the command that does not ask.
func confirmName(env *Env, what, name, instead string) error {
	if !env.InTerminal {
		fmt.Fprintln(env.Err, what)
		return fault.Invalid(fmt.Errorf("deleting %s needs a confirmation", name), "run `"+instead+"`")
	}
	env.printf("%s\nType %s to go on: ", what, name)
	answer, _ := bufio.NewReader(env.In).ReadString('\n')
	if strings.TrimSpace(answer) != name {
		return fault.Invalid(errNotConfirmed, "")
	}
	return nil
}
