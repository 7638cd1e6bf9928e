package expr

import (
	"fmt"
	"strings"
)

// Error is a failed expression: where in the tree it stands, its source and the reason.
type Error struct {
	Path       string // field path, such as "sources[0].helm.values.host"; "" at the root
	Expression string // without "${" and "}"; "" where the string could not be cut
	Reason     string
}

// Error is "path: ${expression}: reason".
func (e *Error) Error() string {
	var b strings.Builder
	if e.Path != "" {
		b.WriteString(e.Path + ": ")
	}
	if e.Expression != "" {
		fmt.Fprintf(&b, "${%s}: ", e.Expression)
	}
	b.WriteString(e.Reason)
	return b.String()
}

// Errors are all failed expressions of one tree, in the order of their paths.
type Errors []*Error

// Error lists the errors, one a line.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, err := range e {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives each error to errors.Is and errors.As.
func (e Errors) Unwrap() []error {
	out := make([]error, len(e))
	for i, err := range e {
		out[i] = err
	}
	return out
}

// orNil keeps an empty list from becoming a non-nil error.
func (e Errors) orNil() error {
	if len(e) == 0 {
		return nil
	}
	return e
}
