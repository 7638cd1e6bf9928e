// Package registry keeps evidence beside the image in its OCI registry, in the layout that sigstore/cosign reads and
// writes: signatures under the tag sha256-HEX.sig (specs/SIGNATURE_SPEC.md), envelopes under sha256-HEX.att
// (specs/ATTESTATION_SPEC.md), one layer each. It reads envelopes that were attached as referrers too: artifacts whose
// subject is the image (OCI distribution specification 1.1, "Listing Referrers"). It verifies nothing; what it gives
// goes to [evidence.Collect].
package registry

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/slipway-dev/slipway/internal/evidence"
)

// Media types and annotations, as the specifications above name them.
const (
	envelopeType  types.MediaType = "application/vnd.dsse.envelope.v1+json"
	signatureType types.MediaType = "application/vnd.dev.cosign.simplesigning.v1+json"

	signatureAnnotation = "dev.cosignproject.cosign/signature"
	predicateAnnotation = "predicateType"
)

// Limits: what is stored about one image, in layers and bytes.
const (
	maxLayers = 512
	maxTotal  = 4 * evidence.MaxEnvelope
)

// attempts is how often a tag is written anew when another writer was in between.
const attempts = 5

// Store reads and writes the evidence about the images of one repository.
type Store struct {
	repository name.Repository
	options    []remote.Option
	// mu orders the writers of this process: a tag is read, added to and written.
	mu sync.Mutex
}

var _ evidence.Source = (*Store)(nil)

// New makes a store for a repository. The options say how to reach the registry: credentials, transport.
func New(repository name.Repository, options ...remote.Option) *Store {
	return &Store{repository: repository, options: append([]remote.Option{remote.WithUserAgent("slipway")}, options...)}
}

// Attestations implements [evidence.Source].
func (s *Store) Attestations(ctx context.Context, image evidence.Digest) ([][]byte, error) {
	stored, err := s.read(ctx, s.tag(image, "att"), envelopeType)
	if err != nil {
		return nil, err
	}
	referrers, err := s.referrers(ctx, image)
	if err != nil {
		return nil, err
	}
	var out [][]byte
	seen := map[v1.Hash]bool{}
	for _, l := range append(stored, referrers...) {
		if !seen[l.Digest] {
			out = append(out, l.content)
		}
		seen[l.Digest] = true
	}
	return out, nil
}

// Signatures implements [evidence.Source].
func (s *Store) Signatures(ctx context.Context, image evidence.Digest) ([]evidence.ImageSignature, error) {
	tag := s.tag(image, "sig")
	stored, err := s.read(ctx, tag, signatureType)
	if err != nil {
		return nil, err
	}
	out := make([]evidence.ImageSignature, 0, len(stored))
	for i, l := range stored {
		signature, err := base64.StdEncoding.DecodeString(l.Annotations[signatureAnnotation])
		if err != nil {
			return nil, fmt.Errorf("read %s: layer %d: annotation %s: %w", tag, i, signatureAnnotation, err)
		}
		out = append(out, evidence.ImageSignature{Payload: l.content, Signature: signature})
	}
	return out, nil
}

// Attest stores an envelope about an image. One that is stored already stays as it is.
func (s *Store) Attest(ctx context.Context, image evidence.Digest, envelope []byte) error {
	statement, err := evidence.Unverified(envelope)
	if err != nil {
		return fmt.Errorf("attest %s: %w", image, err)
	}
	if !statement.About(image) {
		return fmt.Errorf("attest %s: the statement is not about this image", image)
	}
	return s.add(ctx, s.tag(image, "att"), mutate.Addendum{
		Layer: static.NewLayer(envelope, envelopeType),
		// cosign wants the annotation to be there; the signature is in the envelope.
		Annotations: map[string]string{signatureAnnotation: "", predicateAnnotation: statement.PredicateType},
	})
}

// Sign stores a signature of an image. One that is stored already stays as it is.
func (s *Store) Sign(ctx context.Context, image evidence.Digest, signature evidence.ImageSignature) error {
	return s.add(ctx, s.tag(image, "sig"), mutate.Addendum{
		Layer:       static.NewLayer(signature.Payload, signatureType),
		Annotations: map[string]string{signatureAnnotation: base64.StdEncoding.EncodeToString(signature.Signature)},
	})
}

func (s *Store) tag(image evidence.Digest, suffix string) name.Tag {
	return s.repository.Tag("sha256-" + image.Hex() + "." + suffix)
}

func (s *Store) with(ctx context.Context) []remote.Option {
	return append(slices.Clone(s.options), remote.WithContext(ctx))
}

