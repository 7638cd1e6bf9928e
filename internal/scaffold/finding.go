package scaffold

import (
	"strings"

	"github.com/slipway-dev/slipway/internal/spec"
)

// Finding is a mistake in a template, or a warning.
type Finding struct {
	spec.Finding
	// Warning says that the template can run all the same.
	Warning bool `json:"warning,omitempty"`
}

// String is "file:line:column: path: message", with "warning: " before a warning's message.
func (f Finding) String() string {
	if f.Warning {
		f.Finding.Message = "warning: " + f.Finding.Message
	}
	return f.Finding.String()
}

// AsError gives the findings that are not warnings as an error of type [spec.Errors]; nil where
// there are none.
func AsError(findings []Finding) error {
	var mistakes []spec.Finding
	for _, f := range findings {
		if !f.Warning {
			mistakes = append(mistakes, f.Finding)
		}
	}
	return spec.AsError(mistakes)
}

// sorted orders findings by file and place, and leaves out repetitions. Of a mistake that is a
// warning elsewhere, both stay.
func sorted(findings []Finding) []Finding {
	var out []Finding
	for _, warning := range []bool{false, true} {
		var some []spec.Finding
		for _, f := range findings {
			if f.Warning == warning {
				some = append(some, f.Finding)
			}
		}
		for _, f := range spec.Sorted(some) {
			out = append(out, Finding{Finding: f, Warning: warning})
		}
	}
	return out
}

// lines are a file's lines, to find where in a value an expression stands.
type lines []string

func linesOf(data []byte) lines { return strings.Split(string(data), "\n") }
