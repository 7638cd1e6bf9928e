package plan

import (
	"maps"
	"slices"
	"strings"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/catalog"
	"github.com/slipway-dev/slipway/internal/spec"
)

// chooser finds the tool of each capability that the platform has.
type chooser struct {
	platform v1alpha1.Platform
	catalog  *catalog.Catalog
	provider string

	// named are the tools that the platform chooses by name, for any capability.
	named map[string]bool
	// chosen is the tool of each capability; wanted those that were looked at.
	chosen map[string]string
	wanted map[string]bool
	// requiredBy are the tools that need a capability.
	requiredBy map[string][]string
	errs       Errors
}

// choose settles every capability that the platform names, that is standard, or that one of
// the tools requires.
func choose(p v1alpha1.Platform, c *catalog.Catalog, provider string) *chooser {
	ch := &chooser{platform: p, catalog: c, provider: provider, named: map[string]bool{}, chosen: map[string]string{},
		wanted: map[string]bool{}, requiredBy: map[string][]string{}}
	for _, choice := range p.Spec.Capabilities {
		if choice.Tool != "" && choice.Tool != spec.ToolNone {
			ch.named[choice.Tool] = true
		}
	}
	first := slices.Collect(maps.Keys(p.Spec.Capabilities))
	for name, capability := range c.Capabilities {
		if capability.Spec.Standard {
			first = append(first, name)
		}
	}
	slices.Sort(first)
	queue := slices.Compact(first)
	// All of one round before the next: who requires what is complete and in a fixed order.
	for len(queue) > 0 {
		var next []string
		for _, capability := range queue {
			next = append(next, ch.settle(capability)...)
		}
		slices.Sort(next)
		queue = slices.Compact(next)
	}
	ch.checkLeftOut()
	return ch
}

// settle chooses a capability's tool, and gives the capabilities which that one requires.
func (ch *chooser) settle(capability string) []string {
	if ch.wanted[capability] {
		return nil
	}
	ch.wanted[capability] = true
	tool, err := ch.pick(capability)
	if err != nil {
		ch.errs = append(ch.errs, err)
	}
	if tool == "" {
		return nil
	}
	ch.chosen[capability] = tool
	var requires []string
	for _, r := range ch.catalog.Tools[tool].Spec.Requires {
		if r.Optional || ch.provides(tool, r.Capability) {
			continue
		}
		if !slices.Contains(ch.requiredBy[r.Capability], tool) {
			ch.requiredBy[r.Capability] = append(ch.requiredBy[r.Capability], tool)
		}
		requires = append(requires, r.Capability)
	}
	return requires
}

// pick gives the tool of a capability; "" without an error where it is left out.
func (ch *chooser) pick(capability string) (string, error) {
	contract, known := ch.catalog.Capabilities[capability]
	if !known {
		e := &UnknownCapabilityError{Capability: capability,
			Suggestion: spec.Nearest(capability, slices.Collect(maps.Keys(ch.catalog.Capabilities)))}
		if by := ch.requiredBy[capability]; len(by) > 0 {
			e.RequiredBy = slices.Min(by)
		}
		return "", e
	}
	choice := ch.platform.Spec.Capabilities[capability]
	switch choice.Tool {
	case spec.ToolNone:
		return "", nil // checkLeftOut looks whether something requires it
	case "":
		tool, err := ch.byDefault(capability, contract.Spec.Default)
		if err != nil {
			return "", err
		}
		return tool, ch.checkVersion(capability, tool, choice.Version)
	}
	if err := ch.checkNamed(capability, choice.Tool); err != nil {
		return "", err
	}
	return choice.Tool, ch.checkVersion(capability, choice.Tool, choice.Version)
}

// checkNamed checks a tool that the platform, or the catalogue as its default, names.
func (ch *chooser) checkNamed(capability, name string) error {
	tool, known := ch.catalog.Tools[name]
	all := ch.candidates(capability, false)
	if !known {
		near := spec.Nearest(name, all)
		if near == "" {
			near = spec.Nearest(name, slices.Collect(maps.Keys(ch.catalog.Tools)))
		}
		return &UnknownToolError{Capability: capability, Tool: name, Suggestion: near, Candidates: all}
	}
	if !ch.provides(name, capability) {
		return &NotProvidedError{Capability: capability, Tool: name, Candidates: all,
			Provides: slices.Sorted(maps.Keys(tool.Spec.Provides))}
	}
	if !ch.runsHere(name) {
		return &ProviderError{Capability: capability, Tool: name, Provider: ch.provider,
			Providers: slices.Sorted(slices.Values(tool.Spec.Providers)), Candidates: ch.candidates(capability, true)}
	}
	return nil
}

// byDefault chooses where the platform names no tool: one that it has named for another
// capability, else the default, else the only one that runs on this provider.
func (ch *chooser) byDefault(capability, standard string) (string, error) {
	here := ch.candidates(capability, true)
	already := slices.DeleteFunc(slices.Clone(here), func(tool string) bool { return !ch.named[tool] })
	switch {
	case len(already) == 1:
		return already[0], nil
	case len(already) > 1 && !slices.Contains(already, standard):
		return "", &ConflictError{Capability: capability, Tools: already}
	case standard == "":
		return "", &MissingToolError{Capability: capability, RequiredBy: ch.requirers(capability), Candidates: here}
	case slices.Contains(here, standard):
		return standard, nil
	}
	err := ch.checkNamed(capability, standard)
	if _, elsewhere := err.(*ProviderError); elsewhere && len(here) == 1 {
		return here[0], nil
	}
	return "", err
}

func (ch *chooser) checkVersion(capability, tool, version string) error {
	have := ch.catalog.Tools[tool].Spec.Version
	if version == "" || strings.TrimPrefix(version, "v") == have {
		return nil
	}
	return &VersionError{Capability: capability, Tool: tool, Version: version, Available: have}
}

// checkLeftOut looks whether something requires a capability that the platform leaves out.
func (ch *chooser) checkLeftOut() {
	for capability, choice := range ch.platform.Spec.Capabilities {
		if choice.Tool == spec.ToolNone && len(ch.requiredBy[capability]) > 0 {
			ch.errs = append(ch.errs, &MissingToolError{Capability: capability, None: true,
				RequiredBy: ch.requirers(capability), Candidates: ch.candidates(capability, true)})
		}
	}
}

func (ch *chooser) requirers(capability string) []string {
	return slices.Sorted(slices.Values(ch.requiredBy[capability]))
}

func (ch *chooser) provides(tool, capability string) bool {
	_, ok := ch.catalog.Tools[tool].Spec.Provides[capability]
	return ok
}

func (ch *chooser) runsHere(tool string) bool {
	providers := ch.catalog.Tools[tool].Spec.Providers
	return len(providers) == 0 || slices.Contains(providers, ch.provider)
}

// candidates are the tools that provide a capability, sorted.
func (ch *chooser) candidates(capability string, here bool) []string {
	var out []string
	for name := range ch.catalog.Tools {
		if ch.provides(name, capability) && (!here || ch.runsHere(name)) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}
