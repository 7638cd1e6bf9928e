package evidence

import (
	"context"
	"fmt"
	"time"
)

// SimpleSigning is the type that an image's signature names, and its payload's limit in bytes
// (sigstore/cosign, specs/SIGNATURE_SPEC.md).
const (
	simpleSigningType = "cosign container image signature"
	maxSimpleSigning  = 64 << 10
)

// ImageSignature is a signature of an image, apart from any statement: a payload that names the image's digest,
// and the signature over the payload's SHA-256 (ECDSA, ASN.1). It does not say which key made it.
type ImageSignature struct {
	Payload   []byte
	Signature []byte
}

type simpleSigning struct {
	Critical struct {
		Identity struct {
			Reference string `json:"docker-reference"`
		} `json:"identity"`
		Image struct {
			Digest Digest `json:"docker-manifest-digest"`
		} `json:"image"`
		Type string `json:"type"`
	} `json:"critical"`
	Optional map[string]any `json:"optional"`
}

// SignImage signs an image. The repository is for people; it is not verified.
func SignImage(repository string, image Digest, by *Signer) (ImageSignature, error) {
	var s simpleSigning
	s.Critical.Identity.Reference = repository
	s.Critical.Image.Digest = image
	s.Critical.Type = simpleSigningType
	payload, err := encode(s)
	if err != nil {
		return ImageSignature{}, fmt.Errorf("sign %s: %w", image, err)
	}
	signature, err := by.Sign(context.Background(), payload)
	if err != nil {
		return ImageSignature{}, fmt.Errorf("sign %s: %w", image, err)
	}
	return ImageSignature{Payload: payload, Signature: signature}, nil
}

// VerifyImage checks that a signature is of that image, by a key that has the role and is valid at that time, and
// gives the key. Errors are as in [Keyring.Verify].
func (r *Keyring) VerifyImage(s ImageSignature, image Digest, role Role, at time.Time) (Key, error) {
	const what = "image signature"
	if len(s.Payload) > maxSimpleSigning {
		return Key{}, decodeErrorf(what, "its payload has %d bytes, and %d are allowed", len(s.Payload), maxSimpleSigning)
	}
	var payload simpleSigning
	if err := decode(what, s.Payload, &payload); err != nil {
		return Key{}, err
	}
	if payload.Critical.Type != simpleSigningType {
		return Key{}, decodeErrorf(what, "critical.type is %q, not %q", shorten(payload.Critical.Type), simpleSigningType)
	}
	if payload.Critical.Image.Digest != image {
		return Key{}, decodeErrorf(what, "it is of the image %s, not of %s", payload.Critical.Image.Digest, image)
	}
	key, err := r.any(role, at, func(k trusted) bool {
		return k.Verify(context.Background(), s.Payload, s.Signature) == nil
	})
	if err != nil {
		return Key{}, &UntrustedError{Role: role, Signatures: []SignatureFault{{Reason: err}}}
	}
	return key, nil
}
