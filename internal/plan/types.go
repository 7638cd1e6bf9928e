package plan

import "github.com/slipway-dev/slipway/api/v1alpha1"

// Kind says what a unit is.
type Kind string

// Kinds of units.
const (
	KindTool    Kind = "tool"
	KindPackage Kind = "package"
)

// Plan is a resolved platform: which units run, in which order, with all contract values filled in.
// It prints as YAML (`slipway plan -o yaml`) and holds nothing that depends on time or machine
// except what Environment says.
type Plan struct {
	Name        string            `json:"name"`
	Domain      string            `json:"domain"`
	Environment Environment       `json:"environment"`
	Platform    v1alpha1.Platform `json:"platform"` // defaulted
	// Units stand in installation order: each after everything in its After.
	Units []Unit `json:"units"`
}

// Environment is what the cluster's and host's side contributes to expressions ("platform" in them).
type Environment struct {
	Provider    string `json:"provider"`
	Port        int    `json:"port"`        // the gateway's HTTPS port, inside and outside
	GatewayIP   string `json:"gatewayIP"`   // ClusterIP of the gateway's Service; "" where the cluster chooses
	DNSIP       string `json:"dnsIP"`       // ClusterIP of cluster DNS
	PodCIDR     string `json:"podCIDR"`     //
	ServiceCIDR string `json:"serviceCIDR"` //
	// GatewayNodePort is the NodePort that the host's loopback is forwarded to (embedded node).
	GatewayNodePort int `json:"gatewayNodePort"`
	// VolumesDir is the node's directory for persistent volumes (embedded node).
	VolumesDir string `json:"volumesDir,omitempty"`
	// Nameservers are what cluster DNS forwards to, reachable from the node; may be empty.
	Nameservers []string `json:"nameservers,omitempty"`
}

// Unit is a tool or a package: what is rendered into one folder, delivered and owned together.
type Unit struct {
	Name      string `json:"name"`
	Kind      Kind   `json:"kind"`
	Version   string `json:"version,omitempty"`
	Namespace string `json:"namespace"`
	// Capabilities that this unit provides, sorted.
	Capabilities []string `json:"capabilities,omitempty"`
	// Bootstrap units are applied by Slipway itself, before the GitOps engine takes over: the
	// delivery tool, the Git server, and all they require.
	Bootstrap bool `json:"bootstrap,omitempty"`
	// After are the units that must be ready before this one, sorted.
	After []string `json:"after,omitempty"`
	// Components are the recipes whose images this unit runs, sorted.
	Components []string `json:"components,omitempty"`
	// Supply stands for what those images are made from: a short hash over their recipes and all
	// that these stand on; "" where there are no images.
	Supply  string                    `json:"supply,omitempty"`
	Values  map[string]any            `json:"values,omitempty"`
	Inputs  map[string]map[string]any `json:"inputs,omitempty"`
	Outputs map[string]map[string]any `json:"outputs,omitempty"`
	// URL is the page a person opens; empty for most.
	URL string `json:"url,omitempty"`
	// Tool is the tool with every expression outside Delivery's Application, Workload and Repository evaluated, nil for packages.
	Tool *v1alpha1.Tool `json:"-"`
	// Package is set for packages.
	Package *v1alpha1.Package `json:"package,omitempty"`
}
