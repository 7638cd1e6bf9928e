//lint:file-ignore SA1019 what Kustomize still reads, a check of roots has to read too

package kustomize

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// confined is a read-only file system that ends at root, for whatever path is asked and
// wherever symbolic links lead. Kustomization files are looked at as they are read, because
// Kustomize would fetch a remote entry before asking the file system anything.
type confined struct {
	filesys.FileSystem
	root string

	mu    sync.Mutex
	first error // the first refusal; Kustomize itself swallows some errors and tries on
}

var errReadOnly = errors.New("the file system is read-only")

func newConfined(root string) (*confined, error) {
	abs, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	if abs, err = filepath.EvalSymlinks(abs); err != nil {
		return nil, err
	}
	return &confined{FileSystem: filesys.MakeFsOnDisk(), root: abs}, nil
}

func (c *confined) refused() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.first
}

func (c *confined) refuse(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.first == nil {
		c.first = err
	}
	return err
}

// check gives nil for a path inside root; a path that does not exist is judged by its text.
func (c *confined) check(name string) error {
	abs, err := filepath.Abs(name)
	if err != nil {
		return err
	}
	resolved, err := filepath.EvalSymlinks(abs)
	if err != nil {
		resolved = filepath.Clean(abs)
	}
	if resolved == c.root || strings.HasPrefix(resolved, c.root+string(filepath.Separator)) {
		return nil
	}
	return c.refuse(fmt.Errorf("%s lies outside the directory it may read: %w", name, fs.ErrPermission))
}

func (c *confined) ReadFile(name string) ([]byte, error) {
	if err := c.check(name); err != nil {
		return nil, err
	}
	data, err := c.FileSystem.ReadFile(name)
	if err != nil || !slices.Contains(FileNames, filepath.Base(name)) {
		return data, err
	}
	var k types.Kustomization
	if err := k.Unmarshal(data); err != nil {
		return data, nil // Kustomize reports it better, with the file's name
	}
	if err := c.checkEntries(name, k); err != nil {
		return nil, c.refuse(err)
	}
	return modernize(k, data)
}

// checkEntries refuses entries that Kustomize would fetch from elsewhere.
func (c *confined) checkEntries(name string, k types.Kustomization) error {
	for _, entry := range entries(k) {
		if isRemote(entry) {
			rel, err := filepath.Rel(c.root, name)
			if err != nil {
				rel = name
			}
			return fmt.Errorf("%s names %s: remote resources are not fetched; keep a copy beside it", rel, entry)
		}
	}
	return nil
}

// modernize writes fields that Kustomize has renamed under their new names, where that means
// exactly the same: Kustomize prints a warning for each old one, past every reporter.
func modernize(k types.Kustomization, data []byte) ([]byte, error) {
	if k.Bases == nil && k.CommonLabels == nil && k.PatchesStrategicMerge == nil { //nolint:staticcheck // the old names
		return data, nil
	}
	k.Resources = append(k.Resources, k.Bases...) //nolint:staticcheck // as above
	k.Bases = nil                                 //nolint:staticcheck // as above
	if len(k.CommonLabels) > 0 {                  //nolint:staticcheck // as above
		k.Labels = append(k.Labels, types.Label{Pairs: k.CommonLabels, IncludeSelectors: true}) //nolint:staticcheck // as above
	}
	k.CommonLabels = nil //nolint:staticcheck // as above
	var merges []types.Patch
	for _, p := range k.PatchesStrategicMerge { //nolint:staticcheck // as above
		if strings.Contains(string(p), "\n") {
			merges = append(merges, types.Patch{Patch: string(p)})
		} else {
			merges = append(merges, types.Patch{Path: string(p)})
		}
	}
	k.Patches = append(merges, k.Patches...)
	k.PatchesStrategicMerge = nil //nolint:staticcheck // as above
	return yaml.Marshal(k)
}

// entries are all places of a kustomization that can name a file or a base.
func entries(k types.Kustomization) []string {
	out := slices.Concat(k.Resources, k.Components, k.Crds, k.Configurations, k.Generators, k.Transformers, k.Validators,
		k.Bases) //nolint:staticcheck // existing packages use it
	for _, p := range k.Patches {
		out = append(out, p.Path)
	}
	for _, p := range k.PatchesJson6902 { //nolint:staticcheck // existing packages use it
		out = append(out, p.Path)
	}
	for _, p := range k.PatchesStrategicMerge { //nolint:staticcheck // existing packages use it
		out = append(out, string(p))
	}
	for _, r := range k.Replacements {
		out = append(out, r.Path)
	}
	for _, g := range k.ConfigMapGenerator {
		out = append(out, sources(g.KvPairSources)...)
	}
	for _, g := range k.SecretGenerator {
		out = append(out, sources(g.KvPairSources)...)
	}
	return append(out, k.OpenAPI["path"])
}

func sources(s types.KvPairSources) []string {
	out := append(slices.Clone(s.EnvSources), s.EnvSource)
	for _, f := range s.FileSources {
		if _, file, ok := strings.Cut(f, "="); ok {
			f = file
		}
		out = append(out, f)
	}
	return out
}

// isRemote follows Kustomize's reading of remote targets: anything with a scheme, an SSH
// address, or the host that it knows without one. Inline documents have line ends.
func isRemote(entry string) bool {
	if strings.Contains(entry, "\n") {
		return false
	}
	return strings.Contains(entry, "://") || strings.HasPrefix(entry, "git@") ||
		strings.HasPrefix(entry, "git::") || strings.HasPrefix(strings.ToLower(entry), "github.com") ||
		strings.Contains(entry, "_git/") || strings.Contains(entry, ".git/") || strings.HasSuffix(entry, ".git") ||
		strings.Contains(entry, "?ref=")
}
