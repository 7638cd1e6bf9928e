package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/slipway-dev/slipway/internal/platform"
)

func newNodeCommand(env *Env) *cobra.Command {
	return group(&cobra.Command{
		Use:   "node",
		Short: "Look into the embedded node",
	}, append(nodeProcesses(), newNodeStatusCommand(env), newNodeLogsCommand(env))...)
}

func newNodeStatusCommand(env *Env) *cobra.Command {
	var s platform.Selection
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show the node's parts",
		Args:  usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			line, err := find(cmd.Context(), env, s)
			if err != nil {
				return err
			}
			parts, err := line.Parts(cmd.Context())
			if err != nil {
				return err
			}
			t := newTable(env.Out, "PART", "STATE", "PID", "SINCE", "RESTARTS", "MEMORY")
			for _, p := range parts {
				t.row(p.Name, p.State, fmt.Sprint(p.PID), p.Since, fmt.Sprint(p.Restarts), bytesText(p.Memory))
			}
			t.flush()
			return nil
		},
	}
	addSelection(cmd, &s)
	return cmd
}

func newNodeLogsCommand(env *Env) *cobra.Command {
	var s platform.Selection
	var follow bool
	var tail int
	cmd := &cobra.Command{
		Use:   "logs [PART]",
		Short: "Show the log of a part of the node; without PART, which logs there are",
		Args:  usage(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			line, err := find(cmd.Context(), env, s)
			if err != nil {
				return err
			}
			if len(args) == 0 {
				names, err := line.Logs()
				if err != nil {
					return err
				}
				for _, n := range names {
					env.printf("%s\n", n)
				}
				return nil
			}
			return line.Log(cmd.Context(), args[0], tail, follow, env.Out)
		},
	}
	addSelection(cmd, &s)
	cmd.Flags().BoolVar(&follow, "follow", false, "stay, and show what is added")
	cmd.Flags().IntVar(&tail, "tail", 200, "show the last `N` lines; 0 for all")
	return cmd
}
