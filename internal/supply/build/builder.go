package build

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/supply/gomod"
	"github.com/slipway-dev/slipway/internal/supply/layer"
	"github.com/slipway-dev/slipway/internal/supply/sbom"
	"github.com/slipway-dev/slipway/internal/supply/store"
)

// Builder makes images into a store. It may be used by several goroutines, each with another recipe.
type Builder struct {
	store *store.Store
	cache string
	goes  *gomod.Client
}

// New makes a builder that remembers below cacheDir.
func New(s *store.Store, cacheDir string, goes *gomod.Client) (*Builder, error) {
	b := &Builder{store: s, cache: cacheDir, goes: goes}
	for _, d := range []string{"recipes", "layers", "work", "logs"} {
		if err := os.MkdirAll(filepath.Join(cacheDir, d), 0o755); err != nil {
			return nil, fmt.Errorf("prepare the cache: %w", err)
		}
	}
	store.Sweep(filepath.Join(cacheDir, "work"))
	return b, nil
}

// Key is the digest of everything that r's image is made from. bases holds the recipes by name.
func (b *Builder) Key(ctx context.Context, r Recipe, bases map[string]Recipe) (string, error) {
	return b.key(ctx, r, bases, nil)
}

func (b *Builder) key(ctx context.Context, r Recipe, bases map[string]Recipe, above []string) (string, error) {
	above = append(above, r.Metadata.Name)
	parts := []any{r.Digest, arch()}
	if usesGo(r) {
		env, err := b.goes.Env(ctx)
		if err != nil {
			return "", err
		}
		parts = append(parts, env.Version, env.Arch)
	}
	for _, name := range r.Bases() {
		base, ok := bases[name]
		if !ok {
			return "", fmt.Errorf("recipe %s: its base %s is not in the catalogue", r.Metadata.Name, name)
		}
		for _, a := range above {
			if a == name {
				return "", fmt.Errorf("recipe %s stands on itself: %s", name, strings.Join(append(above, name), " on "))
			}
		}
		k, err := b.key(ctx, base, bases, above)
		if err != nil {
			return "", err
		}
		parts = append(parts, name, k)
	}
	return digest(parts...)
}

func usesGo(r Recipe) bool {
	for _, l := range r.Spec.Layers {
		if l.Go != nil {
			return true
		}
	}
	return false
}

// Built finds the image that was built under a key, if all of it is still in the store.
func (b *Builder) Built(key string) (Image, bool) {
	var i Image
	if !readJSON(filepath.Join(b.cache, "recipes", key+".json"), &i) {
		return Image{}, false
	}
	return i, b.store.Complete(i.Descriptor.Digest)
}

// LogFile is where the output of a recipe's commands goes.
func (b *Builder) LogFile(recipe string) string { return filepath.Join(b.cache, "logs", recipe+".log") }

// Work says how a recipe is built.
type Work struct {
	// Bases are the images below, by recipe.
	Bases map[string]Image
	// Note is told what goes on.
	Note func(string)
	// Nice lowers the priority of the programs that run, as nice(1) does.
	Nice int
}

// Fetched says what Fetch found and did.
type Fetched struct {
	// Made says that a layer was made, and not all were known before.
	Made bool
	// Compile says that Build will have to compile something.
	Compile bool
}

// Fetch downloads what r needs, and makes the layers that are little more than downloads, so
// that Build only has to compile.
func (b *Builder) Fetch(ctx context.Context, r Recipe, work Work) (f Fetched, err error) {
	_, err = b.each(ctx, r, work, func(w *workshop, l v1alpha1.Layer, s source) (Layer, error) {
		made, ok, err := b.known(ctx, w, s)
		if err != nil || ok {
			return made, err
		}
		if !heavy(l) {
			f.Made = true
			return b.layer(ctx, w, s)
		}
		f.Compile = true
		if s, ok := s.(fetcher); ok {
			return Layer{}, s.fetch(ctx, w)
		}
		return Layer{}, nil
	})
	return f, err
}

// Build makes r's image and remembers it under key.
func (b *Builder) Build(ctx context.Context, r Recipe, key string, work Work) (Image, error) {
	layers, err := b.each(ctx, r, work, func(w *workshop, _ v1alpha1.Layer, s source) (Layer, error) {
		return b.layer(ctx, w, s)
	})
	if err != nil {
		return Image{}, err
	}
	work.Note("writing the image")
	image, err := b.put(ctx, r, key, work.Bases, layers)
	if err != nil {
		return Image{}, err
	}
	return image, b.writeJSON(filepath.Join("recipes", key+".json"), image)
}

