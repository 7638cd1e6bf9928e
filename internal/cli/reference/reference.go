// Package reference writes the command line's reference pages from the commands themselves. It is
// called by its generator in the folder gen, and by the test that the pages are up to date.
package reference

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const head = "<!-- Generated from the commands by `make generate`; do not edit. -->\n\n"

// Pages gives a page for each command that people see, by file name ("slipway_up.md"), and
// README.md, which lists them.
func Pages(root *cobra.Command) map[string]string {
	pages := map[string]string{}
	var list strings.Builder
	list.WriteString(head + "# Commands\n\n| command | what it does |\n|---|---|\n")
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Hidden || c.Name() == "help" {
			return
		}
		pages[file(c)] = page(c)
		fmt.Fprintf(&list, "| [%s](%s) | %s |\n", c.CommandPath(), file(c), cell(c.Short))
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(root)
	list.WriteString(exits)
	pages["README.md"] = list.String()
	return pages
}

const exits = `
Exit codes: 0 done, 1 failed, 2 usage or invalid input, 3 changes are pending (` + "`plan --exit-code`, `policy test --exit-code`" + `), 130 interrupted.
An error is followed by the next command to run, where one is known.

| variable | what it sets |
|---|---|
| SLIPWAY_HOME | directory of the platforms' state; /var/lib/slipway |
| SLIPWAY_CACHE | directory of the image store and the build caches; slipway in the user's cache directory |
| SLIPWAY_PLATFORM | which platform ` + "`slipway kubectl`" + ` means, where there are several |
| SLIPWAY_SERVER | URL of the server that ` + "`slipway app`" + ` and the like call |
| SLIPWAY_TOKEN | token for it, in place of ` + "`slipway login`" + `; goes to that server alone |
| NO_COLOR | no colours, whatever its value |
`

func file(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "_") + ".md" }

func page(c *cobra.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s# %s\n\n%s.\n\n", head, c.CommandPath(), strings.TrimSuffix(c.Short, "."))
	fmt.Fprintf(&b, "```\n%s\n```\n", c.UseLine())
	if c.Long != "" {
		fmt.Fprintf(&b, "\n%s\n", long(c.Long))
	}
	if c.Example != "" {
		fmt.Fprintf(&b, "\n## Examples\n\n```\n%s\n```\n", dedent(c.Example))
	}
	if flags := table(c.NonInheritedFlags()); flags != "" {
		b.WriteString("\n## Flags\n\n| flag | what it does |\n|---|---|\n" + flags)
	}
	var subs strings.Builder
	for _, sub := range c.Commands() {
		if !sub.Hidden && sub.Name() != "help" {
			fmt.Fprintf(&subs, "| [%s](%s) | %s |\n", sub.CommandPath(), file(sub), cell(sub.Short))
		}
	}
	if subs.Len() > 0 {
		b.WriteString("\n## Commands\n\n| command | what it does |\n|---|---|\n" + subs.String())
	}
	return b.String()
}

// long keeps paragraphs, and marks indented lines as code.
func long(text string) string {
	var out []string
	code := false
	for _, l := range strings.Split(text, "\n") {
		indented := strings.HasPrefix(l, "  ")
		if indented != code && (indented || l != "") {
			out = append(out, "```")
			code = indented
		}
		out = append(out, strings.TrimPrefix(l, "  "))
	}
	if code {
		out = append(out, "```")
	}
	return strings.Join(out, "\n")
}

func dedent(text string) string {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimPrefix(l, "  ")
	}
	return strings.Join(lines, "\n")
}

func table(flags *pflag.FlagSet) string {
	var b strings.Builder
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		value, usage := pflag.UnquoteUsage(f)
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		if value != "" {
			name += " " + value
		}
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "[]" && f.DefValue != "0" {
			usage += " (default " + f.DefValue + ")"
		}
		fmt.Fprintf(&b, "| `%s` | %s |\n", cell(name), cell(usage))
	})
	return b.String()
}

// cell makes text safe in a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
