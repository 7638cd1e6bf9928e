// Package schemas holds the JSON Schemas of the files that people write, one a kind. They are
// generated from api/v1alpha1 by `go generate ./internal/spec`; editors and internal/spec read
// them.
package schemas

import (
	"embed"
	"strings"
)

//go:embed *.schema.json
var files embed.FS

// Read gives the schema of a kind ("Platform").
func Read(kind string) ([]byte, error) { return files.ReadFile(FileName(kind)) }

// FileName is the file that holds a kind's schema.
func FileName(kind string) string { return strings.ToLower(kind) + ".schema.json" }
