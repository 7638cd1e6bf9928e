package cli

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/slipway-dev/slipway/internal/health"
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
application (APP or TEAM/APP); without it everything that is not well is explained. On a machine
that has no platform it is the portal that you are signed in to that explains applications.`,
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

// why finds the causes, by the platform on this machine or by the server that this command line knows.
func why(ctx context.Context, o *whyOptions) ([]health.Cause, error) {
	c, err := o.Env.elsewhere(ctx, o.Selection)
	if err == nil {
		return whyElsewhere(ctx, c, o.Thing)
	}
	if !errors.Is(err, errHere) {
		return nil, err
	}
	line, err := find(ctx, o.Env, o.Selection)
	if err != nil {
		return nil, err
	}
	causes, err := line.Why(ctx, o.Thing)
	if err == nil {
		return causes, nil
	}
	if app, failed := whyApplication(ctx, o.Env.signedIn(line), o.Thing); failed == nil {
		return app, nil
	}
	return nil, err
}

func runWhy(ctx context.Context, o *whyOptions) error {
	causes, err := why(ctx, o)
	if err != nil {
		return err
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
