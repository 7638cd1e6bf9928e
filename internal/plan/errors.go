package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/slipway-dev/slipway/internal/fieldpath"
	"github.com/slipway-dev/slipway/internal/spec"
)

// Errors are all reasons why a platform cannot be resolved, sorted by their texts.
type Errors []error

// Error lists the errors, one a line.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, err := range e {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives each error to errors.Is and errors.As.
func (e Errors) Unwrap() []error { return e }

// orNil sorts the errors and leaves out repetitions.
func (e Errors) orNil() error {
	if len(e) == 0 {
		return nil
	}
	slices.SortFunc(e, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return slices.CompactFunc(e, func(a, b error) bool { return a.Error() == b.Error() })
}

// Findings gives the errors as findings, those about fields with their paths, so that
// [spec.Locate] can add lines.
func (e Errors) Findings() []spec.Finding {
	out := make([]spec.Finding, len(e))
	for i, err := range e {
		out[i].Message = err.Error()
		if f, ok := err.(FieldError); ok {
			out[i].Path = f.Field()
			out[i].Message = strings.TrimPrefix(err.Error(), f.Field()+": ")
		}
	}
	return out
}

// FieldError is an error about a field of the Platform file; whoever has the file can look up
// its line.
type FieldError interface {
	error
	// Field is the field's path: "spec.capabilities.git.tool".
	Field() string
}

func capabilityField(capability, field string) string {
	return fieldpath.Join(fieldpath.Child("spec.capabilities", capability), field)
}

// UnknownCapabilityError is about a capability that the catalogue does not have.
type UnknownCapabilityError struct {
	Capability string
	// RequiredBy is the tool that asks for it; "" where the platform does.
	RequiredBy string
	Suggestion string
}

// Field implements FieldError.
func (e *UnknownCapabilityError) Field() string { return capabilityField(e.Capability, "") }

func (e *UnknownCapabilityError) Error() string {
	by := ""
	if e.RequiredBy != "" {
		by = fmt.Sprintf(", required by the tool %s", e.RequiredBy)
	}
	return e.Field() + ": unknown capability" + by + didYouMean(e.Suggestion)
}

// UnknownToolError is about a tool that the catalogue does not have.
type UnknownToolError struct {
	Capability, Tool, Suggestion string
	// Candidates are the tools that provide the capability, sorted.
	Candidates []string
}

// Field implements FieldError.
func (e *UnknownToolError) Field() string { return capabilityField(e.Capability, "tool") }

func (e *UnknownToolError) Error() string {
	message := fmt.Sprintf("%s: unknown tool %q", e.Field(), e.Tool)
	if e.Suggestion != "" {
		return message + didYouMean(e.Suggestion)
	}
	return message + candidates(e.Capability, e.Candidates)
}

// NotProvidedError is about a tool that does not provide the capability it was chosen for.
type NotProvidedError struct {
	Capability, Tool string
	// Provides are the capabilities the tool does provide, sorted.
	Provides, Candidates []string
}

// Field implements FieldError.
func (e *NotProvidedError) Field() string { return capabilityField(e.Capability, "tool") }

func (e *NotProvidedError) Error() string {
	return fmt.Sprintf("%s: %s provides %s, not %s%s", e.Field(), e.Tool, list(e.Provides), e.Capability,
		candidates(e.Capability, e.Candidates))
}

// MissingToolError is about a capability that is wanted and has no tool.
type MissingToolError struct {
	Capability string
	// RequiredBy are the tools that need the capability, sorted; empty where the platform does.
	RequiredBy []string
	// None says that the platform has left the capability out by the tool "none".
	None       bool
	Candidates []string
}

// Field implements FieldError.
func (e *MissingToolError) Field() string { return capabilityField(e.Capability, "tool") }

func (e *MissingToolError) Error() string {
	switch {
	case e.None:
		return fmt.Sprintf(`%s: "none", but %s is required by %s`, e.Field(), e.Capability, list(e.RequiredBy))
	case len(e.RequiredBy) > 0:
		return fmt.Sprintf("%s: no tool is chosen for %s, which %s requires%s", e.Field(), e.Capability, list(e.RequiredBy),
			candidates(e.Capability, e.Candidates))
	}
	return fmt.Sprintf("%s: no tool is chosen, and there is no default%s", e.Field(), candidates(e.Capability, e.Candidates))
}

// ProviderError is about a tool that cannot run on the platform's cluster.
type ProviderError struct {
	Capability, Tool, Provider string
	// Providers are those the tool runs on; Candidates the tools that run on Provider, sorted.
	Providers, Candidates []string
}

// Field implements FieldError.
func (e *ProviderError) Field() string { return capabilityField(e.Capability, "tool") }

func (e *ProviderError) Error() string {
	return fmt.Sprintf("%s: %s runs on the cluster provider %s only, and this is %s%s", e.Field(), e.Tool, list(e.Providers),
		e.Provider, candidates(e.Capability, e.Candidates))
}

// VersionError is about a version that the catalogue does not hold.
type VersionError struct{ Capability, Tool, Version, Available string }

// Field implements FieldError.
func (e *VersionError) Field() string { return capabilityField(e.Capability, "version") }

func (e *VersionError) Error() string {
	return fmt.Sprintf("%s: %q is wanted, and the catalogue holds %s %s", e.Field(), e.Version, e.Tool, e.Available)
}

// ConflictError is about a capability that several chosen tools provide.
type ConflictError struct {
	Capability string
	Tools      []string
}

// Field implements FieldError.
func (e *ConflictError) Field() string { return capabilityField(e.Capability, "tool") }

func (e *ConflictError) Error() string {
	return fmt.Sprintf("%s: %s are chosen and provide %s; name one of them", e.Field(), list(e.Tools), e.Capability)
}

// CycleError is about tools that require each other. The first tool stands at the end again.
type CycleError struct{ Tools []string }

func (e *CycleError) Error() string {
	return "tools require each other in a circle: " + strings.Join(e.Tools, " → ")
}

// UnknownValueError is about a value that a tool does not have.
type UnknownValueError struct {
	Capability, Tool, Key, Suggestion string
	Known                             []string
}

// Field implements FieldError.
func (e *UnknownValueError) Field() string {
	return fieldpath.Child(capabilityField(e.Capability, "values"), e.Key)
}

func (e *UnknownValueError) Error() string {
	message := fmt.Sprintf("%s: %s has no such value", e.Field(), e.Tool)
	switch {
	case e.Suggestion != "":
		return message + didYouMean(e.Suggestion)
	case len(e.Known) == 0:
		return message + "; it has none"
	}
	return message + "; it has: " + strings.Join(e.Known, ", ")
}

// ValueError is about a value that does not fit: of another type than the tool's default, or
// set differently under two capabilities of the same tool.
type ValueError struct{ Path, Reason string }

// Field implements FieldError.
func (e *ValueError) Field() string { return e.Path }

func (e *ValueError) Error() string { return e.Path + ": " + e.Reason }

// DuplicateNameError is about a package that bears a tool's name.
type DuplicateNameError struct {
	Name  string
	Index int
}

// Field implements FieldError.
func (e *DuplicateNameError) Field() string {
	return fieldpath.Item("spec.packages", e.Index) + ".name"
}

func (e *DuplicateNameError) Error() string {
	return fmt.Sprintf("%s: %q is the name of one of the platform's tools or packages already", e.Field(), e.Name)
}

// ContractError is about a tool that does not give what its capability's contract promises.
type ContractError struct{ Tool, Capability, Output, Reason string }

func (e *ContractError) Error() string {
	return fmt.Sprintf("tool %s: %s: %s", e.Tool,
		fieldpath.Child(fieldpath.Child("spec.provides", e.Capability)+".outputs", e.Output), e.Reason)
}

// ExpressionError is about an expression of a tool that cannot be evaluated.
type ExpressionError struct {
	Tool string
	Err  error
}

// Unwrap gives the cause.
func (e *ExpressionError) Unwrap() error { return e.Err }

func (e *ExpressionError) Error() string { return fmt.Sprintf("tool %s: %s", e.Tool, e.Err) }

func didYouMean(suggestion string) string {
	if suggestion == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", suggestion)
}

func candidates(capability string, tools []string) string {
	if len(tools) == 0 {
		return "; no tool in the catalogue provides " + capability
	}
	return fmt.Sprintf("; tools for %s: %s", capability, strings.Join(tools, ", "))
}

// list joins names for a sentence: "a", "a and b", "a, b and c"; "nothing" where there are none.
func list(names []string) string {
	switch n := len(names); n {
	case 0:
		return "nothing"
	case 1:
		return names[0]
	default:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
}
