package tlog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"iter"

	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/api/layout"
	"github.com/transparency-dev/tessera/client"

	"github.com/slipway-dev/slipway/internal/audit"
	"github.com/slipway-dev/slipway/internal/evidence"
)

// readAll reads the log from its first entry to the checkpoint, compares them, and fills the ledger.
func (l *Log) readAll(ctx context.Context) error {
	var envelopes [][]byte
	for e, err := range l.Entries(ctx, 0, l.latest.Size) {
		if err != nil {
			return err
		}
		d, payload, err := decisionIn(e)
		if err != nil {
			return fmt.Errorf("entry %d: %w", e.Index, err)
		}
		l.ledger.Add(d, payload, e.Index)
		envelopes = append(envelopes, e.Envelope)
	}
	root, err := audit.Root(envelopes)
	if err != nil {
		return err
	}
	if !bytes.Equal(root, l.latest.Root) {
		return fmt.Errorf("its %d entries are not those that its checkpoint commits to: files were changed", l.latest.Size)
	}
	return nil
}

// decisionIn reads an entry that was verified when it was appended; the tree vouches for it since.
func decisionIn(e audit.Entry) (evidence.Decision, evidence.Digest, error) {
	payload, err := evidence.Payload(e.Envelope)
	if err != nil {
		return evidence.Decision{}, "", err
	}
	s, err := evidence.ParseStatement(payload)
	if err != nil {
		return evidence.Decision{}, "", err
	}
	d, err := evidence.DecodeDecision(s)
	return d, evidence.DigestOf(payload), err
}

// Entries implements [audit.Source].
func (l *Log) Entries(ctx context.Context, from, to uint64) iter.Seq2[audit.Entry, error] {
	return func(yield func(audit.Entry, error) bool) {
		size, err := l.within(from, to)
		if err != nil {
			yield(audit.Entry{}, err)
			return
		}
		for tile := range layout.Range(from, to-from, size) {
			envelopes, err := l.tile(ctx, tile)
			if err != nil {
				yield(audit.Entry{}, err)
				return
			}
			for i, envelope := range envelopes {
				index := tile.Index*layout.EntryBundleWidth + uint64(tile.First) + uint64(i)
				if !yield(audit.Entry{Index: index, Envelope: envelope}, nil) {
					return
				}
			}
		}
	}
}

// tile reads the wanted entries of one tile.
func (l *Log) tile(ctx context.Context, tile layout.RangeInfo) ([][]byte, error) {
	data, err := l.reader.ReadEntryBundle(ctx, tile.Index, tile.Partial)
	if err != nil {
		return nil, fmt.Errorf("read entries from %d on: %w", tile.Index*layout.EntryBundleWidth, err)
	}
	var decoded api.EntryBundle
	if err := decoded.UnmarshalText(data); err != nil {
		return nil, fmt.Errorf("read entries from %d on: %w", tile.Index*layout.EntryBundleWidth, err)
	}
	if uint(len(decoded.Entries)) < tile.First+tile.N {
		return nil, fmt.Errorf("read entries from %d on: there are only %d", tile.Index*layout.EntryBundleWidth,
			len(decoded.Entries))
	}
	return decoded.Entries[tile.First : tile.First+tile.N], nil
}

// Leaves implements [audit.Source].
func (l *Log) Leaves(ctx context.Context, from, to uint64) ([][]byte, error) {
	size, err := l.within(from, to)
	if err != nil {
		return nil, err
	}
	var out [][]byte
	for tile := range layout.Range(from, to-from, size) {
		data, err := l.reader.ReadTile(ctx, 0, tile.Index, tile.Partial)
		if err == nil && uint(len(data)) < (tile.First+tile.N)*sha256.Size {
			err = fmt.Errorf("it has %d bytes", len(data))
		}
		if err != nil {
			return nil, fmt.Errorf("read hashes from %d on: %w", tile.Index*layout.TileWidth, err)
		}
		for i := tile.First; i < tile.First+tile.N; i++ {
			out = append(out, data[i*sha256.Size:(i+1)*sha256.Size])
		}
	}
	return out, nil
}

// within checks a range of entries, and gives the size of the log.
func (l *Log) within(from, to uint64) (uint64, error) {
	size := l.Checkpoint().Size
	if from > to || to > size {
		return 0, &audit.RangeError{From: from, To: to, Size: size}
	}
	return size, nil
}

// InclusionProof proves that an entry stands in the tree of that many entries. [audit.VerifyInclusion] verifies it.
func (l *Log) InclusionProof(ctx context.Context, index, size uint64) ([][]byte, error) {
	if index >= size {
		return nil, &audit.RangeError{From: index, To: index + 1, Size: size}
	}
	builder, err := l.proofs(ctx, size)
	if err != nil {
		return nil, err
	}
	hashes, err := builder.InclusionProof(ctx, index)
	if err != nil {
		return nil, fmt.Errorf("prove entry %d: %w", index, err)
	}
	return hashes, nil
}

// ConsistencyProof proves that the tree of the larger size continues that of the smaller. [audit.VerifyConsistency]
// verifies it.
func (l *Log) ConsistencyProof(ctx context.Context, smaller, larger uint64) ([][]byte, error) {
	if smaller > larger {
		return nil, &audit.RangeError{From: smaller, To: larger, Size: larger}
	}
	builder, err := l.proofs(ctx, larger)
	if err != nil {
		return nil, err
	}
	hashes, err := builder.ConsistencyProof(ctx, smaller, larger)
	if err != nil {
		return nil, fmt.Errorf("prove that %d entries continue %d: %w", larger, smaller, err)
	}
	return hashes, nil
}

func (l *Log) proofs(ctx context.Context, size uint64) (*client.ProofBuilder, error) {
	if _, err := l.within(0, size); err != nil {
		return nil, err
	}
	builder, err := client.NewProofBuilder(ctx, size, l.reader.ReadTile)
	if err != nil {
		return nil, fmt.Errorf("prove what stands in the log: %w", err)
	}
	return builder, nil
}
