package audit

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/slipway-dev/slipway/internal/evidence"
)

// Known is what the auditor knows besides the bundle.
type Known struct {
	// Checkpoints are signed checkpoints that were kept elsewhere, such as in a Git repository. By them it shows when
	// the end of the log was cut off, or the whole of it written anew.
	Checkpoints [][]byte
	// Running are the images that were seen running.
	Running []Running
}

// Running is an image that was seen running in an environment.
type Running struct {
	Application string          `json:"application"`
	Environment string          `json:"environment"`
	Image       evidence.Digest `json:"image"`
	// At is when it was seen; decisions after that are left aside. A zero time is after all of them.
	At time.Time `json:"at,omitzero"`
}

// Verify checks a bundle: that its checkpoints are signed and continue each other, that they commit to its entries and
// to no others, that each entry is a decision signed by a key that was valid, that none is there twice, and that what
// ran is what was decided. It needs nothing else; no clock, and no network. The error is about the trusted keys alone:
// whatever is wrong with the bundle is a finding.
func Verify(b *Bundle, trust Trust, known Known) (*Report, error) {
	ring, logs, err := trust.open()
	if err != nil {
		return nil, fmt.Errorf("verify the bundle: %w", err)
	}
	v := &verification{bundle: b, ring: ring, logs: logs,
		report: &Report{Origin: b.Origin, Decisions: map[evidence.Outcome]int{}, Findings: []Finding{}}}
	v.openCheckpoints(known.Checkpoints)
	if err := v.compareTree(); err != nil {
		return nil, fmt.Errorf("verify the bundle: %w", err)
	}
	v.readDecisions()
	v.compareRunning(known.Running)
	return v.report, nil
}

type verification struct {
	bundle *Bundle
	ring   *evidence.Keyring
	logs   []note.Verifier
	report *Report
	// checkpoints are those that a trusted key has signed, by size.
	checkpoints []seen
	// broken are the places in the bundle whose entries are not what the log has there, and index gives the entries of the
	// log that stand at the others, where these are not the same.
	broken map[int]bool
	index  map[int]uint64
	// incomplete says that not every entry of the log can be read in the bundle.
	incomplete bool
	// decisions are those whose signature holds, in the order of the log, and ledger how they stand to each other.
	decisions []decided
	ledger    Ledger
}

// seen is a checkpoint with the name that findings give it.
type seen struct {
	Checkpoint
	name string
}

type decided struct {
	evidence.Decision
	entry uint64
}

// openCheckpoints verifies the signatures of all checkpoints and sorts them by size.
func (v *verification) openCheckpoints(kept [][]byte) {
	var last seen
	for i, signed := range v.bundle.Checkpoints {
		c, ok := v.open(signed, fmt.Sprintf("checkpoint %d", i))
		if !ok {
			continue
		}
		if c.Size < last.Size {
			v.report.find(CheckpointOrder, c.name, "it has %d entries, and %s, which was seen before it, has %d", c.Size,
				last.name, last.Size)
		}
		last = c
	}
	for i, signed := range kept {
		v.open(signed, fmt.Sprintf("kept checkpoint %d", i))
	}
	slices.SortStableFunc(v.checkpoints, func(a, b seen) int { return cmp.Compare(a.Size, b.Size) })
	if len(v.checkpoints) == 0 {
		v.report.find(CheckpointNone, "", "no trusted key has signed a checkpoint, so nothing vouches for the entries")
	}
}

func (v *verification) open(signed []byte, name string) (seen, bool) {
	c, err := OpenCheckpoint(signed, v.logs...)
	if err == nil && c.Origin != v.bundle.Origin {
		err = fmt.Errorf("checkpoint: it is of the log %q, and the bundle is of %q", c.Origin, v.bundle.Origin)
	}
	if err != nil {
		v.report.find(CheckpointUntrusted, name, "%s", err)
		return seen{}, false
	}
	s := seen{Checkpoint: c, name: name}
	v.checkpoints = append(v.checkpoints, s)
	return s, true
}

