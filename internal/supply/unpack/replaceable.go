package unpack

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/slipway-dev/slipway/internal/fault"
)

// Replaceable is an error where dir holds anything but an earlier image: [Image] takes the place
// of all that a directory holds.
func Replaceable(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return fault.Invalid(fmt.Errorf("unpack image: %w", err), "name a directory")
	}
	if _, err := os.Stat(filepath.Join(dir, marker)); err != nil {
		return fault.Invalid(fmt.Errorf("unpack image: %s holds something else, which would be lost", dir), "name a directory that is empty or not there yet")
	}
	return nil
}
