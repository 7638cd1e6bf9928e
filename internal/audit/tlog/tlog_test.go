package tlog

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/slipway-dev/slipway/internal/audit"
	"github.com/slipway-dev/slipway/internal/audit/audittest"
	"github.com/slipway-dev/slipway/internal/evidence"
	"github.com/slipway-dev/slipway/internal/fault"
)

func options(tb testing.TB, dir string) Options {
	tb.Helper()
	signer, verifier := audittest.LogSigner(tb, audittest.Origin)
	return Options{Dir: dir, Signer: signer, Verifiers: []note.Verifier{verifier}, Keys: audittest.Keyring(tb)}
}

func openLog(tb testing.TB, o Options) *Log {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), time.Minute)
	defer cancel()
	l, err := Open(ctx, o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		_ = l.Close(ctx) // some tests have closed it already
	})
	return l
}

func closeLog(tb testing.TB, l *Log) {
	tb.Helper()
	if err := l.Close(tb.Context()); err != nil {
		tb.Fatal(err)
	}
}

func appendAll(tb testing.TB, l *Log, from, to int) {
	tb.Helper()
	for n := from; n < to; n++ {
		if _, err := l.Append(tb.Context(), audittest.Envelope(tb, n)); err != nil {
			tb.Fatal(err)
		}
	}
}

func TestLog(t *testing.T) {
	audittest.Run(t, func(t *testing.T) audittest.Log { return openLog(t, options(t, t.TempDir())) })
}

