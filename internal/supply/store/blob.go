package store

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"regexp"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway-dev/slipway/internal/fault"
)

// hexDigest is what a blob's file name must look like: anything else never touches the disk.
var hexDigest = regexp.MustCompile(`^[0-9a-f]{64}$`)

func (s *Store) blobPath(h v1.Hash) string { return filepath.Join(s.blobDir(), h.Hex) }

// HasBlob says whether the blob is there with that size; size below 0 means any.
func (s *Store) HasBlob(h v1.Hash, size int64) bool {
	if h.Algorithm != "sha256" || !hexDigest.MatchString(h.Hex) {
		return false
	}
	fi, err := os.Stat(s.blobPath(h))
	return err == nil && fi.Mode().IsRegular() && (size < 0 || fi.Size() == size)
}

// OpenBlob opens a blob as it lies on disk, not verified: a client of the registry verifies itself.
func (s *Store) OpenBlob(h v1.Hash) (*os.File, error) {
	if h.Algorithm != "sha256" || !hexDigest.MatchString(h.Hex) {
		return nil, fmt.Errorf("open blob %s: %w", h, os.ErrNotExist)
	}
	return os.Open(s.blobPath(h))
}

// Blob opens a blob and verifies it while it is read: at its end, or at Close after reading
// all, a blob that was damaged on disk gives a [*DigestError], and is removed so that the next
// run brings it again.
func (s *Store) Blob(h v1.Hash) (io.ReadCloser, error) {
	f, err := s.OpenBlob(h)
	if err != nil {
		return nil, err
	}
	return &verified{s: s, f: f, want: h, hash: sha256.New()}, nil
}

// ReadBlob reads a small blob (a manifest, a configuration), verified.
func (s *Store) ReadBlob(h v1.Hash) ([]byte, error) {
	r, err := s.Blob(h)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

type verified struct {
	s    *Store
	f    *os.File
	want v1.Hash
	hash hash.Hash
	size int64
}

func (v *verified) Read(p []byte) (int, error) {
	n, err := v.f.Read(p)
	v.hash.Write(p[:n])
	v.size += int64(n)
	if errors.Is(err, io.EOF) {
		if got := hex.EncodeToString(v.hash.Sum(nil)); got != v.want.Hex {
			_ = os.Remove(v.f.Name())
			return n, fault.Hint(
				fmt.Errorf("image store is damaged: %w", &DigestError{Want: v.want, Got: v1.Hash{Algorithm: "sha256", Hex: got}, Size: v.size}),
				"the damaged file has been removed; run the command again and it is brought anew")
		}
	}
	return n, err
}

func (v *verified) Close() error { return v.f.Close() }
