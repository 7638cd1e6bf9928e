// Package audittest is what every log of decisions must do, as a test suite, and what such tests need.
package audittest

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/slipway-dev/slipway/internal/audit"
	"github.com/slipway-dev/slipway/internal/evidence"
	"github.com/slipway-dev/slipway/internal/evidence/evidencetest"
)

// Origin is the name of the logs in tests.
const Origin = "audit.slipway.example"

// Log is a log of decisions.
type Log interface {
	audit.Source
	Append(ctx context.Context, envelope []byte) (audit.Receipt, error)
	Find(id string) (uint64, bool)
	InclusionProof(ctx context.Context, index, size uint64) ([][]byte, error)
	ConsistencyProof(ctx context.Context, smaller, larger uint64) ([][]byte, error)
}

// LogKey gives the key of a log with that name, the same for the same name.
func LogKey(tb testing.TB, name string) (private, public string) {
	tb.Helper()
	seed := bytes.Repeat([]byte(name), 32)
	private, public, err := note.GenerateKey(bytes.NewReader(seed), name)
	if err != nil {
		tb.Fatal(err)
	}
	return private, public
}

// LogSigner gives the signer and the verifier of a log with that name.
func LogSigner(tb testing.TB, name string) (note.Signer, note.Verifier) {
	tb.Helper()
	private, public := LogKey(tb, name)
	signer, err := note.NewSigner(private)
	if err != nil {
		tb.Fatal(err)
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		tb.Fatal(err)
	}
	return signer, verifier
}

// Server is the seed of the key that signs decisions in tests.
const Server = "server"

// Trust are the keys of a test's log and server.
func Trust(tb testing.TB) audit.Trust {
	tb.Helper()
	_, public := LogKey(tb, Origin)
	return audit.Trust{Keys: []evidence.Key{evidencetest.Key(tb, Server, evidence.Server)}, Logs: []string{public}}
}

// Keyring trusts the test's server.
func Keyring(tb testing.TB) *evidence.Keyring {
	tb.Helper()
	return evidencetest.Keyring(tb, evidencetest.Key(tb, Server, evidence.Server))
}

// Envelope gives decision n, signed by the test's server.
func Envelope(tb testing.TB, n int) []byte {
	tb.Helper()
	return evidencetest.Signed(tb, evidencetest.Decision(n), evidencetest.Signer(tb, Server))
}

// Run runs the suite. open gives an empty log of the name [Origin] that trusts [Keyring] each time.
func Run(t *testing.T, open func(t *testing.T) Log) {
	t.Run("Append_IsInTheCheckpoint", func(t *testing.T) { appendIsInTheCheckpoint(t, open(t)) })
	t.Run("Append_TheSameAgainIsFoundAgain", func(t *testing.T) { sameAgain(t, open(t)) })
	t.Run("Append_RefusesReplays", func(t *testing.T) { refusesReplays(t, open(t)) })
	t.Run("Append_AllowedAnewAfterWithdrawal", func(t *testing.T) { withdrawn(t, open(t)) })
	t.Run("Append_RefusesWhatAnAuditorWould", func(t *testing.T) { refusesUntrusted(t, open(t)) })
	t.Run("Append_ConcurrentlyOnceEach", func(t *testing.T) { concurrently(t, open(t)) })
	t.Run("Export_Verifies", func(t *testing.T) { exportVerifies(t, open(t)) })
	t.Run("Read_BeyondTheEnd", func(t *testing.T) { beyondTheEnd(t, open(t)) })
}

func appendIsInTheCheckpoint(t *testing.T, l Log) {
	_, verifier := LogSigner(t, Origin)
	var earlier audit.Checkpoint
	for n := range 5 {
		envelope := Envelope(t, n)
		receipt, err := l.Append(t.Context(), envelope)
		if err != nil {
			t.Fatal(err)
		}
		if receipt.Index != uint64(n) || receipt.Known {
			t.Errorf("decision %d: %+v", n, receipt)
		}
		checkpoint, err := audit.OpenCheckpoint(receipt.Checkpoint.Note, verifier)
		if err != nil {
			t.Fatal(err)
		}
		included(t, l, audit.Entry{Index: receipt.Index, Envelope: envelope}, checkpoint)
		if earlier.Size > 0 {
			continued(t, l, earlier, checkpoint)
		}
		earlier = checkpoint
		if at, found := l.Find(evidencetest.Decision(n).ID); !found || at != receipt.Index {
			t.Errorf("decision %d is found at %d, %t", n, at, found)
		}
	}
	if _, found := l.Find("nobody decided this"); found {
		t.Error("a decision is found that was never made")
	}
}

func included(t *testing.T, l Log, e audit.Entry, in audit.Checkpoint) {
	t.Helper()
	proof, err := l.InclusionProof(t.Context(), e.Index, in.Size)
	if err != nil {
		t.Fatal(err)
	}
	if err := audit.VerifyInclusion(e, proof, in); err != nil {
		t.Error(err)
	}
	e.Envelope = append(bytes.Clone(e.Envelope), ' ')
	if audit.VerifyInclusion(e, proof, in) == nil {
		t.Errorf("entry %d is proven with another content", e.Index)
	}
}

func continued(t *testing.T, l Log, earlier, later audit.Checkpoint) {
	t.Helper()
	proof, err := l.ConsistencyProof(t.Context(), earlier.Size, later.Size)
	if err != nil {
		t.Fatal(err)
	}
	if err := audit.VerifyConsistency(earlier, later, proof); err != nil {
		t.Error(err)
	}
}

