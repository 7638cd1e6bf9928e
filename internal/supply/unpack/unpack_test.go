package unpack

import (
	"archive/tar"
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

func text(name, body string) entryOf {
	return entryOf{tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644}, body}
}

type entryOf struct {
	tar.Header
	body string
}

// image stacks layers.
func image(t *testing.T, layers ...[]entryOf) (v1.Image, v1.Hash) {
	t.Helper()
	i := v1.Image(empty.Image)
	for _, entries := range layers {
		var out bytes.Buffer
		w := tar.NewWriter(&out)
		for _, e := range entries {
			e.Size = int64(len(e.body))
			if err := w.WriteHeader(&e.Header); err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(w, e.body); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(out.Bytes())), nil })
		if err != nil {
			t.Fatal(err)
		}
		if i, err = mutate.AppendLayers(i, l); err != nil {
			t.Fatal(err)
		}
	}
	h, err := i.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return i, h
}

func unpack(t *testing.T, dir string, layers ...[]entryOf) {
	t.Helper()
	i, h := image(t, layers...)
	if err := Image(t.Context(), i, h, dir); err != nil {
		t.Fatal(err)
	}
}

// tree reads a directory: content by path, "link" targets after an arrow.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == marker {
			return err
		}
		rel, _ := filepath.Rel(dir, p)
		if d.Type()&fs.ModeSymlink != 0 {
			target, err := os.Readlink(p)
			found[rel] = "-> " + target
			return err
		}
		data, err := os.ReadFile(p)
		found[rel] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestImage_UpperLayersChangeLowerOnes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "x")
	unpack(t, dir,
		[]entryOf{text("a", "1"), text("d/b", "1"), text("o/c", "1"), text("o/d/e", "1"), text("l", "1"), text("kept", "1")},
		[]entryOf{text("a", "2"), text("d/.wh.b", ""), text("o/.wh..wh..opq", ""), text("o/new", "2"),
			{Header: tar.Header{Typeflag: tar.TypeSymlink, Name: "l", Linkname: "a"}}},
	)
	want := map[string]string{"a": "2", "o/new": "2", "l": "-> a", "kept": "1"}
	got := tree(t, dir)
	if len(got) != len(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for p, body := range want {
		if got[p] != body {
			t.Errorf("%s: got %q, want %q", p, got[p], body)
		}
	}
}

func TestImage_KeepsModesAndHardLinks(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "x")
	unpack(t, dir, []entryOf{
		{Header: tar.Header{Typeflag: tar.TypeDir, Name: "tmp/", Mode: 0o1777}},
		{Header: tar.Header{Typeflag: tar.TypeReg, Name: "su", Mode: 0o4755}, body: "x"},
		{Header: tar.Header{Typeflag: tar.TypeLink, Name: "same", Linkname: "su"}},
		{Header: tar.Header{Typeflag: tar.TypeChar, Name: "null", Mode: 0o666}},
	})
	su, err := os.Stat(filepath.Join(dir, "su"))
	if err != nil {
		t.Fatal(err)
	}
	if su.Mode() != 0o755|fs.ModeSetuid {
		t.Errorf("su: got %s", su.Mode())
	}
	if same, err := os.Stat(filepath.Join(dir, "same")); err != nil || !os.SameFile(su, same) {
		t.Errorf("the hard link is another file, %v", err)
	}
	if tmp, err := os.Stat(filepath.Join(dir, "tmp")); err != nil || tmp.Mode() != fs.ModeDir|fs.ModeSticky|0o777 {
		t.Errorf("tmp: %v", err)
	}
	if _, err := os.Lstat(filepath.Join(dir, "null")); err == nil {
		t.Error("a device was made")
	}
}

func TestImage_StaysInsideItsFolder(t *testing.T) {
	outside := t.TempDir()
	for name, entries := range map[string][]entryOf{
		"link out": {{Header: tar.Header{Typeflag: tar.TypeSymlink, Name: "l", Linkname: outside}}, text("l/evil", "x")},
		"link up":  {{Header: tar.Header{Typeflag: tar.TypeSymlink, Name: "l", Linkname: "../../../.."}}, text("l"+outside+"/evil", "x")},
	} {
		i, h := image(t, entries)
		if err := Image(t.Context(), i, h, filepath.Join(t.TempDir(), "x")); err == nil {
			t.Errorf("%s: no error", name)
		}
		if _, err := os.Stat(filepath.Join(outside, "evil")); err == nil {
			t.Errorf("%s: wrote outside", name)
		}
	}
	dir := filepath.Join(t.TempDir(), "x")
	unpack(t, dir, []entryOf{text("../../dots", "x")})
	if got := tree(t, dir); got["dots"] != "x" {
		t.Errorf("dots: got %v", got)
	}
}

func TestImage_ReplacesAnotherAndKeepsTheSame(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "x")
	unpack(t, dir, []entryOf{text("old", "1")})
	unpack(t, dir, []entryOf{text("new", "1")})
	if got := tree(t, dir); len(got) != 1 || got["new"] != "1" {
		t.Errorf("got %v", got)
	}
	if err := os.WriteFile(filepath.Join(dir, "touched"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	unpack(t, dir, []entryOf{text("new", "1")})
	if _, err := os.Stat(filepath.Join(dir, "touched")); err != nil {
		t.Error("the same image was unpacked again")
	}
	if left, err := os.ReadDir(parent); err != nil || len(left) != 1 {
		t.Errorf("left beside: %v, %v", left, err)
	}
}
