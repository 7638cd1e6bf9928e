package evidence_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-dev/slipway/internal/evidence"
	"github.com/slipway-dev/slipway/internal/evidence/evidencetest"
)

// statement makes a statement about the test's image.
func statement(predicateType, predicate string) evidence.Statement {
	return evidence.Statement{Type: "https://in-toto.io/Statement/v1", Subject: []evidence.Subject{subject},
		PredicateType: predicateType, Predicate: json.RawMessage(predicate)}
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestDecodeProvenance(t *testing.T) {
	commit := strings.Repeat("7f", 20)
	want := evidence.Provenance{
		BuildType: "https://ci.example/workflow/v1", Builder: "https://ci.example/runner",
		Repository: "https://git.example/team/shop", Ref: "refs/heads/main", Commit: commit,
		Inputs: []evidence.Input{
			{URI: "git+https://git.example/team/library@refs/tags/v2",
				Digest: map[string]string{"gitCommit": strings.Repeat("11", 20)}},
			{Name: "base", URI: "pkg:docker/base", Digest: map[string]string{"sha256": strings.Repeat("22", 32)}},
		},
		Invocation: "https://ci.example/runs/17", Started: now, Finished: now.Add(90 * time.Second),
	}
	got, err := evidence.DecodeProvenance(statement(evidence.ProvenanceType, read(t, "provenance.json")))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestProvenance_WrittenAndRead(t *testing.T) {
	want := evidence.Provenance{BuildType: evidence.BuildType, Builder: "https://slipway.example/ci",
		Repository: "https://git.example/team/shop", Ref: "refs/heads/main", Commit: strings.Repeat("ab", 20),
		Inputs: []evidence.Input{{Name: "builder", URI: "pkg:oci/builder",
			Digest: map[string]string{"sha256": image.Hex()}}},
		Invocation: "run-1", Started: now, Finished: now.Add(time.Minute)}
	s, err := want.Statement(subject)
	if err != nil {
		t.Fatal(err)
	}
	got, err := evidence.DecodeProvenance(s)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeProvenance_SaysWhatIsWrong(t *testing.T) {
	definition := func(parameters, dependencies string) string {
		return `{"buildDefinition": {"buildType": "t", "externalParameters": ` + parameters + `, "resolvedDependencies": [` +
			dependencies + `]}, "runDetails": {"builder": {"id": "b"}}}`
	}
	source := func(uri string) string {
		return `{"uri": "` + uri + `", "digest": {"gitCommit": "` + strings.Repeat("7f", 20) + `"}}`
	}
	for name, tc := range map[string]struct{ predicate, says string }{
		"empty":     {`{}`, "buildDefinition required"},
		"no object": {`[]`, "provenance: "},
		"no builder": {`{"buildDefinition": {"buildType": "t", "externalParameters": {"a": "b"}}, ` +
			`"runDetails": {"metadata": {"invocationId": "x"}}}`, "builder required"},
		"no source": {definition(`{"a": "b"}`, `{"uri": "pkg:oci/base"}`), "no resolved dependency has a digest gitCommit"},
		"two sources": {definition(`{"a": "b"}`, source("git+https://a.example/x")+","+source("git+https://a.example/y")),
			"its source cannot be told: both git+https://a.example/x and git+https://a.example/y"},
		"another source than asked for": {
			definition(`{"repository": "https://a.example/x"}`, source("git+https://a.example/y")),
			"no resolved dependency tells the commit of its repository https://a.example/x"},
		"no place": {definition(`{"a": "b"}`, source("")), "has no uri"},
		"no commit": {definition(`{"a": "b"}`, `{"uri": "git+https://a.example/x", "digest": {"gitCommit": "main"}}`),
			"digest is not valid hex-encoded string"},
	} {
		_, err := evidence.DecodeProvenance(statement(evidence.ProvenanceType, tc.predicate))
		if err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSameRepository(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		same bool
	}{
		{"https://git.example/team/shop", "git+https://Git.Example/team/shop.git@refs/heads/main", true},
		{"https://git.example/team/shop", "https://robot:secret@git.example/team/shop/", true},
		{"https://git.example/team/shop", "https://git.example/team/shop2", false},
		{"https://git.example/team/shop", "http://git.example/team/shop", false},
		{"https://git.example/team/shop", "https://git.example/Team/shop", false},
		{"", "", false},
	} {
		if got := evidence.SameRepository(tc.a, tc.b); got != tc.same {
			t.Errorf("%q and %q: %t", tc.a, tc.b, got)
		}
	}
}

func TestDecodeSBOM(t *testing.T) {
	want := evidence.SBOM{
		Format: "SPDX-2.3", Name: "registry.example/team/shop", Created: now,
		Tools: []string{"Organization: Anchore, Inc", "Tool: syft-1.30.0"},
		Packages: []evidence.Package{
			{Name: "registry.example/team/shop", Version: "sha256:1234", Purpose: "CONTAINER"},
			{Name: "openjdk", Version: "21", License: "GPL-2.0-only WITH Classpath-exception-2.0 AND (MIT OR Apache-2.0)",
				Licenses: []string{"Apache-2.0", "GPL-2.0-only WITH Classpath-exception-2.0", "MIT"}},
			{Name: "golang.org/x/net", Version: "v0.57.0", PURL: "pkg:golang/golang.org/x/net@v0.57.0", License: "BSD-3-Clause",
				Licenses: []string{"BSD-3-Clause"}},
		},
	}
	for _, predicateType := range []string{"https://spdx.dev/Document", "https://spdx.dev/Document/v2.3"} {
		got, err := evidence.DecodeSBOM(statement(predicateType, read(t, "sbom.spdx.json")))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestDecodeSBOM_SaysWhatIsWrong(t *testing.T) {
	for name, tc := range map[string]struct{ predicateType, predicate, says string }{
		"another type": {evidence.ProvenanceType, `{}`, `predicateType is "https://slsa.dev/provenance/v1"`},
		"a text":       {evidence.SPDXType, `"SPDXVersion: SPDX-2.3"`, "the predicate is a text"},
		"version 3":    {evidence.SPDXType, `{"@graph": []}`, `spdxVersion is ""`},
		"no packages":  {evidence.SPDXType, `{"spdxVersion": "SPDX-2.3"}`, "it lists no packages"},
		"no name":      {evidence.SPDXType, `{"spdxVersion": "SPDX-2.3", "packages": [{}]}`, "packages[0] has no name"},
		"no predicate": {evidence.SPDXType, ``, "bill of materials: "},
	} {
		_, err := evidence.DecodeSBOM(statement(tc.predicateType, tc.predicate))
		if err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTestRun_WrittenAndRead(t *testing.T) {
	for _, tc := range []struct {
		run  evidence.TestRun
		want evidence.TestResult
	}{
		{evidence.TestRun{Passed: []string{"a", "b"}, URL: "https://ci.example/1"},
			evidence.TestResult{Result: evidence.Passed, PassedTests: 2, URL: "https://ci.example/1"}},
		{evidence.TestRun{Passed: []string{"a"}, Warned: []string{"b"}},
			evidence.TestResult{Result: evidence.Warned, PassedTests: 1, WarnedTests: 1}},
		{evidence.TestRun{Passed: []string{"a"}, Failed: []string{"b", "c"}},
			evidence.TestResult{Result: evidence.Failed, PassedTests: 1, FailedTests: 2, Failures: []string{"b", "c"}}},
	} {
		tc.run.Configuration = []evidence.Input{{Name: "Dockerfile"}}
		s, err := tc.run.Statement(subject)
		if err != nil {
			t.Fatal(err)
		}
		got, err := evidence.DecodeTestResult(s)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestDecodeTestResult_SaysWhatIsWrong(t *testing.T) {
	for name, tc := range map[string]struct{ predicate, says string }{
		"no result":                {`{}`, `result is ""`},
		"passed with failed tests": {`{"result": "PASSED", "failedTests": ["x"]}`, "result is PASSED, and 1 tests failed"},
		"another spelling":         {`{"result": "passed"}`, `result is "passed"`},
	} {
		_, err := evidence.DecodeTestResult(statement(evidence.TestResultType, tc.predicate))
		if err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestApproval_WrittenAndRead(t *testing.T) {
	want := evidence.Approval{Image: subject, Promotion: "promotion-1", Application: "team/shop", To: "prod",
		ManifestsCommit: strings.Repeat("ab", 20), Approver: evidence.Actor{Name: "grace", Role: "approver"}, Time: now}
	s, err := want.Statement()
	if err != nil {
		t.Fatal(err)
	}
	got, err := evidence.DecodeApproval(s)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	want.Approver.Name = ""
	if _, err := want.Statement(); err == nil || !strings.Contains(err.Error(), "approver.name is empty") {
		t.Error(err)
	}
}

func TestParseStatement_SaysWhatIsWrong(t *testing.T) {
	const head = `{"_type": "https://in-toto.io/Statement/v1"`
	for name, tc := range map[string]struct{ payload, says string }{
		"another type":       {`{"_type": "x"}`, `_type is "x"`},
		"no predicate type":  {head + `}`, "no predicateType"},
		"no subject":         {head + `, "predicateType": "x"}`, "no subject"},
		"no digest":          {head + `, "predicateType": "x", "subject": [{}]}`, "subject[0] has no digest"},
		"digest in capitals": {head + `, "predicateType": "x", "subject": [{"digest": {"sha256": "AB"}}]}`, "is not 64 hex"},
	} {
		_, err := evidence.ParseStatement([]byte(tc.payload))
		if err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCollect_SortsAndSaysWhatDoesNotCount(t *testing.T) {
	ring := evidencetest.Keyring(t, evidencetest.Key(t, "builder", evidence.Builder),
		evidencetest.Key(t, "server", evidence.Server))
	store := filled(t)
	got, err := evidence.Collect(t.Context(), store, ring, image, now)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Signatures) != 1 || len(got.Provenance) != 1 || len(got.SBOMs) != 1 || len(got.Tests) != 1 ||
		len(got.Approvals) != 1 {
		t.Errorf("%+v", got)
	}
	if p := got.Provenance[0]; p.Signer != "builder" || p.Envelope != evidence.DigestOf(provenance(t, "builder")) {
		t.Errorf("%+v", p)
	}
	reasons := make([]string, len(got.Rejected))
	for i, r := range got.Rejected {
		reasons[i] = r.Type + ": " + r.Reason
	}
	for _, want := range []string{
		": no signature of a trusted builder: ", // the stranger's signature of the image
		"https://slsa.dev/provenance/v1: no signature of a trusted builder: signature 0 by SHA256:",
		"https://slipway.dev/approval/v1: no signature of a trusted server: ",
		"https://slsa.dev/provenance/v1: statement: it is not about the image",
		`https://example.com/weather: statement: statements of the type "https://example.com/weather" are not read`,
		": envelope: ",
	} {
		found := false
		for _, r := range reasons {
			found = found || strings.HasPrefix(r, want)
		}
		if !found {
			t.Errorf("nothing is rejected because %q", want)
		}
	}
	if len(reasons) != 6 {
		t.Errorf("rejected:\n%s", strings.Join(reasons, "\n"))
	}
}
