package unpack

import (
	"archive/tar"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"github.com/slipway-dev/slipway/internal/supply/layer"
)

// Whiteouts mark what a layer removes from those below (OCI image specification, layer.md).
const (
	whiteout = ".wh."
	opaque   = ".wh..wh..opq"
)

// entry writes one entry of a layer. os.Root keeps it inside, whatever its name and the links say.
func entry(root *os.Root, h *tar.Header, content io.Reader, own map[string]bool) error {
	name := layer.Clean(h.Name)
	if name == "" {
		return nil
	}
	dir, base := path.Split(name)
	dir = layer.Clean(dir)
	switch {
	case base == opaque:
		return clear(root, dir, own)
	case strings.HasPrefix(base, whiteout):
		return root.RemoveAll(path.Join(dir, strings.TrimPrefix(base, whiteout)))
	}
	own[name] = true
	if dir != "" {
		if err := root.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if h.Typeflag == tar.TypeDir {
		return directory(root, name, h)
	}
	if err := root.RemoveAll(name); err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeReg:
		return file(root, name, h, content)
	case tar.TypeSymlink:
		if err := root.Symlink(h.Linkname, name); err != nil {
			return err
		}
		return owner(root.Lchown, name, h)
	case tar.TypeLink:
		return root.Link(layer.Clean(h.Linkname), name)
	}
	return nil // devices and pipes are made by whoever runs the image
}

func directory(root *os.Root, name string, h *tar.Header) error {
	if fi, err := root.Lstat(name); err == nil && !fi.IsDir() {
		if err := root.RemoveAll(name); err != nil {
			return err
		}
	}
	if err := root.Mkdir(name, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return attributes(root, name, h)
}

func file(root *os.Root, name string, h *tar.Header, content io.Reader) error {
	f, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return attributes(root, name, h)
}

// attributes sets owner, mode and time, in this order: a change of owner takes setuid away.
func attributes(root *os.Root, name string, h *tar.Header) error {
	if err := owner(root.Chown, name, h); err != nil {
		return err
	}
	if err := root.Chmod(name, h.FileInfo().Mode()&(fs.ModePerm|fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky)); err != nil {
		return err
	}
	return root.Chtimes(name, time.Time{}, h.ModTime)
}

// owner sets an entry's owner where this process may.
func owner(chown func(string, int, int) error, name string, h *tar.Header) error {
	if os.Geteuid() != 0 {
		return nil
	}
	return chown(name, h.Uid, h.Gid)
}

// clear removes what lower layers put into dir.
func clear(root *os.Root, dir string, own map[string]bool) error {
	if dir == "" {
		dir = "."
	}
	d, err := root.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	names, err := d.Readdirnames(-1)
	if err = errors.Join(err, d.Close()); err != nil {
		return err
	}
	for _, n := range names {
		if p := path.Join(dir, n); !own[p] {
			if err := root.RemoveAll(p); err != nil {
				return err
			}
		}
	}
	return nil
}
