package scaffold

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"sync"
)

// MemoryStore keeps runs in memory: for tests, and for runs that need not outlive the process.
type MemoryStore struct {
	mu    sync.Mutex
	runs  map[string][]byte
	files map[string][]File
}

// NewMemoryStore makes an empty store.
func NewMemoryStore() *MemoryStore {
	return &MemoryStore{runs: map[string][]byte{}, files: map[string][]File{}}
}

// Save stores a record.
func (m *MemoryStore) Save(_ context.Context, run *Run) error {
	text, err := json.Marshal(run)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.runs[run.ID] = text
	return nil
}

// Load gives a record back as it was saved last.
func (m *MemoryStore) Load(_ context.Context, id string) (*Run, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	text, ok := m.runs[id]
	if !ok {
		return nil, fmt.Errorf("run %s: %w", id, fs.ErrNotExist)
	}
	return DecodeRun(text)
}

// SaveFiles stores a workspace.
func (m *MemoryStore) SaveFiles(_ context.Context, run string, snapshot int, files []File) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.files[snapshotName(run, snapshot)] = slices.Clone(files)
	delete(m.files, snapshotName(run, snapshot-2))
	return nil
}

// Files gives a workspace back.
func (m *MemoryStore) Files(_ context.Context, run string, snapshot int) ([]File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	files, ok := m.files[snapshotName(run, snapshot)]
	if !ok {
		return nil, fmt.Errorf("workspace %d of run %s: %w", snapshot, run, fs.ErrNotExist)
	}
	return slices.Clone(files), nil
}

func snapshotName(run string, snapshot int) string { return fmt.Sprintf("%s/%d", run, snapshot) }
