package promotion

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-dev/slipway/internal/promotion/gate"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// stricter asks for two approvals, knows no freezes, and wants a source that healed.
const stricter = `apiVersion: slipway.dev/v1alpha1
kind: GatePolicy
metadata: {name: stricter}
spec:
  description: For a test.
  rules:
    - environments: {names: [prod]}
      gates:
        - name: approvals
          description: Two people approved.
          expression: size(approvals) >= 2
          messageExpression: "string(size(approvals)) + ' of 2 approvals'"
        - name: soak
          description: The source is named.
          expression: source.name != promotion.id
`

func past(index uint64, p *gate.Policy, change func(*gate.Input)) Record {
	in := gate.Input{Now: noon.AddDate(0, 0, int(index)), Release: gate.Release{Digest: "sha256:1"},
		Promotion:   gate.Promotion{ID: fmt.Sprintf("env#%d", index), Head: "h1", Authors: []gate.Person{{Name: "anna"}}},
		Environment: gate.Environment{Name: "prod", Kind: "prod"}, Source: &gate.Environment{Name: "dev"},
		Approvals: []gate.Approval{{By: gate.Person{Name: "paul"}, Head: "h1"}, {By: gate.Person{Name: "olga"}, Head: "h1"}},
		Freezes:   []gate.Freeze{}}
	change(&in)
	report := gate.Evaluate(p, in)
	outcome := Allowed
	if report.Outcome != gate.Allowed {
		outcome = BrokeGlass
	}
	return Record{Decision: index, At: in.Now, Outcome: outcome, Input: in, Report: report}
}

func TestReplay_ShowsWhoseOutcomeWouldDifferAndWhy(t *testing.T) {
	p := simple(t)
	records := []Record{
		past(4, p, func(in *gate.Input) {
			in.Freezes = append(in.Freezes, gate.Freeze{From: noon, Until: noon.AddDate(1, 0, 0)})
		}),
		past(1, p, func(*gate.Input) {}),
		past(2, p, func(in *gate.Input) { in.Approvals = in.Approvals[:1] }),
		past(3, p, func(in *gate.Input) { in.Source = nil }),
		past(5, p, func(in *gate.Input) { in.Environment.Name = "dev" }), // governed by neither
		past(6, p, func(in *gate.Input) { in.Approvals = []gate.Approval{} }),
	}
	data, err := json.Marshal(records) // as they are recorded
	if err != nil {
		t.Fatal(err)
	}
	var read []Record
	if err := json.Unmarshal(data, &read); err != nil {
		t.Fatal(err)
	}
	other, err := gate.Load("stricter.yaml", []byte(stricter))
	if err != nil {
		t.Fatal(err)
	}
	got := Replay(other, read)
	if diff := cmp.Diff(got, Replay(other, records)); diff != "" {
		t.Errorf("recorded inputs give something else:\n%s", diff)
	}
	lines := []string{fmt.Sprintf("%d of %d would differ under %s", len(got.Differences), got.Records, got.Policy)}
	for _, d := range got.Differences {
		lines = append(lines, d.String())
	}
	text := strings.Join(lines, "\n") + "\n"
	const file = "testdata/replay.golden"
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text); diff != "" {
		t.Error(diff)
	}
	if same := Replay(p, records); len(same.Differences) != 0 {
		t.Errorf("the same policy differs from itself: %+v", same.Differences)
	}
}

func TestReplay_EarliestFirst(t *testing.T) {
	p := simple(t)
	other, err := gate.Load("stricter.yaml", []byte(stricter))
	if err != nil {
		t.Fatal(err)
	}
	lost := func(in *gate.Input) { in.Source = nil }
	got := Replay(other, []Record{past(9, p, lost), past(3, p, lost), past(7, p, lost)})
	var order []uint64
	for i, d := range got.Differences {
		order = append(order, d.Decision)
		if i > 0 && d.At.Before(got.Differences[i-1].At) || d.At.Equal(time.Time{}) {
			t.Error("not in the order of time")
		}
	}
	if diff := cmp.Diff([]uint64{3, 7, 9}, order); diff != "" {
		t.Error(diff)
	}
}
