package gate

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares a text with a file, or writes the file.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

const (
	image   = "sha256:1111111111111111111111111111111111111111111111111111111111111111"
	another = "sha256:2222222222222222222222222222222222222222222222222222222222222222"
	head    = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	older   = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	commit  = "cccccccccccccccccccccccccccccccccccccccc"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// good is a promotion to production that passes every gate of the default policy.
func good() Input {
	statement := func(digit string) Statement {
		return Statement{Digest: "sha256:" + strings.Repeat(digit, 64), Subject: image, Verified: true,
			Signer: "builder", Time: noon.Add(-2 * time.Hour)}
	}
	return Input{
		Now:      noon,
		Platform: Platform{Name: "demo", Builders: []string{"builder"}},
		Release: Release{Application: "shop", Team: "retail", Repository: "https://git.example/retail/shop",
			Commit: commit, Image: "registry.example/retail/shop", Digest: image, Manifests: older},
		Promotion: Promotion{ID: "slipway/environments#7", Head: head, RequestedAt: noon.Add(-time.Hour),
			Requester: Person{Name: "Rita", Roles: []string{"developer"}},
			Authors:   []Person{{Name: "anna", Roles: []string{"developer", "approver"}}}},
		Approvals: []Approval{{By: Person{Name: "paul", Roles: []string{"approver"}}, Head: head, At: noon.Add(-time.Minute)}},
		Evidence: Evidence{
			Signature: &Signature{statement("3")},
			Provenance: &Provenance{Statement: statement("4"), Repository: "https://git.example/retail/shop", Commit: commit,
				Builder: "builder"},
			Tests: &Tests{Statement: statement("5"), Passed: true, Total: 12},
			SBOM: &SBOM{Statement: statement("6"), Packages: []Package{
				{Name: "libc6", Version: "2.36", Licenses: []string{"LGPL-2.1-or-later"}},
				{Name: "example.org/money", Version: "1.2.3", Licenses: []string{}},
			}},
		},
		Environment: Environment{Name: "live", Kind: "prod", Labels: map[string]string{"tier": "production"}},
		Source: &Environment{Name: "dev", Labels: map[string]string{}, Digest: image, Since: noon.Add(-time.Hour),
			Health: []HealthChange{
				{At: noon.Add(-time.Hour), Health: HealthProgressing},
				{At: noon.Add(-50 * time.Minute), Health: Healthy},
			},
			Observed: noon.Add(-time.Minute)},
		Freezes: []Freeze{{Name: "christmas", Reason: "nobody is there", From: noon.AddDate(0, -3, 0), Until: noon.AddDate(0, -2, 0)}},
	}
}

func standard(t testing.TB) *Policy {
	t.Helper()
	p, err := Default()
	if err != nil {
		t.Fatalf("the default policy does not load:\n%s", err)
	}
	return p
}

// policy is a policy of one gate named g, for every environment; body is indented by ten.
func policy(t testing.TB, body string) *Policy {
	t.Helper()
	p, err := Load("policy.yaml", []byte(one(body)))
	if err != nil {
		t.Fatalf("%s\n%s", body, err)
	}
	return p
}

func one(body string) string {
	return `apiVersion: slipway.dev/v1alpha1
kind: GatePolicy
metadata: {name: test}
spec:
  description: For a test.
  rules:
    - environments: {names: ["*"]}
      gates:
        - name: g
          description: It is so.
` + body + "\n"
}

// statuses lists the gates that are not passed, as "gate: status: reason".
func statuses(r Report) []string {
	out := []string{}
	for _, g := range r.Results {
		if g.Status != Pass {
			out = append(out, g.Gate+": "+string(g.Status)+": "+g.Reason)
		}
	}
	return out
}

func TestDefault_WhatEachGateRefuses(t *testing.T) {
	p := standard(t)
	for _, tc := range []struct {
		name   string
		change func(*Input)
		want   []string
	}{
		{"all is well", func(*Input) {}, nil},
		{"staging asks for no approval", func(in *Input) { in.Environment.Kind, in.Approvals, in.Source = "staging", nil, nil }, nil},
		{"a test failed", func(in *Input) { in.Evidence.Tests.Passed, in.Evidence.Tests.Failed = false, 2 },
			[]string{"tests: fail: 2 of 12 tests failed"}},
		{"no tests", func(in *Input) { in.Evidence.Tests = nil }, []string{
			"tests: not-available: there is no test report of sha256:111111111111",
			"signature: not-available: there is no test report of sha256:111111111111"}},
		{"signed by a stranger", func(in *Input) { in.Evidence.Signature.Signer = "mallory" },
			[]string{"signature: fail: signed by mallory, which is not the platform's builder (builder)"}},
		{"a signature that does not verify", func(in *Input) {
			in.Evidence.Provenance.Verified, in.Evidence.Provenance.Problem = false, "the key is not in the keyring"
		}, []string{
			"signature: fail: the provenance is not verified: the key is not in the keyring",
			"provenance: fail: the provenance is not verified: the key is not in the keyring",
			"evidence-age: fail: the provenance is not verified: the key is not in the keyring"}},
		{"a signature that does not verify, nobody knows why", func(in *Input) { in.Evidence.Signature.Verified = false },
			[]string{"signature: fail: the signature is not verified"}},
		{"evidence of another image", func(in *Input) { in.Evidence.Signature.Subject = another },
			[]string{"signature: fail: the signature is about sha256:222222222222 and not about sha256:111111111111"}},
		{"built from another commit", func(in *Input) { in.Evidence.Provenance.Commit = older },
			[]string{"provenance: fail: built by builder from https://git.example/retail/shop at " + older +
				"; the release says https://git.example/retail/shop at " + commit}},
		{"built from another repository", func(in *Input) { in.Evidence.Provenance.Repository = "https://git.example/mallory/shop" },
			[]string{"provenance: fail: built by builder from https://git.example/mallory/shop at " + commit +
				"; the release says https://git.example/retail/shop at " + commit}},
		{"an empty bill of materials", func(in *Input) { in.Evidence.SBOM.Packages = []Package{} },
			[]string{"sbom: fail: does not hold: The image's bill of materials is there and lists packages"}},
		{"a bill that could not be read", func(in *Input) { in.Evidence.SBOM.Packages = nil }, []string{
			"sbom: not-available: not known: the packages (evidence.sbom.packages)",
			"licenses: not-available: not known: the packages (evidence.sbom.packages)",
			"packages: not-available: not known: the packages (evidence.sbom.packages)"}},
		{"a forbidden licence", func(in *Input) { in.Evidence.SBOM.Packages[1].Licenses = []string{"MIT AND AGPL-3.0-only"} },
			[]string{"licenses: fail: forbidden licences: example.org/money (MIT AND AGPL-3.0-only)"}},
		{"a forbidden licence that can be avoided", func(in *Input) {
			in.Evidence.SBOM.Packages[1].Licenses = []string{"MIT OR AGPL-3.0-only"}
		}, nil},
		{"a licence that is not known", func(in *Input) { in.Evidence.SBOM.Packages[1].Licenses = nil },
			[]string{"licenses: not-available: not known: the package's licences (evidence.sbom.packages[1].licenses)"}},
		{"a forbidden package", func(in *Input) { in.Evidence.SBOM.Packages[0].Name = "sudo" },
			[]string{"packages: fail: forbidden packages: sudo"}},
		{"old evidence", func(in *Input) { in.Evidence.SBOM.Time = noon.AddDate(0, -2, 0) },
			[]string{"evidence-age: fail: the evidence is from 2026-01-02T12:00:00Z; 2592000s is the most"}},
		{"evidence from the future", func(in *Input) { in.Evidence.SBOM.Time = noon.Add(time.Hour) },
			[]string{"evidence-age: not-available: not known: when it was made (evidence.sbom.time)"}},
		{"a freeze", func(in *Input) {
			in.Freezes = append(in.Freezes, Freeze{Name: "launch", From: noon, Until: noon.Add(time.Hour)})
		}, []string{"freeze: fail: frozen: launch until 2026-03-02T13:00:00Z"}},
		{"a freeze that has just ended", func(in *Input) {
			in.Freezes = append(in.Freezes, Freeze{Name: "launch", From: noon.Add(-time.Hour), Until: noon})
		}, nil},
		{"freezes are not known", func(in *Input) { in.Freezes = nil },
			[]string{"freeze: not-available: not known: the freeze windows (freezes)"}},
		{"unwell in the environment before", func(in *Input) {
			in.Source.Health = append(in.Source.Health, HealthChange{At: noon.Add(-3 * time.Minute), Health: HealthDegraded},
				HealthChange{At: noon.Add(-2 * time.Minute), Health: Healthy})
		}, []string{"soak: fail: healthy in dev for 60s; 120s are needed"}},
		{"nobody looked for long", func(in *Input) { in.Source.Observed = noon.Add(-49 * time.Minute) },
			[]string{"soak: fail: healthy in dev for 60s; 120s are needed"}},
		{"another release in the environment before", func(in *Input) { in.Source.Digest = another },
			[]string{"soak: fail: dev runs another release (" + another + ")"}},
		{"no environment before", func(in *Input) { in.Source = nil },
			[]string{"soak: not-available: not known: the environment that the release comes from (source)"}},
		{"no approval", func(in *Input) { in.Approvals = []Approval{} }, []string{none}},
		{"approved by the requester", func(in *Input) { in.Approvals[0].By = Person{"RITA", []string{"approver"}} }, []string{none + "; rita asked for it, and cannot approve it"}},
		{"approved by an author", func(in *Input) { in.Approvals[0].By = Person{"Anna", []string{"approver"}} }, []string{none + "; anna wrote some of it, and cannot approve own change"}},
		{"approved without the role", func(in *Input) { in.Approvals[0].By.Roles = []string{"developer"} }, []string{none}},
		{"approved before a push", func(in *Input) { in.Approvals[0].Head = older }, []string{none}},
		{"authors are not known", func(in *Input) { in.Promotion.Authors = []Person{} },
			[]string{"approvals: not-available: not known: the authors of the change (promotion.authors)"}},
		{"an author has no account", func(in *Input) { in.Promotion.Authors = append(in.Promotion.Authors, Person{}) },
			[]string{"approvals: not-available: not known: the name (promotion.authors[1].name)"}},
		{"approvals are not known", func(in *Input) { in.Approvals = nil },
			[]string{"approvals: not-available: not known: the approvals (approvals)"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			in := good()
			tc.change(&in)
			report := Evaluate(p, in)
			if tc.want == nil {
				tc.want = []string{}
			}
			if diff := cmp.Diff(tc.want, statuses(report)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if allowed := report.Outcome == Allowed; allowed != (len(tc.want) == 0) {
				t.Errorf("the outcome is %s", report.Outcome)
			}
		})
	}
}

const none = "approvals: fail: 0 of 1 approvals by somebody with the role approver who neither requested nor wrote the change"

func TestEvaluate_ReportsPrintWell(t *testing.T) {
	for name, change := range map[string]func(*Input){
		"allowed": func(*Input) {},
		"refused": func(in *Input) {
			in.Evidence.Tests.Passed, in.Evidence.Tests.Failed = false, 1
			in.Source = nil
			in.Waivers = []Waiver{{Gate: "soak", By: Person{Name: "olga"}, Why: "the first release.", Until: noon.Add(time.Hour)}}
		},
		"nothing-known":         func(in *Input) { *in = Input{Environment: Environment{Name: "live", Kind: "prod"}} },
		"kind-not-known":        func(in *Input) { in.Environment.Kind = "" },
		"environment-not-known": func(in *Input) { in.Environment.Name = "" },
	} {
		t.Run(name, func(t *testing.T) {
			in := good()
			change(&in)
			report := Evaluate(standard(t), in)
			report.PolicyDigest = "sha256:..."
			text, err := yaml.Marshal(report)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join("testdata/reports", name+".yaml"), string(text))
		})
	}
}

func TestEvaluate_Waivers(t *testing.T) {
	p := policy(t, `          waivable: true
          expression: environment.name == 'elsewhere'`)
	ok := Waiver{Gate: "g", By: Person{Name: "olga"}, Why: "we know", Until: noon.Add(time.Hour)}
	for _, tc := range []struct {
		name   string
		change func(*Waiver, *Input)
		status Status
		reason string
	}{
		{"counts", func(*Waiver, *Input) {}, Waived,
			"waived by olga until 2026-03-02T13:00:00Z: we know (does not hold: It is so)"},
		{"another gate", func(w *Waiver, _ *Input) { w.Gate = "h" }, Fail, "does not hold: It is so"},
		{"expired", func(w *Waiver, _ *Input) { w.Until = noon }, Fail,
			"does not hold: It is so; the waiver of olga does not count: it ended on 2026-03-02T12:00:00Z"},
		{"endless", func(w *Waiver, _ *Input) { w.Until = time.Time{} }, Fail,
			"does not hold: It is so; the waiver of olga does not count: when it ends, or the time, is not known"},
		{"no reason", func(w *Waiver, _ *Input) { w.Why = "  " }, Fail,
			"does not hold: It is so; the waiver of olga does not count: it gives no reason"},
		{"own request", func(w *Waiver, _ *Input) { w.By.Name = "rita" }, Fail,
			"does not hold: It is so; the waiver of rita does not count: it is for an own request"},
		{"own change", func(w *Waiver, _ *Input) { w.By.Name = "ANNA" }, Fail,
			"does not hold: It is so; the waiver of ANNA does not count: it is for an own change"},
		{"authors not known", func(_ *Waiver, in *Input) { in.Promotion.Authors = nil }, Fail,
			"does not hold: It is so; the waiver of olga does not count: it is not known who requested and who wrote the change"},
		{"nobody", func(w *Waiver, _ *Input) { w.By.Name = "" }, Fail,
			"does not hold: It is so; a waiver does not count: nobody signs it"},
		{"not available, and waived", func(_ *Waiver, in *Input) { in.Platform.Name = "" }, Waived,
			"waived by olga until 2026-03-02T13:00:00Z: we know (does not hold: It is so)"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w, in := ok, good()
			tc.change(&w, &in)
			in.Waivers = []Waiver{w}
			got := Evaluate(p, in).Results[0]
			if got.Status != tc.status || got.Reason != tc.reason {
				t.Errorf("got  %s: %s\nwant %s: %s", got.Status, got.Reason, tc.status, tc.reason)
			}
			if (got.Waiver != nil) != (tc.status == Waived) {
				t.Errorf("the waiver is %v", got.Waiver)
			}
		})
	}
	t.Run("a gate that cannot be waived", func(t *testing.T) {
		in := good()
		in.Waivers = []Waiver{ok}
		got := Evaluate(policy(t, `          expression: environment.name == 'elsewhere'`), in).Results[0]
		want := "does not hold: It is so; the waiver of olga does not count: the gate cannot be waived"
		if got.Status != Fail || got.Reason != want {
			t.Errorf("got %s: %s", got.Status, got.Reason)
		}
	})
}

