package cli

import (
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/slipway-dev/slipway/internal/cluster/embedded"
	"github.com/slipway-dev/slipway/internal/footprint"
)

// alias gives what the program does when it is started under another name than its own.
func alias(name string) (run func() int, ok bool) {
	if name != embedded.GatewayPluginName {
		return nil, false
	}
	return func() int { embedded.GatewayPlugin(); return 0 }, true
}

// nodeProcesses are the node's two supervisors; `up` starts them, people don't.
func nodeProcesses() []*cobra.Command {
	var stateDir string
	process := func(use, short string, run func(cmd *cobra.Command) error) *cobra.Command {
		cmd := &cobra.Command{
			Use: use, Short: short, Hidden: true, Args: usage(cobra.NoArgs),
			RunE: func(cmd *cobra.Command, _ []string) error {
				go footprint.Keep(cmd.Context(), slog.Default())
				return run(cmd)
			},
		}
		cmd.Flags().StringVar(&stateDir, "state-dir", "", "the node's state `DIR`")
		_ = cmd.MarkFlagRequired("state-dir")
		return cmd
	}
	return []*cobra.Command{
		process("run", "Supervise the node from outside", func(cmd *cobra.Command) error { return embedded.Run(cmd.Context(), stateDir) }),
		process("init", "Be process 1 of the node's namespaces", func(cmd *cobra.Command) error { return embedded.Init(cmd.Context(), stateDir) }),
	}
}
