package layer

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
)

// Import adds the entries of a tar file for which keep is true. The file is read again when the tree is
// written, so it must stay until then. Devices are left out. Directories come along when keep says so,
// or with their mode when something below them does.
func (t *Tree) Import(file string, keep func(p string, typ byte) bool) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	dirs := map[string]Entry{}
	hard := map[string]string{}
	all := map[string]Entry{}
	kept := []string{}
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", file, err)
		}
		p := Clean(h.Name)
		if p == "" {
			continue
		}
		e := Entry{Type: h.Typeflag, Mode: h.Mode & 0o7777, UID: h.Uid, GID: h.Gid, Target: h.Linkname}
		switch h.Typeflag {
		case tar.TypeDir:
			dirs[p] = e
		case tar.TypeReg:
			at, err := f.Seek(0, io.SeekCurrent)
			if err != nil {
				return err
			}
			e.Size, e.Open = h.Size, section(file, at, h.Size)
			all[p] = e
		case tar.TypeSymlink:
			all[p] = e
		case tar.TypeLink:
			hard[p] = Clean(h.Linkname)
		default:
			continue
		}
		if keep(p, h.Typeflag) {
			kept = append(kept, p)
		}
	}
	return t.addKept(kept, dirs, all, hard)
}

func (t *Tree) addKept(kept []string, dirs, all map[string]Entry, hard map[string]string) error {
	for _, p := range kept {
		for d := path.Dir(p); d != "."; d = path.Dir(d) {
			if e, ok := dirs[d]; ok {
				t.Put(d, e)
			}
		}
		if e, ok := dirs[p]; ok {
			t.Put(p, e)
			continue
		}
		if e, ok := all[p]; ok {
			t.Put(p, e)
		}
	}
	for _, p := range kept {
		origin, ok := hard[p]
		if !ok {
			continue
		}
		if _, there := t.entries[origin]; there {
			t.hard[p] = origin
			continue
		}
		e, ok := all[origin]
		if !ok {
			return fmt.Errorf("%s: hard link to %s, which is missing", p, origin)
		}
		t.Put(p, e) // what it shares its content with is left out, so it has the content itself
	}
	return nil
}

func section(file string, at, size int64) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		return struct {
			io.Reader
			io.Closer
		}{io.NewSectionReader(f, at, size), f}, nil
	}
}

// Follow gives the path that p has once the symbolic links among its parents, path to target,
// are followed: "bin/sh" is "usr/bin/sh" where bin links to usr/bin. A layer must name
// files so, because a directory in it would hide the link below.
func Follow(p string, links map[string]string) string {
	p = Clean(p)
	for range 40 { // as many as the kernel follows
		next, changed := followOnce(p, links)
		if !changed {
			return p
		}
		p = next
	}
	return p
}

func followOnce(p string, links map[string]string) (string, bool) {
	parts := strings.Split(p, "/")
	for i := 1; i < len(parts); i++ {
		parent := strings.Join(parts[:i], "/")
		target, ok := links[parent]
		if !ok {
			continue
		}
		if !path.IsAbs(target) {
			target = path.Join("/", path.Dir(parent), target)
		}
		return Clean(path.Join(target, strings.Join(parts[i:], "/"))), true
	}
	return p, false
}