// add appends a layer to what a tag holds. Registries have no way to say "only if nobody else wrote", so the tag is
// read again after it was written, and written again where the layer got lost.
func (s *Store) add(ctx context.Context, tag name.Tag, layer mutate.Addendum) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range attempts {
		held, err := s.image(ctx, tag)
		if err != nil {
			return err
		}
		if held == nil {
			held = mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
		}
		there, err := holds(held, layer)
		if err != nil || there {
			return wrap(tag, "read", err)
		}
		next, err := mutate.Append(held, layer)
		if err != nil {
			return wrap(tag, "write", err)
		}
		if err := remote.Write(tag, next, s.with(ctx)...); err != nil {
			return wrap(tag, "write", err)
		}
	}
	return fmt.Errorf("write %s: other writers took its place %d times", tag, attempts)
}

// holds says whether an image has the layer, annotations included.
func holds(image v1.Image, layer mutate.Addendum) (bool, error) {
	digest, err := layer.Layer.Digest()
	if err != nil {
		return false, err
	}
	manifest, err := image.Manifest()
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(manifest.Layers, func(d v1.Descriptor) bool {
		return d.Digest == digest && d.Annotations[signatureAnnotation] == layer.Annotations[signatureAnnotation]
	}), nil
}

// image gives the image that a reference points at; nil where there is none.
func (s *Store) image(ctx context.Context, ref name.Reference) (v1.Image, error) {
	image, err := remote.Image(ref, s.with(ctx)...)
	var answer *transport.Error
	if errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound {
		return nil, nil
	}
	return image, wrap(ref, "read", err)
}

// stored is a layer with its content.
type stored struct {
	v1.Descriptor
	content []byte
}

// read gives the layers of one type below a reference; none where nothing is there.
func (s *Store) read(ctx context.Context, ref name.Reference, mediaType types.MediaType) ([]stored, error) {
	image, err := s.image(ctx, ref)
	if image == nil || err != nil {
		return nil, err
	}
	manifest, err := image.Manifest()
	if err != nil {
		return nil, wrap(ref, "read", err)
	}
	if len(manifest.Layers) > maxLayers {
		return nil, fmt.Errorf("read %s: it has %d layers, and %d are allowed", ref, len(manifest.Layers), maxLayers)
	}
	var out []stored
	total := int64(0)
	for i, d := range manifest.Layers {
		if d.MediaType != mediaType {
			continue
		}
		if total += d.Size; d.Size < 0 || d.Size > evidence.MaxEnvelope || total > maxTotal {
			return nil, fmt.Errorf("read %s: layer %d has %d bytes, and with those before it %d; %d and %d are allowed",
				ref, i, d.Size, total, evidence.MaxEnvelope, maxTotal)
		}
		content, err := content(image, d)
		if err != nil {
			return nil, fmt.Errorf("read %s: layer %d: %w", ref, i, err)
		}
		out = append(out, stored{Descriptor: d, content: content})
	}
	return out, nil
}

// content reads a layer, whose digest is checked on the way.
func content(image v1.Image, d v1.Descriptor) (data []byte, err error) {
	layer, err := image.LayerByDigest(d.Digest)
	if err != nil {
		return nil, err
	}
	r, err := layer.Compressed()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	data, err = io.ReadAll(io.LimitReader(r, d.Size+1))
	if err == nil && int64(len(data)) != d.Size {
		err = fmt.Errorf("it has other than the %d bytes that the manifest says", d.Size)
	}
	return data, err
}

// referrers gives the envelopes that were attached to the image as artifacts of their own.
func (s *Store) referrers(ctx context.Context, image evidence.Digest) ([]stored, error) {
	subject := s.repository.Digest(string(image))
	index, err := remote.Referrers(subject, s.with(ctx)...)
	if err != nil {
		return nil, fmt.Errorf("read the referrers of %s: %w", subject, err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, fmt.Errorf("read the referrers of %s: %w", subject, err)
	}
	if len(manifest.Manifests) > maxLayers {
		return nil, fmt.Errorf("read the referrers of %s: there are %d, and %d are allowed", subject,
			len(manifest.Manifests), maxLayers)
	}
	var out []stored
	total := 0
	for _, d := range manifest.Manifests {
		if d.ArtifactType != string(envelopeType) {
			continue
		}
		layers, err := s.read(ctx, s.repository.Digest(d.Digest.String()), envelopeType)
		if err != nil {
			return nil, err
		}
		for _, l := range layers {
			total += len(l.content)
		}
		if total > maxTotal {
			return nil, fmt.Errorf("read the referrers of %s: they have more than %d bytes", subject, maxTotal)
		}
		out = append(out, layers...)
	}
	return out, nil
}

func wrap(ref name.Reference, doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s: %w", doing, ref, err)
}
