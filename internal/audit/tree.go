package audit

import (
	"fmt"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"
)

// roots gives the tree's root over the first n leaves for each n of sizes, which ascend and reach no further than the
// leaves. All of them together cost one walk over the leaves.
func roots(leaves [][]byte, sizes []uint64) (map[uint64][]byte, error) {
	tree := (&compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}).NewEmptyRange(0)
	out := make(map[uint64][]byte, len(sizes))
	for _, size := range sizes {
		for tree.End() < size {
			if err := tree.Append(leaves[tree.End()], nil); err != nil {
				return nil, fmt.Errorf("compute the tree: %w", err)
			}
		}
		if size == 0 {
			out[0] = rfc6962.DefaultHasher.EmptyRoot()
			continue
		}
		root, err := tree.GetRootHash(nil)
		if err != nil {
			return nil, fmt.Errorf("compute the tree: %w", err)
		}
		out[size] = root
	}
	return out, nil
}

// Root gives the root of the tree over envelopes, in the order of the log.
func Root(envelopes [][]byte) ([]byte, error) {
	leaves := make([][]byte, len(envelopes))
	for i, e := range envelopes {
		leaves[i] = rfc6962.DefaultHasher.HashLeaf(e)
	}
	size := uint64(len(leaves))
	all, err := roots(leaves, []uint64{size})
	return all[size], err
}
