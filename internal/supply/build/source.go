package build

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/supply/gomod"
	"github.com/slipway-dev/slipway/internal/supply/layer"
	"github.com/slipway-dev/slipway/internal/supply/sbom"
)

// source is what a layer is made from.
type source interface {
	// key gives everything that the layer's content depends on, as JSON can write it.
	key(ctx context.Context, w *workshop) (any, error)
	// fill makes the layer's files and says what is in them.
	fill(ctx context.Context, w *workshop, t *layer.Tree) ([]sbom.Package, error)
}

// fetcher is a source whose downloads can run ahead of its making.
type fetcher interface {
	fetch(ctx context.Context, w *workshop) error
}

// linker is a source whose symbolic links layers above must respect.
type linker interface {
	links(t *layer.Tree) map[string]string
}

// workshop is where one recipe is built.
type workshop struct {
	recipe Recipe
	// dir is a folder of its own, gone after the build.
	dir  string
	log  io.Writer
	note func(string)
	nice int
	goes *gomod.Client
	// below are the symbolic links of lower layers.
	below map[string]string
}

// sourceOf picks the source that a layer sets.
func sourceOf(l v1alpha1.Layer) (source, error) {
	switch {
	case l.Debian != nil:
		return debian{*l.Debian}, nil
	case l.Go != nil:
		return golang{*l.Go}, nil
	case l.Module != nil:
		return moduleFiles{*l.Module}, nil
	case l.Wheel != nil:
		return wheel{*l.Wheel}, nil
	case l.NPM != nil:
		return npm{*l.NPM}, nil
	case l.Maven != nil:
		return maven{*l.Maven}, nil
	case l.Self != "":
		return self(l.Self), nil
	case l.Files != nil:
		return files(l.Files), nil
	case l.Links != nil:
		return links(l.Links), nil
	case l.Directories != nil:
		return directories(l.Directories), nil
	}
	return nil, errors.New("a layer without a source")
}

// at gives the path to use in this layer for a path in the image.
func (w *workshop) at(p string) string { return layer.Follow(p, w.below) }

// folderDigest covers the recipe's folder except the recipe itself.
func folderDigest(fsys fs.FS) (map[string]string, error) {
	sums := map[string]string{}
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || p == "recipe.yaml" {
			return err
		}
		data, err := fs.ReadFile(fsys, p)
		if err != nil {
			return err
		}
		sums[p], err = digest(data)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the recipe's folder: %w", err)
	}
	return sums, nil
}
