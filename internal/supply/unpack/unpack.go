// Package unpack writes an image's file system into a directory of the host, in one step and
// only where it is not there already.
package unpack

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sys/unix"

	"github.com/slipway-dev/slipway/internal/supply/store"
)

// marker is the file that says which image a directory holds.
const marker = ".slipway-image"

// Current says whether dir holds the image with that digest already.
func Current(dir string, digest v1.Hash) bool {
	data, err := os.ReadFile(filepath.Join(dir, marker))
	return err == nil && strings.TrimSpace(string(data)) == digest.String()
}

// Image makes dir hold an image's files. It unpacks beside and swaps, so that dir is always
// whole; programs that run from the old one keep running.
func Image(ctx context.Context, image v1.Image, digest v1.Hash, dir string) (err error) {
	if Current(dir, digest) {
		return nil
	}
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return fmt.Errorf("unpack image: %w", err)
	}
	waiting := filepath.Join(parent, ".unpack")
	if err := os.MkdirAll(waiting, 0o700); err != nil {
		return fmt.Errorf("unpack image: %w", err)
	}
	store.Sweep(waiting)
	tmp, err := os.MkdirTemp(waiting, store.TempPattern())
	if err != nil {
		return fmt.Errorf("unpack image: %w", err)
	}
	defer func() {
		err = errors.Join(err, os.RemoveAll(tmp))
		_ = os.Remove(waiting) // stays while another process unpacks there
	}()
	if err := os.Chmod(tmp, 0o755); err != nil {
		return fmt.Errorf("unpack image: %w", err)
	}
	if err := layers(ctx, image, tmp); err != nil {
		return fmt.Errorf("unpack image: %w", err)
	}
	if err := os.WriteFile(filepath.Join(tmp, marker), []byte(digest.String()+"\n"), 0o644); err != nil {
		return fmt.Errorf("unpack image: %w", err)
	}
	return swap(tmp, dir)
}

// swap puts tmp in the place of dir in one step; what dir held is in tmp then.
func swap(tmp, dir string) error {
	err := unix.Renameat2(unix.AT_FDCWD, tmp, unix.AT_FDCWD, dir, unix.RENAME_EXCHANGE)
	if errors.Is(err, unix.ENOENT) {
		err = os.Rename(tmp, dir)
	} else if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) { // not on this file system
		err = errors.Join(os.Rename(dir, tmp+".old"), os.Rename(tmp, dir), os.RemoveAll(tmp+".old"))
	}
	if err != nil {
		return fmt.Errorf("unpack image to %s: %w", dir, err)
	}
	return nil
}

// layers unpacks from the bottom up.
func layers(ctx context.Context, image v1.Image, dir string) error {
	all, err := image.Layers()
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, l := range all {
		r, err := l.Uncompressed()
		if err != nil {
			return err
		}
		err = one(ctx, root, r)
		if err = errors.Join(err, r.Close()); err != nil {
			return err
		}
	}
	return nil
}

func one(ctx context.Context, root *os.Root, r io.Reader) error {
	own := map[string]bool{} // what this layer wrote, which its opaque whiteouts leave alone
	in := tar.NewReader(r)
	for {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			// Read on to the very end, where the digest is verified.
			_, err = io.Copy(io.Discard, r)
			return err
		}
		if err != nil {
			return err
		}
		if err := entry(root, h, in, own); err != nil {
			return fmt.Errorf("%s: %w", h.Name, err)
		}
	}
}
