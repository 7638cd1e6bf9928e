package catalog

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"slices"
)

// Digest is "sha256:..." over the names and contents of all files in a folder, in the order
// of their names. Modes and times do not count.
func Digest(dir fs.FS) (string, error) {
	var names []string
	err := fs.WalkDir(dir, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("digest: %w", err)
	}
	slices.Sort(names)
	sum := sha256.New()
	for _, name := range names {
		content, err := fileSum(dir, name)
		if err != nil {
			return "", fmt.Errorf("digest %s: %w", name, err)
		}
		fmt.Fprintf(sum, "%x  %q\n", content, name)
	}
	return "sha256:" + hex.EncodeToString(sum.Sum(nil)), nil
}

func fileSum(dir fs.FS, name string) ([]byte, error) {
	f, err := dir.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return nil, err
	}
	return sum.Sum(nil), nil
}
