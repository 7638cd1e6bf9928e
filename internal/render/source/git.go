package source

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/storage/memory"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/fault"
)

var fullCommit = regexp.MustCompile(`^[0-9a-f]{40}$`)

// Resolve gives the commit that a Git source means now. A ref that is a whole commit is
// returned without asking the repository.
func (p *Packages) Resolve(ctx context.Context, s v1alpha1.GitSource) (string, error) {
	if fullCommit.MatchString(s.Ref) {
		return s.Ref, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if commit, ok := p.resolved[s]; ok {
		return commit, nil
	}
	remote := git.NewRemote(memory.NewStorage(), &config.RemoteConfig{Name: "origin", URLs: []string{s.URL}})
	refs, err := remote.ListContext(ctx, &git.ListOptions{PeelingOption: git.AppendPeeled})
	if err != nil {
		return "", explain(s, err)
	}
	commit, err := pick(refs, s)
	if err != nil {
		return "", err
	}
	if p.resolved == nil {
		p.resolved = map[v1alpha1.GitSource]string{}
	}
	p.resolved[s] = commit
	return commit, nil
}

// pick finds the ref: the default branch where none is named, else a branch, else a tag; a tag
// that is an object of its own is followed to its commit.
func pick(refs []*plumbing.Reference, s v1alpha1.GitSource) (string, error) {
	byName := map[plumbing.ReferenceName]*plumbing.Reference{}
	for _, r := range refs {
		byName[r.Name()] = r
	}
	names := []plumbing.ReferenceName{plumbing.HEAD}
	if s.Ref != "" {
		tag := plumbing.NewTagReferenceName(s.Ref)
		names = []plumbing.ReferenceName{plumbing.NewBranchReferenceName(s.Ref), tag + "^{}", tag, plumbing.ReferenceName(s.Ref)}
	}
	for _, name := range names {
		r := byName[name]
		if r != nil && r.Type() == plumbing.SymbolicReference {
			r = byName[r.Target()]
		}
		if r != nil {
			return r.Hash().String(), nil
		}
	}
	if s.Ref == "" {
		return "", fmt.Errorf("%s has no default branch: it is empty", redact(s.URL))
	}
	return "", fault.Invalid(fmt.Errorf("%s has no branch or tag %q", redact(s.URL), s.Ref),
		"name a branch, a tag or a whole commit")
}

// checkout gives a directory with the commit's files, from the cache where it has been before.
// A clone is made beside its place and renamed, so that a broken one is never found there.
func (p *Packages) checkout(ctx context.Context, s v1alpha1.GitSource, commit string) (string, error) {
	place := p.place(s.URL, commit)
	if _, err := os.Stat(place); err == nil {
		return place, nil
	}
	if err := os.MkdirAll(filepath.Dir(place), 0o755); err != nil {
		return "", fmt.Errorf("cache of packages: %w", err)
	}
	fresh, err := os.MkdirTemp(filepath.Dir(place), ".clone-*")
	if err != nil {
		return "", fmt.Errorf("cache of packages: %w", err)
	}
	defer os.RemoveAll(fresh)
	if err := clone(ctx, fresh, s, plumbing.NewHash(commit)); err != nil {
		return "", err
	}
	if err := os.Rename(fresh, place); err != nil {
		if _, statErr := os.Stat(place); statErr == nil {
			return place, nil // another process was faster
		}
		return "", fmt.Errorf("cache of packages: %w", err)
	}
	return place, nil
}

// clone fetches one commit without its history; from a server that gives out only what refs
// point to, everything.
func clone(ctx context.Context, dir string, s v1alpha1.GitSource, commit plumbing.Hash) error {
	repository, err := git.PlainInit(dir, false)
	if err != nil {
		return fmt.Errorf("cache of packages: %w", err)
	}
	remote, err := repository.CreateRemote(&config.RemoteConfig{Name: "origin", URLs: []string{s.URL}})
	if err != nil {
		return fmt.Errorf("cache of packages: %w", err)
	}
	err = remote.FetchContext(ctx, &git.FetchOptions{Depth: 1, Tags: git.NoTags,
		RefSpecs: []config.RefSpec{config.RefSpec(commit.String() + ":refs/heads/package")}})
	if err != nil && ctx.Err() == nil {
		err = remote.FetchContext(ctx, &git.FetchOptions{Tags: git.AllTags, RefSpecs: []config.RefSpec{"+refs/heads/*:refs/remotes/origin/*"}})
		if errors.Is(err, git.NoErrAlreadyUpToDate) {
			err = nil
		}
	}
	if err != nil {
		return explain(s, err)
	}
	worktree, err := repository.Worktree()
	if err != nil {
		return fmt.Errorf("check out %s of %s: %w", commit, redact(s.URL), err)
	}
	if err := worktree.Checkout(&git.CheckoutOptions{Hash: commit, Force: true}); err != nil {
		return fault.Invalid(fmt.Errorf("check out %s of %s: %w", commit, redact(s.URL), err), "see that the repository has this commit")
	}
	return nil
}

// explain says of a failed call what was asked and what may be done.
func explain(s v1alpha1.GitSource, err error) error {
	wrapped := fmt.Errorf("read Git repository %s: %w", redact(s.URL), err)
	switch {
	case errors.Is(err, transport.ErrAuthenticationRequired), errors.Is(err, transport.ErrAuthorizationFailed):
		return fault.Hint(wrapped, "use an ssh:// URL with a key in your SSH agent, or clone it and name the directory with packages[].path")
	case errors.Is(err, transport.ErrRepositoryNotFound):
		return fault.Invalid(wrapped, "see that packages[].git.url is right and that you may read it")
	case errors.Is(err, transport.ErrEmptyRemoteRepository):
		return fault.Invalid(wrapped, "the repository is empty")
	}
	return fault.Hint(wrapped, "see that this machine reaches the repository: git ls-remote "+redact(s.URL))
}

// redact takes a password out of a URL.
func redact(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return raw
	}
	return u.Redacted()
}
