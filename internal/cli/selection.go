package cli

import (
	"github.com/spf13/cobra"

	"github.com/slipway-dev/slipway/internal/platform"
)

// addSelection adds the flags that say which platform a command is about.
func addSelection(cmd *cobra.Command, s *platform.Selection) {
	f := cmd.Flags()
	f.StringVarP(&s.File, "file", "f", "", "Platform `FILE`; ./platform.yaml where there is one")
	f.StringVar(&s.Blueprint, "blueprint", "", "take the blueprint `NAME` instead of a file (see `slipway blueprint list`)")
	f.StringVar(&s.Name, "name", "", "the platform's `NAME`: of one that is up, or in place of the file's")
	f.StringArrayVar(&s.Catalogs, "catalog", nil, "add a `DIR` of your own tools and capabilities; may be given again")
	cmd.MarkFlagsMutuallyExclusive("file", "blueprint")
	_ = cmd.MarkFlagFilename("file", "yaml", "yml")
	_ = cmd.MarkFlagDirname("catalog")
}

// addFormat adds -o with its words, the first being the default.
func addFormat(cmd *cobra.Command, format *string, words ...string) {
	list := ""
	for i, w := range words {
		if i > 0 {
			list += "|"
		}
		list += w
	}
	cmd.Flags().StringVarP(format, "output", "o", words[0], "output as `"+list+"`")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
	check := cmd.PreRunE
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		if check != nil {
			if err := check(cmd, args); err != nil {
				return err
			}
		}
		return oneOf("output", *format, words...)
	}
}
