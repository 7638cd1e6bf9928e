package pipeline

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Forget removes what the builds of an application kept for the next ones: a folder team/application of the cache.
func (j Job) Forget(context.Context) error {
	if !filepath.IsLocal(j.Folder) || strings.Count(filepath.Clean(j.Folder), "/") != 1 {
		return fmt.Errorf("%q is not a folder team/application of the cache", j.Folder)
	}
	cache, err := os.OpenRoot(j.Cache)
	if err != nil {
		return err
	}
	defer cache.Close()
	if err := cache.RemoveAll(j.Folder); err != nil {
		return fmt.Errorf("clear the cache: %w", err)
	}
	_ = cache.Remove(filepath.Dir(j.Folder)) // the team's folder stays where it has other applications
	j.say("Removed %s", j.Folder)
	return nil
}
