package cli

import (
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/platform"
)

func newBlueprintCommand(env *Env) *cobra.Command {
	return group(&cobra.Command{
		Use:   "blueprint",
		Short: "List and show complete, documented Platform files",
	}, newBlueprintListCommand(env), newBlueprintShowCommand(env))
}

func newBlueprintListCommand(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the blueprints",
		Args:  usage(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			c, err := platform.LoadCatalog(nil)
			if err != nil {
				return err
			}
			t := newTable(env.Out)
			for _, name := range slices.Sorted(maps.Keys(c.Blueprints)) {
				t.row(name, c.Blueprints[name].Description)
			}
			t.flush()
			return nil
		},
	}
}

func newBlueprintShowCommand(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:     "show NAME",
		Short:   "Print a blueprint's Platform file",
		Example: "  slipway blueprint show starter > platform.yaml",
		Args:    usage(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			c, err := platform.LoadCatalog(nil)
			if err != nil {
				return err
			}
			b, ok := c.Blueprints[args[0]]
			if !ok {
				return fault.Invalid(fmt.Errorf("there is no blueprint %q", args[0]), "see `slipway blueprint list`")
			}
			_, err = env.Out.Write(b.Data)
			return err
		},
	}
}
