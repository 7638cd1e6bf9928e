// Package v1alpha1 holds the formats of the files that people write: Platform, Tool, Capability,
// Recipe and GatePolicy, and of those in the environments' repository: Application, Environment and
// Release. The JSON Schemas under schemas/ are generated from these types.
// Files are decoded strictly, defaulted and validated once, by internal/spec; inside the
// program the values are plain and complete.
package v1alpha1
