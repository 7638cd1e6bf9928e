package entity

import "strings"

// kind is what the format says of one kind of entity.
type kind struct {
	name     string
	versions []string
	fields   []field
}

// field is a field of spec that is checked; the format lets others pass.
type field struct {
	name     string
	list     bool // of texts; else one text
	required bool
	// relation is the type that a reference in this field has, "" where it holds none.
	relation string
	// to is the kind that references lead to where they name none; "" where they must name it.
	to string
}

var (
	catalogVersions  = []string{"backstage.io/v1alpha1", "backstage.io/v1beta1"}
	templateVersions = []string{"scaffolder.backstage.io/v1beta3"}
)

// Fields that several kinds have.
var (
	typed          = field{name: "type", required: true}
	maybeTyped     = field{name: "type"}
	lifecycle      = field{name: "lifecycle", required: true}
	owner          = field{name: "owner", required: true, relation: OwnedBy, to: "Group"}
	partOfSystem   = field{name: "system", relation: PartOf, to: "System"}
	dependsOn      = field{name: "dependsOn", list: true, relation: DependsOn}
	dependencyOf   = field{name: "dependencyOf", list: true, relation: DependencyOf}
	location       = field{name: "target"}
	locations      = field{name: "targets", list: true}
	locationIsThat = field{name: "presence"}
)

// kinds are the kinds of the catalogue (descriptor format, "Kind: ...", and the relations of
// upstream's BuiltinKindsEntityProcessor and ScaffolderEntitiesProcessor).
var kinds = []kind{
	{"Component", catalogVersions, []field{typed, lifecycle, owner, partOfSystem,
		{name: "subcomponentOf", relation: PartOf, to: "Component"},
		{name: "providesApis", list: true, relation: ProvidesAPI, to: "API"},
		{name: "consumesApis", list: true, relation: ConsumesAPI, to: "API"},
		dependsOn, dependencyOf}},
	{"API", catalogVersions, []field{typed, lifecycle, owner, partOfSystem, {name: "definition", required: true}}},
	{"Resource", catalogVersions, []field{typed, owner, partOfSystem, dependsOn, dependencyOf}},
	{"System", catalogVersions, []field{maybeTyped, owner, {name: "domain", relation: PartOf, to: "Domain"}}},
	{"Domain", catalogVersions, []field{maybeTyped, owner, {name: "subdomainOf", relation: PartOf, to: "Domain"}}},
	{"Group", catalogVersions, []field{typed,
		{name: "parent", relation: ChildOf, to: "Group"},
		{name: "children", list: true, required: true, relation: ParentOf, to: "Group"},
		{name: "members", list: true, relation: HasMember, to: "User"}}},
	{"User", catalogVersions, []field{{name: "memberOf", list: true, relation: MemberOf, to: "Group"}}},
	{"Location", catalogVersions, []field{maybeTyped, location, locations, locationIsThat}},
	{"Template", templateVersions, []field{typed, {name: "lifecycle"},
		{name: "owner", relation: OwnedBy, to: "Group"}}},
}

// Kinds are the names of the kinds that the catalogue knows.
var Kinds = func() []string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.name
	}
	return names
}()

// OwnKinds are the kinds that a repository may define of itself. Who belongs to what (Group,
// User), and how the whole is divided (Domain), is for the platform's own sources to say.
var OwnKinds = []string{"Component", "API", "Resource", "System", "Location", "Template"}

func kindNamed(name string) *kind {
	for i := range kinds {
		if strings.EqualFold(kinds[i].name, name) {
			return &kinds[i]
		}
	}
	return nil
}
