package deliver

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/go-git/go-billy/v5/helper/iofs"
	"github.com/go-git/go-billy/v5/memfs"
	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-billy/v5/util"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/storage"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// Repository is this host's bare copy of a repository on the Git server: it is where commits
// are made, and it remembers what was delivered last. The server's copy is the one that counts.
type Repository struct{ store storage.Storer }

// OpenRepository opens the copy in dir, which is made where missing.
func OpenRepository(dir string) (*Repository, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open repository: %w", err)
	}
	store := filesystem.NewStorage(osfs.New(dir, osfs.WithBoundOS()), cache.NewObjectLRUDefault())
	if err := store.Init(); err != nil {
		return nil, fmt.Errorf("open repository %s: %w", dir, err)
	}
	return &Repository{store: store}, nil
}

var deliveredRef = plumbing.NewBranchReferenceName(Branch)

// Delivered gives the files as they were delivered last; ok is false where nothing was yet.
func (r *Repository) Delivered() (files fs.FS, commit string, ok bool, err error) {
	head, err := r.head()
	if err != nil || head.IsZero() {
		return nil, "", false, err
	}
	entries, err := r.flatten(head)
	if err != nil {
		return nil, "", false, err
	}
	memory := memfs.New()
	for path, e := range entries {
		data, err := r.read(e.hash)
		if err != nil {
			return nil, "", false, err
		}
		if err := util.WriteFile(memory, path, data, 0o644); err != nil {
			return nil, "", false, fmt.Errorf("read %s of what was delivered: %w", path, err)
		}
	}
	return iofs.New(memory), head.String(), true, nil
}

// head is the commit that was delivered last, zero where there is none.
func (r *Repository) head() (plumbing.Hash, error) {
	ref, err := r.store.Reference(deliveredRef)
	if errors.Is(err, plumbing.ErrReferenceNotFound) {
		return plumbing.ZeroHash, nil
	}
	if err != nil {
		return plumbing.ZeroHash, fmt.Errorf("read branch %s: %w", Branch, err)
	}
	return ref.Hash(), nil
}

func (r *Repository) setHead(commit plumbing.Hash) error {
	if err := r.store.SetReference(plumbing.NewHashReference(deliveredRef, commit)); err != nil {
		return fmt.Errorf("record commit %s as delivered: %w", commit, err)
	}
	return nil
}
