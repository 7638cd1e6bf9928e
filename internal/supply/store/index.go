package store

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/slipway-dev/slipway/internal/supply/lockfile"
)

// Annotations in index.json.
const (
	// RefName holds an image's full reference (OCI image specification, annotations).
	RefName = "org.opencontainers.image.ref.name"
	// Origin says how an image came: "build" or "pull".
	Origin = "dev.slipway.origin"
	// Subject holds the digest of the image that an artifact, an SBOM for example, is about.
	Subject = "dev.slipway.subject"
)

// Normalize gives a reference in full: "debian" is "docker.io/library/debian:latest".
func Normalize(ref string) (string, error) {
	r, err := name.ParseReference(ref)
	if err != nil {
		return "", fmt.Errorf("image reference %q: %w", ref, err)
	}
	repo := Host(r.Context().RegistryStr()) + "/" + r.Context().RepositoryStr()
	if d, ok := r.(name.Digest); ok {
		return repo + "@" + d.DigestStr(), nil
	}
	return repo + ":" + r.Identifier(), nil
}

// Host gives a registry's host as people write it.
func Host(registry string) string {
	if registry == name.DefaultRegistry {
		return "docker.io"
	}
	return registry
}

// Resolve finds what a reference, by tag or by digest, points at.
func (s *Store) Resolve(ref string) (v1.Descriptor, bool) {
	full, err := Normalize(ref)
	if err != nil {
		return v1.Descriptor{}, false
	}
	if _, digest, ok := strings.Cut(full, "@"); ok {
		return s.manifest(digest)
	}
	index, err := s.index()
	if err != nil {
		return v1.Descriptor{}, false
	}
	for _, d := range index.Manifests {
		if d.Annotations[RefName] == full {
			return d, true
		}
	}
	return v1.Descriptor{}, false
}

// manifest finds a manifest by digest, whether index.json names it or another manifest does.
func (s *Store) manifest(digest string) (v1.Descriptor, bool) {
	h, err := v1.NewHash(digest)
	if err != nil || !s.HasBlob(h, -1) {
		return v1.Descriptor{}, false
	}
	fi, err := os.Stat(s.blobPath(h))
	if err != nil || fi.Size() > maxManifest {
		return v1.Descriptor{}, false
	}
	data, err := s.ReadBlob(h)
	if err != nil {
		return v1.Descriptor{}, false
	}
	var m struct {
		MediaType types.MediaType `json:"mediaType"`
		Manifests []any           `json:"manifests"`
		Layers    []any           `json:"layers"`
	}
	if json.Unmarshal(data, &m) != nil || (m.Manifests == nil && m.Layers == nil) {
		return v1.Descriptor{}, false
	}
	if m.MediaType == "" { // optional in OCI manifests
		m.MediaType = types.OCIManifestSchema1
		if m.Manifests != nil {
			m.MediaType = types.OCIImageIndex
		}
	}
	return v1.Descriptor{MediaType: m.MediaType, Digest: h, Size: fi.Size()}, true
}

// maxManifest is the largest manifest that registries accept (OCI distribution specification 1.1).
const maxManifest = 4 << 20

// Tag makes refs point at a manifest that is in the store.
func (s *Store) Tag(ctx context.Context, d v1.Descriptor, origin string, refs ...string) error {
	full := make(map[string]bool, len(refs))
	for _, ref := range refs {
		f, err := Normalize(ref)
		if err != nil {
			return err
		}
		full[f] = true
	}
	return s.update(ctx, func(index *v1.IndexManifest) {
		kept := index.Manifests[:0]
		for _, m := range index.Manifests {
			if !full[m.Annotations[RefName]] {
				kept = append(kept, m)
			}
		}
		index.Manifests = kept
		for f := range full {
			index.Manifests = append(index.Manifests, v1.Descriptor{
				MediaType: d.MediaType, Digest: d.Digest, Size: d.Size,
				Annotations: map[string]string{RefName: f, Origin: origin},
			})
		}
	})
}

// Refs lists all references in the store, sorted.
func (s *Store) Refs() ([]string, error) {
	index, err := s.index()
	if err != nil {
		return nil, err
	}
	var refs []string
	for _, d := range index.Manifests {
		if r := d.Annotations[RefName]; r != "" {
			refs = append(refs, r)
		}
	}
	sort.Strings(refs)
	return refs, nil
}

func emptyIndex() *v1.IndexManifest {
	return &v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{}}
}

// index reads index.json, again only when another file has taken its place.
func (s *Store) index() (*v1.IndexManifest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, err := os.Open(filepath.Join(s.dir, "index.json"))
	if err != nil {
		return nil, fmt.Errorf("read image store: %w", err)
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read image store: %w", err)
	}
	if s.cached != nil && os.SameFile(s.seen, fi) && s.seen.ModTime().Equal(fi.ModTime()) && s.seen.Size() == fi.Size() {
		return s.cached, nil
	}
	index, err := v1.ParseIndexManifest(f)
	if err != nil {
		return nil, fmt.Errorf("read image store: index.json: %w", err)
	}
	s.cached, s.seen = index, fi
	return index, nil
}

// update changes index.json under a lock that all processes respect.
func (s *Store) update(ctx context.Context, change func(*v1.IndexManifest)) error {
	lock, err := lockfile.Wait(ctx, filepath.Join(s.dir, ".lock"), "the image store "+s.dir, nil)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Unlock() }()
	old, err := s.index()
	if err != nil {
		return err
	}
	index := old.DeepCopy()
	change(index)
	sort.SliceStable(index.Manifests, func(i, j int) bool {
		a, b := index.Manifests[i], index.Manifests[j]
		if a.Annotations[RefName] != b.Annotations[RefName] {
			return a.Annotations[RefName] < b.Annotations[RefName]
		}
		return a.Digest.Hex < b.Digest.Hex
	})
	data, err := json.MarshalIndent(index, "", "  ")
	if err != nil {
		return err
	}
	tmp, err := s.temp()
	if err != nil {
		return fmt.Errorf("write image store: %w", err)
	}
	defer os.Remove(tmp.Name())
	if err := writeAndClose(tmp, data); err != nil {
		return fmt.Errorf("write image store: %w", err)
	}
	if err := os.Rename(tmp.Name(), filepath.Join(s.dir, "index.json")); err != nil {
		return fmt.Errorf("write image store: %w", err)
	}
	return nil
}
