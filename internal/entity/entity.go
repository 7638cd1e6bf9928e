package entity

import (
	"fmt"

	"github.com/slipway-dev/slipway/internal/spec"
)

// Entity is one thing in the catalogue. As JSON it has upstream's fields, and besides them
// source and errors.
type Entity struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Metadata   Metadata       `json:"metadata"`
	Spec       map[string]any `json:"spec,omitempty"`
	// Relations lead to other entities, in both directions, sorted; those of one that is decoded
	// and not yet in a catalogue are missing.
	Relations []Relation `json:"relations,omitempty"`
	// Source is where the entity is defined.
	Source Place `json:"source"`
	// Errors are the mistakes in the entity's definition, by line.
	Errors []spec.Finding `json:"errors,omitempty"`
	// References are the relations that the entity itself declares.
	References []Reference `json:"-"`
}

// Metadata is what every entity has.
type Metadata struct {
	Name string `json:"name"`
	// Namespace is "default" where the file names none.
	Namespace   string            `json:"namespace"`
	Title       string            `json:"title,omitempty"`
	Description string            `json:"description,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Tags        []string          `json:"tags,omitempty"`
	Links       []Link            `json:"links,omitempty"`
	// Extra are fields that the format does not know and lets pass.
	Extra map[string]any `json:"extra,omitempty"`
}

// Link leads to a page about the entity.
type Link struct {
	URL   string `json:"url"`
	Title string `json:"title,omitempty"`
	Icon  string `json:"icon,omitempty"`
	Type  string `json:"type,omitempty"`
}

// Place is where in which file an entity begins; Line counts from 1.
type Place struct {
	Location string `json:"location"`
	Line     int    `json:"line"`
}

// String is "location:line".
func (p Place) String() string { return fmt.Sprintf("%s:%d", p.Location, p.Line) }

// Reference is a relation that an entity declares, and where it does.
type Reference struct {
	Relation
	// Path is the field's: "spec.dependsOn[2]".
	Path         string
	Line, Column int
}

// Ref names the entity.
func (e *Entity) Ref() Ref { return NewRef(e.Kind, e.Metadata.Namespace, e.Metadata.Name) }

// Type is spec.type, "" where there is none.
func (e *Entity) Type() string { return e.text("type") }

// Lifecycle is spec.lifecycle, "" where there is none.
func (e *Entity) Lifecycle() string { return e.text("lifecycle") }

// Owner is whom the entity belongs to, zero where it says nothing of it that can be read.
func (e *Entity) Owner() Ref { return e.target("spec.owner") }

// System is the system that the entity is part of, zero where there is none.
func (e *Entity) System() Ref { return e.target("spec.system") }

// DisplayName is the title, and the name where there is none.
func (e *Entity) DisplayName() string {
	if e.Metadata.Title != "" {
		return e.Metadata.Title
	}
	return e.Metadata.Name
}

func (e *Entity) text(key string) string {
	s, _ := e.Spec[key].(string)
	return s
}

func (e *Entity) target(path string) Ref {
	for _, r := range e.References {
		if r.Path == path {
			return r.Target
		}
	}
	return Ref{}
}

// Dangling is the finding about a reference to an entity that the catalogue does not have.
func (e *Entity) Dangling(r Reference) spec.Finding {
	return spec.Finding{File: e.Source.Location, Line: r.Line, Column: r.Column, Path: r.Path,
		Message: fmt.Sprintf("there is no entity %s", r.Target)}
}

// Duplicate is the finding about a definition of an entity that is defined already, at place.
func Duplicate(e *Entity, place Place) spec.Finding {
	return spec.Finding{File: e.Source.Location, Line: e.Source.Line, Column: 1,
		Message: fmt.Sprintf("%s is defined already, at %s, and that definition counts", e.Ref(), place)}
}
