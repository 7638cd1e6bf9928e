package memforge

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/slipway-dev/slipway/internal/app/forge"
)

// Repository says what there is of a repository.
func (f *Forge) Repository(_ context.Context, r forge.Repository) (forge.RepositoryInfo, error) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	found, err := f.s.repository(r)
	if err != nil {
		return forge.RepositoryInfo{}, err
	}
	return found.info, nil
}

// EnsureRepository makes the repository where it is missing.
func (f *Forge) EnsureRepository(_ context.Context, r forge.Repository,
	options forge.RepositoryOptions) (forge.RepositoryInfo, error) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	if found, ok := f.s.repositories[r]; ok {
		found.info.Private = options.Private
		return found.info, nil
	}
	if !f.s.owners[r.Owner] {
		return forge.RepositoryInfo{}, fmt.Errorf("make repository %s: %w", r, forge.ErrNotFound)
	}
	branch := options.DefaultBranch
	if branch == "" {
		branch = "main"
	}
	made := &repository{branches: map[string]string{}, commits: map[string]commit{},
		statuses:   map[string]map[string]forge.Status{},
		protection: map[string]forge.Protection{}}
	made.info = forge.RepositoryInfo{Repository: r, DefaultBranch: branch, Private: options.Private, Empty: true,
		CloneURL: "memory://" + r.String() + ".git", URL: "memory://" + r.String()}
	f.s.repositories[r] = made
	return made.info, nil
}

// DeleteRepository deletes the repository.
func (f *Forge) DeleteRepository(_ context.Context, r forge.Repository) error {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	delete(f.s.repositories, r)
	return nil
}

// DeleteImages does nothing: there is no registry in memory.
func (f *Forge) DeleteImages(context.Context, forge.Repository) error { return nil }

// Protect protects a branch.
func (f *Forge) Protect(_ context.Context, r forge.Repository, p forge.Protection) error {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	found, err := f.s.repository(r)
	if err == nil {
		found.protection[p.Branch] = p
	}
	return err
}

// SetStatus sets the status of a commit in its context.
func (f *Forge) SetStatus(_ context.Context, r forge.Repository, hash string, status forge.Status) error {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	found, err := f.s.repository(r)
	if err != nil {
		return err
	}
	if _, ok := found.commits[hash]; !ok {
		return fmt.Errorf("set status %s of %s at %s: %w", status.Context, r, hash, forge.ErrNotFound)
	}
	if found.statuses[hash] == nil {
		found.statuses[hash] = map[string]forge.Status{}
	}
	found.statuses[hash][status.Context] = status
	return nil
}

// Statuses gives the newest status of each context.
func (f *Forge) Statuses(_ context.Context, r forge.Repository, hash string) ([]forge.Status, error) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	found, err := f.s.repository(r)
	if err != nil {
		return nil, err
	}
	var out []forge.Status
	for _, context := range slices.Sorted(maps.Keys(found.statuses[hash])) {
		out = append(out, found.statuses[hash][context])
	}
	return out, nil
}

// Head is the newest commit of a branch.
func (f *Forge) Head(_ context.Context, r forge.Repository, branch string) (string, error) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	found, err := f.s.repository(r)
	if err != nil {
		return "", err
	}
	hash, ok := found.branches[branch]
	if !ok {
		return "", fmt.Errorf("look for branch %s of %s: %w", branch, r, forge.ErrNotFound)
	}
	return hash, nil
}

// Log gives the commits that lead to one and not to another, the oldest first.
func (f *Forge) Log(_ context.Context, r forge.Repository, after, to string) ([]forge.LogEntry, error) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	found, err := f.s.repository(r)
	if err != nil {
		return nil, err
	}
	if hash, ok := found.branches[to]; ok {
		to = hash
	}
	if _, ok := found.commits[to]; !ok {
		return nil, fmt.Errorf("read the log of %s to %s: %w", r, to, forge.ErrNotFound)
	}
	wanted, before := found.ancestors(to), found.ancestors(after)
	if after != "" && !wanted[after] {
		return nil, fmt.Errorf("read the log of %s: %w: %s does not lead to %s", r, forge.ErrConflict, after, to)
	}
	var out []forge.LogEntry
	for hash := range wanted {
		if before[hash] {
			continue
		}
		c := found.commits[hash]
		out = append(out, forge.LogEntry{Hash: hash, Parents: c.parents, Author: c.author, Account: f.s.accountOf(c.author),
			Time: c.time, Message: c.message, Files: c.changed})
	}
	slices.SortFunc(out, func(a, b forge.LogEntry) int { return a.Time.Compare(b.Time) })
	return out, nil
}

