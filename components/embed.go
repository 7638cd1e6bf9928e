//go:build embed_components

package components

import (
	"archive/zip"
	"bytes"
	_ "embed"
	"fmt"
	"io/fs"
)

// archive is made by `go run ./pack` in this folder.
//
//go:embed components.zip
var archive []byte

// folder is the folder of components that the binary carries.
func folder() (fs.FS, error) {
	files, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return nil, fmt.Errorf("read the embedded components: %w", err)
	}
	return files, nil
}
