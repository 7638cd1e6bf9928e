package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// put stores a small image whose only layer holds content, and tags it.
func put(t *testing.T, s *Store, content string, refs ...string) v1.Descriptor {
	t.Helper()
	blob := []byte(content)
	h, n, err := v1.SHA256(bytes.NewReader(blob))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.WriteBlob(t.Context(), h, bytes.NewReader(blob)); err != nil {
		t.Fatal(err)
	}
	config := &v1.ConfigFile{Architecture: "amd64", OS: "linux", RootFS: v1.RootFS{Type: "layers", DiffIDs: []v1.Hash{h}}}
	d, err := s.PutImage(t.Context(), config, []v1.Descriptor{{MediaType: types.OCIUncompressedLayer, Digest: h, Size: n}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Tag(t.Context(), d, "build", refs...); err != nil {
		t.Fatal(err)
	}
	return d
}

func open(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func layerOf(t *testing.T, s *Store, ref string) v1.Hash {
	t.Helper()
	image, err := s.Image(ref)
	if err != nil {
		t.Fatal(err)
	}
	m, err := image.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	return m.Layers[0].Digest
}

func TestNormalize_GivesFullNames(t *testing.T) {
	for ref, want := range map[string]string{
		"busybox":                               "docker.io/library/busybox:latest",
		"docker.io/library/busybox:1":           "docker.io/library/busybox:1",
		"index.docker.io/rancher/x:v1":          "docker.io/rancher/x:v1",
		"quay.io/a/b:v1":                        "quay.io/a/b:v1",
		"127.0.0.1:5000/app:v1":                 "127.0.0.1:5000/app:v1",
		"a/b@sha256:" + strings.Repeat("0", 64): "docker.io/a/b@sha256:" + strings.Repeat("0", 64),
	} {
		if got, err := Normalize(ref); err != nil || got != want {
			t.Errorf("%s: got %q, %v; want %q", ref, got, err, want)
		}
	}
	if _, err := Normalize("Not A Reference"); err == nil {
		t.Error("a broken reference is accepted")
	}
}

func TestStore_IsAnOCILayoutThatOthersRead(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	d := put(t, s, "content", "example.com/app:v1")
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := index.Image(d.Digest); err != nil {
		t.Error(err)
	}
}

func TestStore_SeesWhatAnotherProcessAdds(t *testing.T) {
	dir := t.TempDir()
	reader, writer := open(t, dir), open(t, dir)
	if reader.Has("example.com/app:v1") {
		t.Fatal("an image is there before it was written")
	}
	put(t, writer, "content", "example.com/app:v1")
	if !reader.Has("example.com/app:v1") {
		t.Error("the image is not seen")
	}
}

func TestStore_TwoWritersLoseNothing(t *testing.T) {
	dir := t.TempDir()
	var all sync.WaitGroup
	for w := range 2 {
		s := open(t, dir)
		all.Add(1)
		go func() {
			defer all.Done()
			for i := range 10 {
				put(t, s, fmt.Sprint(w, i), fmt.Sprintf("example.com/app%d:v%d", w, i))
			}
		}()
	}
	all.Wait()
	refs, err := open(t, dir).Refs()
	if err != nil || len(refs) != 20 {
		t.Errorf("got %d references, %v; want 20", len(refs), err)
	}
}

func TestStore_TagMovesAReference(t *testing.T) {
	s := open(t, t.TempDir())
	put(t, s, "old", "example.com/app:v1", "example.com/app:v2")
	d := put(t, s, "new", "example.com/app:v1")
	if got, _ := s.Resolve("example.com/app:v1"); got.Digest != d.Digest {
		t.Error("the reference has not moved")
	}
	if got, ok := s.Resolve("example.com/app:v2"); !ok || got.Digest == d.Digest {
		t.Error("another reference moved as well")
	}
}

func TestStore_HasIsFalseForAnImageWithALostOrShortBlob(t *testing.T) {
	for name, damage := range map[string]func(path string) error{
		"lost":  os.Remove,
		"short": func(p string) error { return os.Truncate(p, 3) },
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, t.TempDir())
			put(t, s, "content", "example.com/app:v1")
			if !s.Has("example.com/app:v1") {
				t.Fatal("the whole image is not there")
			}
			if err := damage(s.blobPath(layerOf(t, s, "example.com/app:v1"))); err != nil {
				t.Fatal(err)
			}
			if s.Has("example.com/app:v1") {
				t.Error("the image counts as present")
			}
		})
	}
}

func TestStore_DamagedBlobIsDetectedAndRemoved(t *testing.T) {
	s := open(t, t.TempDir())
	put(t, s, "content", "example.com/app:v1")
	h := layerOf(t, s, "example.com/app:v1")
	if err := os.WriteFile(s.blobPath(h), []byte("CONTENT"), 0o644); err != nil {
		t.Fatal(err)
	}
	r, err := s.Blob(h)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	_, err = io.ReadAll(r)
	var wrong *DigestError
	if !errors.As(err, &wrong) || wrong.Want != h {
		t.Fatalf("got %v, want a DigestError about %s", err, h)
	}
	if s.HasBlob(h, -1) {
		t.Error("the damaged blob is still there")
	}
}

func TestWriter_LeavesNothingBehindWhatIsNotWhole(t *testing.T) {
	s := open(t, t.TempDir())
	want := v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("0", 64)}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, write := range map[string]func() error{
		"wrong digest": func() error { return s.WriteBlob(t.Context(), want, strings.NewReader("x")) },
		"canceled":     func() error { return s.WriteBlob(canceled, want, strings.NewReader("x")) },
		"cut short":    func() error { return s.WriteBlob(t.Context(), want, io.MultiReader(strings.NewReader("x"), broken{})) },
	} {
		if write() == nil {
			t.Errorf("%s: no error", name)
		}
		for _, dir := range []string{s.ingestDir(), s.blobDir()} {
			if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
				t.Errorf("%s: left %v in %s, %v", name, entries, dir, err)
			}
		}
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestSweep_RemovesOnlyWhatTheDeadLeft(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"999999999-a", fmt.Sprintf("%d-b", os.Getpid()), "1-c", "note.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	Sweep(dir)
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 3 {
		t.Errorf("left %v, %v; want all but the first", entries, err)
	}
}

func TestAttach_ReplacesAndIsFound(t *testing.T) {
	s := open(t, t.TempDir())
	d := put(t, s, "content", "example.com/app:v1")
	for _, text := range []string{"old", "new"} {
		if err := s.Attach(t.Context(), d, "application/x", []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := s.Attached(d.Digest, "application/x"); err != nil || string(got) != "new" {
		t.Errorf("got %q, %v", got, err)
	}
	if found, err := s.Referrers(d.Digest); err != nil || len(found) != 1 {
		t.Errorf("got %d referrers, %v", len(found), err)
	}
	if _, err := s.Attached(d.Digest, "application/y"); err == nil {
		t.Error("an artifact of another type is found")
	}
}

func TestImage_IsValid(t *testing.T) {
	s := open(t, t.TempDir())
	put(t, s, "content", "example.com/app:v1")
	image, err := s.Image("example.com/app:v1")
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(image, validate.Fast); err != nil {
		t.Error(err)
	}
}
