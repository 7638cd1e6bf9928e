// Package host looks at the machine that Slipway runs on: which distribution packages a platform
// needs and which are missing, how they are installed, and how the platform's CA comes to be
// trusted. It changes nothing unless told to. internal/cli and internal/platform call it.
package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/slipway-dev/slipway/internal/fault"
)

// Need is a distribution package with what needs it.
type Need struct {
	Package string   `json:"package"`
	For     []string `json:"for"` // "the node", "building an image"
	// Commands are what is used of the package, names or paths.
	Commands []string `json:"commands,omitempty"`
}

// Needs collects needs by package.
type Needs map[string]Need

// Add notes that what needs packages.
func (n Needs) Add(what string, packages ...string) {
	for _, p := range packages {
		need := n[p]
		need.Package = p
		if !slices.Contains(need.For, what) {
			need.For = append(need.For, what)
		}
		n[p] = need
	}
}

// AddCommand notes that what needs a command, and which package has it.
func (n Needs) AddCommand(what, command, pkg string) {
	n.Add(what, pkg)
	need := n[pkg]
	need.Commands = append(need.Commands, command)
	slices.Sort(need.Commands)
	n[pkg] = need
}

// List gives the needs sorted by package.
func (n Needs) List() []Need {
	return slices.SortedFunc(maps.Values(n), func(a, b Need) int { return cmp.Compare(a.Package, b.Package) })
}

// Missing gives the needs of which a command is not found, however it might have come.
func Missing(needs Needs) Needs {
	missing := maps.Clone(needs)
	maps.DeleteFunc(missing, func(_ string, n Need) bool {
		return !slices.ContainsFunc(n.Commands, func(c string) bool {
			_, err := exec.LookPath(c)
			return err != nil
		})
	})
	return missing
}

// MissingError says which packages the machine lacks.
type MissingError struct{ Missing []Need }

// Error lists the packages and what needs each.
func (e *MissingError) Error() string {
	var b strings.Builder
	b.WriteString("this machine lacks packages:")
	for _, n := range e.Missing {
		fmt.Fprintf(&b, "\n  %-28s for %s", n.Package, strings.Join(n.For, ", "))
	}
	return b.String()
}

// Check fails with a [*MissingError] where something is missing.
func Check(needs Needs) error {
	if missing := Missing(needs).List(); len(missing) > 0 {
		return fault.Hint(&MissingError{missing}, "install them with `slipway host install`")
	}
	return nil
}

// Install installs packages with the machine's package manager, whose output goes to out.
func Install(ctx context.Context, missing []Need, out io.Writer) error {
	if len(missing) == 0 {
		return nil
	}
	if os.Geteuid() != 0 {
		return fault.Hint(&MissingError{missing}, "installing needs root: sudo apt-get install "+names(missing))
	}
	apt := func(args ...string) error {
		c := exec.CommandContext(ctx, "apt-get", args...)
		c.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		c.Stdout, c.Stderr = out, out
		return c.Run()
	}
	args := append([]string{"install", "-y", "-q", "--no-install-recommends"}, strings.Fields(names(missing))...)
	if apt(args...) == nil {
		return nil
	}
	// The lists of packages may be missing or old.
	if err := apt("update", "-q"); err != nil {
		return fmt.Errorf("apt-get update: %w", err)
	}
	if err := apt(args...); err != nil {
		return fault.Hint(fmt.Errorf("apt-get install %s: %w", names(missing), err), "see apt-get's own message above")
	}
	return nil
}

func names(needs []Need) string {
	var all []string
	for _, n := range needs {
		all = append(all, n.Package)
	}
	return strings.Join(all, " ")
}

// ErrNotRoot is returned where something needs root.
var ErrNotRoot = errors.New("this needs root")