func TestEvaluate_MaxAge(t *testing.T) {
	p := policy(t, `          evidence: [tests]
          maxAge: 3h
          expression: evidence.tests.passed`)
	for _, tc := range []struct {
		name   string
		change func(*Input)
		status Status
		reason string
	}{
		{"young", func(*Input) {}, Pass, "It is so"},
		{"old", func(in *Input) { in.Now = noon.Add(2 * time.Hour) }, Fail, "the test report is 4 hours old; 3 hours is the most"},
		{"not dated", func(in *Input) { in.Evidence.Tests.Time = time.Time{} }, NotAvailable,
			"the test report does not say when it was made"},
		{"from the future", func(in *Input) { in.Evidence.Tests.Time = noon.Add(2 * time.Minute) }, NotAvailable,
			"the test report is dated in the future: 2026-03-02T12:02:00Z"},
		{"clocks differ a little", func(in *Input) { in.Evidence.Tests.Time = noon.Add(30 * time.Second) }, Pass, "It is so"},
		{"the time is not known", func(in *Input) { in.Now = time.Time{} }, NotAvailable,
			"the test report cannot be dated: the time is not known"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			in := good()
			tc.change(&in)
			if got := Evaluate(p, in).Results[0]; got.Status != tc.status || got.Reason != tc.reason {
				t.Errorf("got %s: %s", got.Status, got.Reason)
			}
		})
	}
}

