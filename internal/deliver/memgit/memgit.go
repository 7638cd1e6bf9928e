// Package memgit is a Git server in memory, for tests of whoever delivers through one: real
// Git repositories behind go-git's own server, no network and no files.
package memgit

import (
	"context"
	"crypto/rand"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/plumbing/transport/server"
	"github.com/go-git/go-git/v5/storage/memory"

	"github.com/slipway-dev/slipway/internal/deliver"
)

// Server is a [deliver.GitServer] in memory; its zero value is ready and empty.
type Server struct {
	mu           sync.Mutex
	repositories map[string]*repository
	hooks        map[string]deliver.Webhook // by URL
	logins       map[string]account
}

type repository struct {
	mu      sync.Mutex // held during each exchange with the store
	store   *memory.Storage
	private bool
}

// EnsureRepository makes the repository where it is missing.
func (s *Server) EnsureRepository(_ context.Context, owner, name string, private bool) (deliver.Remote, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := owner + "/" + name
	if s.repositories[key] == nil {
		if s.repositories == nil {
			s.repositories = map[string]*repository{}
		}
		store := memory.NewStorage()
		head := plumbing.NewSymbolicReference(plumbing.HEAD, plumbing.NewBranchReferenceName(deliver.Branch))
		if err := store.SetReference(head); err != nil {
			return deliver.Remote{}, err
		}
		s.repositories[key] = &repository{store: store}
	}
	s.repositories[key].private = private
	return deliver.Remote{URL: "https://memory/" + key + ".git", Transport: atomic{server.NewServer(loader{s}), s.repositories[key]}}, nil
}

// EnsureWebhook keeps the hook; nobody is called.
func (s *Server) EnsureWebhook(_ context.Context, hook deliver.Webhook) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hooks == nil {
		s.hooks = map[string]deliver.Webhook{}
	}
	s.hooks[hook.URL] = hook
	return nil
}

// Webhooks are the hooks that were made.
func (s *Server) Webhooks() []deliver.Webhook {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.hooks))
}

// loader finds a repository's storage for go-git's server.
type loader struct{ server *Server }

// Load gives the storage behind an endpoint.
func (l loader) Load(endpoint *transport.Endpoint) (storer.Storer, error) {
	l.server.mu.Lock()
	defer l.server.mu.Unlock()
	for key, r := range l.server.repositories {
		if endpoint.Path == "/"+key+".git" {
			return r.store, nil
		}
	}
	return nil, transport.ErrRepositoryNotFound
}

// EnsureAccount keeps logins by account and purpose.
func (s *Server) EnsureAccount(_ context.Context, a deliver.Account, known deliver.Login) (deliver.Login, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := a.Name + "\x00" + a.Purpose
	if old, there := s.logins[key]; there && known.Password == old.login.Password && slices.Equal(old.rights, a.Rights) {
		return old.login, nil
	}
	if s.logins == nil {
		s.logins = map[string]account{}
	}
	s.logins[key] = account{deliver.Login{Username: a.Name, Password: rand.Text(), Renew: time.Now().Add(time.Hour)}, slices.Clone(a.Rights)}
	return s.logins[key].login, nil
}

// account is an account's login and what it may do.
type account struct {
	login  deliver.Login
	rights []string
}
