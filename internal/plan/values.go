package plan

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/fieldpath"
	"github.com/slipway-dev/slipway/internal/spec"
)

// givenValues are what the platform sets for a tool, from all capabilities that it provides.
// Every top-level key must be one that the tool has, with a value of the same kind.
func givenValues(p v1alpha1.Platform, tool v1alpha1.Tool, capabilities []string) (map[string]any, Errors) {
	var errs Errors
	given := map[string]any{}
	known := slices.Sorted(maps.Keys(tool.Spec.Values))
	for _, capability := range capabilities {
		values := p.Spec.Capabilities[capability].Values
		for _, key := range slices.Sorted(maps.Keys(values)) {
			at := fieldpath.Child(capabilityField(capability, "values"), key)
			standard, ok := tool.Spec.Values[key]
			if !ok {
				errs = append(errs, &UnknownValueError{Capability: capability, Tool: tool.Metadata.Name, Key: key,
					Suggestion: spec.Nearest(key, known), Known: known})
				continue
			}
			if before, twice := given[key]; twice && !reflect.DeepEqual(before, values[key]) {
				errs = append(errs, &ValueError{Path: at, Reason: "is set to something else under another capability of " + tool.Metadata.Name})
				continue
			}
			errs = append(errs, checkKinds(at, standard, values[key])...)
			given[key] = values[key]
		}
	}
	return given, errs
}

// checkKinds compares what is given with the default it replaces. A default that is absent or
// an expression tells nothing.
func checkKinds(at string, standard, given any) Errors {
	want, got := kindOf(standard), kindOf(given)
	if want == "" || got == "" {
		return nil
	}
	if want != got {
		return Errors{&ValueError{Path: at, Reason: fmt.Sprintf("must be %s, is %s", want, got)}}
	}
	below, _ := standard.(map[string]any)
	values, _ := given.(map[string]any)
	var errs Errors
	for _, key := range slices.Sorted(maps.Keys(values)) {
		errs = append(errs, checkKinds(fieldpath.Child(at, key), below[key], values[key])...)
	}
	return errs
}

func kindOf(v any) string {
	switch v := v.(type) {
	case string:
		if strings.Contains(v, "${") {
			return ""
		}
		return "text"
	case bool:
		return "true or false"
	case int, int64, float64:
		return "a number"
	case map[string]any:
		return "a map"
	case []any:
		return "a list"
	}
	return ""
}

// merged lays given over standard: maps are merged, everything else is replaced.
func merged(standard, given map[string]any) map[string]any {
	out := make(map[string]any, len(standard)+len(given))
	maps.Copy(out, standard)
	for key, value := range given {
		below, ok := out[key].(map[string]any)
		over, both := value.(map[string]any)
		if ok && both {
			out[key] = merged(below, over)
		} else {
			out[key] = value
		}
	}
	return out
}
