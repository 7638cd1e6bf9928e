package gitea

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"
	"sync"
)

// MemoryForge is a forge for tests.
type MemoryForge struct {
	// URL is where repositories are.
	URL string

	mu           sync.Mutex
	Repositories map[Repository]*MemoryRepository
}

// MemoryRepository is a repository of a [MemoryForge].
type MemoryRepository struct {
	Settings
	Commits []Commit
	Head    string
}

// Head gives a repository's last commit.
func (m *MemoryForge) Head(_ context.Context, r Repository) (string, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	repo, ok := m.Repositories[r]
	if !ok {
		return "", false, nil
	}
	return repo.Head, true, nil
}

// Create makes a repository.
func (m *MemoryForge) Create(_ context.Context, r Repository, s Settings) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.Repositories == nil {
		m.Repositories = map[Repository]*MemoryRepository{}
	}
	if _, ok := m.Repositories[r]; ok {
		return ErrExists
	}
	m.Repositories[r] = &MemoryRepository{Settings: s}
	return nil
}

// Push adds a commit.
func (m *MemoryForge) Push(_ context.Context, r Repository, c Commit) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	repo, ok := m.Repositories[r]
	if !ok {
		return "", fmt.Errorf("%s: %w", r, fs.ErrNotExist)
	}
	text, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	sum := sha1.Sum(append([]byte(repo.Head), text...))
	repo.Commits, repo.Head = append(repo.Commits, c), hex.EncodeToString(sum[:])
	return repo.Head, nil
}

// Delete removes a repository.
func (m *MemoryForge) Delete(_ context.Context, r Repository) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.Repositories, r)
	return nil
}

// Addresses are as the forge's web pages have them.
func (m *MemoryForge) Addresses(r Repository, branch string) (remote, contents string) {
	base := strings.TrimRight(m.URL, "/") + "/" + r.String()
	return base + ".git", base + "/src/branch/" + branch + "/"
}

// File gives a file of a repository's last commit by its address below the contents of a branch.
func (m *MemoryForge) File(address string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for r, repo := range m.Repositories {
		if len(repo.Commits) == 0 {
			continue
		}
		last := repo.Commits[len(repo.Commits)-1]
		_, contents := m.Addresses(r, last.Branch)
		name, ok := strings.CutPrefix(address, contents)
		if !ok {
			continue
		}
		for _, f := range last.Files {
			if f.Path == name {
				return f.Data, nil
			}
		}
	}
	return nil, fmt.Errorf("%s: %w", address, fs.ErrNotExist)
}
