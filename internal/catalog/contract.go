package catalog

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/spec"
)

// OutputProblem says how an output differs from what its contract promises.
type OutputProblem struct {
	Output, Reason, Suggestion string
}

// CheckOutputs compares outputs with a capability's contract, in the order of their names.
// unknown says of a value whether its type cannot be told yet; it may be nil.
func CheckOutputs(contract v1alpha1.Capability, outputs map[string]any, unknown func(any) bool) []OutputProblem {
	var problems []OutputProblem
	for _, name := range slices.Sorted(maps.Keys(contract.Spec.Outputs)) {
		output := contract.Spec.Outputs[name]
		value, given := outputs[name]
		switch {
		case !given || value == nil:
			if !output.Optional {
				problems = append(problems, OutputProblem{Output: name,
					Reason: fmt.Sprintf("the contract of %s wants this output", contract.Metadata.Name)})
			}
		case unknown == nil || !unknown(value):
			if reason := mismatch(output.Type, value); reason != "" {
				problems = append(problems, OutputProblem{Output: name, Reason: reason})
			}
		}
	}
	known := slices.Collect(maps.Keys(contract.Spec.Outputs))
	for _, name := range slices.Sorted(maps.Keys(outputs)) {
		if _, ok := contract.Spec.Outputs[name]; !ok {
			problems = append(problems, OutputProblem{Output: name, Suggestion: spec.Nearest(name, known),
				Reason: fmt.Sprintf("is not in the contract of %s", contract.Metadata.Name)})
		}
	}
	return problems
}

var (
	hostName   = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)
	objectName = hostName
	secretName = regexp.MustCompile(`^[a-z0-9][-a-z0-9]*/[a-z0-9][-.a-z0-9]*$`)
)

// mismatch says why a value is not of an output's type; "" where it is.
func mismatch(kind string, value any) string {
	text, isText := value.(string)
	ok := false
	switch kind {
	case v1alpha1.OutputNumber:
		_, ok = value.(int64)
	case v1alpha1.OutputBoolean:
		_, ok = value.(bool)
	case v1alpha1.OutputString:
		ok = isText
	case v1alpha1.OutputURL:
		u, err := url.Parse(text)
		ok = isText && err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http")
	case v1alpha1.OutputHost:
		ok = isText && hostName.MatchString(text)
	case v1alpha1.OutputName:
		ok = isText && objectName.MatchString(text)
	case v1alpha1.OutputSecret:
		ok = isText && secretName.MatchString(text)
	default:
		return fmt.Sprintf("the contract's type %q is unknown", kind)
	}
	if ok {
		return ""
	}
	what := map[string]string{
		v1alpha1.OutputNumber: "a whole number", v1alpha1.OutputBoolean: "true or false", v1alpha1.OutputString: "text",
		v1alpha1.OutputURL: "an absolute http or https URL", v1alpha1.OutputHost: "a DNS name without a port",
		v1alpha1.OutputName: "the name of a Kubernetes object", v1alpha1.OutputSecret: "namespace/name of a Secret",
	}[kind]
	return fmt.Sprintf("must be %s, is %#v", what, value)
}
