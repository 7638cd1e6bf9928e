package entity

import (
	"fmt"
	"strings"
)

// DefaultNamespace is the namespace of entities that name none.
const DefaultNamespace = "default"

// Ref names an entity. Its parts are in lower case: the format compares them without regard to
// case (descriptor format, "String references").
type Ref struct{ Kind, Namespace, Name string }

// NewRef makes a reference of parts in any case; the default namespace where it is empty.
func NewRef(kind, namespace, name string) Ref {
	if namespace == "" {
		namespace = DefaultNamespace
	}
	return Ref{strings.ToLower(kind), strings.ToLower(namespace), strings.ToLower(name)}
}

// String is the whole reference, "kind:namespace/name".
func (r Ref) String() string { return r.Kind + ":" + r.Namespace + "/" + r.Name }

// IsZero says whether r names nothing.
func (r Ref) IsZero() bool { return r == Ref{} }

// MarshalText writes the whole reference.
func (r Ref) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads a whole reference.
func (r *Ref) UnmarshalText(text []byte) error {
	parsed, err := ParseRef(string(text), "", DefaultNamespace)
	*r = parsed
	return err
}

// ParseRef reads "[kind:][namespace/]name". Kind and namespace are what counts where the text
// leaves them out; without a kind in either the reference is an error.
func ParseRef(text, kind, namespace string) (Ref, error) {
	rest := text
	colon, slash := strings.IndexByte(rest, ':'), strings.IndexByte(rest, '/')
	if colon >= 0 && (slash < 0 || colon < slash) { // a colon behind the slash belongs to the name
		kind, rest = rest[:colon], rest[colon+1:]
		if kind == "" {
			return Ref{}, badRef(text)
		}
	}
	if before, after, found := strings.Cut(rest, "/"); found {
		namespace, rest = before, after
		if namespace == "" {
			return Ref{}, badRef(text)
		}
	}
	if rest == "" {
		return Ref{}, badRef(text)
	}
	if kind == "" {
		return Ref{}, fmt.Errorf("%q needs a kind, such as component:%s or resource:%s", text, rest, rest)
	}
	return NewRef(kind, namespace, rest), nil
}

func badRef(text string) error {
	return fmt.Errorf("%q is not an entity reference: [kind:][namespace/]name", text)
}
