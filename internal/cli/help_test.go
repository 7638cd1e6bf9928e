package cli

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestHelp_GoldenPathCommandsShowHowTheyAreUsed walks the commands that developers, approvers and auditors use: each has an
// example that is itself, and can print what programs read.
func TestHelp_GoldenPathCommandsShowHowTheyAreUsed(t *testing.T) {
	env, _ := testEnv(t, nil)
	// They print a secret's or a file's own form, or nothing worth reading.
	plain := []string{"slipway logout", "slipway token revoke", "slipway audit export"}
	seen := 0
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		for _, c := range cmd.Commands() {
			walk(c)
		}
		if cmd.HasSubCommands() {
			return
		}
		seen++
		path := cmd.CommandPath()
		if !strings.Contains(cmd.Example, path) {
			t.Errorf("%s has no example of itself", path)
		}
		if output := cmd.Flags().Lookup("output"); (output == nil || !strings.Contains(output.Usage, "json")) && !slices.Contains(plain, path) {
			t.Errorf("%s has no -o json", path)
		}
	}
	for _, cmd := range NewCommand(env).Commands() {
		switch cmd.Name() {
		case "login", "logout", "app", "env", "template", "promote", "promotion", "audit", "policy", "token", "status", "why":
			walk(cmd)
		}
	}
	if seen < 25 {
		t.Errorf("only %d commands were seen", seen)
	}
}
