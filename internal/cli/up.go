package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/slipway-dev/slipway/internal/cli/ui"
	"github.com/slipway-dev/slipway/internal/platform"
	"github.com/slipway-dev/slipway/internal/progress"
)

type upOptions struct {
	Env       *Env
	Selection platform.Selection
	Format    string
	Watch     bool
}

func newUpCommand(env *Env, run func(context.Context, *upOptions) error) *cobra.Command {
	o := &upOptions{Env: env}
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Bring the platform up, or up to date",
		Long: `Bring the platform up, or up to date with its file: bring the images, start the cluster,
install the tools, hand over to the delivery tool, and prove that every tool works.

It can be stopped at any moment and run again; what is done is not done twice. With no file it
takes ./platform.yaml, and without one the blueprint "starter".`,
		Example: `  slipway up
  slipway up -f my/platform.yaml
  slipway up --blueprint starter --name demo
  slipway up -o json > events.jsonl`,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), o) },
	}
	addSelection(cmd, &o.Selection)
	cmd.Flags().StringVar(&o.Selection.Provider, "provider", "", "run on `embedded|kubeconfig`, whatever the file says")
	cmd.Flags().StringVar(&o.Selection.Supply, "supply", "", "bring images by `auto|pull|build`, whatever the file says")
	cmd.Flags().BoolVar(&o.Watch, "watch", false, "stay, and deliver local packages again when their files change")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if err := oneOf("provider", o.Selection.Provider, "", "embedded", "kubeconfig"); err != nil {
			return err
		}
		return oneOf("supply", o.Selection.Supply, "", "auto", "pull", "build")
	}
	addFormat(cmd, &o.Format, "text", "json")
	_ = cmd.RegisterFlagCompletionFunc("provider", cobra.FixedCompletions([]string{"embedded", "kubeconfig"}, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("supply", cobra.FixedCompletions([]string{"auto", "pull", "build"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func runUp(ctx context.Context, o *upOptions) error {
	for {
		line, err := upOnce(ctx, o)
		if err != nil || !o.Watch {
			return err
		}
		err = line.WaitForEdit(ctx, func() {
			if o.Format == ui.FormatText {
				o.Env.printf("\nwatching for edits; Ctrl-C ends it\n")
			}
		})
		if err != nil {
			return err
		}
	}
}

// upOnce loads the platform and brings it up, showing the progress.
func upOnce(ctx context.Context, o *upOptions) (*platform.Line, error) {
	home, err := o.Env.home()
	if err != nil {
		return nil, err
	}
	display := ui.New(o.Env.Out, o.Format, "slipway up", o.Env.Terminal)
	defer display.Close()
	load := progress.Start(display, "platform", "load and resolve", 0)
	line, err := platform.Open(ctx, home, o.Env.Dir, o.Selection)
	if err != nil {
		_ = load.End("", errors.New("it can't be resolved"))
		return nil, err
	}
	_ = load.End(line.Name(), nil)
	for _, w := range line.Warnings() {
		fmt.Fprintf(o.Env.Err, "warning: %s\n", w)
	}
	summary, err := line.Up(ctx, display)
	display.Close()
	if err != nil {
		return nil, err
	}
	return line, printSummary(o.Env, o.Format, summary)
}

func printSummary(env *Env, format string, s platform.Summary) error {
	if format == ui.FormatJSON {
		return json.NewEncoder(env.Out).Encode(map[string]any{"summary": s})
	}
	env.printf("\nThe platform %s is up (%s).\n\n", s.Name, s.Took)
	t := newTable(env.Out)
	for _, c := range s.Capabilities {
		t.row("  "+c.Capability, c.Tool+" "+c.Version, c.URL)
	}
	t.flush()
	env.printf("\n")
	t = newTable(env.Out)
	for _, n := range s.Next {
		t.row("  "+n.Command, n.Purpose)
	}
	t.flush()
	return nil
}
