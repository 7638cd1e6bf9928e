package audit_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-dev/slipway/internal/audit"
	"github.com/slipway-dev/slipway/internal/audit/audittest"
	"github.com/slipway-dev/slipway/internal/evidence/evidencetest"
	"github.com/slipway-dev/slipway/internal/fault"
)

// files gives a bundle's files as a file system.
func files(b *audit.Bundle) fstest.MapFS {
	out := fstest.MapFS{}
	for path, data := range b.Files() {
		out[path] = &fstest.MapFile{Data: bytes.Clone(data)}
	}
	return out
}

func packed(t testing.TB, b *audit.Bundle) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := b.WriteZip(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// The files and their contents are a promise to whoever reads bundles by other means.
func TestBundle_GoldenFiles(t *testing.T) {
	var out strings.Builder
	for path, data := range audittest.Export(t, audittest.Story()...).Files() {
		fmt.Fprintf(&out, "== %s (%d bytes)\n", path, len(data))
		if !strings.HasPrefix(path, "tile/") {
			out.Write(data)
		}
	}
	golden(t, "bundle.golden", out.String())
}

func TestBundle_ReadFromZipAndFolder(t *testing.T) {
	want := audittest.Export(t, audittest.Story()...)
	data := packed(t, want)
	fromZip, err := audit.ReadZip(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, fromZip); diff != "" {
		t.Error(diff)
	}
	dir := t.TempDir()
	for path, data := range want.Files() {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	fromFolder, err := audit.ReadBundle(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, fromFolder); diff != "" {
		t.Error(diff)
	}
	if !bytes.Equal(data, packed(t, want)) {
		t.Error("the same bundle is packed into other bytes")
	}
}

func TestReadBundle_WhatIsLeftOutIsFound(t *testing.T) {
	var many []int
	for n := range 300 {
		many = append(many, n)
	}
	b := audittest.Rebuild(t, slices.Collect(func(yield func([]byte) bool) {
		for _, n := range many {
			if !yield(audittest.Envelope(t, n)) {
				return
			}
		}
	})...)
	for path, want := range map[string]string{
		"tile/entries/000":      "entry-missing: entry 0: ",
		"tile/entries/001.p/44": "entry-missing: entry 256: ",
		"tile/0/000":            "hash-altered: entry 0: ",
	} {
		all := files(b)
		if _, there := all[path]; !there {
			t.Fatalf("there is no %s in %q", path, slices.Sorted(maps.Keys(all)))
		}
		delete(all, path)
		read, err := audit.ReadBundle(all)
		if err != nil {
			t.Fatal(err)
		}
		if got := lines(verify(t, read, audit.Known{})); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %.200s", path, got)
		}
	}
}

func TestReadBundle_SaysWhatIsWrong(t *testing.T) {
	for name, tc := range map[string]struct {
		path   string
		change func(string) string
		says   string
	}{
		"no manifest":      {"bundle.json", nil, "bundle.json"},
		"another format":   {"bundle.json", replace("/v1", "/v2"), `format is "https://slipway.dev/audit-bundle/v2"`},
		"an unknown field": {"bundle.json", replace("{", `{"colour": "red",`), `unknown field "colour"`},
		"too many entries": {"bundle.json", replace(`"entries": 5`, `"entries": 1048577`), "it has 1048577 entries"},
		"a huge manifest":  {"bundle.json", replace("{", "{"+strings.Repeat(" ", 5000)), "more than the 4096 bytes"},
		"no keys":          {"keys.json", nil, "keys.json"},
		"broken keys":      {"keys.json", replace("BEGIN PUBLIC KEY", "BEGIN"), "keys[0] (server)"},
		"no checkpoint":    {"checkpoints/000002", nil, "checkpoints/000002"},
		"a broken tile":    {"tile/entries/000.p/5", func(s string) string { return s[:len(s)-1] }, "tile/entries/000.p/5: "},
		"broken hashes":    {"tile/0/000.p/5", func(s string) string { return s[1:] }, "are not hashes of 32 bytes"},
	} {
		all := files(audittest.Export(t, audittest.Story()...))
		if tc.change == nil {
			delete(all, tc.path)
		} else {
			all[tc.path].Data = []byte(tc.change(string(all[tc.path].Data)))
		}
		_, err := audit.ReadBundle(all)
		hint, code := fault.Of(err)
		if err == nil || !strings.Contains(err.Error(), tc.says) || hint == "" || code != fault.ExitInvalid {
			t.Errorf("%s: %v (%s)", name, err, hint)
		}
	}
}

func replace(old, new string) func(string) string {
	return func(s string) string { return strings.Replace(s, old, new, 1) }
}

func TestReadZip_NoZip(t *testing.T) {
	if _, err := audit.ReadZip(strings.NewReader("PK"), 2); err == nil {
		t.Error("two bytes are a bundle")
	}
}

func TestTrust_WrittenAndRead(t *testing.T) {
	want := audittest.Trust(t)
	want.Keys[0].NotBefore = evidencetest.Start
	data, err := want.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	got, err := audit.ParseTrust(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// FuzzReadZip proves that any zip file gives an error or a bundle that can be verified, and never one that passes for a
// log whose checkpoints it lacks.
func FuzzReadZip(f *testing.F) {
	whole := packed(f, audittest.Export(f, audittest.Story()...))
	f.Add(whole)
	f.Add(packed(f, audittest.Export(f)))
	f.Add(whole[:len(whole)-10])
	trust := audittest.Trust(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := audit.ReadZip(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		report, err := audit.Verify(b, trust, audit.Known{})
		if err != nil {
			t.Fatal(err)
		}
		if report.OK() && uint64(len(b.Entries)) != report.Size {
			t.Errorf("%d entries pass for %d", len(b.Entries), report.Size)
		}
	})
}

// FuzzVerify puts any bytes into a bundle's parts: the one entry and the one checkpoint that pass are the real ones.
func FuzzVerify(f *testing.F) {
	good := audittest.Export(f, audittest.Story()[0])
	entry, signed := good.Entries[0].Envelope, good.Checkpoints[1]
	trust := audittest.Trust(f)
	f.Add(entry, good.Leaves[0], signed)
	f.Add([]byte{}, []byte{}, []byte{})
	f.Add(entry, good.Leaves[0], good.Checkpoints[0])
	f.Fuzz(func(t *testing.T, e, leaf, c []byte) {
		b := &audit.Bundle{Origin: audittest.Origin, Entries: []audit.Entry{{Envelope: e}}, Leaves: [][]byte{leaf},
			Checkpoints: [][]byte{c}}
		report, err := audit.Verify(b, trust, audit.Known{Checkpoints: [][]byte{c}})
		if err != nil {
			t.Fatal(err)
		}
		if report.OK() && !bytes.Equal(e, entry) {
			t.Errorf("passes, and was never logged: %q", e)
		}
	})
}

// BenchmarkVerify is a whole verification of a thousand decisions: tree, checkpoints and signatures.
func BenchmarkVerify(b *testing.B) {
	const decisions = 1000
	all := make([][]byte, decisions)
	for n := range all {
		all[n] = audittest.Envelope(b, n)
	}
	bundle, trust := audittest.Rebuild(b, all...), audittest.Trust(b)
	for b.Loop() {
		report, err := audit.Verify(bundle, trust, audit.Known{})
		if err != nil || !report.OK() {
			b.Fatal(report, err)
		}
	}
	b.ReportMetric(float64(decisions*b.N)/b.Elapsed().Seconds(), "decisions/s")
}

// BenchmarkReadZip is the reading of the same bundle.
func BenchmarkReadZip(b *testing.B) {
	all := make([][]byte, 1000)
	for n := range all {
		all[n] = audittest.Envelope(b, n)
	}
	data := packed(b, audittest.Rebuild(b, all...))
	for b.Loop() {
		if _, err := audit.ReadZip(bytes.NewReader(data), int64(len(data))); err != nil {
			b.Fatal(err)
		}
	}
}

// A zip file may say that a file is small and unpack to much more.
func TestReadZip_Bomb(t *testing.T) {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	f, err := w.Create("bundle.json")
	if err == nil {
		_, err = f.Write(bytes.Repeat([]byte(" "), 64<<20))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	_, err = audit.ReadZip(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err == nil || !strings.Contains(err.Error(), "bundle.json: it has more than the 4096 bytes that are allowed") {
		t.Error(err)
	}
}
