// Package store keeps images in an OCI image layout on disk and serves them as a read-only
// registry. Blobs are written beside, verified, flushed and renamed, so that whatever is under
// its name is whole; many processes may read and write the same store at once.
package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Store is an OCI image layout (https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md).
type Store struct {
	dir string

	mu     sync.Mutex // guards what was read of index.json last
	cached *v1.IndexManifest
	seen   os.FileInfo
}

// layoutFile is the content of oci-layout.
const layoutFile = `{"imageLayoutVersion":"1.0.0"}`

// Open opens the store at dir and makes it where it is missing.
func Open(dir string) (*Store, error) {
	s := &Store{dir: dir}
	for _, d := range []string{s.blobDir(), s.ingestDir()} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return nil, fmt.Errorf("open image store: %w", err)
		}
	}
	if err := s.createOnce("oci-layout", []byte(layoutFile)); err != nil {
		return nil, fmt.Errorf("open image store: %w", err)
	}
	index, err := json.Marshal(emptyIndex())
	if err != nil {
		return nil, err
	}
	if err := s.createOnce("index.json", index); err != nil {
		return nil, fmt.Errorf("open image store: %w", err)
	}
	s.sweep()
	return s, nil
}

// Dir is where the store lies.
func (s *Store) Dir() string { return s.dir }

func (s *Store) blobDir() string   { return filepath.Join(s.dir, "blobs", "sha256") }
func (s *Store) ingestDir() string { return filepath.Join(s.dir, "ingest") }

// createOnce writes a file that must appear whole and is never replaced here.
func (s *Store) createOnce(name string, data []byte) error {
	path := filepath.Join(s.dir, name)
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	tmp, err := s.temp()
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	if err := writeAndClose(tmp, data); err != nil {
		return err
	}
	if err := os.Link(tmp.Name(), path); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil
}

// sweep removes what processes that are gone left half-written.
func (s *Store) sweep() { Sweep(s.ingestDir()) }
