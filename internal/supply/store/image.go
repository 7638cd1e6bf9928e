package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Has says whether the image is there, whole: the manifest and every blob of it with its size.
func (s *Store) Has(ref string) bool {
	d, ok := s.Resolve(ref)
	return ok && s.Complete(d.Digest)
}

// Complete says whether a manifest and everything it names, for this machine's platform, is there.
func (s *Store) Complete(h v1.Hash) bool {
	m, err := s.imageManifest(h)
	if err != nil || !s.HasBlob(m.Config.Digest, m.Config.Size) {
		return false
	}
	for _, l := range m.Layers {
		if !s.HasBlob(l.Digest, l.Size) {
			return false
		}
	}
	return true
}

// Image gives an image by reference. What is read from it is verified.
func (s *Store) Image(ref string) (v1.Image, error) {
	d, ok := s.Resolve(ref)
	if !ok {
		return nil, fmt.Errorf("image %s: not in the store", ref)
	}
	return s.ImageByDigest(d.Digest)
}

// ImageByDigest gives an image by the digest of its manifest, or of an index of several platforms.
func (s *Store) ImageByDigest(h v1.Hash) (v1.Image, error) {
	raw, err := s.rawImageManifest(h)
	if err != nil {
		return nil, err
	}
	return partial.CompressedToImage(&image{s: s, raw: raw})
}

func (s *Store) imageManifest(h v1.Hash) (*v1.Manifest, error) {
	raw, err := s.rawImageManifest(h)
	if err != nil {
		return nil, err
	}
	return v1.ParseManifest(bytes.NewReader(raw))
}

// rawImageManifest reads an image's manifest, through an index if need be.
func (s *Store) rawImageManifest(h v1.Hash) ([]byte, error) {
	raw, err := s.ReadBlob(h)
	if err != nil {
		return nil, err
	}
	var head struct {
		Manifests []v1.Descriptor `json:"manifests"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return nil, fmt.Errorf("manifest %s: %w", h, err)
	}
	if head.Manifests == nil {
		return raw, nil
	}
	for _, d := range head.Manifests {
		if ForThisMachine(d.Platform) && s.HasBlob(d.Digest, d.Size) {
			return s.ReadBlob(d.Digest)
		}
	}
	return nil, fmt.Errorf("manifest %s: no image for linux/%s in the store", h, runtime.GOARCH)
}

// ForThisMachine says whether an index entry's platform can run here.
func ForThisMachine(p *v1.Platform) bool {
	if p == nil {
		return true
	}
	return p.OS == "linux" && p.Architecture == runtime.GOARCH
}

// PutManifest stores a manifest as it is.
func (s *Store) PutManifest(ctx context.Context, raw []byte, mediaType types.MediaType) (v1.Descriptor, error) {
	h, n, err := v1.SHA256(bytes.NewReader(raw))
	if err != nil {
		return v1.Descriptor{}, err
	}
	if err := s.WriteBlob(ctx, h, bytes.NewReader(raw)); err != nil {
		return v1.Descriptor{}, err
	}
	return v1.Descriptor{MediaType: mediaType, Digest: h, Size: n}, nil
}

// PutImage stores a configuration and a manifest over layers that are in the store.
func (s *Store) PutImage(ctx context.Context, config *v1.ConfigFile, layers []v1.Descriptor, annotations map[string]string) (v1.Descriptor, error) {
	raw, err := json.Marshal(config)
	if err != nil {
		return v1.Descriptor{}, err
	}
	c, err := s.PutManifest(ctx, raw, types.OCIConfigJSON)
	if err != nil {
		return v1.Descriptor{}, err
	}
	if raw, err = json.Marshal(v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Config: c, Layers: layers, Annotations: annotations,
	}); err != nil {
		return v1.Descriptor{}, err
	}
	return s.PutManifest(ctx, raw, types.OCIManifestSchema1)
}

// image reads an image from the store (partial.CompressedImageCore).
type image struct {
	s   *Store
	raw []byte
}

func (i *image) RawManifest() ([]byte, error) { return i.raw, nil }

func (i *image) MediaType() (types.MediaType, error) {
	m, err := v1.ParseManifest(bytes.NewReader(i.raw))
	if err != nil {
		return "", err
	}
	if m.MediaType == "" {
		return types.OCIManifestSchema1, nil
	}
	return m.MediaType, nil
}

func (i *image) RawConfigFile() ([]byte, error) {
	m, err := v1.ParseManifest(bytes.NewReader(i.raw))
	if err != nil {
		return nil, err
	}
	return i.s.ReadBlob(m.Config.Digest)
}

func (i *image) LayerByDigest(h v1.Hash) (partial.CompressedLayer, error) {
	m, err := v1.ParseManifest(bytes.NewReader(i.raw))
	if err != nil {
		return nil, err
	}
	for _, d := range append(m.Layers, m.Config) {
		if d.Digest == h {
			return &blobLayer{s: i.s, d: d}, nil
		}
	}
	return nil, fmt.Errorf("layer %s: %w", h, errors.Join(os.ErrNotExist))
}

type blobLayer struct {
	s *Store
	d v1.Descriptor
}

func (l *blobLayer) Digest() (v1.Hash, error)            { return l.d.Digest, nil }
func (l *blobLayer) Compressed() (io.ReadCloser, error)  { return l.s.Blob(l.d.Digest) }
func (l *blobLayer) Size() (int64, error)                { return l.d.Size, nil }
func (l *blobLayer) MediaType() (types.MediaType, error) { return l.d.MediaType, nil }
