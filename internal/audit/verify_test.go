package audit_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	formats "github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"

	"github.com/slipway-dev/slipway/internal/audit"
	"github.com/slipway-dev/slipway/internal/audit/audittest"
	"github.com/slipway-dev/slipway/internal/audit/memory"
	"github.com/slipway-dev/slipway/internal/evidence"
	"github.com/slipway-dev/slipway/internal/evidence/evidencetest"
)

var update = flag.Bool("update", false, "write the golden files")

// story is what the test's log holds: three promotions of a shop to prod, one of them refused, and a rollback.
//
//	0 image 0 allowed    1 image 1 allowed    2 image 2 refused    3 image 0 rolled back to    4 image 3 allowed
func story() []evidence.Decision {
	refused := evidencetest.Decision(2)
	refused.ID, refused.Outcome = "promotion-2/refused", evidence.Refused
	refused.Gates = []evidence.GateResult{{Name: "licences", Result: evidence.NotAvailable, Reason: "no SBOM"}}
	back := evidencetest.Rollback(1, 1, 0)
	back.Time = refused.Time.Add(time.Second)
	return []evidence.Decision{evidencetest.Decision(0), evidencetest.Decision(1), refused, back, evidencetest.Decision(3)}
}

// export gives the bundle of a log that holds the decisions.
func export(t testing.TB, decisions ...evidence.Decision) *audit.Bundle {
	t.Helper()
	signer, _ := audittest.LogSigner(t, audittest.Origin)
	l, err := memory.New(signer, audittest.Keyring(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range decisions {
		if _, err := l.Append(t.Context(), evidencetest.Signed(t, d, evidencetest.Signer(t, audittest.Server))); err != nil {
			t.Fatal(err)
		}
	}
	b, err := audit.Export(t.Context(), l, audittest.Trust(t))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// rebuild makes the bundle of a log that a keeper with the log's key has written without any check: its tree and its
// checkpoints fit whatever is in it.
func rebuild(t testing.TB, envelopes ...[]byte) *audit.Bundle {
	t.Helper()
	b := &audit.Bundle{Origin: audittest.Origin, Keys: audittest.Trust(t)}
	for i, e := range envelopes {
		b.Entries = append(b.Entries, audit.Entry{Index: uint64(i), Envelope: e})
		b.Leaves = append(b.Leaves, rfc6962.DefaultHasher.HashLeaf(e))
	}
	b.Checkpoints = [][]byte{checkpoint(t, audittest.Origin, audittest.Origin, envelopes)}
	return b
}

// log is rebuild with decisions that the test's server signs.
func log(t testing.TB, decisions ...evidence.Decision) *audit.Bundle {
	t.Helper()
	all := make([][]byte, len(decisions))
	for i, d := range decisions {
		all[i] = evidencetest.Signed(t, d, evidencetest.Signer(t, audittest.Server))
	}
	return rebuild(t, all...)
}

// glass is a break-glass by linus.
func glass() evidence.Decision {
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
	signer, _ := audittest.LogSigner(t, key)
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

// lines gives a report's findings, one a line.
func lines(r *audit.Report) string {
	var out strings.Builder
	for _, f := range r.Findings {
		fmt.Fprintln(&out, f)
	}
	return out.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-update writes it):\n%s", path, diff)
	}
}

func verify(t *testing.T, b *audit.Bundle, known audit.Known) *audit.Report {
	t.Helper()
	report, err := audit.Verify(b, audittest.Trust(t), known)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestVerify_NothingWrong(t *testing.T) {
	whole := export(t, story()...)
	earlier := export(t, story()[:3]...)
	at := func(n int) time.Time { return evidencetest.Decision(n).Time }
	running := func(image int, at time.Time) audit.Running {
		return audit.Running{Application: "team/shop", Environment: "prod", Image: evidencetest.Image(image), At: at}
	}
	report := verify(t, whole, audit.Known{
		Checkpoints: earlier.Checkpoints[1:],
		Running: []audit.Running{running(0, at(0)), running(1, at(2)), running(0, at(3).Add(-1)),
			running(3, time.Time{})},
	})
	if diff := cmp.Diff(&audit.Report{
		Origin: audittest.Origin, Entries: 5, Checkpoints: 9, Size: 5, Running: 4,
		Decisions: map[evidence.Outcome]int{evidence.Allowed: 3, evidence.Refused: 1, evidence.RolledBack: 1},
		Findings:  []audit.Finding{},
	}, report); diff != "" {
		t.Error(diff)
	}
}

func TestVerify_GlassThatAnotherPersonConfirmed(t *testing.T) {
	report := verify(t, log(t, glass(), evidencetest.Refer(glass(), evidence.Confirmed, 0)), audit.Known{})
	if !report.OK() || report.Decisions[evidence.Confirmed] != 1 {
		t.Error(lines(report))
	}
}

func TestVerify_EmptyLog(t *testing.T) {
	if report := verify(t, export(t), audit.Known{}); !report.OK() || report.Checkpoints != 1 {
		t.Errorf("%+v", report)
	}
}

// tampering is one thing that is done to a bundle, and what must be found.
type tampering struct {
	tamper func(t *testing.T, b *audit.Bundle)
	known  func(t *testing.T) audit.Known
	want   []audit.Code
}

// resign puts another decision into an entry, signed by the server's real key.
func resign(t *testing.T, b *audit.Bundle, i int) {
	t.Helper()
	d := story()[i]
	d.Release = "v9.9.9"
	b.Entries[i].Envelope = evidencetest.Signed(t, d, evidencetest.Signer(t, audittest.Server))
}

func rehash(b *audit.Bundle) {
	b.Leaves = nil
	for _, e := range b.Entries {
		b.Leaves = append(b.Leaves, rfc6962.DefaultHasher.HashLeaf(e.Envelope))
	}
}

func running(app, env string, image int) func(*testing.T) audit.Known {
	return func(*testing.T) audit.Known {
		return audit.Known{Running: []audit.Running{{Application: app, Environment: env, Image: evidencetest.Image(image)}}}
	}
}

var tamperings = map[string]tampering{
	"entry-altered": {
		tamper: func(t *testing.T, b *audit.Bundle) { resign(t, b, 1) },
		want:   []audit.Code{audit.EntryAltered},
	},
	"entry-altered-by-one-byte": {
		tamper: func(_ *testing.T, b *audit.Bundle) {
			b.Entries[1].Envelope = bytes.Replace(b.Entries[1].Envelope, []byte(`":"`), []byte(`": "`), 1)
		},
		want: []audit.Code{audit.EntryAltered},
	},
	"entry-and-hash-altered": {
		tamper: func(t *testing.T, b *audit.Bundle) { resign(t, b, 1); rehash(b) },
		want:   []audit.Code{audit.TreeMismatch},
	},
	"hash-altered": {
		tamper: func(_ *testing.T, b *audit.Bundle) { b.Leaves[2] = make([]byte, 32) },
		want:   []audit.Code{audit.HashAltered},
	},
	"entry-left-out": {
		tamper: func(_ *testing.T, b *audit.Bundle) { b.Entries = slices.Delete(b.Entries, 2, 3) },
		want:   []audit.Code{audit.EntryMissing},
	},
	"entry-inserted": {
		tamper: func(t *testing.T, b *audit.Bundle) {
			b.Entries = slices.Insert(b.Entries, 2, audit.Entry{Index: 2, Envelope: audittest.Envelope(t, 7)})
		},
		want: []audit.Code{audit.EntryInserted},
	},
	"entries-swapped": {
		tamper: func(_ *testing.T, b *audit.Bundle) {
			b.Entries[1].Envelope, b.Entries[3].Envelope = b.Entries[3].Envelope, b.Entries[1].Envelope
		},
		want: []audit.Code{audit.EntryMoved, audit.EntryMoved},
	},
	"entry-replayed-in-the-bundle": {
		tamper: func(_ *testing.T, b *audit.Bundle) { b.Entries = append(b.Entries, b.Entries[1]) },
		want:   []audit.Code{audit.EntryRepeated},
	},
	"end-cut-off": {
		tamper: func(_ *testing.T, b *audit.Bundle) { b.Entries, b.Leaves = b.Entries[:3], b.Leaves[:3] },
		want:   []audit.Code{audit.LogTruncated},
	},
	"end-cut-off-with-its-checkpoints": {
		tamper: func(_ *testing.T, b *audit.Bundle) {
			b.Entries, b.Leaves, b.Checkpoints = b.Entries[:3], b.Leaves[:3], b.Checkpoints[:4]
		},
		known: func(t *testing.T) audit.Known { return audit.Known{Checkpoints: export(t, story()...).Checkpoints[5:]} },
		want:  []audit.Code{audit.LogTruncated},
	},
	"entries-beyond-the-checkpoints": {
		tamper: func(_ *testing.T, b *audit.Bundle) { b.Checkpoints = b.Checkpoints[:4] },
		want:   []audit.Code{audit.EntryUncovered},
	},
	"checkpoint-altered": {
		tamper: func(_ *testing.T, b *audit.Bundle) {
			b.Checkpoints[3] = bytes.Replace(b.Checkpoints[3], []byte("\n3\n"), []byte("\n4\n"), 1)
		},
		want: []audit.Code{audit.CheckpointUntrusted},
	},
	"checkpoint-by-a-stranger": {
		tamper: func(t *testing.T, b *audit.Bundle) {
			b.Checkpoints[5] = checkpoint(t, "stranger.example", "stranger.example", envelopes(b))
		},
		want: []audit.Code{audit.CheckpointUntrusted, audit.EntryUncovered},
	},
	"checkpoint-of-another-log": {
		tamper: func(t *testing.T, b *audit.Bundle) {
			b.Checkpoints = append(b.Checkpoints, checkpoint(t, audittest.Origin, "other.example", envelopes(b)))
		},
		want: []audit.Code{audit.CheckpointUntrusted},
	},
	"checkpoint-that-is-no-note": {
		tamper: func(_ *testing.T, b *audit.Bundle) { b.Checkpoints[0] = nil },
		want:   []audit.Code{audit.CheckpointUntrusted},
	},
	"no-checkpoint": {
		tamper: func(_ *testing.T, b *audit.Bundle) { b.Checkpoints = nil },
		want:   []audit.Code{audit.CheckpointNone},
	},
	"log-told-two-stories": { // the log's own key signed both
		tamper: func(t *testing.T, b *audit.Bundle) {
			other := slices.Clone(envelopes(b)[:3])
			other[1] = audittest.Envelope(t, 7)
			b.Checkpoints = slices.Insert(b.Checkpoints, 4, checkpoint(t, audittest.Origin, audittest.Origin, other))
		},
		want: []audit.Code{audit.CheckpointFork},
	},
	"log-written-anew": { // by its keeper, who has all keys; a checkpoint kept elsewhere shows it
		tamper: func(t *testing.T, b *audit.Bundle) { resign(t, b, 1); *b = *rebuild(t, envelopes(b)...) },
		known: func(t *testing.T) audit.Known {
			return audit.Known{Checkpoints: export(t, story()...).Checkpoints[3:4]}
		},
		want: []audit.Code{audit.CheckpointFork},
	},
	"log-shrank": {
		tamper: func(_ *testing.T, b *audit.Bundle) { slices.Reverse(b.Checkpoints[4:]) },
		want:   []audit.Code{audit.CheckpointOrder},
	},
	"decision-by-a-stranger": {
		tamper: func(t *testing.T, b *audit.Bundle) {
			stranger := evidencetest.Signed(t, evidencetest.Decision(1), evidencetest.Signer(t, "stranger"))
			*b = *rebuild(t, b.Entries[0].Envelope, stranger)
		},
		want: []audit.Code{audit.DecisionUntrusted},
	},
	"decision-with-another-signature": {
		tamper: func(t *testing.T, b *audit.Bundle) {
			swapped := swapSignature(t, b.Entries[1].Envelope, b.Entries[0].Envelope)
			*b = *rebuild(t, b.Entries[0].Envelope, swapped)
		},
		want: []audit.Code{audit.DecisionUntrusted},
	},
	"entry-that-is-no-decision": {
		tamper: func(t *testing.T, b *audit.Bundle) { *b = *rebuild(t, b.Entries[0].Envelope, []byte("{}")) },
		want:   []audit.Code{audit.DecisionInvalid},
	},
	"decision-replayed": {
		tamper: func(t *testing.T, b *audit.Bundle) {
			*b = *rebuild(t, b.Entries[0].Envelope, b.Entries[2].Envelope, b.Entries[2].Envelope)
		},
		want: []audit.Code{audit.DecisionReplayed},
	},
	"decision-id-used-again": {
		tamper: func(t *testing.T, b *audit.Bundle) {
			d := evidencetest.Decision(8)
			d.ID = evidencetest.Decision(0).ID
			again := evidencetest.Signed(t, d, evidencetest.Signer(t, audittest.Server))
			*b = *rebuild(t, b.Entries[0].Envelope, again)
		},
		want: []audit.Code{audit.DecisionReplayed},
	},
	"promotion-replayed": {
		tamper: func(t *testing.T, b *audit.Bundle) {
			d := evidencetest.Decision(0)
			d.ID = "promotion-0/once-more"
			again := evidencetest.Signed(t, d, evidencetest.Signer(t, audittest.Server))
			*b = *rebuild(t, b.Entries[0].Envelope, again)
		},
		want: []audit.Code{audit.PromotionReplayed},
	},
	"rollback-of-nothing": {
		tamper: func(t *testing.T, b *audit.Bundle) {
			*b = *log(t, evidencetest.Decision(0), evidencetest.Rollback(1, 0, 0))
		},
		want: []audit.Code{audit.DecisionReference},
	},
	"rolled-back-twice": {
		tamper: func(t *testing.T, b *audit.Bundle) {
			again := evidencetest.Rollback(0, 0, 1)
			again.ID = "promotion-0/rollback-again"
			*b = *log(t, evidencetest.Decision(0), evidencetest.Rollback(0, 0, 1), again)
		},
		want: []audit.Code{audit.PromotionReplayed},
	},
	"confirmed-by-the-same-person": {
		tamper: func(t *testing.T, b *audit.Bundle) {
			confirmed := evidencetest.Refer(glass(), evidence.Confirmed, 0)
			confirmed.Actors.Decider = &evidence.Actor{Name: "Linus"}
			*b = *log(t, glass(), confirmed)
		},
		want: []audit.Code{audit.DecisionReference},
	},
	"glass-unconfirmed": {
		tamper: func(t *testing.T, b *audit.Bundle) { *b = *log(t, glass()) },
		want:   []audit.Code{audit.GlassUnconfirmed},
	},
	"decision-backdated": {
		tamper: func(t *testing.T, b *audit.Bundle) {
			*b = *log(t, evidencetest.Decision(1500), evidencetest.Decision(1))
		},
		want: []audit.Code{audit.DecisionBackdated},
	},
	"running-withdrawn": {
		tamper: func(t *testing.T, b *audit.Bundle) {
			d := evidencetest.Decision(1)
			*b = *log(t, evidencetest.Decision(0), d, evidencetest.Refer(d, evidence.Withdrawn, 1))
		},
		known: running("team/shop", "prod", 1),
		want:  []audit.Code{audit.RunningWithdrawn},
	},
	"running-after-all-was-taken-away": {
		tamper: func(t *testing.T, b *audit.Bundle) {
			back := evidencetest.Rollback(0, 0, 0)
			back.Restores = &evidence.Restored{}
			*b = *log(t, evidencetest.Decision(0), back)
		},
		known: running("team/shop", "prod", 0),
		want:  []audit.Code{audit.RunningSuperseded},
	},
	"running-undecided":    {known: running("team/shop", "prod", 77), want: []audit.Code{audit.RunningUndecided}},
	"running-elsewhere":    {known: running("team/shop", "staging", 3), want: []audit.Code{audit.RunningUndecided}},
	"running-refused":      {known: running("team/shop", "prod", 2), want: []audit.Code{audit.RunningRefused}},
	"running-superseded":   {known: running("team/shop", "prod", 1), want: []audit.Code{audit.RunningSuperseded}},
	"running-another-team": {known: running("other/shop", "prod", 3), want: []audit.Code{audit.RunningUndecided}},
}

// TestVerify_FindsEachTampering does one thing to a good bundle at a time: exactly that must be found, with the entry
// and the cause as the golden files show.
func TestVerify_FindsEachTampering(t *testing.T) {
	for name, tc := range tamperings {
		t.Run(name, func(t *testing.T) {
			b := export(t, story()...)
			if tc.tamper != nil {
				tc.tamper(t, b)
			}
			var known audit.Known
			if tc.known != nil {
				known = tc.known(t)
			}
			report := verify(t, b, known)
			var got []audit.Code
			for _, f := range report.Findings {
				got = append(got, f.Code)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s\n%s", diff, lines(report))
			}
			golden(t, filepath.Join("findings", name+".golden"), fmt.Sprintf("%s%d entries are as the checkpoints say\n",
				lines(report), report.Entries))
		})
	}
}

// TestVerify_AnyByteMatters flips each byte of each entry, hash and checkpoint in turn: none goes unnoticed.
func TestVerify_AnyByteMatters(t *testing.T) {
	good := export(t, story()[:2]...)
	flip := func(name string, part func(*audit.Bundle) []byte) {
		for i := range part(good) {
			b := &audit.Bundle{Origin: good.Origin, Entries: slices.Clone(good.Entries)}
			for j := range b.Entries {
				b.Entries[j].Envelope = slices.Clone(b.Entries[j].Envelope)
			}
			for _, l := range good.Leaves {
				b.Leaves = append(b.Leaves, slices.Clone(l))
			}
			for _, c := range good.Checkpoints {
				b.Checkpoints = append(b.Checkpoints, slices.Clone(c))
			}
			part(b)[i] ^= 1
			if report := verify(t, b, audit.Known{}); report.OK() {
				t.Errorf("%s: byte %d may be another one", name, i)
			}
		}
	}
	flip("entry", func(b *audit.Bundle) []byte { return b.Entries[1].Envelope })
	flip("hash", func(b *audit.Bundle) []byte { return b.Leaves[0] })
	flip("checkpoint", func(b *audit.Bundle) []byte { return b.Checkpoints[1] })
}

func TestVerify_KeysInTheBundleAreNotBelieved(t *testing.T) {
	_, public := audittest.LogKey(t, "stranger.example")
	trust := audit.Trust{Keys: []evidence.Key{evidencetest.Key(t, "stranger", evidence.Server)}, Logs: []string{public}}
	report, err := audit.Verify(export(t, story()...), trust, audit.Known{})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Findings) != 6+1+5 || report.Checkpoints != 0 || len(report.Decisions) != 0 {
		t.Error(lines(report))
	}
}

func TestVerify_UnusableTrust(t *testing.T) {
	for name, trust := range map[string]audit.Trust{
		"a log's key": {Logs: []string{"x"}},
		"a key":       {Keys: []evidence.Key{{Name: "x"}}},
	} {
		if _, err := audit.Verify(export(t), trust, audit.Known{}); err == nil {
			t.Errorf("%s that is none is accepted", name)
		}
	}
}
