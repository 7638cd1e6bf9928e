//go:build !embed_components

package components

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/slipway-dev/slipway/internal/fault"
)

// variable names the environment variable that says where the folder is.
const variable = "SLIPWAY_COMPONENTS"

// folder is the folder of components: $SLIPWAY_COMPONENTS, or the first folder called components
// with recipes in it, upwards from the executable and from the working directory.
func folder() (fs.FS, error) {
	if dir := os.Getenv(variable); dir != "" {
		if !hasRecipes(dir) {
			return nil, fault.Invalid(fmt.Errorf("%s is %s, which holds no */recipe.yaml", variable, dir),
				"let it name the folder components of Slipway's source")
		}
		return os.DirFS(dir), nil
	}
	executable, err := os.Executable()
	if err == nil {
		executable, err = filepath.EvalSymlinks(executable)
	}
	working, workingErr := os.Getwd()
	if err := errors.Join(err, workingErr); err != nil {
		return nil, fmt.Errorf("find the components: %w", err)
	}
	for _, start := range []string{filepath.Dir(executable), working} {
		if dir, ok := upwards(start); ok {
			return os.DirFS(dir), nil
		}
	}
	return nil, fault.Hint(fmt.Errorf("find the components: no folder components with recipes above %s or %s", executable, working),
		"run slipway inside its source folder, set "+variable+", or use a release, which carries them")
}

func upwards(dir string) (string, bool) {
	for {
		if found := filepath.Join(dir, "components"); hasRecipes(found) {
			return found, true
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", false
		}
		dir = parent
	}
}

func hasRecipes(dir string) bool {
	recipes, err := filepath.Glob(filepath.Join(dir, "*", "recipe.yaml"))
	return err == nil && len(recipes) > 0
}
