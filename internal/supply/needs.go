package supply

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/slipway-dev/slipway/internal/supply/build"
	"github.com/slipway-dev/slipway/internal/supply/command"
)

// HostPackage is a Debian package that building needs and this machine lacks.
type HostPackage struct {
	Name string `json:"name"`
	// For are the recipes that need it, sorted.
	For []string `json:"for"`
}

// HostNeeds lists the Debian packages that this machine lacks for building the recipes, with
// what they stand on; see [Supplier.Decide] for which ones will be built.
func (s *Supplier) HostNeeds(ctx context.Context, recipes []string) ([]HostPackage, error) {
	needed := map[string][]string{} // package to recipes
	seen := map[string]bool{}
	for queue := slices.Clone(recipes); len(queue) > 0; queue = queue[1:] {
		if seen[queue[0]] {
			continue
		}
		seen[queue[0]] = true
		r, err := s.recipe(queue[0])
		if err != nil {
			return nil, err
		}
		queue = append(queue, r.Bases()...)
		for _, p := range packagesFor(r) {
			if !slices.Contains(needed[p], queue[0]) {
				needed[p] = append(needed[p], queue[0])
			}
		}
	}
	installed, err := installedPackages(ctx)
	if err != nil {
		return nil, err
	}
	var missing []HostPackage
	for p, users := range needed {
		if !installed[p] {
			slices.Sort(users)
			missing = append(missing, HostPackage{Name: p, For: users})
		}
	}
	slices.SortFunc(missing, func(a, b HostPackage) int { return strings.Compare(a.Name, b.Name) })
	return missing, nil
}

// packagesFor lists the packages that have what a recipe's build runs, unless the programs
// are there, from wherever.
func packagesFor(r build.Recipe) []string {
	packages := slices.Clone(r.Spec.HostPackages)
	program := func(names ...string) {
		for _, n := range names {
			if _, err := command.Find(n, nil); err != nil {
				packages = append(packages, command.DebianPackage(n))
			}
		}
	}
	for _, l := range r.Spec.Layers {
		switch {
		case l.Go != nil:
			program("go")
			if l.Go.CGO {
				program("gcc")
				packages = append(packages, "libc6-dev")
			}
		case l.Module != nil:
			program("go")
		case l.Debian != nil:
			program("mmdebstrap")
		case l.Wheel != nil:
			program("python3")
			if !pipWorks() {
				packages = append(packages, "python3-pip")
			}
		case l.NPM != nil:
			program("npm")
		case l.Maven != nil:
			program("mvn")
		}
	}
	return packages
}

// pipWorks says whether Python has pip, from Debian or from elsewhere.
func pipWorks() bool {
	_, err := command.Run(context.Background(), command.Command{Args: []string{"python3", "-m", "pip", "--version"}})
	return err == nil
}

// installedPackages asks dpkg.
func installedPackages(ctx context.Context) (map[string]bool, error) {
	out, err := command.Run(ctx, command.Command{
		Args: []string{"dpkg-query", "--show", "--showformat", "${db:Status-Status} ${Package}\n"},
	})
	if err != nil {
		return nil, fmt.Errorf("list installed packages: %w", err)
	}
	installed := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "installed "); ok {
			installed[name] = true
		}
	}
	return installed, nil
}
