package evidence

import (
	"context"
	"fmt"
	"time"
)

// Source gives what is stored about an image. What it gives is not trusted. An image about which nothing is stored
// is no error; an error says that it could not be found out.
type Source interface {
	// Attestations gives envelopes, as they were stored.
	Attestations(ctx context.Context, image Digest) ([][]byte, error)
	// Signatures gives the image's signatures.
	Signatures(ctx context.Context, image Digest) ([]ImageSignature, error)
}

// Collection is the evidence about one image: what was verified, by kind, and what was not.
type Collection struct {
	Image      Digest             `json:"image"`
	Signatures []ImageSigned      `json:"signatures,omitempty"`
	Provenance []Fact[Provenance] `json:"provenance,omitempty"`
	SBOMs      []Fact[SBOM]       `json:"sboms,omitempty"`
	Tests      []Fact[TestResult] `json:"tests,omitempty"`
	Approvals  []Fact[Approval]   `json:"approvals,omitempty"`
	// Rejected is what was stored and does not count.
	Rejected []Rejection `json:"rejected,omitempty"`
}

// Fact is a verified statement's content, with where it comes from.
type Fact[T any] struct {
	// Envelope is the digest of the envelope, for a decision to name.
	Envelope Digest `json:"envelope"`
	// Signer is the name of the key that signed it, and KeyID its fingerprint.
	Signer string `json:"signer"`
	KeyID  string `json:"keyID"`
	Value  T      `json:"value"`
}

// ImageSigned is a signature of the image that holds.
type ImageSigned struct {
	// Payload is the digest of what was signed.
	Payload Digest `json:"payload"`
	Signer  string `json:"signer"`
	KeyID   string `json:"keyID"`
}

// Rejection says why something that is stored about an image does not count.
type Rejection struct {
	// Stored is the digest of the envelope, or of a signature's payload.
	Stored Digest `json:"stored"`
	// Type is the statement's predicate type; "" where it could not be read, and for signatures.
	Type   string `json:"type,omitempty"`
	Reason string `json:"reason"`
}

// Collect verifies everything that is stored about an image, with keys as they are valid at that time. What does not
// hold is in Rejected; the error is about the source alone.
func Collect(ctx context.Context, from Source, ring *Keyring, image Digest, at time.Time) (Collection, error) {
	out := Collection{Image: image}
	signatures, err := from.Signatures(ctx, image)
	if err != nil {
		return out, fmt.Errorf("read the signatures of %s: %w", image, err)
	}
	envelopes, err := from.Attestations(ctx, image)
	if err != nil {
		return out, fmt.Errorf("read the attestations of %s: %w", image, err)
	}
	for _, s := range signatures {
		key, err := ring.VerifyImage(s, image, Builder, at)
		if err != nil {
			out.Rejected = append(out.Rejected, Rejection{Stored: DigestOf(s.Payload), Reason: err.Error()})
			continue
		}
		out.Signatures = append(out.Signatures, ImageSigned{Payload: DigestOf(s.Payload), Signer: key.Name, KeyID: key.ID})
	}
	for _, e := range envelopes {
		if err := out.add(e, ring, at); err != nil {
			rejected := Rejection{Stored: DigestOf(e), Reason: err.Error()}
			if s, err := Unverified(e); err == nil {
				rejected.Type = s.PredicateType
			}
			out.Rejected = append(out.Rejected, rejected)
		}
	}
	return out, nil
}

// add verifies one envelope and puts its facts where they belong.
func (c *Collection) add(envelope []byte, ring *Keyring, at time.Time) error {
	claimed, err := Unverified(envelope)
	if err != nil {
		return err
	}
	role := Builder
	if claimed.PredicateType == ApprovalType {
		role = Server
	}
	v, err := ring.Verify(envelope, role, at)
	if err != nil {
		return err
	}
	if !v.Statement.About(c.Image) {
		return decodeErrorf("statement", "it is not about the image %s", c.Image)
	}
	switch v.Statement.PredicateType {
	case ProvenanceType:
		return collect(&c.Provenance, v, DecodeProvenance)
	case SPDXType, SPDXType + "/v2.2", SPDXType + "/v2.3":
		return collect(&c.SBOMs, v, DecodeSBOM)
	case TestResultType:
		return collect(&c.Tests, v, DecodeTestResult)
	case ApprovalType:
		return collect(&c.Approvals, v, DecodeApproval)
	}
	return decodeErrorf("statement", "statements of the type %q are not read", shorten(v.Statement.PredicateType))
}

func collect[T any](into *[]Fact[T], v *Verified, read func(Statement) (T, error)) error {
	value, err := read(v.Statement)
	if err != nil {
		return err
	}
	*into = append(*into, Fact[T]{Envelope: v.Envelope, Signer: v.Signer.Name, KeyID: v.Signer.ID, Value: value})
	return nil
}
