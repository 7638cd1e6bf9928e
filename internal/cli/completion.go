package cli

import "github.com/spf13/cobra"

func newCompletionCommand(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish",
		Short: "Write the shell's completion script",
		Long: `Write a script that completes slipway's commands and flags. For bash:

  source <(slipway completion bash)`,
		ValidArgs: []string{"bash", "zsh", "fish"},
		Args:      usage(cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs)),
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(env.Out, true)
			case "zsh":
				return root.GenZshCompletion(env.Out)
			default:
				return root.GenFishCompletion(env.Out, true)
			}
		},
	}
}
