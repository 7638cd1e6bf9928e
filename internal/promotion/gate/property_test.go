package gate

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// drawInput draws an input in which everything is known, near the edges of the default policy.
func drawInput(t *rapid.T) Input {
	in := good()
	some := func(what string) bool { return rapid.IntRange(0, 3).Draw(t, what) == 0 }
	person := rapid.SampledFrom([]Person{{"anna", []string{"approver"}}, {"paul", []string{"approver"}}, {"olga", []string{"developer"}},
		{"rita", []string{}}})
	in.Promotion.Requester = person.Draw(t, "requester")
	in.Promotion.Authors = rapid.SliceOfN(person, 1, 2).Draw(t, "authors")
	in.Approvals = []Approval{}
	for _, p := range rapid.SliceOfN(person, 0, 3).Draw(t, "approvals") {
		in.Approvals = append(in.Approvals, Approval{By: p, Head: rapid.SampledFrom([]string{head, head, older}).Draw(t, "head"), At: noon})
	}
	if some("freeze") {
		in.Freezes[0].Until = noon.Add(time.Hour)
	}
	if some("tests") {
		in.Evidence.Tests.Passed = false
	}
	if some("subject") {
		in.Evidence.SBOM.Subject = another
	}
	if some("unverified") {
		in.Evidence.Provenance.Verified = false
	}
	if some("signer") {
		in.Evidence.Signature.Signer = "mallory"
	}
	if some("age") {
		in.Evidence.Provenance.Time = noon.AddDate(0, -2, 0)
	}
	if some("license") {
		in.Evidence.SBOM.Packages[1].Licenses = []string{"AGPL-3.0-only"}
	}
	if some("source") {
		in.Source.Health = append(in.Source.Health, HealthChange{At: noon.Add(-10 * time.Minute), Health: HealthDegraded})
	}
	if some("waiver") {
		in.Waivers = []Waiver{{Gate: rapid.SampledFrom([]string{"freeze", "soak", "tests"}).Draw(t, "gate"), By: person.Draw(t, "by"),
			Why: "so", Until: noon.Add(time.Hour)}}
	}
	return in
}

// forget makes some of what can be unknown so: a zero value or nil, anywhere below v. Elements of
// lists stay, for that a list is shorter is another fact and not a missing one.
func forget(t *rapid.T, v reflect.Value) {
	oneIn := func(n int) bool { return rapid.IntRange(1, n).Draw(t, "forget") == n }
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == timeType {
			if oneIn(12) {
				v.SetZero()
			}
			return
		}
		for i := range v.NumField() {
			forget(t, v.Field(i))
		}
	case reflect.Pointer:
		if v.IsNil() || oneIn(12) {
			v.SetZero()
			return
		}
		forget(t, v.Elem())
	case reflect.Slice:
		if v.IsNil() || oneIn(15) {
			v.SetZero()
			return
		}
		for i := range v.Len() {
			forget(t, v.Index(i))
		}
	case reflect.String, reflect.Map:
		if oneIn(20) {
			v.SetZero()
		}
	}
}

// curious are expressions that turn absence about in every way the language has.
var curious = []string{
	"!approvals.exists(a, a.by.name == 'anna')",
	"approvals.filter(a, a.by.name == 'anna').size() == 0",
	"approvals.all(a, !('developer' in a.by.roles))",
	"!(promotion.requester.name in approvals.map(a, a.by.name))",
	"size(freezes) < 2 && !freezes.exists(f, f.reason == 'x')",
	"release.image != 'x' ? promotion.authors[0].name != 'paul' : release.team != 'x'",
	"!source.health.exists(h, h.health == 'degraded')",
	"healthyFor(source.health, source.observed) == duration('0s')",
	"!environment.labels.exists(k, environment.labels[k] == 'x')",
	"!(environment.name in platform.builders) && !('mallory' in platform.builders)",
	"!(release.digest == source.digest) || !(release.commit == release.manifests)",
	"approvals.map(a, a.by.name) != ['paul']",
	"{'a': release.team} != {'a': 'x'}",
	"(approvals + approvals).exists_one(a, a.by.name == 'paul') == false",
	"approvals.size() == 0 || approvals[0].by.name != 'anna'",
	"now - promotion.requestedAt < duration('2h') && now - promotion.requestedAt > duration('1s')",
}

// TestEvaluate_KnowingLessNeverPassesMore is the heart of "unknown is never pass": a gate that is
// passed though something is not known is passed whatever that is, what it really is included.
func TestEvaluate_KnowingLessNeverPassesMore(t *testing.T) {
	all := []*Policy{standard(t)}
	for _, expression := range curious {
		all = append(all, policy(t, "          expression: |\n            "+expression))
	}
	passes, lost := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t)
		less := clone(t, in)
		forget(t, reflect.ValueOf(&less).Elem())
		less.Environment.Name, less.Environment.Kind = in.Environment.Name, in.Environment.Kind
		for i, p := range all {
			full, partial := Evaluate(p, in), Evaluate(p, less)
			for j, g := range partial.Results {
				if g.Status != Pass && g.Status != Waived {
					lost++
					continue
				}
				passes++
				if was := full.Results[j].Status; was != Pass && was != Waived {
					t.Fatalf("policy %d, gate %s: %s (%s) with everything known, %s (%s) with less", i, g.Gate, was,
						full.Results[j].Reason, g.Status, g.Reason)
				}
			}
		}
	})
	if passes < 100 || lost < 100 {
		t.Errorf("%d gates passed and %d did not; the test proves little", passes, lost)
	}
}

// clone copies an input by way of JSON, as it is recorded.
func clone(t interface{ Fatal(...any) }, in Input) Input {
	data, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var out Input
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestEvaluate_RecordedInputGivesTheSameReport(t *testing.T) {
	p := standard(t)
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t)
		forget(t, reflect.ValueOf(&in).Elem())
		before := Evaluate(p, in)
		if diff := cmp.Diff(before, Evaluate(p, clone(t, in))); diff != "" {
			t.Fatal(diff)
		}
		slices.Reverse(in.Approvals)
		slices.Reverse(in.Waivers)
		if diff := cmp.Diff(before.Outcome, Evaluate(p, in).Outcome); diff != "" {
			t.Fatalf("the order of approvals matters: %s", diff)
		}
	})
}

func TestEvaluate_LeavesTheInputAlone(t *testing.T) {
	in := good()
	in.Promotion.Requester.Name, in.Evidence.Tests.Time = "RITA", noon.Add(time.Hour)
	Evaluate(standard(t), in)
	want := good()
	want.Promotion.Requester.Name, want.Evidence.Tests.Time = "RITA", noon.Add(time.Hour)
	if diff := cmp.Diff(want, in); diff != "" {
		t.Error(diff)
	}
}

// A bill of materials of a whole distribution is judged, and does not hit the bound on cost.
func TestEvaluate_LargeBillOfMaterials(t *testing.T) {
	in := good()
	for range 10_000 {
		in.Evidence.SBOM.Packages = append(in.Evidence.SBOM.Packages, Package{Name: "some-package-of-usual-length", Version: "1.2.3",
			Licenses: []string{"GPL-2.0-or-later WITH Classpath-exception-2.0 OR (MIT AND BSD-3-Clause)", "LGPL-2.1-only"}})
	}
	if report := Evaluate(standard(t), in); report.Outcome != Allowed {
		t.Error(statuses(report))
	}
}

func BenchmarkEvaluate(b *testing.B) {
	p, in := standard(b), good()
	for b.Loop() {
		if Evaluate(p, in).Outcome != Allowed {
			b.Fatal("not allowed")
		}
	}
}
