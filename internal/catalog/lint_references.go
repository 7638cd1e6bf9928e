package catalog

import (
	"maps"
	"slices"

	"github.com/slipway-dev/slipway/internal/expr"
	"github.com/slipway-dev/slipway/internal/fieldpath"
	"github.com/slipway-dev/slipway/internal/spec"
)

// references checks what expressions in a tool's file select: inputs of capabilities that the
// tool requires, outputs that it gives, values that it has, and what the platform offers.
func (l *linter) references(t Tool, doc *spec.Document) {
	visit("", doc.Tree, func(path, text string) {
		for _, steps := range expr.References(text, "inputs") {
			l.input(t, doc, path, steps)
		}
		for _, steps := range expr.References(text, "outputs") {
			provision, ok := t.Spec.Provides[steps[0]]
			if !ok {
				l.add(doc, path, spec.Nearest(steps[0], slices.Collect(maps.Keys(t.Spec.Provides))),
					"outputs.%s: the tool does not provide %s", steps[0], steps[0])
			} else if _, given := provision.Outputs[last(steps)]; !given && len(steps) > 1 {
				l.add(doc, path, spec.Nearest(steps[1], slices.Collect(maps.Keys(provision.Outputs))),
					"outputs.%s.%s: there is no such output", steps[0], steps[1])
			}
		}
		for _, steps := range expr.References(text, "values") {
			if _, ok := t.Spec.Values[steps[0]]; !ok {
				l.add(doc, path, spec.Nearest(steps[0], slices.Collect(maps.Keys(t.Spec.Values))),
					"values.%s: the tool has no such value", steps[0])
			}
		}
		for _, steps := range expr.References(text, "platform") {
			if !slices.Contains(spec.PlatformNames, steps[0]) {
				l.add(doc, path, spec.Nearest(steps[0], spec.PlatformNames), "platform.%s: there is no such name", steps[0])
			}
		}
	})
}

// input checks a reference to another tool's output.
func (l *linter) input(t Tool, doc *spec.Document, path string, steps []string) {
	capability := steps[0]
	var required []string
	for _, r := range t.Spec.Requires {
		required = append(required, r.Capability)
	}
	if !slices.Contains(required, capability) {
		l.add(doc, path, spec.Nearest(capability, required), "inputs.%s: the tool does not require %s", capability, capability)
		return
	}
	contract, ok := l.catalog.Capabilities[capability]
	if !ok || len(steps) < 2 {
		return
	}
	if _, ok := contract.Spec.Outputs[steps[1]]; !ok {
		l.add(doc, path, spec.Nearest(steps[1], slices.Collect(maps.Keys(contract.Spec.Outputs))),
			"inputs.%s.%s: the contract of %s has no such output", capability, steps[1], capability)
	}
}

func last(steps []string) string { return steps[len(steps)-1] }

// visit calls f for every text of a tree, keys included, in a fixed order.
func visit(path string, v any, f func(path, text string)) {
	switch v := v.(type) {
	case string:
		f(path, v)
	case []any:
		for i := range v {
			visit(fieldpath.Item(path, i), v[i], f)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			at := fieldpath.Child(path, key)
			f(at, key)
			visit(at, v[key], f)
		}
	}
}
