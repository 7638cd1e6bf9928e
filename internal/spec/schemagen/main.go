// Command schemagen writes the JSON Schemas under schemas/ from the types in api/v1alpha1. It
// is run by `go generate ./internal/spec`, in that folder.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/slipway-dev/slipway/internal/spec/schemagen/generate"
	"github.com/slipway-dev/slipway/schemas"
)

func main() {
	if err := run("../.."); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(root string) error {
	for _, kind := range generate.Kinds {
		data, err := generate.Schema(root, kind)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(root, "schemas", schemas.FileName(kind)), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}
