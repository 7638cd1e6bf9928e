package source

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/fault"
)

// origin is a repository with two commits on main, and a tag of its own on the first.
func origin(t *testing.T) (dir string, first, second plumbing.Hash) {
	t.Helper()
	dir = t.TempDir()
	r, err := git.PlainInitWithOptions(dir, &git.PlainInitOptions{InitOptions: git.InitOptions{DefaultBranch: "refs/heads/main"}})
	if err != nil {
		t.Fatal(err)
	}
	w, err := r.Worktree()
	if err != nil {
		t.Fatal(err)
	}
	author := &object.Signature{Name: "a", Email: "a@example.com", When: time.Unix(0, 0)}
	commit := func(text string) plumbing.Hash {
		if err := os.MkdirAll(filepath.Join(dir, "app"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "app", "version"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Add("app/version"); err != nil {
			t.Fatal(err)
		}
		h, err := w.Commit(text, &git.CommitOptions{Author: author})
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	first = commit("one")
	if _, err := r.CreateTag("v1", first, &git.CreateTagOptions{Tagger: author, Message: "one"}); err != nil {
		t.Fatal(err)
	}
	return dir, first, commit("two")
}

func TestPackage_LocalPathIsRelativeToThePlatformFile(t *testing.T) {
	p := &Packages{Dir: "/etc/platform"}
	for path, want := range map[string]string{"apps/web": "/etc/platform/apps/web", "/srv/web": "/srv/web"} {
		got, err := p.Package(context.Background(), v1alpha1.Package{Name: "web", Path: path})
		if err != nil || got != want {
			t.Errorf("%s: got %s, %v", path, got, err)
		}
	}
}

func TestPackage_GitRefsGiveTheirFiles(t *testing.T) {
	dir, first, _ := origin(t)
	p := &Packages{CacheDir: t.TempDir()}
	for ref, want := range map[string]string{"": "two", "main": "two", "v1": "one", first.String(): "one", "refs/heads/main": "two"} {
		got, err := p.Package(context.Background(), v1alpha1.Package{Name: "web", Path: "app", Git: &v1alpha1.GitSource{URL: dir, Ref: ref}})
		if err != nil {
			t.Errorf("ref %q: %v", ref, err)
			continue
		}
		if text, err := os.ReadFile(filepath.Join(got, "version")); err != nil || string(text) != want {
			t.Errorf("ref %q: read %q, %v", ref, text, err)
		}
	}
}

func TestPackage_CommitIsCachedAndNeedsNoRepository(t *testing.T) {
	dir, first, _ := origin(t)
	p := &Packages{CacheDir: t.TempDir()}
	pkg := v1alpha1.Package{Name: "web", Path: "app", Git: &v1alpha1.GitSource{URL: dir, Ref: first.String()}}
	before, err := p.Package(context.Background(), pkg)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	after, err := (&Packages{CacheDir: p.CacheDir}).Package(context.Background(), pkg)
	if err != nil || after != before {
		t.Errorf("got %s, %v; want %s", after, err, before)
	}
}

func TestPackage_GitErrorsSayWhatWasAsked(t *testing.T) {
	dir, _, _ := origin(t)
	cache := t.TempDir()
	for name, test := range map[string]struct {
		pkg  v1alpha1.Package
		want string
	}{
		"ref":        {v1alpha1.Package{Git: &v1alpha1.GitSource{URL: dir, Ref: "gone"}}, `has no branch or tag "gone"`},
		"commit":     {v1alpha1.Package{Git: &v1alpha1.GitSource{URL: dir, Ref: strings.Repeat("0", 39) + "1"}}, "check out 0000"},
		"path":       {v1alpha1.Package{Path: "gone", Git: &v1alpha1.GitSource{URL: dir}}, "has no directory gone"},
		"escape":     {v1alpha1.Package{Path: "../gone", Git: &v1alpha1.GitSource{URL: dir}}, "leads out of the repository"},
		"repository": {v1alpha1.Package{Git: &v1alpha1.GitSource{URL: dir + "/gone"}}, "repository not found"},
	} {
		test.pkg.Name = "web"
		_, err := (&Packages{CacheDir: cache}).Package(context.Background(), test.pkg)
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "package web: ") {
			t.Errorf("%s: got %v, want %s", name, err, test.want)
		}
		if hint, _ := fault.Of(err); hint == "" {
			t.Errorf("%s: no hint", name)
		}
	}
	left, err := filepath.Glob(filepath.Join(cache, "*", ".clone-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestPackage_CancelledCallStops(t *testing.T) {
	dir, _, _ := origin(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := (&Packages{CacheDir: t.TempDir()}).Package(ctx, v1alpha1.Package{Name: "web", Git: &v1alpha1.GitSource{URL: dir}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestRedact_HidesPasswords(t *testing.T) {
	if got := redact("https://me:secret@git.example.com/x.git"); strings.Contains(got, "secret") {
		t.Error(got)
	}
}
