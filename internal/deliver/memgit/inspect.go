package memgit

import (
	"testing"
	"time"

	"github.com/go-git/go-billy/v5/memfs"
	"github.com/go-git/go-billy/v5/util"
	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// Commit makes a commit as somebody else would, with all the repository's files.
func (s *Server) Commit(t testing.TB, key, email string, files map[string]string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	fs := memfs.New()
	r, err := git.Open(s.repositories[key].store, fs)
	if err != nil {
		t.Fatal(err)
	}
	w, err := r.Worktree()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := util.WriteFile(fs, name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Add(name); err != nil {
			t.Fatal(err)
		}
	}
	who := &object.Signature{Name: "Somebody", Email: email, When: time.Now()}
	if _, err := w.Commit("by hand", &git.CommitOptions{Author: who}); err != nil {
		t.Fatal(err)
	}
}

// Mode is the mode of a file at the branch's head, in octal.
func (s *Server) Mode(t testing.TB, key, name string) string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := git.Open(s.repositories[key].store, nil)
	if err != nil {
		t.Fatal(err)
	}
	head, err := r.Head()
	if err != nil {
		t.Fatal(err)
	}
	commit, err := r.CommitObject(head.Hash())
	if err != nil {
		t.Fatal(err)
	}
	file, err := commit.File(name)
	if err != nil {
		t.Fatal(err)
	}
	return file.Mode.String()
}
