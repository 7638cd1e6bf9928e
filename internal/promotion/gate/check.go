package gate

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/fieldpath"
	"github.com/slipway-dev/slipway/internal/spec"
)

// check finds what the schema cannot see in a policy, its expressions left out.
func check(p *v1alpha1.GatePolicy, report spec.Report) {
	c := checker{report: report, names: map[string]string{}}
	c.name("metadata.name", p.Metadata.Name)
	c.required("spec.description", p.Spec.Description)
	if len(p.Spec.Rules) == 0 {
		report("spec.rules", "", "required, but empty")
	}
	for i, rule := range p.Spec.Rules {
		at := fieldpath.Item("spec.rules", i)
		c.environments(at+".environments", rule.Environments)
		if len(rule.Gates) == 0 {
			report(at+".gates", "", "required, but empty")
		}
		for j, g := range rule.Gates {
			c.gate(fieldpath.Item(at+".gates", j), g)
		}
	}
}

type checker struct {
	report spec.Report
	names  map[string]string // where a gate of a name stands
}

func (c checker) name(at, s string) {
	switch {
	case s == "":
		c.report(at, "", "required, but empty")
	case !spec.IsName(s):
		c.report(at, spec.AsName(s),
			"%q must be 1 to 63 lower-case letters, digits and hyphens, with no hyphen at either end", s)
	}
}

func (c checker) required(at, s string) {
	if strings.TrimSpace(s) == "" {
		c.report(at, "", "required, but empty")
	}
}

var (
	// namePattern is an environment's name, in which "*" stands for any letters.
	namePattern = regexp.MustCompile(`^[-a-z0-9*]{1,63}$`)
	// identifier is what an expression can select.
	identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

	kinds = []string{v1alpha1.EnvironmentDev, v1alpha1.EnvironmentTest, v1alpha1.EnvironmentStaging,
		v1alpha1.EnvironmentProd, v1alpha1.EnvironmentPreview}
)

func (c checker) environments(at string, s v1alpha1.EnvironmentSelector) {
	if len(s.Names) == 0 && len(s.Kinds) == 0 && len(s.Labels) == 0 {
		c.report(at, "", `selects nothing; give names, kinds or labels (names: ["*"] selects every environment)`)
	}
	for i, name := range s.Names {
		if !namePattern.MatchString(name) {
			c.report(fieldpath.Item(at+".names", i), spec.AsName(name),
				`%q must be lower-case letters, digits and hyphens, and "*" for any letters`, name)
		}
	}
	for i, kind := range s.Kinds {
		c.oneOf(fieldpath.Item(at+".kinds", i), kind, kinds)
	}
	for _, key := range slices.Sorted(maps.Keys(s.Labels)) {
		c.required(fieldpath.Child(at+".labels", key), key)
	}
}

func (c checker) oneOf(at, word string, words []string) bool {
	if !slices.Contains(words, word) {
		c.report(at, spec.Nearest(word, words), "must be one of %s; is %q", strings.Join(words, ", "), word)
		return false
	}
	return true
}

func (c checker) gate(at string, g v1alpha1.Gate) {
	c.name(at+".name", g.Name)
	if first, twice := c.names[g.Name]; twice && g.Name != "" {
		c.report(at+".name", "", "%q is the name of %s already", g.Name, first)
	} else {
		c.names[g.Name] = at
	}
	c.required(at+".description", g.Description)
	c.required(at+".expression", g.Expression)
	for i, kind := range g.Evidence {
		below := fieldpath.Item(at+".evidence", i)
		if c.oneOf(below, kind, v1alpha1.EvidenceKinds) && slices.Index(g.Evidence, kind) < i {
			c.report(below, "", "%q is listed twice", kind)
		}
	}
	if g.MaxAge != "" && len(g.Evidence) == 0 {
		c.report(at+".maxAge", "", "says how old evidence may be, but the gate names no evidence")
	}
	for _, name := range slices.Sorted(maps.Keys(g.Parameters)) {
		below := fieldpath.Child(at+".parameters", name)
		if !identifier.MatchString(name) {
			c.report(below, "", "%q must be letters and digits, so that expressions can name it", name)
		}
		if !isParameter(g.Parameters[name]) {
			c.report(below, "", "must be text, a whole number, true or false, or a list of texts")
		}
	}
}

func isParameter(v any) bool {
	switch v := v.(type) {
	case string, bool, int64:
		return true
	case []any:
		return !slices.ContainsFunc(v, func(item any) bool {
			_, text := item.(string)
			return !text
		})
	}
	return false
}
