package audit

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"

	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/api/layout"
	kjson "sigs.k8s.io/json"

	"github.com/slipway-dev/slipway/internal/evidence"
	"github.com/slipway-dev/slipway/internal/fault"
)

// BundleFormat names the format of a bundle and its version.
const BundleFormat = "https://slipway.dev/audit-bundle/v1"

// Limits of a bundle that is read.
const (
	MaxEntries     = 1 << 20
	MaxCheckpoints = 1 << 20
	// MaxBundle bounds its content in bytes, unpacked.
	MaxBundle = 1 << 30

	maxManifest = 4 << 10
	maxKeys     = 1 << 20
)

// Bundle is a copy of a log, from its first entry on. Nothing in it is trusted; see [Verify]. In a zip file, or a
// folder, it is
//
//	bundle.json           its format, the log's name, and how much of everything there is
//	checkpoints/000000    each checkpoint that was seen, in the order of time: signed notes
//	tile/entries/...      the entries, as in C2SP's tlog-tiles
//	tile/0/...            their hashes, the lowest level of the tree, as in C2SP's tlog-tiles
//	keys.json             the public keys, as the log's keeper names them
type Bundle struct {
	// Origin names the log.
	Origin string
	// Entries in the order in which they stand in the bundle.
	Entries []Entry
	// Leaves are the hashes of the entries as the log's tree has them.
	Leaves [][]byte
	// Checkpoints are the signed checkpoints that were seen, in the order of time.
	Checkpoints [][]byte
	// Keys are for information: they come from the log's keeper, not from the auditor.
	Keys Trust
}

// Source is a log that can be copied.
type Source interface {
	// Checkpoint gives the latest checkpoint.
	Checkpoint() Checkpoint
	// Entries gives the entries from one index up to, and without, another, in order.
	Entries(ctx context.Context, from, to uint64) iter.Seq2[Entry, error]
	// Leaves gives the hashes of those entries as the tree has them.
	Leaves(ctx context.Context, from, to uint64) ([][]byte, error)
	// Checkpoints gives every signed checkpoint that was seen, in the order of time.
	Checkpoints(ctx context.Context) ([][]byte, error)
}

// Export copies a log as far as its latest checkpoint. It copies what is there, right or wrong: [Verify] tells.
func Export(ctx context.Context, from Source, keys Trust) (*Bundle, error) {
	latest := from.Checkpoint()
	b := &Bundle{Origin: latest.Origin, Keys: keys}
	for e, err := range from.Entries(ctx, 0, latest.Size) {
		if err != nil {
			return nil, fmt.Errorf("export the log: %w", err)
		}
		b.Entries = append(b.Entries, e)
	}
	var err error
	if b.Leaves, err = from.Leaves(ctx, 0, latest.Size); err != nil {
		return nil, fmt.Errorf("export the log: %w", err)
	}
	seen, err := from.Checkpoints(ctx)
	if err != nil {
		return nil, fmt.Errorf("export the log: %w", err)
	}
	for _, signed := range seen { // the log may have grown meanwhile
		b.Checkpoints = append(b.Checkpoints, signed)
		if bytes.Equal(signed, latest.Note) {
			break
		}
	}
	return b, nil
}

// bundleManifest is the content of bundle.json.
type bundleManifest struct {
	Format      string `json:"format"`
	Origin      string `json:"origin"`
	Entries     uint64 `json:"entries"`
	Hashes      uint64 `json:"hashes"`
	Checkpoints uint64 `json:"checkpoints"`
}

const (
	manifestPath = "bundle.json"
	keysPath     = "keys.json"
)

func checkpointPath(i uint64) string { return fmt.Sprintf("checkpoints/%06d", i) }

// Files gives the bundle's files by path, in an order that is always the same.
func (b *Bundle) Files() iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		entries, hashes := uint64(len(b.Entries)), uint64(len(b.Leaves))
		manifest, _ := json.MarshalIndent(bundleManifest{Format: BundleFormat, Origin: b.Origin, Entries: entries,
			Hashes: hashes, Checkpoints: uint64(len(b.Checkpoints))}, "", "  ")
		keys, _ := b.Keys.Marshal() // texts and times alone: they always have a form in JSON
		if !yield(manifestPath, append(manifest, '\n')) || !yield(keysPath, keys) {
			return
		}
		for i, signed := range b.Checkpoints {
			if !yield(checkpointPath(uint64(i)), signed) {
				return
			}
		}
		for tile := range layout.Range(0, entries, entries) {
			if !yield(layout.EntriesPath(tile.Index, tile.Partial), entryTile(b.Entries, tile.Index)) {
				return
			}
		}
		for tile := range layout.Range(0, hashes, hashes) {
			if !yield(layout.TilePath(0, tile.Index, tile.Partial), bytes.Join(within(b.Leaves, tile.Index), nil)) {
				return
			}
		}
	}
}

// within gives the items that belong into a tile.
func within[T any](all []T, tile uint64) []T {
	first := tile * layout.TileWidth
	return all[first:min(first+layout.TileWidth, uint64(len(all)))]
}

// entryTile writes entries, each after its length in 16 bits.
func entryTile(all []Entry, tile uint64) []byte {
	var out []byte
	for _, e := range within(all, tile) {
		out = binary.BigEndian.AppendUint16(out, uint16(len(e.Envelope)))
		out = append(out, e.Envelope...)
	}
	return out
}

