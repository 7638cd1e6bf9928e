// Command syft-listing lists the packages that an image holds, by Syft's catalogers of what is installed in images,
// and writes the list as Syft's SPDX document to standard output. The image is the only one of an OCI layout; nothing
// is downloaded.
//
//	syft-listing FOLDER NAME@DIGEST
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/anchore/stereoscope/pkg/file"
	"github.com/anchore/stereoscope/pkg/image"
	"github.com/anchore/syft/internal/unknown"
	"github.com/anchore/syft/syft/artifact"
	"github.com/anchore/syft/syft/format/spdxjson"
	"github.com/anchore/syft/syft/pkg"
	"github.com/anchore/syft/syft/pkg/cataloger/alpine"
	"github.com/anchore/syft/syft/pkg/cataloger/debian"
	"github.com/anchore/syft/syft/pkg/cataloger/golang"
	"github.com/anchore/syft/syft/pkg/cataloger/javascript"
	"github.com/anchore/syft/syft/pkg/cataloger/php"
	"github.com/anchore/syft/syft/pkg/cataloger/python"
	"github.com/anchore/syft/syft/pkg/cataloger/ruby"
	"github.com/anchore/syft/syft/pkg/cataloger/rust"
	"github.com/anchore/syft/syft/sbom"
	"github.com/anchore/syft/syft/source"
	"github.com/anchore/syft/syft/source/stereoscopesource"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// version is Syft's, as go.mod has it; set by the linker.
var version = "0"

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "syft-listing FOLDER NAME@DIGEST")
		os.Exit(2)
	}
	if err := list(context.Background(), os.Args[1], os.Args[2], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// catalogers find what is installed; what only lists dependencies that may have been installed is left out.
func catalogers() []pkg.Cataloger {
	return []pkg.Cataloger{
		golang.NewGoModuleBinaryCataloger(golang.DefaultCatalogerConfig()),
		javascript.NewPackageCataloger(),
		python.NewInstalledPackageCataloger(),
		debian.NewDBCataloger(),
		alpine.NewDBCataloger(),
		ruby.NewInstalledGemSpecCataloger(),
		php.NewComposerInstalledCataloger(),
		rust.NewAuditBinaryCataloger(),
	}
}

func list(ctx context.Context, folder, name string, out io.Writer) (err error) {
	layers, err := only(folder)
	if err != nil {
		return fmt.Errorf("read the image: %w", err)
	}
	temp := file.NewTempDirGenerator("syft")
	defer func() { err = errors.Join(err, temp.Cleanup()) }()
	cache, err := temp.NewDirectory("contents")
	if err != nil {
		return err
	}
	img := image.New(layers, temp, cache, image.WithRepoDigests(name))
	if err := img.Read(image.WithLazyLayerSquashes(ctx)); err != nil {
		return fmt.Errorf("read the image: %w", err)
	}
	src := stereoscopesource.New(img, stereoscopesource.ImageConfig{Reference: name})
	content, err := src.FileResolver(source.SquashedScope)
	if err != nil {
		return err
	}
	found := sbom.SBOM{Source: src.Describe(), Descriptor: sbom.Descriptor{Name: "syft", Version: version},
		Artifacts: sbom.Artifacts{Packages: pkg.NewCollection()}}
	for _, c := range catalogers() {
		packages, relations, err := c.Catalog(ctx, content)
		// A file that is not what its name says is said, and holds nothing; everything else ends the listing.
		strange, err := unknown.ExtractCoordinateErrors(err)
		for _, f := range strange {
			fmt.Fprintf(os.Stderr, "%s: %s: %v\n", c.Name(), f.Coordinates.RealPath, f.Reason)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", c.Name(), err)
		}
		packages, relations = named(packages, relations)
		found.Artifacts.Packages.Add(packages...)
		found.Relationships = append(found.Relationships, relations...)
	}
	encoder, err := spdxjson.NewFormatEncoderWithConfig(spdxjson.DefaultEncoderConfig())
	if err != nil {
		return err
	}
	return encoder.Encode(out, found)
}

// named leaves out packages without a name, as Syft's own command does by default: files like a package.json that
// only says how JavaScript is to be read, inside a package that has a name.
func named(packages []pkg.Package, relations []artifact.Relationship) ([]pkg.Package, []artifact.Relationship) {
	nameless := map[artifact.ID]bool{}
	packages = slices.DeleteFunc(packages, func(p pkg.Package) bool {
		if p.Name == "" {
			nameless[p.ID()] = true
		}
		return p.Name == ""
	})
	relations = slices.DeleteFunc(relations, func(r artifact.Relationship) bool {
		return nameless[r.From.ID()] || nameless[r.To.ID()]
	})
	return packages, relations
}

// only is the one image of an OCI layout.
func only(folder string) (v1.Image, error) {
	index, err := layout.ImageIndexFromPath(folder)
	if err != nil {
		return nil, err
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	if len(manifest.Manifests) != 1 {
		return nil, fmt.Errorf("%s holds %d images, not one", folder, len(manifest.Manifests))
	}
	return index.Image(manifest.Manifests[0].Digest)
}
