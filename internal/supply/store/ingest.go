package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// temp makes a file for writing that bears this process's id, so that others can tell whether
// its writer still lives.
func (s *Store) temp() (*os.File, error) {
	f, err := os.CreateTemp(s.ingestDir(), TempPattern())
	if errors.Is(err, os.ErrNotExist) { // removed since Open
		if err := os.MkdirAll(s.ingestDir(), 0o755); err != nil {
			return nil, err
		}
		f, err = os.CreateTemp(s.ingestDir(), TempPattern())
	}
	return f, err
}

// TempPattern is a name for temporary files and directories that [Sweep] removes once this
// process is gone.
func TempPattern() string { return strconv.Itoa(os.Getpid()) + "-*" }

// Sweep removes entries of dir that are named by [TempPattern] of processes that are gone.
// It is a service to disk space only, so it keeps quiet about what it can't remove.
func Sweep(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		head, _, _ := strings.Cut(e.Name(), "-")
		pid, err := strconv.Atoi(head)
		if err != nil || pid == os.Getpid() || !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			continue
		}
		_ = os.RemoveAll(filepath.Join(dir, e.Name()))
	}
}

// DigestError says that content is not what its digest promised.
type DigestError struct {
	Want, Got v1.Hash
	Size      int64 // bytes read
}

// Error shows both digests.
func (e *DigestError) Error() string {
	return fmt.Sprintf("content of %d bytes has digest %s, wanted %s", e.Size, e.Got, e.Want)
}

// Writer takes a blob. Nothing is in the store before Commit.
type Writer struct {
	s    *Store
	f    *os.File
	hash hash.Hash
	size int64
}

// NewWriter begins a blob. The caller ends it with Commit or Abort.
func (s *Store) NewWriter() (*Writer, error) {
	f, err := s.temp()
	if err != nil {
		return nil, fmt.Errorf("write to image store: %w", err)
	}
	return &Writer{s: s, f: f, hash: sha256.New()}, nil
}

// Write adds to the blob.
func (w *Writer) Write(p []byte) (int, error) {
	n, err := w.f.Write(p)
	w.hash.Write(p[:n])
	w.size += int64(n)
	return n, err
}

// Size is the number of bytes written so far.
func (w *Writer) Size() int64 { return w.size }

// Commit puts the blob into the store under its digest. If want is not zero and the content
// has another digest, nothing is stored and the error is a [*DigestError].
func (w *Writer) Commit(want v1.Hash) (v1.Hash, error) {
	defer w.Abort()
	got := v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(w.hash.Sum(nil))}
	if want != (v1.Hash{}) && want != got {
		return got, &DigestError{Want: want, Got: got, Size: w.size}
	}
	if err := w.f.Chmod(0o644); err != nil {
		return got, fmt.Errorf("write to image store: %w", err)
	}
	if err := w.f.Sync(); err != nil {
		return got, fmt.Errorf("write to image store: %w", err)
	}
	if err := os.Rename(w.f.Name(), w.s.blobPath(got)); err != nil {
		return got, fmt.Errorf("write to image store: %w", err)
	}
	return got, nil
}

// Abort drops the blob. After Commit it does nothing.
func (w *Writer) Abort() {
	_ = w.f.Close()
	_ = os.Remove(w.f.Name())
}

// WriteBlob stores what r gives if it has the digest want.
func (s *Store) WriteBlob(ctx context.Context, want v1.Hash, r io.Reader) error {
	w, err := s.NewWriter()
	if err != nil {
		return err
	}
	defer w.Abort()
	if _, err := io.Copy(w, &ctxReader{ctx: ctx, r: r}); err != nil {
		return fmt.Errorf("write blob %s: %w", want, err)
	}
	if _, err := w.Commit(want); err != nil {
		return fmt.Errorf("write blob %s: %w", want, err)
	}
	return nil
}

// ctxReader ends with its context.
type ctxReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *ctxReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.r.Read(p)
}

func writeAndClose(f *os.File, data []byte) error {
	_, err := f.Write(data)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
