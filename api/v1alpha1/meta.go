package v1alpha1

// APIVersion is the value of apiVersion in every file of this version.
const APIVersion = "slipway.dev/v1alpha1"

// TypeMeta names a file's format.
type TypeMeta struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
}

// Metadata names an object.
type Metadata struct {
	// Name is a DNS label (RFC 1123).
	Name string `json:"name"`
	// Labels are free words for finding things.
	Labels map[string]string `json:"labels,omitempty"`
}
