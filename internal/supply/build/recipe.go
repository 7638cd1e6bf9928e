// Package build makes images from recipes: each layer from its source by the machine's own clients,
// put together without a container engine. Images and layers are remembered by the digest of
// what they are made from, so that nothing is made twice. It takes no locks and knows no
// order: its caller, internal/supply, does.
package build

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/supply/sbom"
)

// Recipe is a recipe and the folder it stands in.
type Recipe struct {
	v1alpha1.Recipe
	FS     fs.FS
	Digest string
}

// Bases are the recipes that r's layers stand on.
func (r Recipe) Bases() []string {
	var bases []string
	for _, l := range r.Spec.Layers {
		if l.Base != "" && !slices.Contains(bases, l.Base) {
			bases = append(bases, l.Base)
		}
	}
	return bases
}

// heavy says whether making a layer compiles something, which takes all processors.
func heavy(l v1alpha1.Layer) bool { return l.Go != nil || l.NPM != nil }

// Heavy says whether building r may compile something.
func (r Recipe) Heavy() bool { return slices.ContainsFunc(r.Spec.Layers, heavy) }

// Image is a built image and what it was put together from.
type Image struct {
	Recipe     string        `json:"recipe"`
	Descriptor v1.Descriptor `json:"image"`
	Layers     []Layer       `json:"layers"`
	// Env is what images above it inherit.
	Env map[string]string `json:"env,omitempty"`
}

// Packages lists what all layers hold.
func (i Image) Packages() []sbom.Package {
	var all []sbom.Package
	for _, l := range i.Layers {
		all = append(all, l.Packages...)
	}
	return all
}

// Layer is a layer that is in the store.
type Layer struct {
	Descriptor v1.Descriptor  `json:"descriptor"`
	DiffID     v1.Hash        `json:"diffID"`
	Packages   []sbom.Package `json:"packages,omitempty"`
	// Links are the symbolic links that layers above must respect, path to target.
	Links map[string]string `json:"links,omitempty"`
}

// format is raised when the same recipe is put together differently than before.
const format = 1

// digest of what something is made from.
func digest(parts ...any) (string, error) {
	data, err := json.Marshal(append([]any{format}, parts...))
	if err != nil {
		return "", fmt.Errorf("digest of inputs: %w", err)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}