// Tree is the hash of a folder's Git tree.
func (f *Forge) Tree(_ context.Context, r forge.Repository, ref, folder string) (string, error) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	found, err := f.s.repository(r)
	if err != nil {
		return "", err
	}
	c, err := found.resolve(ref)
	if err != nil {
		return "", err
	}
	for name := range c.files {
		if isBelow(name, folder) {
			return hex.EncodeToString(tree(c.files, folder+"/")), nil
		}
	}
	return "", fmt.Errorf("read %s of %s at %s: %w", folder, r, ref, forge.ErrNotFound)
}

// ReadFile reads a file at a branch or commit.
func (f *Forge) ReadFile(_ context.Context, r forge.Repository, ref, path string) (forge.File, error) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	found, err := f.s.repository(r)
	if err != nil {
		return forge.File{}, err
	}
	c, err := found.resolve(ref)
	if err != nil {
		return forge.File{}, err
	}
	data, ok := c.files[path]
	if !ok {
		return forge.File{}, fmt.Errorf("read %s of %s at %s: %w", path, r, ref, forge.ErrNotFound)
	}
	return forge.File{Path: path, Data: []byte(data), Version: version(data)}, nil
}

// ReadFolder reads all files below a folder.
func (f *Forge) ReadFolder(_ context.Context, r forge.Repository, ref, folder string) ([]forge.File, error) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	found, err := f.s.repository(r)
	if err != nil {
		return nil, err
	}
	c, err := found.resolve(ref)
	if err != nil {
		return nil, err
	}
	var out []forge.File
	for _, name := range slices.Sorted(maps.Keys(c.files)) {
		if isBelow(name, folder) {
			out = append(out, forge.File{Path: name, Data: []byte(c.files[name]), Version: version(c.files[name])})
		}
	}
	return out, nil
}

// Commit makes one commit of several files.
func (f *Forge) Commit(_ context.Context, r forge.Repository, c forge.Commit) (string, error) {
	var events []forge.Event
	defer f.s.lock()(&events)
	found, err := f.s.repository(r)
	if err != nil {
		return "", err
	}
	hash, before, err := f.commit(found, c)
	if err != nil {
		return "", fmt.Errorf("commit to %s of %s: %w", c.Branch, r, err)
	}
	found.branches[c.Branch], found.info.Empty = hash, false
	e := f.s.event(r, "push")
	e.Push = &forge.Push{Branch: c.Branch, Before: before, After: hash, Pusher: f.account}
	found.pushes = append(found.pushes, *e.Push)
	events = append(events, e)
	for _, p := range found.pulls {
		if p.State == forge.Open && p.Head == c.Branch {
			p.HeadCommit, p.Updated = hash, f.s.now()
			events = append(events, f.pullEvent(found, p, forge.PullUpdated))
		}
	}
	return hash, nil
}

func (f *Forge) commit(found *repository, c forge.Commit) (hash, before string, err error) {
	before = found.branches[c.Branch]
	if p, protected := found.protection[c.Branch]; protected &&
		(c.From != "" || !slices.Contains(p.Pushers, f.account)) {
		return "", "", forge.ErrForbidden
	}
	parent := before
	if c.From != "" {
		parent = found.branches[c.From]
	}
	if parent == "" && !found.info.Empty {
		return "", "", forge.ErrNotFound
	}
	made := commit{files: maps.Clone(found.commits[parent].files), message: c.Message, author: c.Author,
		time: f.s.now()}
	if made.files == nil {
		made.files = map[string]string{}
	}
	if parent != "" {
		made.parents = []string{parent}
	}
	for _, change := range c.Changes {
		data, there := made.files[change.Path]
		switch {
		case change.Data == nil && change.Version == "":
			return "", "", errors.New("delete " + change.Path + ": its version is not known")
		case there != (change.Version != "") || there && version(data) != change.Version:
			return "", "", fmt.Errorf("%s: %w", change.Path, forge.ErrConflict)
		case change.Data == nil:
			delete(made.files, change.Path)
		default:
			made.files[change.Path] = string(change.Data)
		}
	}
	return found.add(made), before, nil
}

// Pushes lists the pushes to any branch since a time, the newest first.
func (f *Forge) Pushes(_ context.Context, r forge.Repository, since time.Time) ([]forge.Push, error) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	found, err := f.s.repository(r)
	if err != nil {
		return nil, err
	}
	var out []forge.Push
	for _, p := range slices.Backward(found.pushes) {
		if !found.commits[p.After].time.Before(since) {
			out = append(out, p)
		}
	}
	return out, nil
}

// accountOf is whose address somebody has.
func (s *Server) accountOf(p forge.Person) string {
	for _, name := range slices.Sorted(maps.Keys(s.users)) {
		if p.Email != "" && s.users[name].Email == p.Email {
			return name
		}
	}
	return ""
}
