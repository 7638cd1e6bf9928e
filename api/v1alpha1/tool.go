package v1alpha1

// Tool is one implementation of one or more capabilities. It stands at
// catalog/tools/<name>/tool.yaml; its manifests and values stand beside it.
//
// Strings in Outputs, Values, Sources, Patches, Runtime, Probes, Delivery and in the tool's own manifest
// files may hold expressions: "${...}" is a CEL expression (https://cel.dev); a string that is
// one expression takes the expression's type; "$${" stands for a literal "${". In scope:
//
//	platform  name, domain, scheme ("https"), port (443), portSuffix ("" or ":8443"), proxy, gatewayIP, dnsIP, podCIDR,
//	          serviceCIDR, provider, gatewayNodePort, nameservers, volumesDir
//	tool      name, version, namespace
//	values    the tool's defaults merged with the platform's
//	inputs    inputs.<capability>.<output>, of required capabilities; optional ones that are missing are absent (use has())
//	outputs   outputs.<capability>.<output>, of the tool itself (not inside Provides)
//	unit      only in Delivery.Application: name, kind, path, namespace, repoURL, revision, bootstrap, order
//
// A map entry whose value evaluates to null is left out. In the tool's own manifest files, an
// object whose annotation slipway.dev/when gives false is left out with all its expressions.
type Tool struct {
	TypeMeta `json:",inline"`
	Metadata Metadata `json:"metadata"`
	Spec     ToolSpec `json:"spec"`
}

// ToolSpec is the body of a [Tool].
type ToolSpec struct {
	Description string `json:"description"`
	Website     string `json:"website,omitempty"`
	License     string `json:"license,omitempty"`
	// Version is upstream's version without a leading "v".
	Version string `json:"version"`
	// Namespace is where the tool runs; it is made, with NamespaceLabels, when the tool is installed.
	Namespace       string            `json:"namespace"`
	NamespaceLabels map[string]string `json:"namespaceLabels,omitempty"`
	// Provides maps each capability to the values of its contract's outputs.
	Provides map[string]Provision `json:"provides"`
	// Requires are the capabilities this tool needs.
	Requires []Requirement `json:"requires,omitempty"`
	// Providers limits the tool to cluster providers; empty means any.
	Providers []string `json:"providers,omitempty"`
	// Components are the recipes whose images the tool runs.
	Components []string `json:"components,omitempty"`
	// Publish are images that `up` puts into the platform's own registry, for those who build on them.
	Publish []PublishedImage `json:"publish,omitempty"`
	// Values are the defaults of what a platform may set.
	Values map[string]any `json:"values,omitempty"`
	// Sources give the manifests, in this order.
	Sources []Source `json:"sources,omitempty"`
	// Patches change objects from the sources; a patch whose target matches nothing is an error.
	Patches []Override `json:"patches,omitempty"`
	// Drop removes objects that sources give and the platform does not want.
	Drop []Target `json:"drop,omitempty"`
	// Runtime are Secrets and ConfigMaps made in the cluster and never stored in Git.
	Runtime []RuntimeObject `json:"runtime,omitempty"`
	// Ready are conditions on objects beyond kstatus.
	Ready []ReadyCheck `json:"ready,omitempty"`
	// Probes prove the contract from outside the cluster.
	Probes []Probe `json:"probes,omitempty"`
	// Credentials are shown by `slipway get credentials`.
	Credentials []Credential `json:"credentials,omitempty"`
	// URL is the page a person opens, such as "https://git.${platform.domain}${platform.portSuffix}".
	URL string `json:"url,omitempty"`
	// Delivery is set by a tool that provides "delivery".
	Delivery *Delivery `json:"delivery,omitempty"`
	// Adapter names the adapter that speaks to this tool's API, where its capability has one
	// ("git": a Git server's repositories, users and webhooks).
	Adapter string `json:"adapter,omitempty"`
}

// Provision is what a tool gives for one capability.
type Provision struct {
	Outputs map[string]any `json:"outputs,omitempty"`
}

// Requirement is a capability that a tool needs.
type Requirement struct {
	Capability string `json:"capability"`
	// Optional requirements only order the tools and fill inputs where the capability is there.
	Optional bool `json:"optional,omitempty"`
}

// Source gives manifests: exactly one of its fields is set.
type Source struct {
	// Manifests is a file or directory beside tool.yaml, plain YAML with expressions.
	Manifests string `json:"manifests,omitempty"`
	// Files are plain manifests of upstream's, from a component's module.
	Files *ModuleFiles `json:"files,omitempty"`
	// Kustomize is a Kustomize root of upstream's, from a component's module.
	Kustomize *ModulePath `json:"kustomize,omitempty"`
	// Helm is a chart of upstream's, from a component's module.
	Helm *HelmChart `json:"helm,omitempty"`
}

