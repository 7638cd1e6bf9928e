package spec

import (
	"errors"
	"strings"

	"github.com/slipway-dev/slipway/internal/expr"
	"github.com/slipway-dev/slipway/internal/fieldpath"
)

// Names that expressions see, by where they stand.
var (
	// ManifestNames are in scope in a tool's manifests and in most of tool.yaml.
	ManifestNames = []string{"platform", "tool", "values", "inputs", "outputs"}
	providesNames = []string{"platform", "tool", "values", "inputs"}
	valuesNames   = []string{"platform", "tool", "inputs"}
	workloadNames = []string{"unit"}
	deliveryNames = append([]string{"unit"}, ManifestNames...)
)

// PlatformNames are what expressions find below "platform".
var PlatformNames = []string{"name", "domain", "scheme", "port", "portSuffix", "provider", "gatewayIP", "gatewayNodePort", "dnsIP",
	"nameservers", "podCIDR", "serviceCIDR", "volumesDir", "proxy", "trust"}

// expressions checks the expressions of a tool's fields without evaluating them.
func (c *checker) expressions() {
	tree, _ := c.doc.Tree.(map[string]any)
	spec, _ := tree["spec"].(map[string]any)
	for field, value := range spec {
		at := fieldpath.Child("spec", field)
		switch field {
		case "description", "website", "license", "version", "namespace", "requires", "providers", "components", "adapter":
			continue // never evaluated
		case "values":
			c.expressionsIn(at, value, valuesNames)
		case "provides":
			c.expressionsIn(at, value, providesNames)
		case "delivery":
			below, _ := value.(map[string]any)
			for name, v := range below {
				names := ManifestNames
				switch name {
				case "application":
					names = deliveryNames
				case "workload", "repository", "page":
					names = workloadNames
				}
				c.expressionsIn(fieldpath.Child(at, name), v, names)
			}
		default:
			c.expressionsIn(at, value, ManifestNames)
		}
	}
}

func (c *checker) expressionsIn(at string, v any, names []string) {
	err := expr.Check(v, names)
	var found expr.Errors
	if err != nil && !errors.As(err, &found) {
		c.add(at, "", "%s", err)
	}
	for _, e := range found {
		message := e.Reason
		if e.Expression != "" {
			message = "${" + e.Expression + "}: " + message
		}
		c.add(fieldpath.Join(at, e.Path), "", "%s", message)
	}
}

// condition checks a CEL expression that is evaluated at run time over the given names.
func (c *checker) condition(at, condition string, names ...string) {
	if strings.TrimSpace(condition) == "" {
		c.add(at, "", "required, but empty")
		return
	}
	if err := expr.CheckCondition(condition, names); err != nil {
		c.add(at, "", "%s", err)
	}
}
