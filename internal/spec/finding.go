package spec

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Finding is one mistake, or one warning, in a file.
type Finding struct {
	File string `json:"file"`
	// Line and Column count from 1; 0 where the whole file is meant.
	Line   int `json:"line,omitempty"`
	Column int `json:"column,omitempty"`
	// Path is the field's path, "spec.capabilities.git.tool"; "" where the file is not even YAML.
	Path    string `json:"path,omitempty"`
	Message string `json:"message"`
	// Suggestion is what was probably meant; "" where nothing comes near.
	Suggestion string `json:"suggestion,omitempty"`
}

// String is "file:line:column: path: message; did you mean "suggestion"?".
func (f Finding) String() string {
	var b strings.Builder
	b.WriteString(f.File)
	if f.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", f.Line, f.Column)
	}
	if f.File != "" {
		b.WriteString(": ")
	}
	if f.Path != "" {
		b.WriteString(f.Path + ": ")
	}
	b.WriteString(f.Message)
	if f.Suggestion != "" {
		fmt.Fprintf(&b, "; did you mean %q?", f.Suggestion)
	}
	return b.String()
}

// Errors are all mistakes in one or more files, by file and line.
type Errors []Finding

// Error lists the findings, one a line.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, f := range e {
		lines[i] = f.String()
	}
	return strings.Join(lines, "\n")
}

// AsError gives findings as an error, sorted and without repetitions; nil where there are none.
func AsError(findings []Finding) error {
	if len(findings) == 0 {
		return nil
	}
	return Errors(Sorted(findings))
}

// Sorted orders findings by file, line, column and path, and leaves out repetitions.
func Sorted(findings []Finding) []Finding {
	out := slices.Clone(findings)
	slices.SortFunc(out, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Path, b.Path), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(out)
}
