package cli

import (
	"github.com/spf13/cobra"

	"github.com/slipway-dev/slipway/internal/fault"
)

// NewCommand gives the whole command line.
func NewCommand(env *Env) *cobra.Command {
	root := &cobra.Command{
		Use:   "slipway",
		Short: "One file, one command: a running internal developer platform",
		Long: `Slipway turns one declarative file into a running internal developer platform,
built from proven open-source tools, on a bare Linux machine or on any Kubernetes cluster.

  slipway up        bring the platform up, or up to date
  slipway status    see what runs, and where
  slipway why       find out what is wrong

  slipway login     sign in to the platform's portal
  slipway app       make applications from templates, and look at them
  slipway promote   bring a release into the next environment`,
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.SetIn(env.In)
	root.SetOut(env.Out)
	root.SetErr(env.Err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fault.Invalid(err, "see `"+cmd.CommandPath()+" --help`")
	})
	return group(root,
		newUpCommand(env, runUp),
		newPlanCommand(env, runPlan),
		newStatusCommand(env, runStatus),
		newWhyCommand(env, runWhy),
		newTimelineCommand(env),
		newGetCommand(env),
		newDownCommand(env, runDown),
		newToolsCommand(env),
		newBlueprintCommand(env),
		newAppCommand(env),
		newEnvironmentCommand(env),
		newTemplateCommand(env),
		newCatalogCommand(env),
		newPromoteCommand(env),
		newPromotionCommand(env),
		newAuditCommand(env),
		newPolicyCommand(env),
		newTokenCommand(env),
		newServerCommand(env, runServer),
		newLoginCommand(env, runLogin),
		newLogoutCommand(env, runLogout),
		newHostCommand(env),
		newImagesCommand(env), newPipelineCommand(env),
		newNodeCommand(env),
		newKubectlCommand(env),
		newVersionCommand(env),
		newCompletionCommand(env),
	)
}
