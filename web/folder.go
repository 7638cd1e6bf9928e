//go:build !embed_web

package web

import (
	"fmt"
	"io/fs"
	"os"

	"github.com/slipway-dev/slipway/internal/fault"
)

// variable names the environment variable that says where the built console is.
const variable = "SLIPWAY_WEB"

// FS gives the console's files, index.html first among them; nil where there is no console.
func FS() (fs.FS, error) {
	dir := os.Getenv(variable)
	if dir == "" {
		return nil, nil
	}
	files := os.DirFS(dir)
	if _, err := fs.Stat(files, "index.html"); err != nil {
		return nil, fault.Invalid(fmt.Errorf("%s is %s, which holds no console: %w", variable, dir, err),
			"build it by `make web`, and let the variable name web/dist")
	}
	return files, nil
}
