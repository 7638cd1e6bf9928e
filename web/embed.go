//go:build embed_web

package web

import (
	"embed"
	"fmt"
	"io/fs"
)

// dist is made by `npm run build` in this folder.
//
//go:embed dist
var dist embed.FS

// FS gives the console's files, index.html first among them.
func FS() (fs.FS, error) {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		return nil, fmt.Errorf("read the embedded console: %w", err)
	}
	return files, nil
}
