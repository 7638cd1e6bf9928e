package cli

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"github.com/slipway-dev/slipway/internal/catalog"
	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/platform"
)

func newToolsCommand(env *Env) *cobra.Command {
	return group(&cobra.Command{
		Use:   "tools",
		Short: "List, show and check the tools of the catalogue",
	}, newToolsListCommand(env), newToolsShowCommand(env), newToolsLintCommand(env))
}

func addCatalogs(cmd *cobra.Command, dirs *[]string) {
	cmd.Flags().StringArrayVar(dirs, "catalog", nil, "add a `DIR` of your own tools and capabilities; may be given again")
	_ = cmd.MarkFlagDirname("catalog")
}

func newToolsListCommand(env *Env) *cobra.Command {
	var dirs []string
	var format string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List every tool with the capabilities it gives",
		Args:  usage(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			c, err := platform.LoadCatalog(dirs)
			if err != nil {
				return err
			}
			if format == "json" {
				all := []any{}
				for _, name := range slices.Sorted(maps.Keys(c.Tools)) {
					all = append(all, c.Tools[name].Tool)
				}
				return json.NewEncoder(env.Out).Encode(all)
			}
			t := newTable(env.Out, "TOOL", "VERSION", "CAPABILITIES", "DESCRIPTION")
			for _, name := range slices.Sorted(maps.Keys(c.Tools)) {
				s := c.Tools[name].Spec
				t.row(name, s.Version, strings.Join(slices.Sorted(maps.Keys(s.Provides)), ","), s.Description)
			}
			t.flush()
			return nil
		},
	}
	addCatalogs(cmd, &dirs)
	addFormat(cmd, &format, "text", "json")
	return cmd
}

func newToolsShowCommand(env *Env) *cobra.Command {
	var dirs []string
	cmd := &cobra.Command{
		Use:   "show TOOL",
		Short: "Show one tool: what it gives, needs and may be told",
		Args:  usage(cobra.ExactArgs(1)),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			c, err := platform.LoadCatalog(dirs)
			if err != nil {
				return nil, cobra.ShellCompDirectiveError
			}
			return slices.Sorted(maps.Keys(c.Tools)), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			c, err := platform.LoadCatalog(dirs)
			if err != nil {
				return err
			}
			tool, ok := c.Tools[args[0]]
			if !ok {
				return fault.Invalid(fmt.Errorf("there is no tool %q", args[0]), "see `slipway tools list`")
			}
			return showTool(env, tool)
		},
	}
	addCatalogs(cmd, &dirs)
	return cmd
}

func showTool(env *Env, tool catalog.Tool) error {
	s := tool.Spec
	env.printf("%s %s: %s\n", tool.Metadata.Name, s.Version, s.Description)
	t := newTable(env.Out)
	t.row("website", s.Website)
	t.row("license", s.License)
	t.row("namespace", s.Namespace)
	t.row("gives", strings.Join(slices.Sorted(maps.Keys(s.Provides)), ", "))
	var needs []string
	for _, r := range s.Requires {
		name := r.Capability
		if r.Optional {
			name += " (optional)"
		}
		needs = append(needs, name)
	}
	t.row("needs", strings.Join(needs, ", "))
	t.row("images", strings.Join(s.Components, ", "))
	t.flush()
	if len(s.Values) == 0 {
		return nil
	}
	values, err := yaml.Marshal(s.Values)
	if err != nil {
		return err
	}
	env.printf("\nvalues, with their defaults:\n  %s\n", strings.ReplaceAll(strings.TrimSpace(string(values)), "\n", "\n  "))
	return nil
}

func newToolsLintCommand(env *Env) *cobra.Command {
	var dirs []string
	cmd := &cobra.Command{
		Use:   "lint",
		Short: "Check every tool, capability and recipe of the catalogue",
		Args:  usage(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			c, err := platform.LoadCatalog(dirs)
			if err != nil {
				return err
			}
			findings := c.Lint()
			for _, f := range findings {
				env.printf("%s\n", f)
			}
			if len(findings) > 0 {
				return fault.Invalid(fmt.Errorf("%d findings in the catalogue", len(findings)), "mend what is listed above")
			}
			env.printf("%d tools, %d capabilities and %d recipes are well\n", len(c.Tools), len(c.Capabilities), len(c.Recipes))
			return nil
		},
	}
	addCatalogs(cmd, &dirs)
	return cmd
}
