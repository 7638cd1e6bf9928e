// Command refgen writes the reference page of the catalogue, docs/reference/catalogue.md, from
// the catalogue itself. `make generate` runs it.
package main

import (
	"bytes"
	"cmp"
	_ "embed" // the page
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"text/template"

	"sigs.k8s.io/yaml"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	data "github.com/slipway-dev/slipway/catalog"
	"github.com/slipway-dev/slipway/components"
	"github.com/slipway-dev/slipway/internal/catalog"
)

//go:embed catalogue.md.tmpl
var page string

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(file string) error {
	recipes, err := components.FS()
	if err != nil {
		return err
	}
	c, err := catalog.Load(data.FS(), recipes, nil)
	if err != nil {
		return err
	}
	t, err := template.New("catalogue").Funcs(template.FuncMap{"join": strings.Join, "yaml": yamlText, "cell": cell}).Parse(page)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, view(c)); err != nil {
		return err
	}
	return os.WriteFile(file, out.Bytes(), 0o644)
}

type viewModel struct {
	Capabilities []capability
	Tools        []tool
	Blueprints   []blueprint
}

type capability struct {
	v1alpha1.Capability
	Tools   []string
	Outputs []output
}

type output struct {
	Name string
	v1alpha1.Output
}

type tool struct {
	v1alpha1.Tool
	Provides, Requires, Images []string
}

type blueprint struct{ Name, Description string }

// view sorts everything by name.
func view(c *catalog.Catalog) viewModel {
	var v viewModel
	for _, name := range slices.Sorted(maps.Keys(c.Capabilities)) {
		entry := capability{Capability: c.Capabilities[name]}
		for _, t := range slices.Sorted(maps.Keys(c.Tools)) {
			if _, ok := c.Tools[t].Spec.Provides[name]; ok {
				entry.Tools = append(entry.Tools, t)
			}
		}
		for _, o := range slices.Sorted(maps.Keys(entry.Spec.Outputs)) {
			entry.Outputs = append(entry.Outputs, output{o, entry.Spec.Outputs[o]})
		}
		v.Capabilities = append(v.Capabilities, entry)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Tools)) {
		entry := tool{Tool: c.Tools[name].Tool}
		entry.Provides = slices.Sorted(maps.Keys(entry.Spec.Provides))
		for _, r := range entry.Spec.Requires {
			entry.Requires = append(entry.Requires, r.Capability+optional(r))
		}
		for _, component := range entry.Spec.Components {
			entry.Images = append(entry.Images, c.Recipes[component].Spec.Images...)
		}
		slices.SortFunc(entry.Requires, cmp.Compare)
		v.Tools = append(v.Tools, entry)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Blueprints)) {
		v.Blueprints = append(v.Blueprints, blueprint{name, c.Blueprints[name].Description})
	}
	return v
}

func optional(r v1alpha1.Requirement) string {
	if r.Optional {
		return " (optional)"
	}
	return ""
}

func yamlText(v any) (string, error) {
	text, err := yaml.Marshal(v)
	return strings.TrimSpace(string(text)), err
}

// cell makes a text fit a table's cell.
func cell(s string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "|", `\|`)
}
