package layer

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slipway-dev/slipway/internal/supply/store"
)

// list writes a tree and reads it back, one line an entry.
func list(t *testing.T, tree *Tree) []string {
	t.Helper()
	var out bytes.Buffer
	if err := tree.WriteTar(&out); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for r := tar.NewReader(&out); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return lines
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if !h.ModTime.Equal(time.Unix(0, 0)) {
			t.Errorf("%s has time %s", h.Name, h.ModTime)
		}
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%c %o %d:%d %s %s%s", h.Typeflag, h.Mode, h.Uid, h.Gid, h.Name, h.Linkname, body)))
	}
}

func equal(t *testing.T, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestWriteTar_IsSortedAndOwnedAsTold(t *testing.T) {
	tree := New()
	tree.PutLink("/usr/bin/b", "a")
	tree.PutBytes("usr/bin/a", 0o4755, []byte("text"))
	tree.PutDir("/home/nonroot/", 0o700, 65532, 65532)
	equal(t, list(t, tree), []string{"5 700 65532:65532 home/nonroot/", "0 4755 0:0 usr/bin/a text", "2 777 0:0 usr/bin/b a"})
}

func TestPutAll_TakesOnlyContentAndExecutability(t *testing.T) {
	dir := t.TempDir()
	if err := errors.Join(
		os.Mkdir(filepath.Join(dir, "d"), 0o700),
		os.WriteFile(filepath.Join(dir, "d", "f"), []byte("f"), 0o400),
		os.WriteFile(filepath.Join(dir, "x"), []byte("x"), 0o700),
		os.Symlink("x", filepath.Join(dir, "l")),
	); err != nil {
		t.Fatal(err)
	}
	tree := New()
	if err := tree.PutAll("/opt", dir); err != nil {
		t.Fatal(err)
	}
	equal(t, list(t, tree), []string{"5 755 0:0 opt/", "5 755 0:0 opt/d/", "0 644 0:0 opt/d/f f", "2 777 0:0 opt/l x", "0 755 0:0 opt/x x"})
	if err := tree.PutAll("/opt", filepath.Join(dir, "missing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing folder: got %v", err)
	}
}

func TestStore_SameTreeSameDigest(t *testing.T) {
	s, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	digests := map[string]bool{}
	for range 2 {
		tree := New()
		for _, p := range []string{"a", "b", "c", "d"} {
			tree.PutBytes(p, 0o644, []byte(p))
		}
		d, diffID, err := tree.Store(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		if !s.HasBlob(d.Digest, d.Size) {
			t.Error("the layer is not in the store with the size that is told")
		}
		digests[d.Digest.String()+diffID.String()] = true
	}
	if len(digests) != 1 {
		t.Errorf("got digests %v", slices.Collect(maps.Keys(digests)))
	}
}

// archive writes a tar file as another program would.
func archive(t *testing.T, headers ...tar.Header) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "x.tar")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := tar.NewWriter(f)
	for _, h := range headers {
		body := ""
		if h.Typeflag == tar.TypeReg {
			body = "content of " + h.Name
			h.Size = int64(len(body))
		}
		h.ModTime = time.Now()
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestImport_KeepsWhatIsAskedForWithItsParents(t *testing.T) {
	file := archive(t,
		tar.Header{Typeflag: tar.TypeDir, Name: "./", Mode: 0o755},
		tar.Header{Typeflag: tar.TypeChar, Name: "./dev/null", Mode: 0o666},
		tar.Header{Typeflag: tar.TypeDir, Name: "./etc/", Mode: 0o750, Gid: 7},
		tar.Header{Typeflag: tar.TypeReg, Name: "./etc/a", Mode: 0o640},
		tar.Header{Typeflag: tar.TypeReg, Name: "./etc/b", Mode: 0o640},
		tar.Header{Typeflag: tar.TypeDir, Name: "./var/", Mode: 0o755},
	)
	tree := New()
	if err := tree.Import(file, func(p string, _ byte) bool { return p == "etc/a" || p == "dev/null" }); err != nil {
		t.Fatal(err)
	}
	equal(t, list(t, tree), []string{"5 750 0:7 etc/", "0 640 0:0 etc/a content of ./etc/a"})
}

func TestImport_HardLinks(t *testing.T) {
	headers := []tar.Header{
		{Typeflag: tar.TypeReg, Name: "m", Mode: 0o644},
		{Typeflag: tar.TypeLink, Name: "a", Linkname: "m", Mode: 0o644},
		{Typeflag: tar.TypeLink, Name: "z", Linkname: "./m", Mode: 0o644},
	}
	t.Run("the first by name has the content", func(t *testing.T) {
		tree := New()
		if err := tree.Import(archive(t, headers...), func(string, byte) bool { return true }); err != nil {
			t.Fatal(err)
		}
		equal(t, list(t, tree), []string{"0 644 0:0 a content of m", "1 644 0:0 m a", "1 644 0:0 z a"})
	})
	t.Run("one whose origin is left out has the content itself", func(t *testing.T) {
		tree := New()
		if err := tree.Import(archive(t, headers...), func(p string, _ byte) bool { return p == "z" }); err != nil {
			t.Fatal(err)
		}
		equal(t, list(t, tree), []string{"0 644 0:0 z content of m"})
	})
}

func TestFollow(t *testing.T) {
	links := map[string]string{"bin": "usr/bin", "var/run": "/run", "loop": "loop", "usr/bin/sh": "busybox", "lib64": "usr/lib64"}
	for p, want := range map[string]string{
		"/bin/ls": "usr/bin/ls", "bin": "bin", "/var/run/x/y": "run/x/y", "/bin/sh": "usr/bin/sh", "/usr/bin/a": "usr/bin/a", "/etc": "etc",
		"../../bin/x": "usr/bin/x",
	} {
		if got := Follow(p, links); got != want {
			t.Errorf("%s: got %s, want %s", p, got, want)
		}
	}
	Follow("loop/x", links) // must end
}

func TestGlob_MatchesAsDpkgDoes(t *testing.T) {
	for _, c := range []struct {
		pattern, path string
		want          bool
	}{
		{"/*", "usr/bin/a", true},
		{"/usr/share/doc/*", "/usr/share/doc/a/b/copyright", true},
		{"/usr/share/doc/*", "/usr/share/doc", false},
		{"/usr/share/zoneinfo/[A-Z]*", "/usr/share/zoneinfo/Europe/Rome", true},
		{"/usr/share/zoneinfo/[A-Z]*", "/usr/share/zoneinfo/posix/Europe", false},
		{"/a/[!b]", "/a/c", true},
		{"/a/[!b]", "/a/b", false},
		{"/a?", "/ab", true},
		{"/a.b", "/axb", false},
		{"/ä*", "/äb", true},
	} {
		g, err := ParseGlob(c.pattern)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		if got := g.Match(c.path); got != c.want {
			t.Errorf("%s on %s: got %v", c.pattern, c.path, got)
		}
	}
	if _, err := ParseGlob("/a[b"); err == nil {
		t.Error("an unclosed bracket is accepted")
	}
}

func FuzzParseGlob(f *testing.F) {
	for _, s := range []string{"/*", "[a-z]", "[!a]", "[]a]", "\\", "[\\]", "[z-a]"} {
		f.Add(s, "/x")
	}
	f.Fuzz(func(t *testing.T, pattern, path string) {
		if g, err := ParseGlob(pattern); err == nil {
			g.Match(path)
		}
	})
}
