package diskstore

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-dev/slipway/internal/scaffold"
)

type store interface {
	scaffold.Store
	Load(ctx context.Context, id string) (*scaffold.Run, error)
}

// TestStore is the same for the store on the disk and the one in memory.
func TestStore(t *testing.T) {
	disk, err := Open(filepath.Join(t.TempDir(), "new", "folder"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = disk.Close() })
	for name, s := range map[string]store{"disk": disk, "memory": scaffold.NewMemoryStore()} {
		t.Run(name, func(t *testing.T) { behaves(t, s) })
	}
}

func behaves(t *testing.T, s store) {
	ctx := context.Background()
	if _, err := s.Load(ctx, "run-1"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a run that is not there: %v", err)
	}
	run := &scaffold.Run{ID: "run-1", Phase: scaffold.Running, Values: map[string]any{"n": int64(1)}, Created: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	first := []scaffold.File{{Path: "a", Data: []byte("1")}}
	second := []scaffold.File{{Path: "a", Data: []byte("\x00\xff")}, {Path: "b", Executable: true, Data: []byte{}}}
	for i, files := range [][]scaffold.File{first, second} {
		if err := s.SaveFiles(ctx, run.ID, i+1, files); err != nil {
			t.Fatal(err)
		}
		// The record still names the workspace before: it is there until the record says otherwise.
		if got, err := s.Files(ctx, run.ID, 1); err != nil || len(got) != 1 {
			t.Fatal(got, err)
		}
	}
	run.Snapshot = 2
	if err := s.Save(ctx, run); err != nil {
		t.Fatal(err)
	}
	run.Phase = scaffold.Done // what was given to Save may change
	stored, err := s.Load(ctx, run.ID)
	if err != nil || stored.Phase != scaffold.Running {
		t.Fatal(stored, err)
	}
	stored.Phase = scaffold.Done
	if diff := cmp.Diff(run, stored); diff != "" {
		t.Error(diff)
	}
	files, err := s.Files(ctx, run.ID, 2)
	if diff := cmp.Diff(second, files); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if _, err := s.Files(ctx, run.ID, 3); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestDisk_KeepsRunsInTheirFolders(t *testing.T) {
	dir := t.TempDir()
	ctx := context.Background()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"", ".", "..", "../x", "a/b", "/etc", "a\x00", "-x"} {
		if err := s.Save(ctx, &scaffold.Run{ID: id}); err == nil {
			t.Errorf("run %q was saved", id)
		}
		if _, err := s.Load(ctx, id); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("run %q: %v", id, err)
		}
		if err := s.Delete(ctx, id); err == nil {
			t.Errorf("run %q was deleted", id)
		}
	}
	for _, id := range []string{"b", "a"} {
		if err := errors.Join(s.SaveFiles(ctx, id, 1, nil), s.SaveFiles(ctx, id, 2, nil), s.Save(ctx, &scaffold.Run{ID: id, Snapshot: 2})); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "not-a-run"), 0o700); err != nil {
		t.Fatal(err)
	}
	if ids, err := s.List(ctx); err != nil || !cmp.Equal(ids, []string{"a", "b"}) {
		t.Error(ids, err)
	}
	entries, err := os.ReadDir(filepath.Join(dir, "a"))
	if err != nil || len(entries) != 2 {
		t.Errorf("what is not needed any more is still there: %v %v", entries, err)
	}
	if err := errors.Join(s.Delete(ctx, "a"), s.Close()); err != nil {
		t.Error(err)
	}
	// A link in the folder leads nowhere.
	if err := os.Symlink(t.TempDir(), filepath.Join(dir, "linked")); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(dir); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(ctx, &scaffold.Run{ID: "linked"}); err == nil {
		t.Error("a run was saved through a link")
	}
}
