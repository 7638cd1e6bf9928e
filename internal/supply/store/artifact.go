package store

import (
	"context"
	"encoding/json"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// artifactManifest is an OCI image manifest that carries something else about an image
// (OCI image specification 1.1, "Guidelines for Artifact Usage").
type artifactManifest struct {
	SchemaVersion int64           `json:"schemaVersion"`
	MediaType     types.MediaType `json:"mediaType"`
	ArtifactType  string          `json:"artifactType"`
	Config        v1.Descriptor   `json:"config"`
	Layers        []v1.Descriptor `json:"layers"`
	Subject       *v1.Descriptor  `json:"subject,omitempty"`
}

// emptyConfig is the configuration that artifacts have (media type application/vnd.oci.empty.v1+json).
const emptyConfig = "{}"

// Attach stores data about an image as an OCI referrer of it. An older artifact of the same
// type about the same image is replaced.
func (s *Store) Attach(ctx context.Context, subject v1.Descriptor, artifactType string, data []byte) error {
	config, err := s.PutManifest(ctx, []byte(emptyConfig), "application/vnd.oci.empty.v1+json")
	if err != nil {
		return err
	}
	blob, err := s.PutManifest(ctx, data, types.MediaType(artifactType))
	if err != nil {
		return err
	}
	raw, err := json.Marshal(artifactManifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1, ArtifactType: artifactType,
		Config: config, Layers: []v1.Descriptor{blob},
		Subject: &v1.Descriptor{MediaType: subject.MediaType, Digest: subject.Digest, Size: subject.Size},
	})
	if err != nil {
		return err
	}
	d, err := s.PutManifest(ctx, raw, types.OCIManifestSchema1)
	if err != nil {
		return err
	}
	d.ArtifactType = artifactType
	d.Annotations = map[string]string{Subject: subject.Digest.String()}
	return s.update(ctx, func(index *v1.IndexManifest) {
		kept := index.Manifests[:0]
		for _, m := range index.Manifests {
			if m.Annotations[Subject] != subject.Digest.String() || m.ArtifactType != artifactType {
				kept = append(kept, m)
			}
		}
		index.Manifests = append(kept, d)
	})
}

// Referrers lists the artifacts about the image with digest h.
func (s *Store) Referrers(h v1.Hash) ([]v1.Descriptor, error) {
	index, err := s.index()
	if err != nil {
		return nil, err
	}
	found := []v1.Descriptor{}
	for _, d := range index.Manifests {
		if d.Annotations[Subject] == h.String() {
			found = append(found, d)
		}
	}
	return found, nil
}

// Attached reads the artifact of a type about an image.
func (s *Store) Attached(h v1.Hash, artifactType string) ([]byte, error) {
	found, err := s.Referrers(h)
	if err != nil {
		return nil, err
	}
	for _, d := range found {
		if d.ArtifactType != artifactType {
			continue
		}
		m, err := s.imageManifest(d.Digest)
		if err != nil {
			return nil, err
		}
		if len(m.Layers) == 1 {
			return s.ReadBlob(m.Layers[0].Digest)
		}
	}
	return nil, fmt.Errorf("image %s has no %s in the store", h, artifactType)
}
