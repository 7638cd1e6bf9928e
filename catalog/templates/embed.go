// Package templates embeds the golden paths: Backstage templates with their skeletons, by which a
// new application starts. internal/scaffold runs them.
package templates

import (
	"embed"
	"io/fs"
)

//go:embed all:go-service all:node-web all:python-service all:scheduled-job all:static-site catalog-info.yaml
var files embed.FS

// FS is the folder of the golden paths: one folder each, with a template.yaml.
func FS() fs.FS { return files }
