// Package source finds the directories of packages: those beside the Platform file, and those in
// Git repositories, which it clones into a cache by commit. It reads repositories with the
// machine's SSH agent and what a URL carries; what a package holds is no business of its own.
package source

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/fault"
)

// Packages finds packages. Its methods may be called concurrently.
type Packages struct {
	// Dir is the directory of the Platform file, which local paths are relative to.
	Dir string
	// CacheDir keeps clones.
	CacheDir string

	mu       sync.Mutex
	resolved map[v1alpha1.GitSource]string
}

// Package gives the directory of a package. A branch is resolved once in the life of p: all
// that ask see the same commit.
func (p *Packages) Package(ctx context.Context, pkg v1alpha1.Package) (string, error) {
	if pkg.Git == nil {
		dir := pkg.Path
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(p.Dir, dir)
		}
		return dir, nil
	}
	commit, err := p.Resolve(ctx, *pkg.Git)
	if err != nil {
		return "", fmt.Errorf("package %s: %w", pkg.Name, err)
	}
	clone, err := p.checkout(ctx, *pkg.Git, commit)
	if err != nil {
		return "", fmt.Errorf("package %s: %w", pkg.Name, err)
	}
	path := filepath.FromSlash(pkg.Path)
	if path == "" {
		path = "."
	}
	if !filepath.IsLocal(path) {
		return "", fault.Invalid(fmt.Errorf("package %s: path %s leads out of the repository", pkg.Name, pkg.Path), "give a path inside the repository")
	}
	dir := filepath.Join(clone, path)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return "", fault.Invalid(fmt.Errorf("package %s: %s has no directory %s at %s", pkg.Name, redact(pkg.Git.URL), pkg.Path, commit[:12]),
			"see the repository's folders at that ref")
	}
	return dir, nil
}

// place is where a repository's commit is kept.
func (p *Packages) place(url, commit string) string {
	sum := sha256.Sum256([]byte(url))
	return filepath.Join(p.CacheDir, hex.EncodeToString(sum[:8]), commit)
}
