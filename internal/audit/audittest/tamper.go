package audittest

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	formats "github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"

	"github.com/slipway-dev/slipway/internal/audit"
	"github.com/slipway-dev/slipway/internal/audit/memory"
	"github.com/slipway-dev/slipway/internal/evidence"
	"github.com/slipway-dev/slipway/internal/evidence/evidencetest"
)

// Story is what the test's log holds: three promotions of a shop to prod, one of them refused, and a rollback.
//
//	0 image 0 allowed    1 image 1 allowed    2 image 2 refused    3 image 0 rolled back to    4 image 3 allowed
func Story() []evidence.Decision {
	refused := evidencetest.Decision(2)
	refused.ID, refused.Outcome = "promotion-2/refused", evidence.Refused
	refused.Gates = []evidence.GateResult{{Name: "licences", Result: evidence.NotAvailable, Reason: "no SBOM"}}
	back := evidencetest.Rollback(1, 1, 0)
	back.Time = refused.Time.Add(time.Second)
	return []evidence.Decision{evidencetest.Decision(0), evidencetest.Decision(1), refused, back, evidencetest.Decision(3)}
}

// Export gives the bundle of a log that holds the decisions.
func Export(t testing.TB, decisions ...evidence.Decision) *audit.Bundle {
	t.Helper()
	signer, _ := LogSigner(t, Origin)
	l, err := memory.New(signer, Keyring(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range decisions {
		if _, err := l.Append(t.Context(), evidencetest.Signed(t, d, evidencetest.Signer(t, Server))); err != nil {
			t.Fatal(err)
		}
	}
	b, err := audit.Export(t.Context(), l, Trust(t))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Rebuild makes the bundle of a log that a keeper with the log's key has written without any check: its tree and its
// checkpoints fit whatever is in it.
func Rebuild(t testing.TB, envelopes ...[]byte) *audit.Bundle {
	t.Helper()
	b := &audit.Bundle{Origin: Origin, Keys: Trust(t)}
	for i, e := range envelopes {
		b.Entries = append(b.Entries, audit.Entry{Index: uint64(i), Envelope: e})
		b.Leaves = append(b.Leaves, rfc6962.DefaultHasher.HashLeaf(e))
	}
	b.Checkpoints = [][]byte{checkpoint(t, Origin, Origin, envelopes)}
	return b
}

// LogOf is Rebuild with decisions that the test's server signs.
func LogOf(t testing.TB, decisions ...evidence.Decision) *audit.Bundle {
	t.Helper()
	all := make([][]byte, len(decisions))
	for i, d := range decisions {
		all[i] = evidencetest.Signed(t, d, evidencetest.Signer(t, Server))
	}
	return Rebuild(t, all...)
}

// Glass is a break-glass by linus.
func Glass() evidence.Decision {
	d := evidencetest.Decision(5)
	d.ID, d.Outcome, d.Reason = "promotion-5/break-glass", evidence.BreakGlass, "payments are down"
	d.Actors.Decider = &evidence.Actor{Name: "linus", Role: "platform-admin"}
	return d
}

// checkpoint signs a checkpoint over envelopes by the key of a log.
func checkpoint(t testing.TB, key, origin string, envelopes [][]byte) []byte {
	t.Helper()
	root, err := audit.Root(envelopes)
	if err != nil {
		t.Fatal(err)
	}
	signer, _ := LogSigner(t, key)
	c := formats.Checkpoint{Origin: origin, Size: uint64(len(envelopes)), Hash: root}
	signed, err := note.Sign(&note.Note{Text: string(c.Marshal())}, signer)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func envelopes(b *audit.Bundle) [][]byte {
	out := make([][]byte, len(b.Entries))
	for i, e := range b.Entries {
		out[i] = e.Envelope
	}
	return out
}

// Tampering is one thing that is done to the good bundle of [Story], or that is known besides it.
type Tampering struct {
	Tamper func(t testing.TB, b *audit.Bundle)
	Known  func(t testing.TB) audit.Known
	// Want is what must be found, and nothing else.
	Want []audit.Code
}

// resign puts another decision into an entry, signed by the server's real key.
func resign(t testing.TB, b *audit.Bundle, i int) {
	t.Helper()
	d := Story()[i]
	d.Release = "v9.9.9"
	b.Entries[i].Envelope = evidencetest.Signed(t, d, evidencetest.Signer(t, Server))
}

func rehash(b *audit.Bundle) {
	b.Leaves = nil
	for _, e := range b.Entries {
		b.Leaves = append(b.Leaves, rfc6962.DefaultHasher.HashLeaf(e.Envelope))
	}
}

func running(app, env string, image int) func(testing.TB) audit.Known {
	return func(testing.TB) audit.Known {
		return audit.Known{Running: []audit.Running{{Application: app, Environment: env, Image: evidencetest.Image(image)}}}
	}
}

// Tamperings are all of them by name.
var Tamperings = map[string]Tampering{
	"entry-altered": {
		Tamper: func(t testing.TB, b *audit.Bundle) { resign(t, b, 1) },
		Want:   []audit.Code{audit.EntryAltered},
	},
	"entry-altered-by-one-byte": {
		Tamper: func(_ testing.TB, b *audit.Bundle) {
			b.Entries[1].Envelope = bytes.Replace(b.Entries[1].Envelope, []byte(`":"`), []byte(`": "`), 1)
		},
		Want: []audit.Code{audit.EntryAltered},
	},
	"entry-and-hash-altered": {
		Tamper: func(t testing.TB, b *audit.Bundle) { resign(t, b, 1); rehash(b) },
		Want:   []audit.Code{audit.TreeMismatch},
	},
	"hash-altered": {
		Tamper: func(_ testing.TB, b *audit.Bundle) { b.Leaves[2] = make([]byte, 32) },
		Want:   []audit.Code{audit.HashAltered},
	},
	"entry-left-out": {
		Tamper: func(_ testing.TB, b *audit.Bundle) { b.Entries = slices.Delete(b.Entries, 2, 3) },
		Want:   []audit.Code{audit.EntryMissing},
	},
	"entry-inserted": {
		Tamper: func(t testing.TB, b *audit.Bundle) {
			b.Entries = slices.Insert(b.Entries, 2, audit.Entry{Index: 2, Envelope: Envelope(t, 7)})
		},
		Want: []audit.Code{audit.EntryInserted},
	},
	"entries-swapped": {
		Tamper: func(_ testing.TB, b *audit.Bundle) {
			b.Entries[1].Envelope, b.Entries[3].Envelope = b.Entries[3].Envelope, b.Entries[1].Envelope
		},
		Want: []audit.Code{audit.EntryMoved, audit.EntryMoved},
	},
	"entry-replayed-in-the-bundle": {
		Tamper: func(_ testing.TB, b *audit.Bundle) { b.Entries = append(b.Entries, b.Entries[1]) },
		Want:   []audit.Code{audit.EntryRepeated},
	},
	"end-cut-off": {
		Tamper: func(_ testing.TB, b *audit.Bundle) { b.Entries, b.Leaves = b.Entries[:3], b.Leaves[:3] },
		Want:   []audit.Code{audit.LogTruncated},
	},
	"end-cut-off-with-its-checkpoints": {
		Tamper: func(_ testing.TB, b *audit.Bundle) {
			b.Entries, b.Leaves, b.Checkpoints = b.Entries[:3], b.Leaves[:3], b.Checkpoints[:4]
		},
		Known: func(t testing.TB) audit.Known { return audit.Known{Checkpoints: Export(t, Story()...).Checkpoints[5:]} },
		Want:  []audit.Code{audit.LogTruncated},
	},
	"entries-beyond-the-checkpoints": {
		Tamper: func(_ testing.TB, b *audit.Bundle) { b.Checkpoints = b.Checkpoints[:4] },
		Want:   []audit.Code{audit.EntryUncovered},
	},
	"checkpoint-altered": {
		Tamper: func(_ testing.TB, b *audit.Bundle) {
			b.Checkpoints[3] = bytes.Replace(b.Checkpoints[3], []byte("\n3\n"), []byte("\n4\n"), 1)
		},
		Want: []audit.Code{audit.CheckpointUntrusted},
	},
	"checkpoint-by-a-stranger": {
		Tamper: func(t testing.TB, b *audit.Bundle) {
			b.Checkpoints[5] = checkpoint(t, "stranger.example", "stranger.example", envelopes(b))
		},
		Want: []audit.Code{audit.CheckpointUntrusted, audit.EntryUncovered},
	},
	"checkpoint-of-another-log": {
		Tamper: func(t testing.TB, b *audit.Bundle) {
			b.Checkpoints = append(b.Checkpoints, checkpoint(t, Origin, "other.example", envelopes(b)))
		},
		Want: []audit.Code{audit.CheckpointUntrusted},
	},
	"checkpoint-that-is-no-note": {
		Tamper: func(_ testing.TB, b *audit.Bundle) { b.Checkpoints[0] = nil },
		Want:   []audit.Code{audit.CheckpointUntrusted},
	},
	"no-checkpoint": {
		Tamper: func(_ testing.TB, b *audit.Bundle) { b.Checkpoints = nil },
		Want:   []audit.Code{audit.CheckpointNone},
	},
	"log-told-two-stories": { // the log's own key signed both
		Tamper: func(t testing.TB, b *audit.Bundle) {
			other := slices.Clone(envelopes(b)[:3])
			other[1] = Envelope(t, 7)
			b.Checkpoints = slices.Insert(b.Checkpoints, 4, checkpoint(t, Origin, Origin, other))
		},
		Want: []audit.Code{audit.CheckpointFork},
	},
	"log-written-anew": { // by its keeper, who has all keys; a checkpoint kept elsewhere shows it
		Tamper: func(t testing.TB, b *audit.Bundle) { resign(t, b, 1); *b = *Rebuild(t, envelopes(b)...) },
		Known: func(t testing.TB) audit.Known {
			return audit.Known{Checkpoints: Export(t, Story()...).Checkpoints[3:4]}
		},
		Want: []audit.Code{audit.CheckpointFork},
	},
	"log-shrank": {
		Tamper: func(_ testing.TB, b *audit.Bundle) { slices.Reverse(b.Checkpoints[4:]) },
		Want:   []audit.Code{audit.CheckpointOrder},
	},
	"decision-by-a-stranger": {
		Tamper: func(t testing.TB, b *audit.Bundle) {
			stranger := evidencetest.Signed(t, evidencetest.Decision(1), evidencetest.Signer(t, "stranger"))
			*b = *Rebuild(t, b.Entries[0].Envelope, stranger)
		},
		Want: []audit.Code{audit.DecisionUntrusted},
	},
	"decision-with-another-signature": {
		Tamper: func(t testing.TB, b *audit.Bundle) {
			swapped := swapSignature(t, b.Entries[1].Envelope, b.Entries[0].Envelope)
			*b = *Rebuild(t, b.Entries[0].Envelope, swapped)
		},
		Want: []audit.Code{audit.DecisionUntrusted},
	},
	"entry-that-is-no-decision": {
		Tamper: func(t testing.TB, b *audit.Bundle) { *b = *Rebuild(t, b.Entries[0].Envelope, []byte("{}")) },
		Want:   []audit.Code{audit.DecisionInvalid},
	},
	"decision-replayed": {
		Tamper: func(t testing.TB, b *audit.Bundle) {
			*b = *Rebuild(t, b.Entries[0].Envelope, b.Entries[2].Envelope, b.Entries[2].Envelope)
		},
		Want: []audit.Code{audit.DecisionReplayed},
	},
	"decision-id-used-again": {
		Tamper: func(t testing.TB, b *audit.Bundle) {
			d := evidencetest.Decision(8)
			d.ID = evidencetest.Decision(0).ID
			again := evidencetest.Signed(t, d, evidencetest.Signer(t, Server))
			*b = *Rebuild(t, b.Entries[0].Envelope, again)
		},
		Want: []audit.Code{audit.DecisionReplayed},
	},
	"promotion-replayed": {
		Tamper: func(t testing.TB, b *audit.Bundle) {
			d := evidencetest.Decision(0)
			d.ID = "promotion-0/once-more"
			again := evidencetest.Signed(t, d, evidencetest.Signer(t, Server))
			*b = *Rebuild(t, b.Entries[0].Envelope, again)
		},
		Want: []audit.Code{audit.PromotionReplayed},
	},
	"rollback-of-nothing": {
		Tamper: func(t testing.TB, b *audit.Bundle) {
			*b = *LogOf(t, evidencetest.Decision(0), evidencetest.Rollback(1, 0, 0))
		},
		Want: []audit.Code{audit.DecisionReference},
	},
	"rolled-back-twice": {
		Tamper: func(t testing.TB, b *audit.Bundle) {
			again := evidencetest.Rollback(0, 0, 1)
			again.ID = "promotion-0/rollback-again"
			*b = *LogOf(t, evidencetest.Decision(0), evidencetest.Rollback(0, 0, 1), again)
		},
		Want: []audit.Code{audit.PromotionReplayed},
	},
	"confirmed-by-the-same-person": {
		Tamper: func(t testing.TB, b *audit.Bundle) {
			confirmed := evidencetest.Refer(Glass(), evidence.Confirmed, 0)
			confirmed.Actors.Decider = &evidence.Actor{Name: "Linus"}
			*b = *LogOf(t, Glass(), confirmed)
		},
		Want: []audit.Code{audit.DecisionReference},
	},
	"glass-unconfirmed": {
		Tamper: func(t testing.TB, b *audit.Bundle) { *b = *LogOf(t, Glass()) },
		Want:   []audit.Code{audit.GlassUnconfirmed},
	},
	"decision-backdated": {
		Tamper: func(t testing.TB, b *audit.Bundle) {
			*b = *LogOf(t, evidencetest.Decision(1500), evidencetest.Decision(1))
		},
		Want: []audit.Code{audit.DecisionBackdated},
	},
	"running-withdrawn": {
		Tamper: func(t testing.TB, b *audit.Bundle) {
			d := evidencetest.Decision(1)
			*b = *LogOf(t, evidencetest.Decision(0), d, evidencetest.Refer(d, evidence.Withdrawn, 1))
		},
		Known: running("team/shop", "prod", 1),
		Want:  []audit.Code{audit.RunningWithdrawn},
	},
	"running-after-all-was-taken-away": {
		Tamper: func(t testing.TB, b *audit.Bundle) {
			back := evidencetest.Rollback(0, 0, 0)
			back.Restores = &evidence.Restored{}
			*b = *LogOf(t, evidencetest.Decision(0), back)
		},
		Known: running("team/shop", "prod", 0),
		Want:  []audit.Code{audit.RunningSuperseded},
	},
	"running-undecided":    {Known: running("team/shop", "prod", 77), Want: []audit.Code{audit.RunningUndecided}},
	"running-elsewhere":    {Known: running("team/shop", "staging", 3), Want: []audit.Code{audit.RunningUndecided}},
	"running-refused":      {Known: running("team/shop", "prod", 2), Want: []audit.Code{audit.RunningRefused}},
	"running-superseded":   {Known: running("team/shop", "prod", 1), Want: []audit.Code{audit.RunningSuperseded}},
	"running-another-team": {Known: running("other/shop", "prod", 3), Want: []audit.Code{audit.RunningUndecided}},
}

// swapSignature puts the signature of one envelope under the content of another.
func swapSignature(t testing.TB, content, signature []byte) []byte {
	t.Helper()
	var c, s dsse.Envelope
	if err := json.Unmarshal(content, &c); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(signature, &s); err != nil {
		t.Fatal(err)
	}
	c.Signatures = s.Signatures
	data, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
