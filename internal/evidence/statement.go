package evidence

import (
	"encoding/json"
	"slices"

	intoto "github.com/in-toto/attestation/go/v1"
)

// Predicate types: what a statement says.
const (
	ProvenanceType = "https://slsa.dev/provenance/v1"
	SPDXType       = "https://spdx.dev/Document"
	TestResultType = "https://in-toto.io/attestation/test-result/v0.1"
	ApprovalType   = "https://slipway.dev/approval/v1"
	DecisionType   = "https://slipway.dev/decision/v1"
)

// statementTypes are the versions of a statement that are read. The older one has the same fields, and
// is what cosign's attest command writes (in-toto-golang's StatementInTotoV01).
var statementTypes = []string{intoto.StatementTypeUri, "https://in-toto.io/Statement/v0.1"}

// maxSubjects bounds what one statement may be about.
const maxSubjects = 256

// Statement says something about subjects: an in-toto statement, version 1.
type Statement struct {
	Type          string    `json:"_type"`
	Subject       []Subject `json:"subject"`
	PredicateType string    `json:"predicateType"`
	// Predicate is what is said, in the format that PredicateType names.
	Predicate json.RawMessage `json:"predicate,omitempty"`
}

// Subject is what a statement is about. It is matched by digest alone; the name is for people.
type Subject struct {
	Name string `json:"name,omitempty"`
	// Digest maps algorithms to lower-case hexadecimal digits: {"sha256": "..."}.
	Digest map[string]string `json:"digest"`
}

// NewSubject names an image: the repository it is known by, which may be empty, and its digest.
func NewSubject(name string, image Digest) Subject {
	return Subject{Name: name, Digest: map[string]string{algorithm: image.Hex()}}
}

// newStatement makes a statement about one image, whose predicate is JSON already.
func newStatement(about Subject, predicateType string, predicate []byte) Statement {
	return Statement{Type: intoto.StatementTypeUri, Subject: []Subject{about}, PredicateType: predicateType,
		Predicate: predicate}
}

// ParseStatement reads the payload of an envelope.
func ParseStatement(payload []byte) (Statement, error) {
	const what = "statement"
	var s Statement
	if err := decode(what, payload, &s); err != nil {
		return Statement{}, err
	}
	switch {
	case !slices.Contains(statementTypes, s.Type):
		return Statement{}, decodeErrorf(what, "_type is %q, and it is to be %q", shorten(s.Type), intoto.StatementTypeUri)
	case s.PredicateType == "":
		return Statement{}, decodeErrorf(what, "it has no predicateType")
	case len(s.Subject) == 0:
		return Statement{}, decodeErrorf(what, "it has no subject")
	case len(s.Subject) > maxSubjects:
		return Statement{}, decodeErrorf(what, "it has %d subjects, and %d are allowed", len(s.Subject), maxSubjects)
	}
	for i, subject := range s.Subject {
		if len(subject.Digest) == 0 {
			return Statement{}, decodeErrorf(what, "subject[%d] has no digest", i)
		}
		if digits, ok := subject.Digest[algorithm]; ok && !isHex(digits, 64) {
			return Statement{}, decodeErrorf(what, "subject[%d].digest.sha256: %q is not 64 hexadecimal digits in lower case", i,
				shorten(digits))
		}
	}
	return s, nil
}

// About says whether the image is one of the subjects.
func (s Statement) About(image Digest) bool {
	return slices.ContainsFunc(s.Subject, func(subject Subject) bool {
		return subject.Digest[algorithm] == image.Hex()
	})
}

// payload gives the bytes that are signed.
func (s Statement) payload() ([]byte, error) {
	return encode(s)
}

// of checks that a statement is of the wanted type before its predicate is read.
func (s Statement) of(what string, predicateTypes ...string) error {
	if slices.Contains(predicateTypes, s.PredicateType) {
		return nil
	}
	return decodeErrorf(what, "the statement's predicateType is %q, not %q", shorten(s.PredicateType), predicateTypes[0])
}
