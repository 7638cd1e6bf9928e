// Package diskstore keeps runs of templates in a folder, so that they outlive the process: one folder
// a run, with the record and the workspace that belongs to it. Files are written beside their place
// and moved there, so that a crash leaves the old one or the new one.
package diskstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"github.com/slipway-dev/slipway/internal/scaffold"
)

// Store keeps runs in a folder. It can be used from several goroutines.
type Store struct{ root *os.Root }

// Open makes a store of a folder, which is made if it is not there.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	return &Store{root}, err
}

// Close gives the folder up.
func (s *Store) Close() error { return s.root.Close() }

const record = "run.json"

// runID is what a run may be called: its name is that of a folder.
var runID = regexp.MustCompile(`^[A-Za-z0-9][-A-Za-z0-9_]{0,127}$`)

// Save stores a record.
func (s *Store) Save(_ context.Context, run *scaffold.Run) error {
	text, err := json.Marshal(run)
	if err != nil {
		return err
	}
	if err := s.write(run.ID, record, text); err != nil {
		return err
	}
	return s.prune(run.ID, run.Snapshot)
}

// SaveFiles stores a workspace.
func (s *Store) SaveFiles(_ context.Context, run string, snapshot int, files []scaffold.File) error {
	text, err := json.Marshal(files)
	if err != nil {
		return err
	}
	return s.write(run, workspace(snapshot), text)
}

// Files gives a workspace back.
func (s *Store) Files(_ context.Context, run string, snapshot int) ([]scaffold.File, error) {
	text, err := s.read(run, workspace(snapshot))
	if err != nil {
		return nil, err
	}
	var files []scaffold.File
	return files, json.Unmarshal(text, &files)
}

// Load gives a record back. The error is [fs.ErrNotExist] where there is none.
func (s *Store) Load(_ context.Context, run string) (*scaffold.Run, error) {
	text, err := s.read(run, record)
	if err != nil {
		return nil, err
	}
	return scaffold.DecodeRun(text)
}

// List gives the IDs of all runs, sorted.
func (s *Store) List(context.Context) ([]string, error) {
	entries, err := fs.ReadDir(s.root.FS(), ".")
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		if _, err := s.root.Stat(filepath.Join(e.Name(), record)); err == nil {
			out = append(out, e.Name())
		}
	}
	slices.Sort(out)
	return out, nil
}

// Delete removes a run.
func (s *Store) Delete(_ context.Context, run string) error {
	if !runID.MatchString(run) {
		return fmt.Errorf("%q cannot be the ID of a run", run)
	}
	return s.root.RemoveAll(run)
}

func workspace(snapshot int) string { return "workspace-" + strconv.Itoa(snapshot) + ".json" }

func (s *Store) read(run, name string) ([]byte, error) {
	if !runID.MatchString(run) {
		return nil, fmt.Errorf("run %q: %w", run, fs.ErrNotExist)
	}
	return s.root.ReadFile(filepath.Join(run, name))
}

// write puts a file in its place in one move, on the disk before it returns.
func (s *Store) write(run, name string, text []byte) error {
	if !runID.MatchString(run) {
		return fmt.Errorf("%q cannot be the ID of a run", run)
	}
	if err := s.root.MkdirAll(run, 0o700); err != nil {
		return err
	}
	place := filepath.Join(run, name)
	beside := place + ".new"
	f, err := s.root.OpenFile(beside, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := s.root.Rename(beside, place); err != nil {
		return err
	}
	return s.sync(run)
}

// sync brings a folder's names to the disk.
func (s *Store) sync(run string) error {
	dir, err := s.root.Open(run)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

var saved = regexp.MustCompile(`^workspace-(\d+)\.json$`)

// prune removes the workspaces before the one that the stored record names.
func (s *Store) prune(run string, snapshot int) error {
	entries, err := fs.ReadDir(s.root.FS(), run)
	if err != nil {
		return err
	}
	for _, e := range entries {
		found := saved.FindStringSubmatch(e.Name())
		if found == nil {
			continue
		}
		if n, err := strconv.Atoi(found[1]); err == nil && n < snapshot {
			if err := s.root.Remove(filepath.Join(run, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}
