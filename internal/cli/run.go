package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/slipway-dev/slipway/internal/fault"
)

// Main runs the program with argv, its own name first, and returns its exit code. Errors go to
// the error stream, with the next step where one is known; no other place prints them.
func Main(ctx context.Context, env *Env, argv []string) int {
	if run, ok := alias(filepath.Base(argv[0])); ok {
		return run()
	}
	root := NewCommand(env)
	root.SetArgs(argv[1:])
	err := root.ExecuteContext(ctx)
	if err == nil {
		return fault.ExitDone
	}
	if ctx.Err() != nil {
		// Whatever the error is, it comes from being stopped.
		fmt.Fprintf(env.Err, "\ninterrupted\nnext: run the same command again; it goes on where it stopped\n")
		return fault.ExitInterrupted
	}
	hint, code := fault.Of(err)
	if text := err.Error(); text != "" {
		fmt.Fprintf(env.Err, "error: %s\n", text)
	}
	if hint != "" {
		fmt.Fprintf(env.Err, "next: %s\n", strings.ReplaceAll(hint, "\n", "\n      "))
	}
	return code
}

// usage marks what is wrong with a command's arguments, and with its flags together, as invalid input. It comes before
// everything that a command does.
func usage(args cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, given []string) error {
		err := args(cmd, given)
		switch {
		case err != nil && strings.HasPrefix(err.Error(), "accepts "):
			err = surplusOrMissing(cmd, given)
		case err == nil:
			if err = missingFlags(cmd); err == nil {
				err = cmd.ValidateFlagGroups()
			}
		}
		if err != nil {
			return fault.Invalid(err, "see `"+cmd.CommandPath()+" --help`")
		}
		return nil
	}
}

// surplusOrMissing says what a command takes, where it was given more or less.
func surplusOrMissing(cmd *cobra.Command, given []string) error {
	var takes []string
	for _, word := range strings.Fields(cmd.Use)[1:] {
		if strings.HasPrefix(word, "-") {
			break
		}
		takes = append(takes, word)
	}
	if len(given) < len(takes) {
		return fmt.Errorf("%s needs %s", cmd.CommandPath(), strings.Join(takes[len(given):], " "))
	}
	return fmt.Errorf("%s takes %s and nothing more; %q is too much", cmd.CommandPath(), strings.Join(takes, " "),
		strings.Join(given[len(takes):], " "))
}

// missingFlags names the flags that a command can't do without.
func missingFlags(cmd *cobra.Command) error {
	var missing []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if required := f.Annotations[cobra.BashCompOneRequiredFlag]; len(required) > 0 && required[0] == "true" && !f.Changed {
			name, _ := pflag.UnquoteUsage(f)
			missing = append(missing, "--"+f.Name+" "+name)
		}
	})
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("%s needs %s", cmd.CommandPath(), strings.Join(missing, " and "))
}

// group makes a command that only holds others: alone it shows its help, and a word that is not
// one of its commands is an error with the nearest names.
func group(cmd *cobra.Command, subs ...*cobra.Command) *cobra.Command {
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		hint := "see `" + cmd.CommandPath() + " --help`"
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			hint = "did you mean `" + cmd.CommandPath() + " " + strings.Join(near, "` or `"+cmd.CommandPath()+" ") + "`?"
		}
		return fault.Invalid(fmt.Errorf("unknown command %q for %q", args[0], cmd.CommandPath()), hint)
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	cmd.SuggestionsMinimumDistance = 2
	cmd.AddCommand(subs...)
	return cmd
}

// oneOf checks the value of a flag that takes certain words.
func oneOf(flag, value string, words ...string) error {
	for _, w := range words {
		if value == w {
			return nil
		}
	}
	return fault.Invalid(fmt.Errorf("--%s: %q is not one of %s", flag, value, strings.Join(words, ", ")), "")
}
