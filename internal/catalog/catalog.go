package catalog

import (
	"io/fs"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/spec"
)

// Catalog is everything known, by name.
type Catalog struct {
	Capabilities map[string]v1alpha1.Capability
	Tools        map[string]Tool
	Recipes      map[string]Recipe
	Blueprints   map[string]Blueprint

	contracts map[string]*spec.Document // of capabilities, for findings' lines
}

// Tool is a tool and its folder.
type Tool struct {
	v1alpha1.Tool
	// FS is the tool's folder: tool.yaml and what it names.
	FS fs.FS
	// Digest is "sha256:..." over the folder's file names and contents.
	Digest string
	// File is tool.yaml's name in messages.
	File string

	doc *spec.Document
}

// Recipe is a recipe and its component's folder, the wrapper module included.
type Recipe struct {
	v1alpha1.Recipe
	FS     fs.FS
	Digest string
	File   string

	doc *spec.Document
}

// Blueprint is a complete Platform file with its page.
type Blueprint struct {
	// Data is platform.yaml; Page is README.md.
	Data, Page []byte
	// Description is the page's first paragraph, on one line.
	Description string
	File        string
}
