package spec

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// FuzzDecodePlatform proves that any bytes give either a platform that stands up to validation
// again, or findings that each name the file and a field or a line.
func FuzzDecodePlatform(f *testing.F) {
	files, err := filepath.Glob(filepath.Join(broken, "*.yaml"))
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
	f.Add([]byte(head + "spec:\n  capabilities: &a\n    <<: [*a]\n"))
	f.Add([]byte("%YAML 1.2\n---\n!!map {? 1 : 2}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, _, err := Decode("f.yaml", data)
		if err == nil {
			if err := Validate(p); err != nil {
				t.Errorf("accepted, and then invalid: %s", err)
			}
			return
		}
		var found Errors
		if !errors.As(err, &found) {
			t.Fatalf("an error without findings: %s", err)
		}
		for _, finding := range found {
			if finding.File != "f.yaml" || finding.Message == "" {
				t.Errorf("a finding without file or message: %+v", finding)
			}
		}
	})
}

// FuzzDecodeTool does the same for tool definitions, expressions and conditions included.
func FuzzDecodeTool(f *testing.F) {
	files, err := filepath.Glob(filepath.Join(broken, "tool-*.yaml"))
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
	f.Fuzz(func(t *testing.T, data []byte) {
		var found Errors
		if _, _, err := DecodeTool("tool.yaml", data); err != nil && !errors.As(err, &found) {
			t.Fatalf("an error without findings: %s", err)
		}
	})
}
