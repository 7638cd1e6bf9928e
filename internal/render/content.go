package render

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/slipway-dev/slipway/internal/render/pack"
)

// Content is a directory that a package wants in a Git repository of its own, because an object
// of the package has the repository's URL in it.
type Content struct {
	// Unit is the package.
	Unit string
	// Repository is the repository's name, below RepositoryOwner; its branch is RepositoryBranch.
	Repository string
	// URL is the repository's URL as the package's objects have it.
	URL string
	// Dir is the directory on this machine; its files stand at the repository's root.
	Dir string
	// Digest is of the files' names, modes and bytes: it changes when the content does.
	Digest string
}

// Files lists the content's files, slash-separated and sorted, without Git's own. A symbolic
// link counts as the file it leads to.
func (c Content) Files() ([]string, error) { return pack.ContentFiles(c.Dir) }

// digest computes Digest.
func (c Content) digest() (string, error) {
	files, err := c.Files()
	if err != nil {
		return "", fmt.Errorf("read %s: %w", c.Dir, err)
	}
	h := sha256.New()
	for _, name := range files {
		if err := hashFile(h, filepath.Join(c.Dir, filepath.FromSlash(name)), name); err != nil {
			return "", fmt.Errorf("read %s: %w", c.Dir, err)
		}
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), nil
}

func hashFile(h io.Writer, file, name string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(h, "%q %t %d\n", name, info.Mode()&0o111 != 0, info.Size()); err != nil {
		return err
	}
	_, err = io.Copy(h, f)
	return err
}
