package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/slipway-dev/slipway/internal/server/access"
)

type catalogOptions struct {
	remote
	Team, Address string
}

func newCatalogCommand(env *Env) *cobra.Command {
	return group(&cobra.Command{
		Use:   "catalog",
		Short: "Take files of entities and templates into the software catalogue",
	}, newCatalogFileCommand(env, "register", "Take a file into the catalogue; mistakes in its templates are refused, with their lines", runRegister),
		newCatalogFileCommand(env, "unregister", "Take a file, with its entities, out of the catalogue again", runUnregister))
}

func newCatalogFileCommand(env *Env, name, short string, run func(context.Context, *catalogOptions) error) *cobra.Command {
	o := &catalogOptions{remote: remote{Env: env}}
	cmd := &cobra.Command{
		Use:   name + " ADDRESS",
		Short: short,
		Long: short + `.

ADDRESS is the file's on the platform's Git server, as its pages show it. It is in a repository of the team's.`,
		Example: "  slipway catalog " + name + " https://git.dev.localhost/payments/templates/src/branch/main/catalog-info.yaml",
		Args:    usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Address = args[0]
			return run(cmd.Context(), o)
		},
	}
	addRemote(cmd, &o.remote)
	addTeam(cmd, &o.remote, &o.Team, "for `TEAM`; by default the one that you develop for")
	return cmd
}

func runRegister(ctx context.Context, o *catalogOptions) error {
	c, err := o.connect(ctx)
	if err != nil {
		return err
	}
	team, err := ownTeam(ctx, c, o.Team, access.Developer)
	if err != nil {
		return err
	}
	made, err := c.Register(ctx, team, o.Address)
	if err != nil {
		return err
	}
	return show(o.Env, o.Format, made, func() {
		for _, ref := range made.Entities {
			o.Env.printf("registered %s\n", ref)
		}
		for _, w := range made.Warnings {
			place := w.Path
			if w.Line > 0 {
				place = strings.TrimSpace(fmt.Sprintf("%s (line %d)", w.Path, w.Line))
			}
			o.Env.printf("warning: %s: %s\n", place, w.Message)
		}
	})
}

func runUnregister(ctx context.Context, o *catalogOptions) error {
	c, err := o.connect(ctx)
	if err != nil {
		return err
	}
	team, err := ownTeam(ctx, c, o.Team, access.Developer)
	if err != nil {
		return err
	}
	if err := c.Unregister(ctx, team, o.Address); err != nil {
		return err
	}
	return show(o.Env, o.Format, map[string]string{"unregistered": o.Address}, func() { o.Env.printf("unregistered %s\n", o.Address) })
}