func TestEvaluate_RulesOfAnEnvironmentAddUp(t *testing.T) {
	p, err := Load("policy.yaml", []byte(`apiVersion: slipway.dev/v1alpha1
kind: GatePolicy
metadata: {name: test}
spec:
  description: For a test.
  rules:
    - environments: {names: ["prod*"]}
      gates: [{name: a, description: A., expression: release.team == 'retail'}]
    - environments: {labels: {tier: production}}
      gates: [{name: b, description: B., expression: release.team == 'retail'}]
    - environments: {kinds: [test], labels: {tier: test}}
      gates: [{name: c, description: C., expression: release.team == 'retail'}]
`))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		environment Environment
		gates       string
		reason      string
		governed    bool
	}{
		{Environment{Name: "prod", Kind: "prod", Labels: map[string]string{"tier": "production"}}, "a b", "", true},
		{Environment{Name: "prod-eu", Kind: "prod", Labels: map[string]string{}}, "a", "", true},
		{Environment{Name: "live", Kind: "prod", Labels: map[string]string{"tier": "production"}}, "b", "", true},
		{Environment{Name: "qa", Kind: "test", Labels: map[string]string{"tier": "test"}}, "c", "", true},
		{Environment{Name: "qa", Labels: map[string]string{"tier": "test"}}, "",
			"the kind or the labels of environment qa are not known, by which policy test selects gates", true},
		{Environment{Name: "qa", Kind: "dev", Labels: map[string]string{}}, "", "policy test has no gates for environment qa; nothing can be promoted to it", false},
		{Environment{Name: "prod"}, "", "the kind or the labels of environment prod are not known, by which policy test selects gates", true},
		{Environment{}, "", "the target environment is not known", true},
	} {
		in := good()
		in.Environment = tc.environment
		report := Evaluate(p, in)
		var gates []string
		for _, r := range report.Results {
			gates = append(gates, r.Gate)
		}
		if got := strings.Join(gates, " "); got != tc.gates || report.Reason != tc.reason {
			t.Errorf("%v: gates %q, reason %q", tc.environment, got, report.Reason)
		}
		if (report.Outcome == Allowed) != (tc.gates != "") {
			t.Errorf("%v: %s", tc.environment, report.Outcome)
		}
		if got := p.Governs(tc.environment); got != tc.governed {
			t.Errorf("%v: governed is %v", tc.environment, got)
		}
	}
}

func TestEvaluate_EvidenceDigests(t *testing.T) {
	report := Evaluate(standard(t), good())
	for _, r := range report.Results {
		if r.Gate == "signature" {
			want := []string{}
			for _, digit := range []string{"3", "4", "5", "6"} {
				want = append(want, "sha256:"+strings.Repeat(digit, 64))
			}
			if diff := cmp.Diff(want, r.Evidence); diff != "" {
				t.Error(diff)
			}
			return
		}
	}
	t.Error("no gate called signature")
}

// Gates refuse unverified statements before they look into them; what they say is hidden as well.
func TestActivation_HidesWhatIsNotVerified(t *testing.T) {
	in := good()
	in.Evidence.Tests.Verified = false
	got := counted(in).Evidence
	if got.Tests != nil || got.SBOM == nil || in.Evidence.Tests == nil {
		t.Errorf("seen are %v and %v", got.Tests, got.SBOM)
	}
}
