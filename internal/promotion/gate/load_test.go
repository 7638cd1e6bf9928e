package gate

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-dev/slipway/catalog/policies"
	"github.com/slipway-dev/slipway/internal/spec"
)

// TestLoad_ExactMessages reads every broken policy and compares all messages, with their lines,
// with the golden file beside it.
func TestLoad_ExactMessages(t *testing.T) {
	files, err := filepath.Glob("testdata/broken/*.yaml")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d broken policies: %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Load(filepath.Base(file), data)
			if err == nil {
				t.Fatal("it is accepted")
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".golden", err.Error()+"\n")
		})
	}
}

func TestLoad_DigestIsThatOfTheFile(t *testing.T) {
	a, b := one("          expression: release.team == 'x'"), one("          expression: release.team == 'y'")
	pa, errA := Load("a.yaml", []byte(a))
	pb, errB := Load("b.yaml", []byte(b))
	if errA != nil || errB != nil || pa.Digest == pb.Digest || len(pa.Digest) != len("sha256:")+64 {
		t.Error(errA, errB, pa.Digest, pb.Digest)
	}
}

// FuzzLoad proves that any bytes give either a policy that never allows an input of which nothing
// is known, or findings that each name the file and say something.
func FuzzLoad(f *testing.F) {
	f.Add(policies.Default())
	files, err := filepath.Glob("testdata/broken/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, expression := range []string{"release.team == 'x'", "!has(release.team)", "[1].all(x, x in [x])", "'\\u00e9' == release.team", "a.?b"} {
		f.Add([]byte(one("          expression: " + expression)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Load("f.yaml", data)
		if err == nil {
			for _, in := range []Input{{}, {Environment: Environment{Name: "prod", Labels: map[string]string{}}}} {
				if report := Evaluate(p, in); report.Outcome == Allowed {
					t.Errorf("allowed, though nothing is known: %+v", report)
				}
			}
			return
		}
		var found spec.Errors
		if !errors.As(err, &found) || len(found) == 0 {
			t.Fatalf("an error without findings: %s", err)
		}
		for _, finding := range found {
			if finding.File != "f.yaml" || finding.Message == "" {
				t.Errorf("a finding without file or message: %+v", finding)
			}
		}
	})
}
