// Package gittest holds what every [deliver.GitServer] must do, as tests: each adapter's own
// tests run it against a real server, and the one in memory runs it as well.
package gittest

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/deliver"
)

// Run runs the suite. open gives the server under test, owner a name that no other test uses.
func Run(t *testing.T, open func(t *testing.T) (server deliver.GitServer, owner string)) {
	t.Run("delivers a tree and pushes nothing when nothing changed", func(t *testing.T) {
		s := start(t, open)
		first := s.push(deliver.Content{Files: files("tools/a/x.yaml", "1", "tools/b/y.yaml", "2")})
		if want := []string{"tools/a/x.yaml", "tools/b/y.yaml"}; !slices.Equal(first.Added, want) {
			t.Errorf("added %q, want %q", first.Added, want)
		}
		again := s.push(deliver.Content{Files: files("tools/a/x.yaml", "1", "tools/b/y.yaml", "2")})
		if again.Any() || again.Commit != first.Commit {
			t.Errorf("second push: %+v, want none on %s", again, first.Commit)
		}
		s.wantServer("tools/a/x.yaml", "1", "tools/b/y.yaml", "2")
	})
	t.Run("removes what left the tree", func(t *testing.T) {
		s := start(t, open)
		s.push(deliver.Content{Files: files("a/1", "x", "a/2", "x", "b/3", "x")})
		got := s.push(deliver.Content{Files: files("a/1", "y")})
		if !slices.Equal(got.Removed, []string{"a/2", "b/3"}) || !slices.Equal(got.Changed, []string{"a/1"}) {
			t.Errorf("pushed %+v", got)
		}
		s.wantServer("a/1", "y")
	})
	t.Run("leaves alone what it does not own", func(t *testing.T) {
		s := start(t, open)
		s.other().push(deliver.Content{Files: files("README.md", "by hand", "tools/old", "x")})
		s.push(deliver.Content{Files: files("tools/new", "1"), Owned: []string{"tools"}})
		s.wantServer("README.md", "by hand", "tools/new", "1")
	})
	t.Run("keeps what is held back", func(t *testing.T) {
		s := start(t, open)
		s.push(deliver.Content{Files: files("tools/a/x", "1", "tools/b/x", "1")})
		s.push(deliver.Content{Files: files("tools/a/x", "2", "tools/b/x", "2", "tools/b/y", "2"), Keep: []string{"tools/b"}})
		s.wantServer("tools/a/x", "2", "tools/b/x", "1")
	})
	t.Run("builds on what others pushed meanwhile", func(t *testing.T) {
		s := start(t, open)
		s.push(deliver.Content{Files: files("tools/a", "1")})
		s.other().push(deliver.Content{Files: files("tools/a", "1", "docs/note", "theirs")})
		s.push(deliver.Content{Files: files("tools/a", "2"), Owned: []string{"tools"}})
		s.wantServer("tools/a", "2", "docs/note", "theirs")
	})
	t.Run("hosts that push at the same moment lose nothing", func(t *testing.T) {
		s := start(t, open)
		s.push(deliver.Content{Files: files("docs/note", "first")})
		const hosts = 4
		var group sync.WaitGroup
		for i := range hosts {
			other, folder := s.other(), fmt.Sprint("folder", i)
			group.Go(func() {
				content := deliver.Content{Files: files(folder+"/a", "1"), Owned: []string{folder}}
				if _, err := other.repository.Push(t.Context(), other.remote, content); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		s.wantServer("docs/note", "first", "folder0/a", "1", "folder1/a", "1", "folder2/a", "1", "folder3/a", "1")
	})
	t.Run("a fresh host delivers on top of what is there", func(t *testing.T) {
		s := start(t, open)
		first := s.push(deliver.Content{Files: files("tools/a", "1")})
		fresh := s.other()
		if got := fresh.push(deliver.Content{Files: files("tools/a", "1")}); got.Any() || got.Commit != first.Commit {
			t.Errorf("push from a fresh host: %+v, want none on %s", got, first.Commit)
		}
	})
	t.Run("making a repository again changes nothing", func(t *testing.T) {
		s := start(t, open)
		s.push(deliver.Content{Files: files("a", "1")})
		if _, err := s.server.EnsureRepository(t.Context(), s.owner, "repo", true); err != nil {
			t.Fatal(err)
		}
		s.wantServer("a", "1")
	})
	t.Run("an account keeps its login while that is valid", func(t *testing.T) {
		server, owner := open(t)
		ensure := func(purpose string, known deliver.Login, rights ...string) deliver.Login {
			t.Helper()
			login, err := server.EnsureAccount(t.Context(), deliver.Account{Name: owner + "-bot", Purpose: purpose, Rights: rights}, known)
			if err != nil {
				t.Fatal(err)
			}
			if login.Username != owner+"-bot" || login.Password == "" || !login.Renew.After(time.Now()) {
				t.Fatalf("login of %s, %d characters, until %s", login.Username, len(login.Password), login.Renew)
			}
			return login
		}
		first := ensure("a", deliver.Login{}, v1alpha1.RightReadCode)
		other := ensure("b", deliver.Login{}, v1alpha1.RightReadPackages)
		if again := ensure("a", first, v1alpha1.RightReadCode); again.Password != first.Password || other.Password == first.Password {
			t.Error("a login that is valid did not stay, or is another purpose's too")
		}
		more := ensure("a", first, v1alpha1.RightReadCode, v1alpha1.RightWritePackages)
		if more.Password == first.Password {
			t.Error("a login got more rights")
		}
		if lost := ensure("a", deliver.Login{}, v1alpha1.RightReadCode); lost.Password == first.Password || lost.Password == more.Password {
			t.Error("a login that nobody knows was told")
		}
		if again := ensure("b", other, v1alpha1.RightReadPackages); again.Password != other.Password {
			t.Error("another purpose's login did not stay")
		}
	})
	t.Run("a webhook can be made again with another secret", func(t *testing.T) {
		s := start(t, open)
		for _, secret := range []string{"one", "two"} {
			hook := deliver.Webhook{URL: "https://hook.example.com/x", Secret: secret}
			if err := s.server.EnsureWebhook(t.Context(), hook); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// host is one machine's view of a repository on the server under test.
type host struct {
	t          *testing.T
	server     deliver.GitServer
	owner      string
	remote     deliver.Remote
	repository *deliver.Repository
}

func start(t *testing.T, open func(t *testing.T) (deliver.GitServer, string)) *host {
	t.Helper()
	server, owner := open(t)
	remote, err := server.EnsureRepository(t.Context(), owner, "repo", true)
	if err != nil {
		t.Fatal(err)
	}
	h := &host{t: t, server: server, owner: owner, remote: remote}
	return h.other()
}

// other is another machine with no copy of the repository yet.
func (h *host) other() *host {
	h.t.Helper()
	repository, err := deliver.OpenRepository(h.t.TempDir())
	if err != nil {
		h.t.Fatal(err)
	}
	return &host{h.t, h.server, h.owner, h.remote, repository}
}

func (h *host) push(content deliver.Content) deliver.Pushed {
	h.t.Helper()
	pushed, err := h.repository.Push(context.WithoutCancel(h.t.Context()), h.remote, content)
	if err != nil {
		h.t.Fatal(err)
	}
	return pushed
}

// wantServer checks all files on the server, as a machine sees them that has no copy yet.
func (h *host) wantServer(pairs ...string) {
	h.t.Helper()
	fresh := h.other()
	fresh.push(deliver.Content{Owned: []string{}})
	delivered, _, ok, err := fresh.repository.Delivered()
	if err != nil || !ok {
		h.t.Fatalf("nothing on the server: %v", err)
	}
	got := map[string]string{}
	err = fs.WalkDir(delivered, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(delivered, name)
		got[name] = string(data)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	want := files(pairs...)
	for name, data := range want {
		if got[name] != string(data) {
			h.t.Errorf("%s on the server = %q, want %q", name, got[name], data)
		}
	}
	if len(got) != len(want) {
		h.t.Errorf("the server has %q, want %d files", got, len(want))
	}
}

// files reads pairs of path and contents.
func files(pairs ...string) map[string][]byte {
	all := map[string][]byte{}
	for i := 0; i < len(pairs); i += 2 {
		all[pairs[i]] = []byte(pairs[i+1])
	}
	return all
}