// WriteZip writes the bundle as a zip file.
func (b *Bundle) WriteZip(w io.Writer) error {
	for _, e := range b.Entries {
		if len(e.Envelope) > evidence.MaxLogged {
			return fmt.Errorf("write the bundle: entry %d has %d bytes, and %d are allowed", e.Index, len(e.Envelope),
				evidence.MaxLogged)
		}
	}
	archive := zip.NewWriter(w)
	for path, data := range b.Files() {
		f, err := archive.CreateHeader(&zip.FileHeader{Name: path, Method: zip.Deflate})
		if err == nil {
			_, err = f.Write(data)
		}
		if err != nil {
			return fmt.Errorf("write the bundle: %s: %w", path, err)
		}
	}
	if err := archive.Close(); err != nil {
		return fmt.Errorf("write the bundle: %w", err)
	}
	return nil
}

// ReadZip reads a bundle from a zip file.
func ReadZip(r io.ReaderAt, size int64) (*Bundle, error) {
	archive, err := zip.NewReader(r, size)
	if err != nil {
		return nil, unreadable(err)
	}
	return ReadBundle(archive)
}

// ReadBundle reads a bundle from a folder, or from any file system that holds one. Entries and hashes that are left out
// are no error here: [Verify] names them.
func ReadBundle(files fs.FS) (*Bundle, error) {
	r := &bundleReader{files: files, left: MaxBundle}
	b, err := r.bundle()
	if err != nil {
		return nil, unreadable(err)
	}
	return b, nil
}

func unreadable(err error) error {
	return fault.Invalid(fmt.Errorf("read the bundle: %w", err), "get it again by: slipway audit export")
}

// bundleReader reads files within the limit of the whole.
type bundleReader struct {
	files fs.FS
	left  int64
}

func (r *bundleReader) bundle() (*Bundle, error) {
	m, err := r.manifest()
	if err != nil {
		return nil, err
	}
	b := &Bundle{Origin: m.Origin}
	keys, err := r.file(keysPath, maxKeys)
	if err != nil {
		return nil, err
	}
	if b.Keys, err = ParseTrust(keys); err != nil {
		return nil, fmt.Errorf("%s: %w", keysPath, err)
	}
	for i := range m.Checkpoints {
		signed, err := r.file(checkpointPath(i), maxCheckpoint)
		if err != nil {
			return nil, err
		}
		b.Checkpoints = append(b.Checkpoints, signed)
	}
	for tile := range layout.Range(0, m.Entries, m.Entries) {
		if err := r.entries(b, tile); err != nil {
			return nil, err
		}
	}
	for tile := range layout.Range(0, m.Hashes, m.Hashes) {
		if err := r.leaves(b, tile); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (r *bundleReader) manifest() (bundleManifest, error) {
	var m bundleManifest
	data, err := r.file(manifestPath, maxManifest)
	if err != nil {
		return m, err
	}
	strict, err := kjson.UnmarshalStrict(data, &m)
	if err == nil {
		err = errors.Join(strict...)
	}
	switch {
	case err != nil:
		return m, fmt.Errorf("%s: %w", manifestPath, err)
	case m.Format != BundleFormat:
		return m, fmt.Errorf("%s: format is %q, not %q", manifestPath, m.Format, BundleFormat)
	case m.Entries > MaxEntries || m.Hashes > MaxEntries || m.Checkpoints > MaxCheckpoints:
		return m, fmt.Errorf("%s: it has %d entries, %d hashes and %d checkpoints; %d, %d and %d are allowed",
			manifestPath, m.Entries, m.Hashes, m.Checkpoints, MaxEntries, MaxEntries, MaxCheckpoints)
	}
	return m, nil
}

func (r *bundleReader) entries(b *Bundle, tile layout.RangeInfo) error {
	path := layout.EntriesPath(tile.Index, tile.Partial)
	data, err := r.optional(path, layout.EntryBundleWidth*(evidence.MaxLogged+2))
	if err != nil {
		return err
	}
	var decoded api.EntryBundle
	if err := decoded.UnmarshalText(data); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if len(decoded.Entries) > layout.EntryBundleWidth {
		return fmt.Errorf("%s: it has %d entries, and %d are allowed", path, len(decoded.Entries), layout.EntryBundleWidth)
	}
	for i, envelope := range decoded.Entries {
		b.Entries = append(b.Entries, Entry{Index: tile.Index*layout.EntryBundleWidth + uint64(i), Envelope: envelope})
	}
	return nil
}

func (r *bundleReader) leaves(b *Bundle, tile layout.RangeInfo) error {
	path := layout.TilePath(0, tile.Index, tile.Partial)
	data, err := r.optional(path, layout.TileWidth*sha256.Size)
	if err != nil {
		return err
	}
	if len(data)%sha256.Size != 0 {
		return fmt.Errorf("%s: its %d bytes are not hashes of %d bytes", path, len(data), sha256.Size)
	}
	for i := range uint64(tile.N) { // what is left out leaves its place empty
		var hash []byte
		if at := i * sha256.Size; at < uint64(len(data)) {
			hash = data[at : at+sha256.Size]
		}
		b.Leaves = append(b.Leaves, hash)
	}
	return nil
}

// optional reads a file; one that is not there is empty.
func (r *bundleReader) optional(path string, limit int64) ([]byte, error) {
	data, err := r.file(path, limit)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}

func (r *bundleReader) file(path string, limit int64) ([]byte, error) {
	f, err := r.files.Open(path)
	if err != nil {
		return nil, err
	}
	limit = min(limit, r.left)
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	err = errors.Join(err, f.Close())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s: it has more than the %d bytes that are allowed", path, limit)
	}
	r.left -= int64(len(data))
	return data, nil
}
