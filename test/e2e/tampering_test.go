//go:build e2e

package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-dev/slipway/internal/audit"
	"github.com/slipway-dev/slipway/internal/evidence"
)

// testTamperings verifies an export of the platform's log where there is neither platform nor network, and does to it what
// must be found: by somebody who can change the file, and by the log's keeper, who has all keys but not what was published.
func testTamperings(t *testing.T, s *stage) {
	s.eve.run(t, "audit", "export", "whole.zip", "--keys", "keys.json", "--running", "running.json")
	away := t.TempDir()
	for _, name := range []string{"whole.zip", "keys.json", "running.json"} {
		if err := os.WriteFile(filepath.Join(away, name), []byte(s.p.read(t, name)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	user, password := s.p.login(t, "gitea")
	root := &person{p: s.p, name: user, password: password}
	s.p.git(t, away, "clone", "-q", root.remote(t, "slipway/checkpoints"), "checkpoints")
	verify := func(file string, more ...string) (string, error) {
		args := append([]string{"--net", s.p.binary, "audit", "verify", file, "--trust", "keys.json"}, more...)
		c := exec.CommandContext(t.Context(), "unshare", args...)
		c.Dir, c.Env = away, []string{"HOME=" + away, "SLIPWAY_HOME=" + away, "PATH=" + os.Getenv("PATH")}
		out, err := c.CombinedOutput()
		return string(out), err
	}
	out, err := verify("whole.zip", "--running", "running.json", "--known", "checkpoints/checkpoints")
	if err != nil {
		t.Fatalf("verify: %v\n%s", err, out)
	}
	t.Logf("%s", out)
	whole := []byte(s.p.read(t, "whole.zip"))
	for _, tampering := range []struct {
		name string
		do   func(*audit.Bundle)
		want audit.Code
		more []string
	}{
		{"two entries change places", func(b *audit.Bundle) {
			b.Entries[0].Envelope, b.Entries[1].Envelope = b.Entries[1].Envelope, b.Entries[0].Envelope
		}, audit.EntryMoved, nil},
		{"the last entry is cut off", func(b *audit.Bundle) {
			b.Entries, b.Leaves = b.Entries[:len(b.Entries)-1], b.Leaves[:len(b.Leaves)-1]
		}, audit.LogTruncated, nil},
		{"the end is cut off with its checkpoints", func(b *audit.Bundle) {
			b.Entries, b.Leaves = b.Entries[:1], b.Leaves[:1]
			b.Checkpoints = slices.DeleteFunc(b.Checkpoints, func(note []byte) bool {
				return !bytes.Contains(note, []byte("\n0\n")) && !bytes.Contains(note, []byte("\n1\n"))
			})
		}, audit.LogTruncated, []string{"--known", "checkpoints/checkpoints"}},
		{"an entry is replayed", func(b *audit.Bundle) { b.Entries = append(b.Entries, b.Entries[0]) }, audit.EntryRepeated, nil},
		{"an entry is left out", func(b *audit.Bundle) { b.Entries = slices.Delete(b.Entries, 1, 2) }, audit.EntryMissing, nil},
		{"a decision is rewritten", func(b *audit.Bundle) {
			b.Entries[1].Envelope = bytes.Replace(b.Entries[1].Envelope, []byte(`"sig":"`), []byte(`"sig":"A`), 1)
		}, audit.EntryAltered, nil},
	} {
		b, err := audit.ReadZip(bytes.NewReader(whole), int64(len(whole)))
		if err != nil {
			t.Fatal(err)
		}
		tampering.do(b)
		var changed bytes.Buffer
		if err := b.WriteZip(&changed); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(away, "tampered.zip"), changed.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		out, err := verify("tampered.zip", tampering.more...)
		if err == nil || !strings.Contains(out, "✗ "+string(tampering.want)) {
			t.Errorf("%s, and %s is not found: %v\n%s", tampering.name, tampering.want, err, out)
			continue
		}
		for line := range strings.Lines(out) {
			if strings.HasPrefix(line, "✗") {
				t.Logf("%s: %s", tampering.name, strings.TrimSpace(line))
			}
		}
	}
	b, err := audit.ReadZip(bytes.NewReader(whole), int64(len(whole)))
	if err != nil {
		t.Fatal(err)
	}
	forged := b.Keys
	forged.Keys = slices.Clone(forged.Keys)
	for i := range forged.Keys {
		if forged.Keys[i].Role == evidence.Server {
			forged.Keys[i].Role = evidence.Builder // nobody who may decide has signed then
		}
	}
	text, err := forged.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(away, "keys.json"), text, 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := verify("whole.zip"); err == nil || !strings.Contains(out, string(audit.DecisionUntrusted)) {
		t.Errorf("decisions by a key that may not decide: %v\n%s", err, out)
	}
}
