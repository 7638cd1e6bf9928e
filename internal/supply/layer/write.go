package layer

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/slipway-dev/slipway/internal/supply/store"
)

// Store writes the tree into an image store as a compressed layer; diffID is the digest of
// the uncompressed archive.
func (t *Tree) Store(ctx context.Context, s *store.Store) (d v1.Descriptor, diffID v1.Hash, err error) {
	w, err := s.NewWriter()
	if err != nil {
		return d, diffID, err
	}
	defer w.Abort()
	// The fastest level: these layers are read on the same machine, and time is what counts.
	zip, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return d, diffID, err
	}
	sum := sha256.New()
	if err := t.WriteTar(&ctxWriter{ctx: ctx, w: io.MultiWriter(zip, sum)}); err != nil {
		return d, diffID, fmt.Errorf("write layer: %w", err)
	}
	if err := zip.Close(); err != nil {
		return d, diffID, fmt.Errorf("write layer: %w", err)
	}
	h, err := w.Commit(v1.Hash{})
	if err != nil {
		return d, diffID, err
	}
	return v1.Descriptor{MediaType: types.OCILayer, Digest: h, Size: w.Size()},
		v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum.Sum(nil))}, nil
}

// ctxWriter ends with its context.
type ctxWriter struct {
	ctx context.Context
	w   io.Writer
}

func (c *ctxWriter) Write(p []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.w.Write(p)
}
