package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/slipway-dev/slipway/internal/cli/ui"
	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/platform"
)

type downOptions struct {
	Env       *Env
	Selection platform.Selection
	Purge     bool
	Caches    bool
	Yes       bool
	Format    string
}

func newDownCommand(env *Env, run func(context.Context, *downOptions) error) *cobra.Command {
	o := &downOptions{Env: env}
	cmd := &cobra.Command{
		Use:   "down",
		Short: "Stop the platform and keep its data",
		Long: `Stop the platform and keep its data: "slipway up" brings it back as it was.

With --purge everything that Slipway made for this platform is removed, its data too, and nothing
else. The store of images and the build caches serve other platforms and stay, unless --caches.`,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), o) },
	}
	addSelection(cmd, &o.Selection)
	cmd.Flags().BoolVar(&o.Purge, "purge", false, "remove the platform with all its data")
	cmd.Flags().BoolVar(&o.Caches, "caches", false, "with --purge: remove the image store and the build caches too")
	cmd.Flags().BoolVarP(&o.Yes, "yes", "y", false, "don't ask")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if o.Caches && !o.Purge {
			return fault.Invalid(errors.New("--caches goes with --purge"), "")
		}
		return nil
	}
	addFormat(cmd, &o.Format, "text", "json")
	return cmd
}

func runDown(ctx context.Context, o *downOptions) error {
	line, err := find(ctx, o.Env, o.Selection)
	if err != nil {
		return err
	}
	if o.Purge && !o.Yes {
		if err := confirm(o.Env, line.Name()); err != nil {
			return err
		}
	}
	display := ui.New(o.Env.Out, o.Format, "slipway down", o.Env.Terminal)
	defer display.Close()
	return line.Down(ctx, platform.DownOptions{Purge: o.Purge, Caches: o.Caches}, display)
}

// confirm asks for the platform's name before its data is removed.
func confirm(env *Env, name string) error {
	if !env.InTerminal {
		return fault.Invalid(fmt.Errorf("removing the platform %s with all its data needs a confirmation", name),
			"run `slipway down --purge --yes`")
	}
	env.printf("This removes the platform %s with all its data, repositories included.\nType its name to go on: ", name)
	answer, _ := bufio.NewReader(env.In).ReadString('\n')
	if strings.TrimSpace(answer) != name {
		return fault.Invalid(errors.New("not confirmed; nothing was removed"), "")
	}
	return nil
}
