package spec

import (
	"maps"
	"regexp"
	"slices"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/fieldpath"
)

// identifier is what an expression can select without brackets.
var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func checkCapability(c *checker, v *v1alpha1.Capability) {
	c.name("metadata.name", v.Metadata.Name)
	c.required("spec.description", v.Spec.Description)
	c.optionalName("spec.default", v.Spec.Default)
	if v.Spec.Standard && v.Spec.Default == "" {
		c.add("spec.standard", "", "a capability of every platform needs a default tool")
	}
	for _, name := range slices.Sorted(maps.Keys(v.Spec.Outputs)) {
		at := fieldpath.Child("spec.outputs", name)
		if !identifier.MatchString(name) {
			c.add(at, "", "%q must be letters and digits, so that expressions can name it", name)
		}
		c.required(at+".description", v.Spec.Outputs[name].Description)
	}
}