// ModulePath is a path inside a Go module that a component's wrapper go.mod requires, so that
// version and checksum are pinned there.
type ModulePath struct {
	Component string `json:"component"`
	Module    string `json:"module"`
	Path      string `json:"path"`
}

// ModuleFiles are manifest files inside a module; Paths may hold globs.
type ModuleFiles struct {
	Component string   `json:"component"`
	Module    string   `json:"module"`
	Paths     []string `json:"paths"`
}

// HelmChart is a chart inside a module.
type HelmChart struct {
	ModulePath `json:",inline"`
	// ReleaseName is the tool's name where empty.
	ReleaseName string         `json:"releaseName,omitempty"`
	Values      map[string]any `json:"values,omitempty"`
	// Chart overlays Chart.yaml, for charts whose published source holds a template of it.
	Chart map[string]any `json:"chart,omitempty"`
}

// RuntimeObject is a Secret or ConfigMap that is made once in the cluster. Keys that exist are
// kept, missing keys are added; an entry with Follow is brought up to date on every run.
type RuntimeObject struct {
	Kind        string            `json:"kind" jsonschema:"enum=Secret,enum=ConfigMap"`
	Name        string            `json:"name"`
	Namespace   string            `json:"namespace,omitempty"`
	Type        string            `json:"type,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
	// Data maps a key to where its value comes from. Keys may hold expressions.
	Data map[string]RuntimeValue `json:"data,omitempty"`
	// Client registers the tool at the platform's identity provider; the Secret gets its keys
	// client-id and client-secret beside those of Data.
	Client *OIDCClient `json:"client,omitempty"`
	// When is a condition: where it is false the object is not made. Empty means always.
	When string `json:"when,omitempty"`
	// Account gives the tool an account of its own on one of the platform's servers; the Secret gets its keys
	// username and password beside those of Data.
	Account *ServerAccount `json:"account,omitempty"`
}

// ServerAccount is a tool's own account on the platform's Git server or registry. Its password is a token that is
// made for this one Secret, may do no more than Rights says, and is made anew once a month; the one before is
// valid until the `up` after that.
type ServerAccount struct {
	// At is the capability whose server has the account.
	At string `json:"at" jsonschema:"enum=git,enum=registry"`
	// Name is the account's; several Secrets may have a login of the same one.
	Name string `json:"name"`
	// Rights are code:read, code:write, packages:read, packages:write, or all that the account may do: everything.
	Rights []string `json:"rights"`
	// Administrator accounts may do on the server what its administrator may, as far as Rights go. What others may
	// reach, beside what everybody may, is given to them on the server.
	Administrator bool `json:"administrator,omitempty"`
}

// Rights of a [ServerAccount].
const (
	RightReadCode      = "code:read"
	RightWriteCode     = "code:write"
	RightReadPackages  = "packages:read"
	RightWritePackages = "packages:write"
	RightEverything    = "everything"
)

// OIDCClient is an OpenID Connect client.
type OIDCClient struct {
	// Name is what people see when they log in; unique in the platform.
	Name string `json:"name"`
	// RedirectURIs are where the provider may send people back to.
	RedirectURIs []string `json:"redirectURIs"`
	// Public clients hold no secret and prove themselves by PKCE alone: a command line, a page.
	Public bool `json:"public,omitempty"`
}

// PublishedImage is a component's image in the platform's registry.
type PublishedImage struct {
	Component string `json:"component"`
	// Name is the repository and tag there, "slipway/go:1.26"; the tag follows the component.
	Name string `json:"name"`
}

// RuntimeValue is one value: exactly one of Value, Random, Bytes, Key, From, PublicOf and CA is set.
type RuntimeValue struct {
	Value string `json:"value,omitempty"`
	// Random is a length in characters, from letters and digits, by a cryptographic source.
	Random int `json:"random,omitempty"`
	// Bytes is a number of random bytes, written in base64 (standard alphabet, padded).
	Bytes int `json:"bytes,omitempty"`
	// Key makes a new private key to sign with, in PEM (PKCS #8): "ecdsa-p256".
	Key string `json:"key,omitempty" jsonschema:"enum=ecdsa-p256"`
	// From copies a key of another Secret: "namespace/name/key".
	From string `json:"from,omitempty"`
	// PublicOf is the public half, in PEM (PKIX), of a private key that another Secret holds: "namespace/name/key".
	PublicOf string `json:"publicOf,omitempty"`
	// CA is "certificate" (the platform CA's PEM), "key" (its private key's PEM), or "bundle"
	// (platform CA, then the platform's trusted bundles, then the public roots).
	CA string `json:"ca,omitempty" jsonschema:"enum=certificate,enum=key,enum=bundle"`
	// Follow rewrites the key whenever its source has changed.
	Follow bool `json:"follow,omitempty"`
}

// ReadyCheck waits until a CEL expression over an object ("object") is true.
type ReadyCheck struct {
	Target    Target `json:"target"`
	Condition string `json:"condition"`
}

// Probe is an HTTP call that must answer before the tool counts as working.
type Probe struct {
	Name       string `json:"name"`
	Capability string `json:"capability"`
	// URL is called with the platform's CA as the only trust besides the system's.
	URL    string `json:"url"`
	Method string `json:"method,omitempty"`
	Body   string `json:"body,omitempty"`
	// Headers are added to the call.
	Headers map[string]string `json:"headers,omitempty"`
	// BasicAuth is "namespace/name" of a Secret with username and password.
	BasicAuth string `json:"basicAuth,omitempty"`
	// Status is the wanted HTTP status; 200 where 0.
	Status int `json:"status,omitempty"`
	// Condition is a CEL expression over "status", "headers" and "body" (JSON where it parses, else text).
	Condition string `json:"condition,omitempty"`
	// When is a condition: where it is false the probe is left out. Empty means always.
	When string `json:"when,omitempty"`
}

// Credential says where a login lies.
type Credential struct {
	Secret      string `json:"secret"` // namespace/name
	UsernameKey string `json:"usernameKey,omitempty"`
	Username    string `json:"username,omitempty"`
	PasswordKey string `json:"passwordKey,omitempty"`
	Note        string `json:"note,omitempty"`
}

// Delivery tells how a GitOps engine takes over.
type Delivery struct {
	// Application is the object that hands one unit (a tool or a package) over: it is rendered
	// for each unit into the tree and for the tree's root as unit.name "platform".
	Application map[string]any `json:"application"`
	// Workload is the object that hands over what teams run: rendered as Application is, over "unit"
	// alone (name, path, repoURL, revision, namespace, and kind: "namespaces" for the namespaces of
	// environments, "workload" for an application in one). It has to keep the engine from applying
	// anything else than belongs there.
	Workload map[string]any `json:"workload,omitempty"`
	// Repository are the objects, in this order, that have a team's own repository delivered into one of its
	// namespaces, as templates ask for it: rendered over "unit" alone (name, team, label, repoURL, path,
	// namespace). They have to keep the engine from applying anything elsewhere, and anything that is not for teams.
	Repository []map[string]any `json:"repository,omitempty"`
	// Page is a workload's page in the engine's own interface, below the tool's URL, over "unit" as Workload is
	// ("/applications/${unit.name}"); empty where it has none.
	Page string `json:"page,omitempty"`
	// Condition is a CEL expression over "object" and "revision" (the commit that was pushed, empty
	// where it changed nothing of the unit), true when the engine has applied the unit at that
	// revision and finds it healthy.
	Condition string `json:"condition"`
	// Status says what the engine tells of an application, whatever its revision.
	Status *DeliveryStatus `json:"status,omitempty"`
	// Refresh are annotations that make the engine look at an application again at once; they
	// are set on those that are not done after a while, in case an event was missed.
	Refresh map[string]string `json:"refresh,omitempty"`
	// FieldManager is the manager as which the engine applies (server-side apply). What Slipway
	// applies before the engine runs is applied as this one, so that all fields have one owner.
	FieldManager string `json:"fieldManager,omitempty"`
	// Tracking are the annotations by which the engine knows what it owns: CEL expressions over
	// "object" and "unit" (name, namespace) that give text; an empty one is left out. What is
	// applied before the engine runs gets them, and is then found as if the engine had applied it.
	Tracking map[string]string `json:"tracking,omitempty"`
	// WebhookPath is called by the Git server on push, below the tool's URL ("/api/webhook").
	WebhookPath string `json:"webhookPath,omitempty"`
	// WebhookSecret is "namespace/name/key" of the shared secret.
	WebhookSecret string `json:"webhookSecret,omitempty"`
}

// DeliveryStatus are plain CEL expressions over "object", an application as it is in the cluster.
type DeliveryStatus struct {
	// Revisions gives the list of commits that the engine has compared the cluster with last.
	Revisions string `json:"revisions"`
	// Synced gives whether the cluster is as those commits say, whatever the health.
	Synced string `json:"synced"`
	// Message gives what is in the way, in the engine's words; empty where nothing is.
	Message string `json:"message,omitempty"`
}
