// Package supply brings every image that a platform needs into the local OCI store: pulled from
// registries or built from pinned sources, as the platform says, ahead of when it is needed.
// It never starts anything and never talks to a cluster. The command line decides with it what
// to do (Decide), lets it work in the background (Start), and unpacks the node's programs (Extract).
package supply

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/catalog"
	"github.com/slipway-dev/slipway/internal/progress"
	"github.com/slipway-dev/slipway/internal/supply/build"
	"github.com/slipway-dev/slipway/internal/supply/gomod"
	"github.com/slipway-dev/slipway/internal/supply/pull"
	"github.com/slipway-dev/slipway/internal/supply/store"
	"github.com/slipway-dev/slipway/internal/supply/unpack"
)

// ProgramID identifies the running program, which images can hold, by what was compiled into it.
func ProgramID() (string, error) { return build.ProgramID() }

// Store is the local OCI store; see [store.Store].
type Store = store.Store

// OpenStore opens the store at dir and makes it where it is missing.
func OpenStore(dir string) (*Store, error) { return store.Open(dir) }

// DefaultCacheDir is where images, build results and downloads are kept for all platforms of a user.
func DefaultCacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache folder: %w", err)
	}
	return filepath.Join(dir, "slipway"), nil
}

// Options configure a [Supplier].
type Options struct {
	Store    *Store
	Recipes  map[string]catalog.Recipe
	CacheDir string
	// Mode is one of v1alpha1's modes of supply; auto where empty.
	Mode    string
	Mirrors map[string]string
	// Pinned are the digests ("sha256:...") that a lock holds for pulled images, by recipe.
	Pinned map[string]string
	Report progress.Reporter
}

// Supplier brings images. It is safe for concurrent use, and several processes may use the same cache.
type Supplier struct {
	Options
	recipes map[string]build.Recipe
	builder *build.Builder
	puller  *pull.Puller
	modules *gomod.Client
	timings *timings
}

// New makes a supplier.
func New(o Options) (*Supplier, error) {
	if o.Mode == "" {
		o.Mode = v1alpha1.SupplyAuto
	}
	if o.Report == nil {
		o.Report = progress.Discard
	}
	s := &Supplier{Options: o, recipes: map[string]build.Recipe{}, modules: &gomod.Client{},
		puller: pull.New(o.Store, o.Mirrors), timings: &timings{path: filepath.Join(o.CacheDir, "timings.json")}}
	for name, r := range o.Recipes {
		s.recipes[name] = build.Recipe{Recipe: r.Recipe, FS: r.FS, Digest: r.Digest}
	}
	var err error
	s.builder, err = build.New(o.Store, o.CacheDir, s.modules)
	return s, err
}

// Extract unpacks a recipe's image, which must be in the store, into dir. Where dir holds
// that image already, nothing happens; else it is replaced in one step.
func (s *Supplier) Extract(ctx context.Context, recipe, dir string) error {
	d, ok, err := s.Image(ctx, recipe)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("unpack %s: its image is not in the store yet", recipe)
	}
	image, err := s.Store.ImageByDigest(d.Digest)
	if err != nil {
		return fmt.Errorf("unpack %s: %w", recipe, err)
	}
	if err := unpack.Image(ctx, image, d.Digest, dir); err != nil {
		return s.explain(fmt.Errorf("unpack %s: %w", recipe, err), dir)
	}
	return nil
}

// Image finds a recipe's image in the store, as the mode of supply wants it.
func (s *Supplier) Image(ctx context.Context, recipe string) (d v1.Descriptor, ok bool, err error) {
	r, err := s.recipe(recipe)
	if err != nil {
		return d, false, err
	}
	f, _, err := s.present(ctx, r)
	return f.Descriptor, f.how != "", err
}

// ModuleDir gives the source of a Go module that a component's go.mod requires; see [ModuleDir].
func (s *Supplier) ModuleDir(ctx context.Context, component, module string) (dir, version string, err error) {
	r, err := s.recipe(component)
	if err != nil {
		return "", "", err
	}
	m, err := s.modules.Dir(ctx, r.FS, module, nil)
	if err != nil {
		return "", "", fmt.Errorf("component %s: %w", component, err)
	}
	return m.Dir, m.Version, nil
}

// ModuleDir gives the folder, in the module cache and read-only, and the version of a Go module
// that the go.mod in fsys requires. What is not there yet is downloaded; it is always checked
// against the go.sum in fsys.
func ModuleDir(ctx context.Context, fsys fs.FS, module string) (dir, version string, err error) {
	m, err := (&gomod.Client{}).Dir(ctx, fsys, module, nil)
	return m.Dir, m.Version, err
}

func (s *Supplier) recipe(name string) (build.Recipe, error) {
	r, ok := s.recipes[name]
	if !ok {
		return build.Recipe{}, fmt.Errorf("there is no recipe %q in the catalogue", name)
	}
	return r, nil
}