// each calls do for each layer, from the bottom up, with a workshop of its own, and collects
// what it gives together with the layers of the bases.
func (b *Builder) each(ctx context.Context, r Recipe, work Work, do func(*workshop, v1alpha1.Layer, source) (Layer, error)) ([]Layer, error) {
	log, err := os.OpenFile(b.LogFile(r.Metadata.Name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the build log: %w", err)
	}
	defer log.Close()
	var layers []Layer
	below := map[string]string{}
	for i, l := range r.Spec.Layers {
		var made []Layer
		if l.Base != "" {
			base, ok := work.Bases[l.Base]
			if !ok {
				return nil, fmt.Errorf("layer %d: base %s is not built", i+1, l.Base)
			}
			made = base.Layers
		} else {
			one, err := b.inWorkshop(r, l, log, work, below, do)
			if err != nil {
				return nil, fmt.Errorf("layer %d: %w", i+1, err)
			}
			made = append(made, one)
		}
		for _, m := range made {
			maps.Copy(below, m.Links)
		}
		layers = append(layers, made...)
	}
	return layers, ctx.Err()
}

func (b *Builder) inWorkshop(r Recipe, l v1alpha1.Layer, log io.Writer, work Work, below map[string]string, do func(*workshop, v1alpha1.Layer, source) (Layer, error)) (made Layer, err error) {
	s, err := sourceOf(l)
	if err != nil {
		return Layer{}, err
	}
	dir, err := os.MkdirTemp(filepath.Join(b.cache, "work"), store.TempPattern())
	if err != nil {
		return Layer{}, fmt.Errorf("make a working folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	return do(&workshop{recipe: r, dir: dir, log: log, note: work.Note, nice: work.Nice, goes: b.goes, below: maps.Clone(below)}, l, s)
}

// known finds a layer that was made before from the same inputs.
func (b *Builder) known(ctx context.Context, w *workshop, s source) (l Layer, ok bool, err error) {
	key, err := layerKey(ctx, w, s)
	if err != nil {
		return l, false, err
	}
	ok = readJSON(filepath.Join(b.cache, "layers", key+".json"), &l) && b.store.HasBlob(l.Descriptor.Digest, l.Descriptor.Size)
	return l, ok, nil
}

func layerKey(ctx context.Context, w *workshop, s source) (string, error) {
	key, err := s.key(ctx, w)
	if err != nil {
		return "", err
	}
	return digest(fmt.Sprintf("%T", s), key, w.below)
}

// layer gives a layer, made now if it was not made before.
func (b *Builder) layer(ctx context.Context, w *workshop, s source) (Layer, error) {
	l, ok, err := b.known(ctx, w, s)
	if err != nil || ok {
		return l, err
	}
	tree := layer.New()
	l = Layer{}
	if l.Packages, err = s.fill(ctx, w, tree); err != nil {
		return Layer{}, err
	}
	if lk, ok := s.(linker); ok {
		l.Links = lk.links(tree)
	}
	w.note("writing a layer")
	if l.Descriptor, l.DiffID, err = tree.Store(ctx, b.store); err != nil {
		return Layer{}, err
	}
	key, err := layerKey(ctx, w, s)
	if err != nil {
		return Layer{}, err
	}
	return l, b.writeJSON(filepath.Join("layers", key+".json"), l)
}

// put writes configuration, manifest and SBOM.
func (b *Builder) put(ctx context.Context, r Recipe, key string, bases map[string]Image, layers []Layer) (Image, error) {
	image := Image{Recipe: r.Metadata.Name, Layers: layers, Env: map[string]string{}}
	for _, name := range r.Bases() {
		maps.Copy(image.Env, bases[name].Env)
	}
	maps.Copy(image.Env, r.Spec.Config.Env)
	config, labels := configuration(r, image), labels(r, key)
	config.Config.Labels = labels
	descriptors := make([]v1.Descriptor, len(layers))
	for i, l := range layers {
		descriptors[i] = l.Descriptor
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, l.DiffID)
		// One entry a layer, or Buildah refuses to build upon the image.
		config.History = append(config.History, v1.History{CreatedBy: "slipway: recipe " + r.Metadata.Name})
	}
	var err error
	if image.Descriptor, err = b.store.PutImage(ctx, config, descriptors, labels); err != nil {
		return Image{}, err
	}
	document, err := sbom.Document(sbom.Subject{
		Name: r.Metadata.Name, Version: r.Spec.Version, License: r.Spec.License, Source: r.Spec.Source,
		Digest: image.Descriptor.Digest.Hex,
	}, image.Packages())
	if err != nil {
		return Image{}, err
	}
	return image, b.store.Attach(ctx, image.Descriptor, sbom.MediaType, document)
}

func readJSON(path string, into any) bool {
	data, err := os.ReadFile(path)
	return err == nil && json.Unmarshal(data, into) == nil
}

// writeJSON replaces a file of the cache in one step.
func (b *Builder) writeJSON(name string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Join(b.cache, "work"), store.TempPattern())
	if err != nil {
		return fmt.Errorf("write to the cache: %w", err)
	}
	_, err = tmp.Write(data)
	if err = errors.Join(err, tmp.Chmod(0o644), tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), filepath.Join(b.cache, name))
	}
	if err != nil {
		_ = os.Remove(tmp.Name())
		return fmt.Errorf("write to the cache: %w", err)
	}
	return nil
}