func sameAgain(t *testing.T, l Log) {
	first, err := l.Append(t.Context(), Envelope(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(t.Context(), Envelope(t, 2)); err != nil {
		t.Fatal(err)
	}
	again, err := l.Append(t.Context(), Envelope(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	if !again.Known || again.Index != first.Index || again.Checkpoint.Size != 2 {
		t.Errorf("again: %+v", again)
	}
	if size := l.Checkpoint().Size; size != 2 {
		t.Errorf("the log has %d entries", size)
	}
}

func refusesReplays(t *testing.T, l Log) {
	signer := evidencetest.Signer(t, Server)
	if _, err := l.Append(t.Context(), Envelope(t, 1)); err != nil {
		t.Fatal(err)
	}
	other := evidencetest.Decision(1)
	other.Image = evidence.NewSubject("", evidencetest.Image(9))
	var replay *audit.ReplayError
	if _, err := l.Append(t.Context(), evidencetest.Signed(t, other, signer)); !errors.As(err, &replay) || !replay.Other {
		t.Errorf("the identifier with another content: %v", err)
	}
	twice := evidencetest.Decision(1)
	twice.ID = "promotion-1/once-more"
	_, err := l.Append(t.Context(), evidencetest.Signed(t, twice, signer))
	if !errors.As(err, &replay) || replay.Outcome != evidence.Allowed {
		t.Errorf("the promotion carried out twice: %v", err)
	}
	var reference *audit.ReferenceError
	nowhere := evidencetest.Rollback(1, 7, 0)
	if _, err := l.Append(t.Context(), evidencetest.Signed(t, nowhere, signer)); !errors.As(err, &reference) {
		t.Errorf("a rollback of what never was: %v", err)
	}
	if _, err := l.Append(t.Context(), evidencetest.Signed(t, evidencetest.Rollback(1, 0, 0), signer)); err != nil {
		t.Errorf("a rollback after the promotion: %v", err)
	}
	if size := l.Checkpoint().Size; size != 2 {
		t.Errorf("the log has %d entries", size)
	}
}

// withdrawn promotions have not been carried out, and may be allowed anew.
func withdrawn(t *testing.T, l Log) {
	signer := evidencetest.Signer(t, Server)
	again := evidencetest.Decision(1)
	again.ID = "promotion-1/allowed-anew"
	for i, d := range []evidence.Decision{evidencetest.Decision(1),
		evidencetest.Refer(evidencetest.Decision(1), evidence.Withdrawn, 0), again} {
		receipt, err := l.Append(t.Context(), evidencetest.Signed(t, d, signer))
		if err != nil || receipt.Index != uint64(i) {
			t.Errorf("%s: %+v, %v", d.ID, receipt, err)
		}
	}
}

func refusesUntrusted(t *testing.T, l Log) {
	stranger := evidencetest.Signed(t, evidencetest.Decision(1), evidencetest.Signer(t, "stranger"))
	if _, err := l.Append(t.Context(), stranger); !errors.Is(err, evidence.ErrUnknownKey) {
		t.Errorf("a stranger's decision: %v", err)
	}
	var broken *evidence.DecodeError
	if _, err := l.Append(t.Context(), []byte("{}")); !errors.As(err, &broken) {
		t.Errorf("no envelope: %v", err)
	}
	if size := l.Checkpoint().Size; size != 0 {
		t.Errorf("the log has %d entries", size)
	}
}

// concurrently appends each decision several times at once.
func concurrently(t *testing.T, l Log) {
	const decisions, times = 20, 3
	var group sync.WaitGroup
	var mu sync.Mutex
	var places [decisions]map[uint64]int
	for n := range decisions {
		places[n] = map[uint64]int{}
	}
	for n := range decisions {
		envelope := Envelope(t, n)
		for range times {
			group.Go(func() {
				receipt, err := l.Append(t.Context(), envelope)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				places[n][receipt.Index]++
			})
		}
	}
	group.Wait()
	for n, at := range places {
		if len(at) != 1 {
			t.Errorf("decision %d stands at %v", n, at)
		}
	}
	if size := l.Checkpoint().Size; size != decisions {
		t.Errorf("the log has %d entries", size)
	}
}

// exportVerifies takes a log of more than one tile away, through a zip file, and verifies it.
func exportVerifies(t *testing.T, l Log) {
	const decisions = 300
	var group sync.WaitGroup
	for n := range decisions {
		envelope := Envelope(t, n)
		group.Go(func() {
			if _, err := l.Append(t.Context(), envelope); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	exported, err := audit.Export(t.Context(), l, Trust(t))
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := exported.WriteZip(&file); err != nil {
		t.Fatal(err)
	}
	b, err := audit.ReadZip(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		t.Fatal(err)
	}
	report, err := audit.Verify(b, Trust(t), audit.Known{})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Findings {
		t.Error(f)
	}
	if report.Entries != decisions || report.Size != decisions || report.Decisions[evidence.Allowed] != decisions {
		t.Errorf("%+v", report)
	}
}

func beyondTheEnd(t *testing.T, l Log) {
	if _, err := l.Append(t.Context(), Envelope(t, 1)); err != nil {
		t.Fatal(err)
	}
	var outside *audit.RangeError
	for e, err := range l.Entries(t.Context(), 0, 2) {
		if !errors.As(err, &outside) {
			t.Errorf("%+v, %v", e, err)
		}
	}
	if _, err := l.Leaves(t.Context(), 1, 2); !errors.As(err, &outside) {
		t.Error(err)
	}
	if _, err := l.InclusionProof(t.Context(), 1, 1); !errors.As(err, &outside) {
		t.Error(err)
	}
	if _, err := l.ConsistencyProof(t.Context(), 1, 2); !errors.As(err, &outside) {
		t.Error(err)
	}
}