func TestOpen_AgainKnowsWhatWasAppended(t *testing.T) {
	o := options(t, t.TempDir())
	l := openLog(t, o)
	appendAll(t, l, 0, 3)
	before := l.Checkpoint()
	closeLog(t, l)

	l = openLog(t, o)
	if after := l.Checkpoint(); after.Size != 3 || string(after.Root) != string(before.Root) {
		t.Errorf("the log was at %+v and is at %+v", before, after)
	}
	again, err := l.Append(t.Context(), audittest.Envelope(t, 1))
	if err != nil || !again.Known || again.Index != 1 {
		t.Errorf("%+v, %v", again, err)
	}
	next, err := l.Append(t.Context(), audittest.Envelope(t, 3))
	if err != nil || next.Known || next.Index != 3 {
		t.Errorf("%+v, %v", next, err)
	}
	exported, err := audit.Export(t.Context(), l, audittest.Trust(t))
	if err != nil {
		t.Fatal(err)
	}
	report, err := audit.Verify(exported, audittest.Trust(t), audit.Known{})
	if err != nil || !report.OK() || report.Entries != 4 {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestOpen_OneWriterAtATime(t *testing.T) {
	o := options(t, t.TempDir())
	l := openLog(t, o)
	_, err := Open(t.Context(), o)
	hint, _ := fault.Of(err)
	if err == nil || !strings.Contains(err.Error(), "another process has it open") || hint == "" {
		t.Errorf("%v (%s)", err, hint)
	}
	closeLog(t, l)
	closeLog(t, openLog(t, o))
}

// Whoever changes the log's files while it is closed finds it shut.
func TestOpen_RefusesFilesThatWereChanged(t *testing.T) {
	entries := "log/tile/entries/000.p/3"
	for name, tc := range map[string]struct {
		file   string
		change func(string) string
		says   string
	}{
		"an entry": {entries, func(s string) string { return strings.Replace(s, `"keyid"`, `"keyId"`, 1) },
			"are not those that its checkpoint commits to"},
		"an entry cut short": {entries, func(s string) string { return s[:len(s)-1] }, "read entries from 0 on: "},
		"an entry left out":  {entries, func(string) string { return "" }, "read entries from 0 on: there are only 0"},
		"the checkpoint": {"log/checkpoint", func(s string) string { return strings.Replace(s, "\n3\n", "\n2\n", 1) },
			"the signature of " + audittest.Origin},
	} {
		o := options(t, t.TempDir())
		l := openLog(t, o)
		appendAll(t, l, 0, 3)
		closeLog(t, l)
		path := filepath.Join(o.Dir, tc.file)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		changed := tc.change(string(data))
		if changed == string(data) {
			t.Fatalf("%s: nothing was changed", name)
		}
		if err := os.WriteFile(path, []byte(changed), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOpen_AfterAChangeOfKeys(t *testing.T) {
	o := options(t, t.TempDir())
	l := openLog(t, o)
	appendAll(t, l, 0, 1)
	closeLog(t, l)

	private, public, err := note.GenerateKey(nil, audittest.Origin)
	if err != nil {
		t.Fatal(err)
	}
	if o.Signer, err = note.NewSigner(private); err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	o.Verifiers = append(o.Verifiers, verifier)
	l = openLog(t, o)
	appendAll(t, l, 1, 2)
	trust := audittest.Trust(t)
	trust.Logs = append(trust.Logs, public)
	exported, err := audit.Export(t.Context(), l, trust)
	if err != nil {
		t.Fatal(err)
	}
	report, err := audit.Verify(exported, trust, audit.Known{})
	if err != nil || !report.OK() {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestOpen_CutsOffWhatACrashLeftUnfinished(t *testing.T) {
	o := options(t, t.TempDir())
	l := openLog(t, o)
	appendAll(t, l, 0, 2)
	want, err := l.Checkpoints(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	closeLog(t, l)
	f, err := os.OpenFile(filepath.Join(o.Dir, "seen.jsonl"), os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString(`"audit.slip`)
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	l = openLog(t, o)
	got, err := l.Checkpoints(t.Context())
	if err != nil || len(got) != len(want) {
		t.Fatalf("%d checkpoints, and there were %d; %v", len(got), len(want), err)
	}
	appendAll(t, l, 2, 3)
	if got, err = l.Checkpoints(t.Context()); err != nil || len(got) != len(want)+1 {
		t.Errorf("%d checkpoints; %v", len(got), err)
	}
}

func TestAppend_AfterClose(t *testing.T) {
	l := openLog(t, options(t, t.TempDir()))
	appendAll(t, l, 0, 1)
	closeLog(t, l)
	if _, err := l.Append(t.Context(), audittest.Envelope(t, 1)); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

func TestAppend_CallerGivesUp(t *testing.T) {
	l := openLog(t, options(t, t.TempDir()))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Append(ctx, audittest.Envelope(t, 0)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	receipt, err := l.Append(t.Context(), audittest.Envelope(t, 0))
	if err != nil || receipt.Index != 0 {
		t.Errorf("%+v, %v", receipt, err)
	}
}

// A disk that does not take the entry leaves nobody believing that it did; nothing follows it.
func TestAppend_FailsClosedWhereWritingFails(t *testing.T) {
	o := options(t, t.TempDir())
	l := openLog(t, o)
	appendAll(t, l, 0, 1)
	tiles := filepath.Join(o.Dir, "log", "tile", "entries")
	if err := os.RemoveAll(tiles); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(tiles, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if receipt, err := l.Append(t.Context(), audittest.Envelope(t, 1)); err == nil {
		t.Fatalf("%+v", receipt)
	}
	_, err := l.Append(t.Context(), audittest.Envelope(t, 2))
	hint, _ := fault.Of(err)
	if err == nil || !strings.Contains(err.Error(), "an earlier write did not succeed") || hint == "" {
		t.Errorf("%v (%s)", err, hint)
	}
	if _, found := l.Find("promotion-1/allowed"); found {
		t.Error("a decision is found that was not written")
	}
}

// shelf is a publisher that fails a few times.
type shelf struct {
	failures int
	got      chan audit.Checkpoint
}

func (s *shelf) Publish(_ context.Context, c audit.Checkpoint) error {
	if s.failures > 0 {
		s.failures--
		return errors.New("the repository does not answer")
	}
	s.got <- c
	return nil
}

func TestPublish_UntilItIsTaken(t *testing.T) {
	o := options(t, t.TempDir())
	publisher := &shelf{failures: 1, got: make(chan audit.Checkpoint, 100)}
	o.Publisher = publisher
	l := openLog(t, o)
	receipt, err := l.Append(t.Context(), audittest.Envelope(t, 0))
	if err != nil {
		t.Fatal(err)
	}
	for c := range publisher.got {
		if _, err := audit.OpenCheckpoint(c.Note, o.Verifiers...); err != nil {
			t.Fatal(err)
		}
		if c.Size == receipt.Checkpoint.Size {
			break
		}
	}
	closeLog(t, l)
	if last, err := l.Published(); err != nil || last.Size != 1 {
		t.Errorf("published are %d entries, %v", last.Size, err)
	}
}

func TestAppend_LargestDecision(t *testing.T) {
	l := openLog(t, options(t, t.TempDir()))
	if _, err := l.Append(t.Context(), make([]byte, evidence.MaxLogged+1)); err == nil ||
		!strings.Contains(err.Error(), "its envelope has 65536 bytes, and 65535 are allowed") {
		t.Error(err)
	}
}
