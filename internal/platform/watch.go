package platform

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/slipway-dev/slipway/internal/fault"
)

// quiet is how long files must rest after an edit before it counts: editors write several times.
const quiet = 300 * time.Millisecond

// WaitForEdit waits until the Platform file or a file of a local package is edited. watching is
// called when an edit from then on is seen.
func (l *Line) WaitForEdit(ctx context.Context, watching func()) error {
	dirs, err := l.localPackages(ctx)
	if err != nil {
		return err
	}
	if l.record.File != "" {
		dirs = append(dirs, filepath.Dir(l.record.File))
	}
	if len(dirs) == 0 {
		return fault.Invalid(errors.New("there is nothing to watch: the platform has no file and no local packages"), "give a file with -f")
	}
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watch files: %w", err)
	}
	defer w.Close()
	for i, dir := range dirs {
		deep := l.record.File == "" || i < len(dirs)-1
		if err := addDirs(w, dir, deep); err != nil {
			return err
		}
	}
	watching()
	var rest <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-w.Errors:
			return fmt.Errorf("watch files: %w", err)
		case e := <-w.Events:
			if l.concerns(e.Name) {
				rest = time.After(quiet)
			}
		case <-rest:
			return nil
		}
	}
}

// concerns leaves out what editors and Git write for themselves, and, beside the Platform file,
// everything else that lies there.
func (l *Line) concerns(file string) bool {
	base := filepath.Base(file)
	if base == ".git" || base[0] == '.' || base[len(base)-1] == '~' {
		return false
	}
	return l.record.File == "" || filepath.Dir(file) != filepath.Dir(l.record.File) || file == l.record.File
}

// addDirs watches dir, and with deep all directories below it.
func addDirs(w *fsnotify.Watcher, dir string, deep bool) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("watch files: %w", err)
		}
		if !d.IsDir() {
			return nil
		}
		if path != dir && (!deep || d.Name() == ".git") {
			return filepath.SkipDir
		}
		return w.Add(path)
	})
}
