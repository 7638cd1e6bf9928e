package v1alpha1

// Application is a piece of software that a team builds and runs. It stands at
// applications/<name>/application.yaml in the environments' repository.
type Application struct {
	TypeMeta `json:",inline"`
	Metadata Metadata        `json:"metadata"`
	Spec     ApplicationSpec `json:"spec"`
}

// ApplicationSpec is the body of an [Application].
type ApplicationSpec struct {
	// Team is the team that owns the application, a DNS label.
	Team string `json:"team"`
	// Repository is where its source lives on the platform's Git server, "owner/name".
	Repository string `json:"repository"`
	// Branch is the branch whose commits become releases; main where empty.
	Branch string `json:"branch,omitempty"`
	// Deploy is the folder of the repository with the manifests; deploy where empty. The Kustomize
	// root is overlays/<environment> in it (for previews overlays/preview), else the folder itself,
	// else base in it: the first that has a kustomization.yaml.
	Deploy string `json:"deploy,omitempty"`
	// Image is the name by which the manifests name the application's own image; the application's
	// name where empty. A release puts its image, by digest, in that name's place.
	Image string `json:"image,omitempty"`
	// Environments are those that the application goes through; where empty, all that are open to
	// its team. Their order is the environments' own.
	Environments []string `json:"environments,omitempty"`
	Previews     Previews `json:"previews,omitempty,omitzero"`
}

// Previews says which pull requests get an environment of their own.
type Previews struct {
	// Disabled turns previews off.
	Disabled bool `json:"disabled,omitempty"`
	// TTL is how long a preview lives without a new commit, such as "72h" or "7d"; 72h where empty.
	TTL string `json:"ttl,omitempty"`
}

// Kinds of environments.
const (
	EnvironmentDev     = "dev"
	EnvironmentTest    = "test"
	EnvironmentStaging = "staging"
	EnvironmentProd    = "prod"
	EnvironmentPreview = "preview"
)

// What a team may do with the objects in an environment's namespaces.
const (
	AccessNone = "none"
	AccessView = "view"
	AccessEdit = "edit"
)

// Environment is a place where releases run. It stands at environments/<name>/environment.yaml
// in the environments' repository. Gates select environments by name and by label.
type Environment struct {
	TypeMeta `json:",inline"`
	Metadata Metadata        `json:"metadata"`
	Spec     EnvironmentSpec `json:"spec"`
}

// EnvironmentSpec is the body of an [Environment].
type EnvironmentSpec struct {
	// Description says in a sentence what the environment is for.
	Description string `json:"description,omitempty"`
	// Team is whose environment it is. One without a team is open to the applications of all, and
	// each of them gets a namespace of its own.
	Team string `json:"team,omitempty"`
	// Kind is what the environment is for; dev where empty.
	Kind string `json:"kind,omitempty" jsonschema:"enum=dev,enum=test,enum=staging,enum=prod,enum=preview"`
	// Namespace is the namespace that the team's applications share; <team>-<environment> where
	// empty. An environment without a team has none: its namespaces are <application>-<environment>.
	Namespace string `json:"namespace,omitempty"`
	// Order is the environment's place in the pipeline, the lowest first. Releases are promoted from
	// a lower to a higher one. A preview has none.
	Order int `json:"order,omitempty" jsonschema:"minimum=0,maximum=1000"`
	// Governed environments change only by promotions that passed the gates. Prod is governed
	// where nothing is said, others are not.
	Governed *bool `json:"governed,omitempty"`
	// Policy names the GatePolicy of a governed environment; default where empty.
	Policy string `json:"policy,omitempty"`
	// TTL is the time to live, such as "72h" or "7d", counted from Created; empty: for ever.
	TTL string `json:"ttl,omitempty"`
	// Created is when the environment was made, or its time to live last began, in RFC 3339.
	Created string `json:"created,omitempty"`
	// Access is what the team may do with the objects in the namespace by itself; view where the
	// environment is governed, and edit where not.
	Access string `json:"access,omitempty" jsonschema:"enum=none,enum=view,enum=edit"`
	// Quota limits what a namespace takes in all, by the names of Kubernetes' resource quotas
	// ("requests.cpu": "2"). Entries are added to the defaults, or take their place; "" takes one away.
	Quota map[string]string `json:"quota,omitempty"`
	// Limits are what containers get that ask for nothing.
	Limits  Limits  `json:"limits,omitempty,omitzero"`
	Network Network `json:"network,omitempty,omitzero"`
	// Preview is set for the environment of a pull request.
	Preview *PreviewOf `json:"preview,omitempty"`
}

// Limits are the requests and limits of containers that have none of their own, by resource
// ("cpu", "memory"). Entries take the place of the defaults.
type Limits struct {
	Requests map[string]string `json:"requests,omitempty"`
	Limits   map[string]string `json:"limits,omitempty"`
}

// Network opens a namespace to others. Inside it, to DNS, and from the gateway traffic passes
// always; everything else is closed until it is opened here or by an application's own NetworkPolicy.
type Network struct {
	// From are namespaces whose pods may connect to the environment's.
	From []string `json:"from,omitempty"`
	// To are destinations that the environment's pods may connect to.
	To []Destination `json:"to,omitempty"`
}

// Destination is a place outside of an environment: a namespace or a network, exactly one of them.
type Destination struct {
	Namespace string `json:"namespace,omitempty"`
	// CIDR is a network, "10.0.0.0/8"; "0.0.0.0/0" is everything.
	CIDR string `json:"cidr,omitempty"`
	// Ports are TCP ports; all ports where empty.
	Ports []int `json:"ports,omitempty"`
}

// PreviewOf names the pull request that a preview environment is for.
type PreviewOf struct {
	Application string `json:"application"`
	PullRequest int    `json:"pullRequest" jsonschema:"minimum=1"`
	// Commit is the pull request's commit that the environment shows.
	Commit string `json:"commit,omitempty"`
}

// Release is an immutable pair: an image by its digest, and the commit whose manifests run it. It
// stands at applications/<application>/releases/<name>.yaml in the environments' repository, and
// once more in the folder of each environment that it runs in.
type Release struct {
	TypeMeta `json:",inline"`
	Metadata Metadata    `json:"metadata"`
	Spec     ReleaseSpec `json:"spec"`
}

// ReleaseSpec is the body of a [Release]. The release's name is made of its digests.
type ReleaseSpec struct {
	Application string `json:"application"`
	// Image is the image by digest, "registry.example.com/team/shop@sha256:<64 hexadecimal digits>".
	Image string `json:"image"`
	// Source is what the image was built from.
	Source SourceCommit `json:"source"`
	// Manifests is the commit of the same repository that the manifests are taken from, 40
	// hexadecimal digits.
	Manifests string `json:"manifests"`
}

// SourceCommit is a commit on the platform's Git server.
type SourceCommit struct {
	// Repository is "owner/name".
	Repository string `json:"repository"`
	// Commit is 40 hexadecimal digits.
	Commit string `json:"commit"`
}
