package cli

import (
	"context"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/slipway-dev/slipway/internal/cli/ui"
	"github.com/slipway-dev/slipway/internal/platform"
)

// newImagesCommand is for those who work on Slipway itself: tests run the programs of its recipes.
func newImagesCommand(env *Env) *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "images",
		Short: "Make use of the images that recipes make",
	}, newImagesExtractCommand(env))
	cmd.Hidden = true
	return cmd
}

func newImagesExtractCommand(env *Env) *cobra.Command {
	var e platform.Extraction
	cmd := &cobra.Command{
		Use:   "extract RECIPE DIR",
		Short: "Unpack a recipe's image into a directory; build or pull it first where it is missing",
		Args:  usage(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			e.Recipe, e.Dir = args[0], args[1]
			return extract(cmd.Context(), env, e)
		},
	}
	cmd.Flags().StringVar(&e.Mode, "supply", "auto", "bring the image by `auto|pull|build`")
	addCatalogs(cmd, &e.Catalogs)
	cmd.PreRunE = func(*cobra.Command, []string) error { return oneOf("supply", e.Mode, "auto", "pull", "build") }
	return cmd
}

func extract(ctx context.Context, env *Env, e platform.Extraction) error {
	home, err := env.home()
	if err != nil {
		return err
	}
	if !filepath.IsAbs(e.Dir) {
		e.Dir = filepath.Join(env.Dir, e.Dir)
	}
	display := ui.New(env.Out, ui.FormatText, "slipway images extract "+e.Recipe, env.Terminal)
	defer display.Close()
	return platform.Extract(ctx, home, e, display)
}
