// Package layer puts file trees together in memory and writes them as container image layers. The same
// tree always gives the same bytes: sorted, with fixed times, and with the owners it was told.
package layer

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
	"time"
)

// Entry is one file, directory or link. Its path is the key in [Tree].
type Entry struct {
	Type   byte // tar.TypeReg, TypeDir, TypeSymlink
	Mode   int64
	UID    int
	GID    int
	Target string // of a symbolic link
	Size   int64
	// Open gives a regular file's content, as often as it is called.
	Open func() (io.ReadCloser, error)
}

// Tree holds entries by path: slash-separated, without a leading slash. Parent directories need
// not be in it: whoever unpacks makes those that lower layers don't have already.
type Tree struct {
	entries map[string]Entry
	// hard maps a path to the path whose content it shares.
	hard map[string]string
}

// New makes an empty tree.
func New() *Tree { return &Tree{entries: map[string]Entry{}, hard: map[string]string{}} }

// Clean gives a path as trees hold it.
func Clean(p string) string { return strings.TrimPrefix(path.Clean("/"+p), "/") }

// Put sets an entry.
func (t *Tree) Put(p string, e Entry) {
	delete(t.hard, Clean(p))
	t.entries[Clean(p)] = e
}

// Len is the number of entries.
func (t *Tree) Len() int { return len(t.entries) + len(t.hard) }

// Get finds an entry.
func (t *Tree) Get(p string) (Entry, bool) {
	e, ok := t.entries[Clean(p)]
	return e, ok
}

// Paths lists all paths, sorted.
func (t *Tree) Paths() []string {
	paths := make([]string, 0, t.Len())
	for p := range t.entries {
		paths = append(paths, p)
	}
	for p := range t.hard {
		paths = append(paths, p)
	}
	sort.Strings(paths)
	return paths
}

// Links gives the symbolic links, path to target.
func (t *Tree) Links() map[string]string {
	links := map[string]string{}
	for p, e := range t.entries {
		if e.Type == tar.TypeSymlink {
			links[p] = e.Target
		}
	}
	return links
}

// PutBytes sets a file owned by root.
func (t *Tree) PutBytes(p string, mode int64, data []byte) {
	t.Put(p, Entry{Type: tar.TypeReg, Mode: mode, Size: int64(len(data)), Open: func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(data)), nil
	}})
}

// PutLink sets a symbolic link.
func (t *Tree) PutLink(p, target string) {
	t.Put(p, Entry{Type: tar.TypeSymlink, Mode: 0o777, Target: target})
}

// PutDir sets a directory.
func (t *Tree) PutDir(p string, mode int64, uid, gid int) {
	t.Put(p, Entry{Type: tar.TypeDir, Mode: mode, UID: uid, GID: gid})
}

// PutFile sets a file owned by root from a file on the host.
func (t *Tree) PutFile(p string, mode int64, host string) error {
	fi, err := os.Stat(host)
	if err != nil {
		return err
	}
	if !fi.Mode().IsRegular() {
		return fmt.Errorf("%s is not a file", host)
	}
	t.Put(p, Entry{Type: tar.TypeReg, Mode: mode, Size: fi.Size(), Open: func() (io.ReadCloser, error) { return os.Open(host) }})
	return nil
}

// PutAll sets a file or a whole directory from the host below p, owned by root: directories
// 0755, files 0644, or 0755 where they are executable on the host. Links are kept as they are.
func (t *Tree) PutAll(p, host string) error {
	return filepath.WalkDir(host, func(at string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(host, at)
		if err != nil {
			return err
		}
		to := path.Join(p, filepath.ToSlash(rel))
		switch {
		case d.IsDir():
			t.PutDir(to, 0o755, 0, 0)
			return nil
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(at)
			if err != nil {
				return err
			}
			t.PutLink(to, target)
			return nil
		case !d.Type().IsRegular():
			return nil // sockets and devices are no content
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		mode := int64(0o644)
		if fi.Mode()&0o111 != 0 {
			mode = 0o755
		}
		return t.PutFile(to, mode, at)
	})
}

// WriteTar writes the tree. A path that shares another's content becomes a hard link to the
// first of them in the order of the archive.
func (t *Tree) WriteTar(w io.Writer) error {
	out := tar.NewWriter(w)
	first := map[string]string{} // by the path that has the content
	for _, p := range t.Paths() {
		e, ok := t.entries[p]
		origin := p
		if !ok {
			origin = t.hard[p]
			e = t.entries[origin]
		}
		if at, written := first[origin]; written {
			if err := out.WriteHeader(header(p, Entry{Type: tar.TypeLink, Mode: e.Mode, UID: e.UID, GID: e.GID, Target: at})); err != nil {
				return fmt.Errorf("%s: %w", p, err)
			}
			continue
		}
		if err := writeEntry(out, p, e); err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
		if e.Type == tar.TypeReg {
			first[origin] = p
		}
	}
	return out.Close()
}

func writeEntry(out *tar.Writer, p string, e Entry) error {
	if err := out.WriteHeader(header(p, e)); err != nil {
		return err
	}
	if e.Type != tar.TypeReg {
		return nil
	}
	r, err := e.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(out, r)
	return err
}

// epoch is every entry's time. Servers that derive Last-Modified from it leave that header
// out for this very value (Go's net/http does), so that no cache mistakes a new version for an old one.
var epoch = time.Unix(0, 0)

func header(p string, e Entry) *tar.Header {
	h := &tar.Header{
		Typeflag: e.Type, Name: p, Linkname: e.Target, Mode: e.Mode, Uid: e.UID, Gid: e.GID,
		Size: e.Size, ModTime: epoch, Format: tar.FormatPAX,
	}
	if e.Type == tar.TypeDir {
		h.Name += "/"
	}
	return h
}

// Remove takes a path out; what lies below it stays.
func (t *Tree) Remove(p string) {
	delete(t.entries, Clean(p))
	delete(t.hard, Clean(p))
}
