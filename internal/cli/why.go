package cli

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/spf13/cobra"

	"github.com/slipway-dev/slipway/internal/platform"
)

type whyOptions struct {
	Env       *Env
	Selection platform.Selection
	Thing     string
	Format    string
}

func newWhyCommand(env *Env, run func(context.Context, *whyOptions) error) *cobra.Command {
	o := &whyOptions{Env: env}
	cmd := &cobra.Command{
		Use:   "why [THING]",
		Short: "Find the root cause of what is wrong",
		Long: `Walk from a symptom to its root cause and show the evidence. THING is a capability, a tool, a
package or an object (KIND/NAMESPACE/NAME), or, for who is signed in to the platform's portal, an
application (APP or TEAM/APP); without it everything that is not well is explained.`,
		Example: `  slipway why
  slipway why git
  slipway why payments/orders
  slipway why Deployment/shop/api`,
		Args: usage(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Thing = strings.Join(args, "")
			return run(cmd.Context(), o)
		},
	}
	addSelection(cmd, &o.Selection)
	addFormat(cmd, &o.Format, "text", "json")
	return cmd
}

func runWhy(ctx context.Context, o *whyOptions) error {
	line, err := find(ctx, o.Env, o.Selection)
	if err != nil {
		return err
	}
	causes, err := line.Why(ctx, o.Thing)
	if err != nil {
		app, failed := whyApplication(ctx, o.Env.signedIn(line), o.Thing)
		if failed != nil {
			return err
		}
		causes = app
	}
	if o.Format == "json" {
		return json.NewEncoder(o.Env.Out).Encode(causes)
	}
	if len(causes) == 0 {
		o.Env.printf("nothing is wrong\n")
		return nil
	}
	for i, c := range causes {
		if i > 0 {
			o.Env.printf("\n")
		}
		o.Env.printf("%s", c)
	}
	return nil
}
