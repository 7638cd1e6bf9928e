package audit_test

import (
	"bytes"
	"fmt"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/slipway-dev/slipway/internal/audit"
)

// The tree is compared with that of the Go checksum database, which is another implementation of RFC 6962.
func TestRoot_AgreesWithAnotherImplementation(t *testing.T) {
	var hashes []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, at := range indexes {
			out[i] = hashes[at]
		}
		return out, nil
	})
	var envelopes [][]byte
	for n := range int64(600) {
		envelope := fmt.Appendf(nil, "envelope %d", n)
		stored, err := tlog.StoredHashes(n, envelope, reader)
		if err != nil {
			t.Fatal(err)
		}
		hashes, envelopes = append(hashes, stored...), append(envelopes, envelope)
		want, err := tlog.TreeHash(n+1, reader)
		if err != nil {
			t.Fatal(err)
		}
		got, err := audit.Root(envelopes)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want[:]) {
			t.Fatalf("the root of %d envelopes is %x, not %x", n+1, got, want)
		}
	}
}
