package deliver

import (
	"errors"
	"fmt"
	"io"
	"sort"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// entry is a file in a commit.
type entry struct {
	mode filemode.FileMode
	hash plumbing.Hash
}

// flatten lists all files of a commit by path; none for the zero hash.
func (r *Repository) flatten(commit plumbing.Hash) (map[string]entry, error) {
	files := map[string]entry{}
	if commit.IsZero() {
		return files, nil
	}
	c, err := object.GetCommit(r.store, commit)
	if err != nil {
		return nil, fmt.Errorf("read commit %s: %w", commit, err)
	}
	tree, err := c.Tree()
	if err != nil {
		return nil, fmt.Errorf("read tree of commit %s: %w", commit, err)
	}
	walker := object.NewTreeWalker(tree, true, nil)
	defer walker.Close()
	for {
		path, e, err := walker.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read tree of commit %s: %w", commit, err)
		}
		if e.Mode != filemode.Dir {
			files[path] = entry{e.Mode, e.Hash}
		}
	}
}

// read gives a blob's contents.
func (r *Repository) read(hash plumbing.Hash) ([]byte, error) {
	blob, err := object.GetBlob(r.store, hash)
	if err != nil {
		return nil, fmt.Errorf("read blob %s: %w", hash, err)
	}
	reader, err := blob.Reader()
	if err != nil {
		return nil, fmt.Errorf("read blob %s: %w", hash, err)
	}
	defer func() { _ = reader.Close() }()
	return io.ReadAll(reader)
}

// write stores data as a blob, unless it is there already.
func (r *Repository) write(data []byte) (plumbing.Hash, error) {
	hash := plumbing.ComputeHash(plumbing.BlobObject, data)
	if r.store.HasEncodedObject(hash) == nil {
		return hash, nil
	}
	blob := r.store.NewEncodedObject()
	blob.SetType(plumbing.BlobObject)
	w, err := blob.Writer()
	if err != nil {
		return hash, fmt.Errorf("write blob: %w", err)
	}
	if _, err := w.Write(data); err != nil {
		return hash, fmt.Errorf("write blob: %w", err)
	}
	if err := w.Close(); err != nil {
		return hash, fmt.Errorf("write blob: %w", err)
	}
	if _, err := r.store.SetEncodedObject(blob); err != nil {
		return hash, fmt.Errorf("write blob: %w", err)
	}
	return hash, nil
}

// encode writes an object that can encode itself.
func (r *Repository) encode(o interface {
	Encode(plumbing.EncodedObject) error
}, kind string) (plumbing.Hash, error) {
	encoded := r.store.NewEncodedObject()
	if err := o.Encode(encoded); err != nil {
		return plumbing.ZeroHash, fmt.Errorf("encode %s: %w", kind, err)
	}
	if r.store.HasEncodedObject(encoded.Hash()) == nil {
		return encoded.Hash(), nil
	}
	hash, err := r.store.SetEncodedObject(encoded)
	if err != nil {
		return hash, fmt.Errorf("write %s: %w", kind, err)
	}
	return hash, nil
}

// folder is a tree object in the making.
type folder struct {
	files   map[string]entry
	folders map[string]*folder
}

func newFolder() *folder { return &folder{files: map[string]entry{}, folders: map[string]*folder{}} }

// tree writes the tree objects that hold files, and returns the root's hash.
func (r *Repository) tree(f *folder) (plumbing.Hash, error) {
	var entries []object.TreeEntry
	for name, e := range f.files {
		entries = append(entries, object.TreeEntry{Name: name, Mode: e.mode, Hash: e.hash})
	}
	for name, sub := range f.folders {
		hash, err := r.tree(sub)
		if err != nil {
			return hash, err
		}
		entries = append(entries, object.TreeEntry{Name: name, Mode: filemode.Dir, Hash: hash})
	}
	sort.Sort(object.TreeEntrySorter(entries))
	return r.encode(&object.Tree{Entries: entries}, "tree")
}
