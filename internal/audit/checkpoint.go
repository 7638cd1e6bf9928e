package audit

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
)

// maxCheckpoint bounds a signed checkpoint, in bytes.
const maxCheckpoint = 64 << 10

// Entry is an entry of the log: a decision's envelope, as it was logged.
type Entry struct {
	// Index is the entry's place, from 0.
	Index uint64
	// Envelope are the bytes that the tree commits to.
	Envelope []byte
}

// leaf gives the entry's hash as a leaf of the tree.
func (e Entry) leaf() []byte { return rfc6962.DefaultHasher.HashLeaf(e.Envelope) }

// Checkpoint is a state of the log that the log has signed.
type Checkpoint struct {
	// Origin names the log.
	Origin string
	// Size is the number of entries.
	Size uint64
	// Root is the hash of the tree over them.
	Root []byte
	// Note are the signed bytes, as they came.
	Note []byte
}

// OpenCheckpoint verifies a signed checkpoint by one of the log's keys, and reads it.
func OpenCheckpoint(signed []byte, keys ...note.Verifier) (Checkpoint, error) {
	if len(signed) > maxCheckpoint {
		return Checkpoint{}, fmt.Errorf("checkpoint: it has %d bytes, and %d are allowed", len(signed), maxCheckpoint)
	}
	n, err := note.Open(signed, note.VerifierList(keys...))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint: %w", describe(err, keys))
	}
	c, err := parseCheckpoint(n.Text)
	if err != nil {
		return Checkpoint{}, err
	}
	if !slices.ContainsFunc(n.Sigs, func(s note.Signature) bool { return s.Name == c.Origin }) {
		return Checkpoint{}, fmt.Errorf("checkpoint: it is of the log %q, and signed by %q", c.Origin, n.Sigs[0].Name)
	}
	c.Note = slices.Clone(signed)
	return c, nil
}

func parseCheckpoint(text string) (Checkpoint, error) {
	var c log.Checkpoint
	if _, err := c.Unmarshal([]byte(text)); err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint: %w", err)
	}
	if len(c.Hash) != sha256.Size {
		return Checkpoint{}, fmt.Errorf("checkpoint: its root has %d bytes, not %d", len(c.Hash), sha256.Size)
	}
	return Checkpoint{Origin: c.Origin, Size: c.Size, Root: c.Hash}, nil
}

// describe says what is wrong with a note's signatures, in words.
func describe(err error, keys []note.Verifier) error {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = fmt.Sprintf("%s+%08x", k.Name(), k.KeyHash())
	}
	var unverified *note.UnverifiedNoteError
	var invalid *note.InvalidSignatureError
	switch {
	case errors.As(err, &invalid):
		return fmt.Errorf("the signature of %s+%08x does not fit", invalid.Name, invalid.Hash)
	case errors.As(err, &unverified):
		return fmt.Errorf("no trusted key has signed it; trusted are: %s", strings.Join(names, ", "))
	}
	return err
}

// VerifyInclusion checks that an entry stands at its index below a checkpoint. The proof is RFC 6962's, as the log
// gives it.
func VerifyInclusion(e Entry, hashes [][]byte, in Checkpoint) error {
	if err := proof.VerifyInclusion(rfc6962.DefaultHasher, e.Index, in.Size, e.leaf(), hashes, in.Root); err != nil {
		return fmt.Errorf("entry %d in the checkpoint of %d entries: %w", e.Index, in.Size, err)
	}
	return nil
}

// VerifyConsistency checks that a later checkpoint holds everything that an earlier one does.
func VerifyConsistency(earlier, later Checkpoint, hashes [][]byte) error {
	err := proof.VerifyConsistency(rfc6962.DefaultHasher, earlier.Size, later.Size, hashes, earlier.Root, later.Root)
	if err != nil {
		return fmt.Errorf("checkpoint of %d entries after that of %d: %w", later.Size, earlier.Size, err)
	}
	return nil
}
