package v1alpha1

// GatePolicy says which gates a promotion has to pass, by the environment it leads to. It
// stands at catalog/policies/<name>.yaml, or wherever a platform keeps its own.
type GatePolicy struct {
	TypeMeta `json:",inline"`
	Metadata Metadata       `json:"metadata"`
	Spec     GatePolicySpec `json:"spec"`
}

// GatePolicySpec is the body of a [GatePolicy].
type GatePolicySpec struct {
	Description string `json:"description"`
	// Rules give gates to environments. An environment has the gates of every rule that selects
	// it; one that no rule selects is not governed, and nothing can be promoted to it.
	Rules []GateRule `json:"rules"`
}

// GateRule gives gates to the environments that it selects.
type GateRule struct {
	Environments EnvironmentSelector `json:"environments"`
	Gates        []Gate              `json:"gates"`
}

// EnvironmentSelector selects environments that meet all of what it names.
type EnvironmentSelector struct {
	// Kinds are kinds of environments: dev, test, staging, prod, preview.
	Kinds []string `json:"kinds,omitempty"`
	// Names are environments' names, in which "*" stands for any letters: "prod", "prod-*".
	Names []string `json:"names,omitempty"`
	// Labels are labels that an environment must all have.
	Labels map[string]string `json:"labels,omitempty"`
}

// Gate is a named condition that a promotion has to meet.
type Gate struct {
	// Name is a DNS label, unique in the policy: waivers and decisions name the gate by it.
	Name string `json:"name"`
	// Description says in one sentence what holds when the gate is passed.
	Description string `json:"description"`
	// Expression is a CEL expression (https://cel.dev) that is true when the gate is passed. It
	// sees release, promotion, approvals, evidence, environment, source, freezes, platform, now
	// and parameters. What is not known makes the gate "not available", never passed.
	Expression string `json:"expression"`
	// MessageExpression is a CEL expression that gives the text shown when the gate is not
	// passed; without it the description is shown.
	MessageExpression string `json:"messageExpression,omitempty"`
	// Hint says what a person can do where the gate is not passed.
	Hint string `json:"hint,omitempty"`
	// Parameters are what the expressions find below "parameters": texts, whole numbers,
	// true or false, lists of texts. Text that reads as a duration ("24h", "90m") is a duration.
	Parameters map[string]any `json:"parameters,omitempty"`
	// Evidence lists the kinds of evidence that the gate rests on: signature, provenance, tests,
	// sbom. Each must be there, signed by a key that the platform trusts, and about the image
	// that is promoted.
	Evidence []string `json:"evidence,omitempty"`
	// MaxAge is how old that evidence may be, such as "720h"; empty: any age.
	MaxAge string `json:"maxAge,omitempty"`
	// Waivable says that a person may waive the gate, for a reason and until a date.
	Waivable bool `json:"waivable,omitempty"`
}

// EvidenceKinds are the kinds of evidence that a gate can rest on.
var EvidenceKinds = []string{EvidenceSignature, EvidenceProvenance, EvidenceTests, EvidenceSBOM}

// Kinds of evidence.
const (
	EvidenceSignature  = "signature"  // the image's signature
	EvidenceProvenance = "provenance" // what it was built from, and by what (SLSA)
	EvidenceTests      = "tests"      // the result of its tests
	EvidenceSBOM       = "sbom"       // its bill of materials
)
