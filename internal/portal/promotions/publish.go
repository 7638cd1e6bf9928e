package promotions

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/audit"
)

// publishes is a log that publishes its checkpoints.
type publishes interface {
	Published() (audit.Checkpoint, error)
}

// Publisher keeps the log's checkpoints in a repository, each as a file of its own, and the newest as "checkpoint". The
// repository's history, and every clone of it, bears witness to what the log was.
type Publisher struct{ Git Git }

// Publish keeps a checkpoint. One that is there already is left as it is; another one of the same size is an error: the
// log would have two histories.
func (p Publisher) Publish(ctx context.Context, c audit.Checkpoint) error {
	const newest = "checkpoint"
	own := fmt.Sprintf("checkpoints/%012d", c.Size)
	kept, _, err := p.file(ctx, own)
	if err != nil {
		return err
	}
	if kept != nil {
		if bytes.Equal(kept, c.Note) || sameCheckpoint(kept, c) {
			return nil
		}
		return fmt.Errorf("publish the checkpoint of %d decisions: %s has another one of that size", c.Size, Checkpoints)
	}
	_, version, err := p.file(ctx, newest)
	if err != nil {
		return err
	}
	_, err = p.Git.Commit(ctx, Checkpoints, forge.Commit{Branch: recordsBranch,
		Message: fmt.Sprintf("Checkpoint of %d decisions", c.Size),
		Changes: []forge.FileChange{{Path: newest, Data: c.Note, Version: version}, {Path: own, Data: c.Note}}})
	if err != nil {
		return fmt.Errorf("publish the checkpoint of %d decisions: %w", c.Size, err)
	}
	return nil
}

// sameCheckpoint says whether two notes differ in their signatures alone.
func sameCheckpoint(kept []byte, c audit.Checkpoint) bool {
	body := func(note []byte) []byte { before, _, _ := bytes.Cut(note, []byte("\n\n")); return before }
	return bytes.Equal(body(kept), body(c.Note))
}

// file reads a file; nil where it is not there.
func (p Publisher) file(ctx context.Context, path string) (data []byte, version string, err error) {
	f, err := p.Git.ReadFile(ctx, Checkpoints, recordsBranch, path)
	if errors.Is(err, forge.ErrNotFound) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", fmt.Errorf("read %s of %s: %w", path, Checkpoints, err)
	}
	return f.Data, f.Version, nil
}
