// Package catalog embeds Slipway's own catalogue: capabilities, tools and blueprints, all of
// them data. internal/catalog reads it.
package catalog

import (
	"embed"
	"io/fs"
)

//go:embed all:capabilities all:tools all:blueprints
var files embed.FS

// FS is the catalogue's folder.
func FS() fs.FS { return files }
