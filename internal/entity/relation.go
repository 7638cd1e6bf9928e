package entity

import (
	"cmp"
	"slices"
)

// Types of relations, in pairs: each is the other seen from the far end.
const (
	OwnedBy       = "ownedBy"
	OwnerOf       = "ownerOf"
	PartOf        = "partOf"
	HasPart       = "hasPart"
	ProvidesAPI   = "providesApi"
	APIProvidedBy = "apiProvidedBy"
	ConsumesAPI   = "consumesApi"
	APIConsumedBy = "apiConsumedBy"
	DependsOn     = "dependsOn"
	DependencyOf  = "dependencyOf"
	ChildOf       = "childOf"
	ParentOf      = "parentOf"
	MemberOf      = "memberOf"
	HasMember     = "hasMember"
)

var inverses = map[string]string{
	OwnedBy: OwnerOf, PartOf: HasPart, ProvidesAPI: APIProvidedBy, ConsumesAPI: APIConsumedBy,
	DependsOn: DependencyOf, ChildOf: ParentOf, MemberOf: HasMember,
}

var forwards = func() map[string]string {
	out := map[string]string{}
	for forward, backward := range inverses {
		out[backward] = forward
	}
	return out
}()

// Inverse is the type that a relation has from its other end; "" for a type that there is not.
func Inverse(relation string) string {
	if inverse := inverses[relation]; inverse != "" {
		return inverse
	}
	return forwards[relation]
}

// IsForward says whether a type is the one of its pair by which graphs show the relation:
// ownedBy, partOf, providesApi, consumesApi, dependsOn, childOf, memberOf.
func IsForward(relation string) bool { return inverses[relation] != "" }

// Forward gives one of the two names of a relation: always that with a forward type.
func Forward(from Ref, relation string, to Ref) (Ref, string, Ref) {
	if forward := forwards[relation]; forward != "" {
		return to, forward, from
	}
	return from, relation, to
}

// Relation leads from the entity that has it to another.
type Relation struct {
	Type   string `json:"type"`
	Target Ref    `json:"targetRef"`
}

// SortRelations orders relations by type and target, and leaves out repetitions.
func SortRelations(relations []Relation) []Relation {
	slices.SortFunc(relations, func(a, b Relation) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Target.String(), b.Target.String()))
	})
	return slices.Compact(relations)
}
