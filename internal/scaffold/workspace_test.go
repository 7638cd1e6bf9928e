package scaffold

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func workspace(t *testing.T, limits Limits, names ...string) *Workspace {
	t.Helper()
	w, err := NewWorkspace(limits, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := w.Write(File{Path: name, Data: []byte(name)}); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func names(t *testing.T, w *Workspace) []string {
	t.Helper()
	files, err := w.Files(".")
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, f := range files {
		out = append(out, f.Path)
	}
	return out
}

// No way of naming a path leads out of the workspace.
func TestWorkspace_PathsStayInside(t *testing.T) {
	w := workspace(t, Limits{}, "in/side")
	for _, name := range []string{"/etc/passwd", "../x", "a/../../x", "..", "a\x00b", `..\x`, `a\b`, strings.Repeat("x/", 600) + "x", "./../x", "//x"} {
		if err := w.Write(File{Path: name}); err == nil {
			t.Errorf("%.30q was written", name)
		}
		if _, err := w.Read(name); err == nil {
			t.Errorf("%.30q was read", name)
		}
		if err := w.Remove(name); err == nil {
			t.Errorf("%.30q was removed", name)
		}
		if err := w.Rename("in", name, true); err == nil {
			t.Errorf("in was moved to %.30q", name)
		}
		if err := w.Rename(name, "x", true); err == nil {
			t.Errorf("%.30q was moved", name)
		}
		if _, err := w.List(name, true); err == nil {
			t.Errorf("%.30q was listed", name)
		}
	}
	if diff := cmp.Diff([]string{"in/side"}, names(t, w)); diff != "" {
		t.Error(diff)
	}
}

func TestWorkspace_FilesAndFolders(t *testing.T) {
	w := workspace(t, Limits{}, "a.txt", "dir/b.txt", "./dir//sub/../c.txt", "dir2/d")
	if diff := cmp.Diff([]string{"a.txt", "dir/b.txt", "dir/c.txt", "dir2/d"}, names(t, w)); diff != "" {
		t.Error(diff)
	}
	for _, clash := range []string{"dir", "a.txt/below", "."} {
		if err := w.Write(File{Path: clash}); err == nil {
			t.Errorf("%s was written", clash)
		}
	}
	for name, want := range map[string]bool{"a.txt": true, "dir": true, "dir/": true, "": true, "di": false, "dir/b": false, "../x": false} {
		if got := w.Exists(name); got != want {
			t.Errorf("%q exists: %t", name, got)
		}
	}
	entries, err := w.List("", false)
	want := []Entry{{"a.txt", "a.txt", false}, {"dir", "dir", true}, {"dir2", "dir2", true}}
	if diff := cmp.Diff(want, entries); diff != "" || err != nil {
		t.Error(diff, err)
	}
	entries, err = w.List("dir", true)
	if diff := cmp.Diff([]Entry{{"b.txt", "dir/b.txt", false}, {"c.txt", "dir/c.txt", false}}, entries); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if _, err := w.List("nothing", false); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if err := w.Rename("dir", "new/place", false); err != nil {
		t.Error(err)
	}
	if err := w.Rename("a.txt", "dir2", false); !errors.Is(err, fs.ErrExist) {
		t.Error(err)
	}
	if err := w.Rename("new", "new/inside", true); err == nil {
		t.Error("a folder was moved into itself")
	}
	if err := w.Rename("a.txt", "dir2", true); err != nil {
		t.Error(err)
	}
	if err := w.Remove("new/place/b.txt"); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"dir2", "new/place/c.txt"}, names(t, w)); diff != "" {
		t.Error(diff)
	}
}

func TestWorkspace_IsBounded(t *testing.T) {
	w := workspace(t, Limits{Files: 2, Bytes: 10}, "a", "b")
	if err := w.Write(File{Path: "c"}); err == nil {
		t.Error("a third file was written")
	}
	if err := w.Write(File{Path: "a", Data: make([]byte, 11)}); err == nil {
		t.Error("eleven bytes were written")
	}
	if err := w.Write(File{Path: "a", Data: make([]byte, 9)}); err != nil {
		t.Errorf("a file cannot take another's place: %v", err)
	}
	big := fstest.MapFS{}
	for i := range 5 {
		big[fmt.Sprint(i)] = &fstest.MapFile{}
	}
	if err := workspace(t, Limits{Files: 3}).CopyFrom(big, func(File) error { return nil }); err == nil {
		t.Error("a folder of five files was read")
	}
}

func TestWorkspace_CopiesPlainFilesOnly(t *testing.T) {
	dir := t.TempDir()
	for name, mode := range map[string]fs.FileMode{"plain": 0o644, "run.sh": 0o755, ".hidden": 0o600} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, ".git"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ".git", "config"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var got []string
	err := workspace(t, Limits{}).CopyFrom(os.DirFS(dir), func(f File) error {
		got = append(got, fmt.Sprintf("%s %t %s", f.Path, f.Executable, f.Data))
		return nil
	})
	if diff := cmp.Diff([]string{".hidden false .hidden", "plain false plain", "run.sh true run.sh"}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "secret")); err != nil {
		t.Fatal(err)
	}
	if err := workspace(t, Limits{}).CopyFrom(os.DirFS(dir), func(File) error { return nil }); err == nil || !strings.Contains(err.Error(), "secret is a link") {
		t.Errorf("a link was followed: %v", err)
	}
}
