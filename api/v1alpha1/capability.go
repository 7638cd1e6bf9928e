package v1alpha1

// Capability is something a platform can do, and its contract: what whoever provides it
// must give. It stands at catalog/capabilities/<name>.yaml.
type Capability struct {
	TypeMeta `json:",inline"`
	Metadata Metadata       `json:"metadata"`
	Spec     CapabilitySpec `json:"spec"`
}

// CapabilitySpec is the body of a [Capability].
type CapabilitySpec struct {
	Description string `json:"description"`
	// Default is the tool taken where the platform names none.
	Default string `json:"default,omitempty"`
	// Standard says that every platform has this capability unless its tool is "none".
	Standard bool `json:"standard,omitempty"`
	// Outputs is what a provider gives to those that require it, by name.
	Outputs map[string]Output `json:"outputs,omitempty"`
}

// Types of contract outputs.
const (
	OutputString  = "string"  // any text
	OutputURL     = "url"     // absolute URL without a trailing slash
	OutputHost    = "host"    // DNS name, no port
	OutputName    = "name"    // name of a Kubernetes object
	OutputSecret  = "secret"  // namespace/name of a Secret
	OutputNumber  = "number"  // integer
	OutputBoolean = "boolean" // true or false
)

// Output is one typed value of a contract.
type Output struct {
	Type        string `json:"type" jsonschema:"enum=string,enum=url,enum=host,enum=name,enum=secret,enum=number,enum=boolean"`
	Description string `json:"description"`
	// Optional outputs may be missing; the others must be given.
	Optional bool `json:"optional,omitempty"`
}
