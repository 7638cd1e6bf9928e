package plan

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"sigs.k8s.io/yaml"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/fault"
)

// LockKind is the kind of a lock file.
const LockKind = "Lock"

const lockHead = "# Written by slipway up. Keep it beside the Platform file, under version control.\n"

// ReadLock reads a lock file. A missing one is an error that errors.Is fs.ErrNotExist finds.
func ReadLock(path string) (Lock, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Lock{}, fmt.Errorf("read the lock: %w", err)
	}
	var l Lock
	if err := yaml.UnmarshalStrict(data, &l); err != nil {
		return Lock{}, fault.Invalid(fmt.Errorf("read the lock %s: %w", path, err), "take it from version control, or remove it: slipway up writes it anew")
	}
	if l.APIVersion != v1alpha1.APIVersion || l.Kind != LockKind {
		return Lock{}, fault.Invalid(fmt.Errorf("read the lock %s: it is a %q of %q, not a %q of %q", path, l.Kind, l.APIVersion,
			LockKind, v1alpha1.APIVersion), "remove it: slipway up writes it anew")
	}
	return l, nil
}

// Marshal gives the lock file's content. The same lock gives the same bytes.
func (l Lock) Marshal() ([]byte, error) {
	data, err := yaml.Marshal(l)
	if err != nil {
		return nil, fmt.Errorf("write the lock: %w", err)
	}
	return append([]byte(lockHead), data...), nil
}

// WriteLock writes a lock file whole or not at all, and leaves an equal one untouched.
func WriteLock(path string, l Lock) error {
	data, err := l.Marshal()
	if err != nil {
		return err
	}
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, data) {
		return nil
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".platform.lock.*")
	if err != nil {
		return fmt.Errorf("write the lock: %w", err)
	}
	defer os.Remove(f.Name()) // gone already where all went well
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write the lock %s: %w", path, err)
	}
	return nil
}
