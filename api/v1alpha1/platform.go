package v1alpha1

// Platform is the desired state of one internal developer platform.
type Platform struct {
	TypeMeta `json:",inline"`
	Metadata Metadata     `json:"metadata"`
	Spec     PlatformSpec `json:"spec,omitempty"`
}

// PlatformSpec is the body of a [Platform].
type PlatformSpec struct {
	// Domain is the DNS name below which every tool gets its host name; NAME.localhost where empty.
	Domain  string  `json:"domain,omitempty"`
	Cluster Cluster `json:"cluster,omitempty"`
	Supply  Supply  `json:"supply,omitempty"`
	// Capabilities chooses a tool for each capability by the capability's name. A capability
	// that is not named gets its default tool when it is part of every platform or something requires it.
	Capabilities map[string]Choice `json:"capabilities,omitempty"`
	// People can sign in from the start, whichever tool provides identity.
	People []Person `json:"people,omitempty"`
	// Packages are delivered in addition to the tools.
	Packages []Package `json:"packages,omitempty"`
	Trust    Trust     `json:"trust,omitempty"`
	Proxy    Proxy     `json:"proxy,omitempty"`
	// Overrides patch rendered objects, last of all.
	Overrides []Override `json:"overrides,omitempty"`
}

// Names of cluster providers.
const (
	ProviderEmbedded   = "embedded"
	ProviderKubeconfig = "kubeconfig"
)

// Cluster says where the platform runs.
type Cluster struct {
	// Provider is "embedded" (a node run by Slipway on this machine) or "kubeconfig" (an existing cluster).
	Provider   string            `json:"provider,omitempty" jsonschema:"enum=embedded,enum=kubeconfig"`
	Embedded   EmbeddedCluster   `json:"embedded,omitempty"`
	Kubeconfig KubeconfigCluster `json:"kubeconfig,omitempty"`
}

// EmbeddedCluster configures the embedded node.
type EmbeddedCluster struct {
	// Listen is the host address the gateway is forwarded from; 127.0.0.1 where empty.
	Listen string `json:"listen,omitempty"`
	// HTTPSPort is the gateway's port on Listen; where 0, 443, or 8443 and upwards if 443 is taken.
	HTTPSPort int `json:"httpsPort,omitempty" jsonschema:"minimum=0,maximum=65535"`
	// PodCIDR is the pods' IPv4 network inside the node's own network namespace; 10.244.0.0/16 where empty.
	PodCIDR string `json:"podCIDR,omitempty"`
	// ServiceCIDR is the services' IPv4 network there; 10.96.0.0/16 where empty.
	ServiceCIDR string `json:"serviceCIDR,omitempty"`
	// LoopbackGateway makes the gateway answer on 127.0.0.1 inside pods too (default true), because
	// curl, git and browsers resolve *.localhost to loopback without asking DNS.
	LoopbackGateway *bool `json:"loopbackGateway,omitempty"`
}

// KubeconfigCluster names an existing cluster.
type KubeconfigCluster struct {
	// Path of the kubeconfig file; $KUBECONFIG or ~/.kube/config where empty.
	Path    string `json:"path,omitempty"`
	Context string `json:"context,omitempty"`
}

// Modes of supply.
const (
	SupplyAuto  = "auto"
	SupplyPull  = "pull"
	SupplyBuild = "build"
)

// Supply says where images come from.
type Supply struct {
	// Mode is "auto" (pull where upstream's registry answers, else build), "pull" or "build".
	Mode string `json:"mode,omitempty" jsonschema:"enum=auto,enum=pull,enum=build"`
	// Mirrors maps a registry host ("docker.io") to the host and optional path to pull from instead.
	Mirrors map[string]string `json:"mirrors,omitempty"`
}

// Choice chooses and configures one capability's tool.
type Choice struct {
	// Tool is the tool's name, or "none" to leave an optional capability out.
	Tool string `json:"tool,omitempty"`
	// Version must be the one the catalogue holds, or empty.
	Version string `json:"version,omitempty"`
	// Values are merged over the tool's defaults.
	Values map[string]any `json:"values,omitempty"`
}

// Person is somebody whom Slipway makes known to the identity provider, with a first password
// (see `slipway get credentials`) that must be changed at the first sign-in. Who is known already
// is put into the groups and otherwise left alone; who leaves the list is not removed.
type Person struct {
	// Name is what the person signs in with.
	Name     string `json:"name"`
	FullName string `json:"fullName,omitempty"`
	// Email is the person's address; NAME@DOMAIN where empty.
	Email string `json:"email,omitempty"`
	// Groups are "platform-admins", "auditors", a team ("shop"), or a part of one ("shop:developers").
	Groups []string `json:"groups,omitempty"`
}

// Package is something to deliver: a directory of plain manifests, a Kustomize root, a Helm
// chart, or Argo CD Applications as CNOE packages are; what it is, is found by looking.
type Package struct {
	// Name is a DNS label, unique in the platform; it names the package's folder and Application.
	Name string `json:"name"`
	// Path is a directory: relative to the Platform file, or inside the Git repository.
	Path string `json:"path,omitempty"`
	// Git is set for a package that lives in a Git repository.
	Git *GitSource `json:"git,omitempty"`
	// Namespace is where namespaced objects without a namespace go; the package's name where empty.
	Namespace string `json:"namespace,omitempty"`
	// Values are given to a Helm chart.
	Values map[string]any `json:"values,omitempty"`
	// Expressions evaluates "${...}" in the package's manifests and values, as in a tool's. It is off
	// where not asked for, because ordinary manifests may hold "${" of their own, in shell scripts for example.
	Expressions bool `json:"expressions,omitempty"`
}

// GitSource is a place in a Git repository.
type GitSource struct {
	URL string `json:"url"`
	// Ref is a branch, tag or commit; the default branch where empty.
	Ref string `json:"ref,omitempty"`
}

// Trust adds to what is trusted inside the platform.
type Trust struct {
	// CABundles are PEM files, relative to the Platform file.
	CABundles []string `json:"caBundles,omitempty"`
}

// Proxy is the HTTP(S) proxy for what runs inside the platform.
type Proxy struct {
	HTTP  string   `json:"http,omitempty"`
	HTTPS string   `json:"https,omitempty"`
	No    []string `json:"no,omitempty"`
}

// Override patches rendered objects.
type Override struct {
	Target Target `json:"target"`
	// Patch is a strategic merge patch (a map) or an RFC 6902 patch (a list), in YAML or JSON text.
	Patch string `json:"patch"`
}

// Target selects objects; empty fields match everything, the others are anchored regular
// expressions, as in Kustomize.
type Target struct {
	Unit      string `json:"unit,omitempty"`
	Group     string `json:"group,omitempty"`
	Version   string `json:"version,omitempty"`
	Kind      string `json:"kind,omitempty"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name,omitempty"`
}
