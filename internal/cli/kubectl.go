package cli

import (
	"errors"
	"os"
	"os/exec"

	"github.com/spf13/cobra"

	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/platform"
)

func newKubectlCommand(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:   "kubectl [ARGUMENT...]",
		Short: "Run kubectl against the platform's cluster",
		Long: `Run the node's own kubectl (or the one on PATH) with the platform's kubeconfig. All arguments go
to kubectl. With several platforms on this machine, SLIPWAY_PLATFORM says which one is meant.`,
		Example:            `  slipway kubectl get pods -A`,
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			line, err := find(cmd.Context(), env, platform.Selection{Name: env.Getenv("SLIPWAY_PLATFORM")})
			if err != nil {
				return err
			}
			argv, err := line.Kubectl()
			if err != nil {
				return err
			}
			k := exec.CommandContext(cmd.Context(), argv[0], append(argv[1:], args...)...)
			k.Env = append(os.Environ(), "KUBECONFIG="+line.Kubeconfig())
			k.Stdin, k.Stdout, k.Stderr = env.In, env.Out, env.Err
			err = k.Run()
			var exit *exec.ExitError
			if errors.As(err, &exit) {
				// kubectl has said itself what is wrong.
				return &fault.Error{Err: errors.New(""), Code: exit.ExitCode()}
			}
			return err
		},
	}
}
