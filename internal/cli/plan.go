package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/platform"
)

type planOptions struct {
	Env       *Env
	Selection platform.Selection
	Format    string
	ExitCode  bool
	Short     bool
}

func newPlanCommand(env *Env, run func(context.Context, *planOptions) error) *cobra.Command {
	o := &planOptions{Env: env}
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Show what `slipway up` would change",
		Long: `Show what "slipway up" would change, and change nothing: tools and packages that are added,
changed or removed, the difference of every manifest, which images are there, pulled or built, and
what in the cluster has drifted from what was delivered.

  -o yaml and -o json give the resolved plan itself, -o mermaid a picture of it.`,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), o) },
	}
	addSelection(cmd, &o.Selection)
	cmd.Flags().BoolVar(&o.ExitCode, "exit-code", false, "exit with 3 where changes are pending")
	cmd.Flags().BoolVar(&o.Short, "summary", false, "leave the manifests' differences out")
	addFormat(cmd, &o.Format, "text", "yaml", "json", "mermaid")
	return cmd
}

func runPlan(ctx context.Context, o *planOptions) error {
	// Half a second of work that allocates much is over before collecting it would pay.
	debug.SetGCPercent(400)
	home, err := o.Env.home()
	if err != nil {
		return err
	}
	line, err := platform.Open(ctx, home, o.Env.Dir, o.Selection)
	if err != nil {
		return err
	}
	changes, err := line.Plan(ctx)
	if err != nil {
		return err
	}
	if err := printPlan(o, changes); err != nil {
		return err
	}
	if o.ExitCode && changes.Pending() {
		return &fault.Error{Err: errors.New(""), Code: fault.ExitPending}
	}
	return nil
}

func printPlan(o *planOptions, c platform.Changes) error {
	switch o.Format {
	case "yaml":
		text, err := yaml.Marshal(c)
		if err != nil {
			return err
		}
		_, err = o.Env.Out.Write(text)
		return err
	case "json":
		enc := json.NewEncoder(o.Env.Out)
		enc.SetIndent("", "  ")
		return enc.Encode(c)
	case "mermaid":
		_, err := io.WriteString(o.Env.Out, c.Mermaid())
		return err
	}
	printChanges(o.Env, c, !o.Short)
	return nil
}

func printChanges(env *Env, c platform.Changes, withDiff bool) {
	paint := painter(env.Colour)
	env.printf("%s %s (%s)\n", paint(bold, "Platform"), c.Plan.Name, c.Plan.Domain)
	section := func(title string) { env.printf("\n%s\n", paint(bold, title)) }

	section("Units")
	t := newTable(env.Out)
	for _, u := range c.Units {
		t.row("  "+sign(u.Action), u.Name, u.Version, strings.Join(u.Capabilities, ", "), u.Detail)
	}
	t.flush()

	if len(c.Images) > 0 {
		section("Images")
		t = newTable(env.Out)
		for _, i := range c.Images {
			t.row("  "+i.Action, i.Recipe, i.Reason)
		}
		t.flush()
	}
	if len(c.Lock) > 0 {
		section("Lock: what will be pinned anew")
		for _, l := range c.Lock {
			env.printf("  %s\n", l)
		}
	}
	if len(c.Drift) > 0 {
		section("Drift: the cluster differs from what was delivered")
		for _, d := range c.Drift {
			env.printf("  %s\n", d)
		}
	}
	if c.DriftUnknown != "" {
		section("Drift")
		env.printf("  %s\n", c.DriftUnknown)
	}
	if len(c.Files) > 0 {
		section("Manifests")
		for _, f := range c.Files {
			env.printf("  %s %s\n", sign(f.Action), f.Path)
			if withDiff {
				printDiff(env, paint, f.Diff)
			}
		}
	}
	env.printf("\n%s\n", c.Sentence())
}

func printDiff(env *Env, paint func(colour, string) string, diff string) {
	for _, l := range strings.Split(strings.TrimRight(diff, "\n"), "\n") {
		switch {
		case l == "":
		case strings.HasPrefix(l, "+"):
			env.printf("      %s\n", paint(green, l))
		case strings.HasPrefix(l, "-"):
			env.printf("      %s\n", paint(red, l))
		default:
			env.printf("      %s\n", l)
		}
	}
}

func sign(action string) string {
	switch action {
	case "added":
		return "+"
	case "removed":
		return "-"
	case "changed":
		return "~"
	}
	return " "
}

type colour string

const (
	bold   colour = "bold"
	red    colour = "1"
	green  colour = "2"
	yellow colour = "3"
)

// painter gives a function that colours text where colours are on.
func painter(on bool) func(colour, string) string {
	return func(c colour, text string) string {
		if !on {
			return text
		}
		style := lipgloss.NewStyle()
		if c == bold {
			return style.Bold(true).Render(text)
		}
		return style.Foreground(lipgloss.Color(string(c))).Render(text)
	}
}

// bytesText writes an amount of memory or disk for people.
func bytesText(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.0f MiB", float64(n)/(1<<20))
	default:
		return fmt.Sprintf("%.0f KiB", float64(n)/(1<<10))
	}
}
