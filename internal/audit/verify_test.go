package audit_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-dev/slipway/internal/audit"
	"github.com/slipway-dev/slipway/internal/audit/audittest"
	"github.com/slipway-dev/slipway/internal/evidence"
	"github.com/slipway-dev/slipway/internal/evidence/evidencetest"
)

var update = flag.Bool("update", false, "write the golden files")

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
	whole := audittest.Export(t, audittest.Story()...)
	earlier := audittest.Export(t, audittest.Story()[:3]...)
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
	report := verify(t, audittest.LogOf(t, audittest.Glass(), evidencetest.Refer(audittest.Glass(), evidence.Confirmed, 0)), audit.Known{})
	if !report.OK() || report.Decisions[evidence.Confirmed] != 1 {
		t.Error(lines(report))
	}
}

func TestVerify_EmptyLog(t *testing.T) {
	if report := verify(t, audittest.Export(t), audit.Known{}); !report.OK() || report.Checkpoints != 1 {
		t.Errorf("%+v", report)
	}
}

// tampering is one thing that is done to a bundle, and what must be found.
// TestVerify_FindsEachTampering does one thing to a good bundle at a time: exactly that must be found, with the entry
// and the cause as the golden files show.
func TestVerify_FindsEachTampering(t *testing.T) {
	for name, tc := range audittest.Tamperings {
		t.Run(name, func(t *testing.T) {
			b := audittest.Export(t, audittest.Story()...)
			if tc.Tamper != nil {
				tc.Tamper(t, b)
			}
			var known audit.Known
			if tc.Known != nil {
				known = tc.Known(t)
			}
			report := verify(t, b, known)
			var got []audit.Code
			for _, f := range report.Findings {
				got = append(got, f.Code)
			}
			if diff := cmp.Diff(tc.Want, got); diff != "" {
				t.Errorf("%s\n%s", diff, lines(report))
			}
			golden(t, filepath.Join("findings", name+".golden"), fmt.Sprintf("%s%d entries are as the checkpoints say\n",
				lines(report), report.Entries))
		})
	}
}

// TestVerify_AnyByteMatters flips each byte of each entry, hash and checkpoint in turn: none goes unnoticed.
func TestVerify_AnyByteMatters(t *testing.T) {
	good := audittest.Export(t, audittest.Story()[:2]...)
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
	report, err := audit.Verify(audittest.Export(t, audittest.Story()...), trust, audit.Known{})
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
		if _, err := audit.Verify(audittest.Export(t), trust, audit.Known{}); err == nil {
			t.Errorf("%s that is none is accepted", name)
		}
	}
}

func TestVerify_OtherImagesOfTheManifestsAreDecidedToo(t *testing.T) {
	first, second := evidencetest.Decision(0), evidencetest.Decision(1)
	first.Images, second.Images = []evidence.Digest{evidencetest.Image(50)}, []evidence.Digest{evidencetest.Image(51)}
	back := evidencetest.Rollback(1, 1, 0)
	back.Restores.Images = first.Images
	for image, want := range map[int]audit.Code{0: "", 50: "", 1: audit.RunningSuperseded, 51: audit.RunningSuperseded,
		52: audit.RunningUndecided} {
		known := audit.Known{Running: []audit.Running{{Application: "team/shop", Environment: "prod", Image: evidencetest.Image(image)}}}
		report, err := audit.Verify(audittest.LogOf(t, first, second, back), audittest.Trust(t), known)
		if err != nil {
			t.Fatal(err)
		}
		if want == "" && !report.OK() || want != "" && (len(report.Findings) != 1 || report.Findings[0].Code != want) {
			t.Errorf("image %d: %v, want %q", image, report.Findings, want)
		}
	}
}