// compareTree finds out which entries the checkpoints commit to. The entries themselves decide; the hashes that the
// bundle has of them only help to name what was changed.
func (v *verification) compareTree() error {
	entries := make([][]byte, len(v.bundle.Entries))
	for i, e := range v.bundle.Entries {
		entries[i] = e.leaf()
	}
	fromEntries, err := v.compare(entries)
	if err != nil {
		return err
	}
	fromHashes, err := v.compare(v.bundle.Leaves)
	if err != nil {
		return err
	}
	switch e, h := fromEntries.reach(), fromHashes.reach(); {
	case e > h || e == h && e > 0 && len(entries) <= len(v.bundle.Leaves):
		v.tell(fromEntries)
		v.compareHashes(entries)
		v.report.Entries = e
	case h > 0:
		v.tell(fromHashes)
		v.report.Entries = v.align(entries, v.bundle.Leaves, h)
	default: // neither fits; what differs between the two is still worth naming
		v.tell(fromEntries)
		v.align(entries, v.bundle.Leaves, 0)
		v.report.Entries = largest(fromEntries.holding)
	}
	return nil
}

// comparison is how leaves stand to the checkpoints: those that commit to the leaves, those that commit to others, and
// those that commit to more leaves than there are; each by size.
type comparison struct {
	leaves                   int
	holding, failing, beyond []seen
}

func (v *verification) compare(leaves [][]byte) (comparison, error) {
	out := comparison{leaves: len(leaves)}
	var sizes []uint64
	for _, c := range v.checkpoints {
		if c.Size <= uint64(len(leaves)) {
			sizes = append(sizes, c.Size)
		}
	}
	computed, err := roots(leaves, sizes)
	if err != nil {
		return out, err
	}
	for _, c := range v.checkpoints {
		root, within := computed[c.Size]
		switch {
		case !within:
			out.beyond = append(out.beyond, c)
		case bytes.Equal(root, c.Root):
			out.holding = append(out.holding, c)
		default:
			out.failing = append(out.failing, c)
		}
	}
	return out, nil
}

// reach says how many of the leaves are vouched for: the size of the largest checkpoint that commits to them, unless a
// larger one commits to others.
func (c comparison) reach() uint64 {
	if largest(c.failing) > largest(c.holding) {
		return 0
	}
	return largest(c.holding)
}

// tell reports on the checkpoints.
func (v *verification) tell(c comparison) {
	v.report.Checkpoints, v.report.Size = len(c.holding), largest(c.holding)
	var mismatches []seen
	for _, f := range c.failing {
		if later, ok := firstFrom(c.holding, f.Size); ok {
			v.report.find(CheckpointFork, f.name, "it commits to %d entries, and they are not the first of those that %s "+
				"commits to", f.Size, later.name)
			continue
		}
		mismatches = append(mismatches, f)
	}
	if len(mismatches) > 0 {
		first := mismatches[0]
		v.report.find(TreeMismatch, first.name, "it commits to %d entries, and those in the bundle differ, somewhere from "+
			"entry %d to %d%s", first.Size, lastBefore(c.holding, first.Size), first.Size-1, more(len(mismatches)-1))
	}
	if n := len(c.beyond); n > 0 {
		last := c.beyond[n-1]
		v.report.find(LogTruncated, last.name, "it commits to %d entries, and the bundle ends after %d%s", last.Size,
			c.leaves, more(n-1))
		return
	}
	covered := max(v.report.Size, largest(c.failing))
	if uncovered := uint64(c.leaves) - covered; uncovered > 0 && len(v.checkpoints) > 0 {
		v.report.findEntry(EntryUncovered, covered, "", "no checkpoint commits to it; it and what follows are %d entries",
			uncovered)
	}
}

// more says that a finding stands for others of its kind.
func more(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("; %d more checkpoints say the same", n)
}

// firstFrom gives the smallest checkpoint that has at least size entries.
func firstFrom(checkpoints []seen, size uint64) (seen, bool) {
	for _, c := range checkpoints {
		if c.Size >= size {
			return c, true
		}
	}
	return seen{}, false
}

// lastBefore gives the size of the largest checkpoint that has fewer than size entries; 0 where there is none.
func lastBefore(checkpoints []seen, size uint64) uint64 {
	last := uint64(0)
	for _, c := range checkpoints {
		if c.Size < size {
			last = c.Size
		}
	}
	return last
}

func largest(checkpoints []seen) uint64 {
	if len(checkpoints) == 0 {
		return 0
	}
	return checkpoints[len(checkpoints)-1].Size
}

// compareHashes reports hashes that differ although their entries are right.
func (v *verification) compareHashes(entries [][]byte) {
	for i, hash := range entries {
		if i >= len(v.bundle.Leaves) || !bytes.Equal(hash, v.bundle.Leaves[i]) {
			v.report.findEntry(HashAltered, uint64(i), "", "the entry is what the log has, and the bundle's hash of it is not")
		}
	}
}
