package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/host"
	"github.com/slipway-dev/slipway/internal/platform"
)

func newHostCommand(env *Env) *cobra.Command {
	return group(&cobra.Command{
		Use:   "host",
		Short: "Check what this machine lacks for a platform, and install it",
	}, newHostCheckCommand(env), newHostInstallCommand(env))
}

func newHostCheckCommand(env *Env) *cobra.Command {
	var s platform.Selection
	cmd := &cobra.Command{
		Use:   "check",
		Short: "List the distribution packages that a platform needs and this machine lacks",
		Args:  usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			missing, err := missingPackages(cmd.Context(), env, s)
			if err != nil {
				return err
			}
			if len(missing) > 0 {
				return fault.Hint(&host.MissingError{Missing: missing}, "install them with `slipway host install`")
			}
			env.printf("nothing is missing\n")
			return nil
		},
	}
	addSelection(cmd, &s)
	return cmd
}

func newHostInstallCommand(env *Env) *cobra.Command {
	var s platform.Selection
	var refuse bool
	cmd := &cobra.Command{
		Use:   "install",
		Short: "Install the distribution packages that a platform needs",
		Args:  usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			env.printf("looking at what this machine lacks for the platform and its builds\n")
			missing, err := missingPackages(cmd.Context(), env, s)
			if err != nil || len(missing) == 0 {
				return err
			}
			if refuse {
				return fault.Hint(&host.MissingError{Missing: missing}, "install them yourself, or run it again without --no-install")
			}
			for _, n := range missing {
				env.printf("installing %-24s for %s\n", n.Package, strings.Join(n.For, ", "))
			}
			return host.Install(cmd.Context(), missing, env.Err)
		},
	}
	addSelection(cmd, &s)
	cmd.Flags().BoolVar(&refuse, "no-install", false, "install nothing; fail with the list of what is missing")
	return cmd
}

// missingPackages says what the machine lacks for the selected platform.
func missingPackages(ctx context.Context, env *Env, s platform.Selection) ([]host.Need, error) {
	home, err := env.home()
	if err != nil {
		return nil, err
	}
	line, err := platform.Open(ctx, home, env.Dir, s)
	if err != nil {
		return nil, err
	}
	return line.MissingPackages(ctx)
}
