// Package memory keeps a log of decisions in memory, for tests of what appends to it and reads it. It behaves as the
// log on disk does: the same test suite, in package audittest, runs against both.
package memory

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"

	"github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"

	"github.com/slipway-dev/slipway/internal/audit"
	"github.com/slipway-dev/slipway/internal/evidence"
)

// Log is a log in memory.
type Log struct {
	signer note.Signer
	keys   *evidence.Keyring

	mu          sync.Mutex
	ledger      audit.Ledger
	envelopes   [][]byte
	checkpoints [][]byte
	latest      audit.Checkpoint
}

var _ audit.Source = (*Log)(nil)

// New makes an empty log. Its checkpoints are signed by signer; what is appended must be signed by one of the keys.
func New(signer note.Signer, keys *evidence.Keyring) (*Log, error) {
	l := &Log{signer: signer, keys: keys}
	return l, l.sign()
}

// Append adds a signed decision. One that is there already is found again, by its identifier; where it would stand
// there twice with another content, or carry out a promotion twice, the error is an [*audit.ReplayError].
func (l *Log) Append(ctx context.Context, envelope []byte) (audit.Receipt, error) {
	d, verified, err := l.keys.VerifyDecision(envelope)
	if err == nil && len(envelope) > evidence.MaxLogged {
		err = fmt.Errorf("its envelope has %d bytes, and %d are allowed", len(envelope), evidence.MaxLogged)
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return audit.Receipt{}, fmt.Errorf("append a decision: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	payload := evidence.DigestOf(verified.Payload)
	var replay *audit.ReplayError
	switch err := l.ledger.Check(d, payload); {
	case errors.As(err, &replay) && replay.Same():
		return audit.Receipt{Index: replay.Index, Checkpoint: l.latest, Known: true}, nil
	case err != nil:
		return audit.Receipt{}, fmt.Errorf("append a decision: %w", err)
	}
	index := uint64(len(l.envelopes))
	l.envelopes = append(l.envelopes, slices.Clone(envelope))
	if err := l.sign(); err != nil {
		return audit.Receipt{}, err
	}
	l.ledger.Add(d, payload, index)
	return audit.Receipt{Index: index, Checkpoint: l.latest}, nil
}

// sign makes the checkpoint of what is there.
func (l *Log) sign() error {
	root, err := audit.Root(l.envelopes)
	if err != nil {
		return err
	}
	c := log.Checkpoint{Origin: l.signer.Name(), Size: uint64(len(l.envelopes)), Hash: root}
	signed, err := note.Sign(&note.Note{Text: string(c.Marshal())}, l.signer)
	if err != nil {
		return fmt.Errorf("sign a checkpoint: %w", err)
	}
	l.latest = audit.Checkpoint{Origin: c.Origin, Size: c.Size, Root: c.Hash, Note: signed}
	l.checkpoints = append(l.checkpoints, signed)
	return nil
}

// Find gives the entry of a decision.
func (l *Log) Find(id string) (index uint64, found bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ledger.Find(id)
}

// Checkpoint implements [audit.Source].
func (l *Log) Checkpoint() audit.Checkpoint {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.latest
}

// Checkpoints implements [audit.Source].
func (l *Log) Checkpoints(context.Context) ([][]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.checkpoints), nil
}

// Entries implements [audit.Source].
func (l *Log) Entries(_ context.Context, from, to uint64) iter.Seq2[audit.Entry, error] {
	return func(yield func(audit.Entry, error) bool) {
		envelopes, err := l.within(from, to)
		if err != nil {
			yield(audit.Entry{}, err)
			return
		}
		for i, e := range envelopes {
			if !yield(audit.Entry{Index: from + uint64(i), Envelope: e}, nil) {
				return
			}
		}
	}
}

// Leaves implements [audit.Source].
func (l *Log) Leaves(_ context.Context, from, to uint64) ([][]byte, error) {
	envelopes, err := l.within(from, to)
	if err != nil {
		return nil, err
	}
	out := make([][]byte, len(envelopes))
	for i, e := range envelopes {
		out[i] = rfc6962.DefaultHasher.HashLeaf(e)
	}
	return out, nil
}

func (l *Log) within(from, to uint64) ([][]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if from > to || to > uint64(len(l.envelopes)) {
		return nil, &audit.RangeError{From: from, To: to, Size: uint64(len(l.envelopes))}
	}
	return slices.Clone(l.envelopes[from:to]), nil
}

// InclusionProof proves that an entry stands in the tree of that many entries.
func (l *Log) InclusionProof(_ context.Context, index, size uint64) ([][]byte, error) {
	if index >= size {
		return nil, &audit.RangeError{From: index, To: index + 1, Size: size}
	}
	nodes, err := proof.Inclusion(index, size)
	if err != nil {
		return nil, fmt.Errorf("prove entry %d: %w", index, err)
	}
	return l.prove(nodes, size)
}

// ConsistencyProof proves that the tree of the larger size continues that of the smaller.
func (l *Log) ConsistencyProof(_ context.Context, smaller, larger uint64) ([][]byte, error) {
	if smaller > larger {
		return nil, &audit.RangeError{From: smaller, To: larger, Size: larger}
	}
	nodes, err := proof.Consistency(smaller, larger)
	if err != nil {
		return nil, fmt.Errorf("prove that %d entries continue %d: %w", larger, smaller, err)
	}
	return l.prove(nodes, larger)
}

func (l *Log) prove(nodes proof.Nodes, size uint64) ([][]byte, error) {
	envelopes, err := l.within(0, size)
	if err != nil {
		return nil, err
	}
	hashes := make([][]byte, len(nodes.IDs))
	for i, id := range nodes.IDs {
		if hashes[i], err = node(id, envelopes); err != nil {
			return nil, err
		}
	}
	return nodes.Rehash(hashes, rfc6962.DefaultHasher.HashChildren)
}

// node computes one node of the tree.
func node(id compact.NodeID, envelopes [][]byte) ([]byte, error) {
	first, behind := id.Coverage()
	return audit.Root(envelopes[first:behind])
}
