package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/slipway-dev/slipway/internal/client"
	"github.com/slipway-dev/slipway/internal/server/access"
	"github.com/slipway-dev/slipway/internal/server/api"
)

func newTemplateCommand(env *Env) *cobra.Command {
	return group(&cobra.Command{
		Use:   "template",
		Short: "Look at golden-path templates, and run them",
	}, newTemplateListCommand(env), newTemplateShowCommand(env), newTemplateRunCommand(env))
}

func newTemplateListCommand(env *Env) *cobra.Command {
	r := &remote{Env: env}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List templates",
		Example: `  slipway template list
  slipway template list -o json`,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := r.connect(cmd.Context())
			if err != nil {
				return err
			}
			all, err := client.Collect(c.Templates(cmd.Context()), 0)
			if err != nil {
				return err
			}
			return show(env, r.Format, all, func() { printTemplates(env, all) })
		},
	}
	addRemote(cmd, r)
	return cmd
}

func printTemplates(env *Env, all []api.TemplateSummary) {
	if env.orNone(len(all), "no templates") {
		return
	}
	t := newTable(env.Out, "NAME", "TYPE", "TITLE", "STATE")
	for _, s := range all {
		state := env.mood("ready", true, false)
		if len(s.Errors) > 0 {
			state = env.mood(fmt.Sprintf("%d errors", len(s.Errors)), false, false)
		}
		t.row(templateText(api.TemplateRef{Namespace: s.Namespace, Name: s.Name}), s.Type, s.Title, state)
	}
	t.flush()
}

func newTemplateShowCommand(env *Env) *cobra.Command {
	r := &remote{Env: env}
	cmd := &cobra.Command{
		Use:               "show [NAMESPACE/]TEMPLATE",
		Short:             "Show a template: its parameters, and what a run does",
		Example:           `  slipway template show go-service`,
		Args:              usage(cobra.ExactArgs(1)),
		ValidArgsFunction: completeFirst(r, templateNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := r.connect(cmd.Context())
			if err != nil {
				return err
			}
			t, err := c.Template(cmd.Context(), templateRef(args[0]))
			if err != nil {
				return err
			}
			return show(env, r.Format, t, func() { printTemplate(env, t) })
		},
	}
	addRemote(cmd, r)
	return cmd
}

func printTemplate(env *Env, t api.Template) {
	env.page(templateText(api.TemplateRef{Namespace: t.Namespace, Name: t.Name}), "title", t.Title, "description",
		t.Description, "type", t.Type, "owner", t.Owner, "tags", strings.Join(t.Tags, ", "))
	if all := parameters(t); len(all) > 0 {
		env.printf("\n")
		rows := newTable(env.Out, "PARAMETER", "TYPE", "REQUIRED", "DEFAULT", "DESCRIPTION")
		for _, p := range all {
			rows.row(p.name, p.kind, yesNo(p.required), p.preset, p.text)
		}
		rows.flush()
	}
	env.printf("\n")
	rows := newTable(env.Out, "STEP", "ACTION", "NAME")
	for _, s := range t.Steps {
		rows.row(s.ID, s.Action, s.Name)
	}
	rows.flush()
	for _, e := range t.Errors {
		place := e.Path
		if e.Line > 0 {
			place = fmt.Sprintf("%s (line %d)", place, e.Line)
		}
		env.printf("\n%s %s: %s\n", env.mood("error", false, false), strings.TrimSpace(place), e.Message)
	}
}

// parameter is one that a template asks for.
type parameter struct {
	name, kind, preset, text string
	required                 bool
	// textual says that its value is text.
	textual bool
}

// parameters reads the top level of the template's schemas, page by page, by name within a page.
func parameters(t api.Template) []parameter {
	var out []parameter
	for _, page := range t.Parameters {
		properties, _ := page["properties"].(map[string]any)
		required, _ := page["required"].([]any)
		var names []string
		for name := range properties {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			schema, _ := properties[name].(map[string]any)
			p := parameter{name: name, kind: text(schema["type"]), textual: schema["type"] == "string", preset: text(schema["default"]),
				required: slices.Contains(required, any(name)), text: text(schema["description"])}
			if p.text == "" {
				p.text = text(schema["title"])
			}
			if allowed, ok := schema["enum"].([]any); ok {
				p.kind = alternatives(allowed)
			}
			out = append(out, p)
		}
	}
	return out
}

func alternatives(all []any) string {
	words := make([]string, len(all))
	for i, v := range all {
		words[i] = text(v)
	}
	return strings.Join(words, "|")
}

// text is a value of a schema in a cell.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return strings.Join(strings.Fields(v), " ")
	default:
		return fmt.Sprint(v)
	}
}

type templateRunOptions struct {
	remote
	Team     string
	Template api.TemplateRef
	Given    valueFlags
	DryRun   bool
	Detach   bool
}

func newTemplateRunCommand(env *Env) *cobra.Command {
	o := &templateRunOptions{remote: remote{Env: env}}
	cmd := &cobra.Command{
		Use:   "run [NAMESPACE/]TEMPLATE",
		Short: "Run a template for a team, and show how it goes",
		Long: `Run a template for a team, and show how it goes. With --dry-run nothing is made: the steps, and
the files that a run would write, are shown instead (their contents with -o json or yaml).`,
		Example: `  slipway template run go-service --dry-run --set name=orders
  slipway template run go-service --team payments --values values.yaml --set replicas=2`,
		Args:              usage(cobra.ExactArgs(1)),
		ValidArgsFunction: completeFirst(&o.remote, templateNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Template = templateRef(args[0])
			return runTemplate(cmd.Context(), o)
		},
	}
	addRemote(cmd, &o.remote)
	addTeam(cmd, &o.remote, &o.Team, "for `TEAM`; by default the one that you develop for")
	o.Given.flags(cmd)
	cmd.Flags().BoolVar(&o.DryRun, "dry-run", false, "show what a run would make, and make nothing")
	cmd.Flags().BoolVar(&o.Detach, "detach", false, "begin the run and don't wait for its end")
	return cmd
}

func runTemplate(ctx context.Context, o *templateRunOptions) error {
	c, err := o.connect(ctx)
	if err != nil {
		return err
	}
	values, err := o.Given.read(ctx, o.Env, c, o.Template)
	if err != nil {
		return err
	}
	if o.DryRun {
		d, err := c.DryRun(ctx, o.Template, values)
		if err != nil {
			return err
		}
		return show(o.Env, o.Format, d, func() { printDryRun(o.Env, d) })
	}
	team, err := ownTeam(ctx, c, o.Team, access.Developer)
	if err != nil {
		return err
	}
	run, err := c.StartRun(ctx, team, api.NewRun{Template: o.Template, Values: values})
	if err != nil {
		return err
	}
	return finishRun(ctx, c, &o.remote, run, o.Detach)
}

func printDryRun(env *Env, d api.DryRun) {
	t := newTable(env.Out, "STEP", "ACTION", "NAME", "STATE")
	for _, s := range d.Steps {
		t.row(s.ID, s.Action, s.Name, env.runState(s.State))
	}
	t.flush()
	if len(d.Files) > 0 {
		env.printf("\n")
		t = newTable(env.Out, "FILE", "BYTES")
		for _, f := range d.Files {
			t.row(f.Path, fmt.Sprint(f.Size))
		}
		t.flush()
	}
	for _, line := range d.Log {
		env.printf("%s\n", line)
	}
	env.printf("\nnothing was made\n")
}

func (e *Env) runState(s api.RunState) string {
	return e.mood(string(s), s == api.RunSucceeded || s == api.RunSkipped, s == api.RunPending || s == api.RunRunning)
}
