// Package sources reads what the index is made from: the environments' repository, the catalogue
// files of repositories, and the audit log. It reads a Git server through [Git], and remembers
// nothing: what it gives depends on the position alone.
package sources

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/slipway-dev/slipway/internal/app/forge"
)

// Git is a Git server.
type Git interface {
	Head(ctx context.Context, r forge.Repository, branch string) (string, error)
	// Log gives the commits that lead to one and not to another, the oldest first; it fails with
	// [forge.ErrConflict] where after does not lead to it.
	Log(ctx context.Context, r forge.Repository, after, to string) ([]forge.LogEntry, error)
	ReadFile(ctx context.Context, r forge.Repository, ref, path string) (forge.File, error)
	ReadFolder(ctx context.Context, r forge.Repository, ref, folder string) ([]forge.File, error)
}

// head is the newest commit of a branch, "" where the branch is not there.
func head(ctx context.Context, git Git, r forge.Repository, branch string) (string, error) {
	commit, err := git.Head(ctx, r, branch)
	if errors.Is(err, forge.ErrNotFound) {
		return "", nil
	}
	return commit, err
}

// landing is when and by which commit a change came to the branch. What a pull request brings
// comes with its merge, however old its commits are.
type landing struct {
	commit string
	at     time.Time
	by     string
}

// touched is when a path first and last changed in a log.
type touched struct{ first, last landing }

// touches says when each path of a log, which leads to head, changed on the branch.
func touches(log []forge.LogEntry, head string) map[string]touched {
	entries := make(map[string]forge.LogEntry, len(log))
	for _, e := range log {
		entries[e.Hash] = e
	}
	out := map[string]touched{}
	seen := map[string]bool{}
	for _, onBranch := range mainline(entries, head) {
		l := landing{commit: onBranch.Hash, at: onBranch.Time, by: onBranch.Author.Name}
		for queue := []string{onBranch.Hash}; len(queue) > 0; queue = queue[1:] {
			e, inLog := entries[queue[0]]
			if !inLog || seen[e.Hash] {
				continue
			}
			seen[e.Hash] = true
			for _, file := range e.Files {
				t, before := out[file]
				if !before {
					t.first = l
				}
				t.last = l
				out[file] = t
			}
			queue = append(queue, e.Parents...)
		}
	}
	return out
}

// mainline are the commits along first parents, the oldest first.
func mainline(entries map[string]forge.LogEntry, head string) []forge.LogEntry {
	var out []forge.LogEntry
	for hash := head; len(out) <= len(entries); {
		e, inLog := entries[hash]
		if !inLog {
			break
		}
		out = append(out, e)
		if len(e.Parents) == 0 {
			break
		}
		hash = e.Parents[0]
	}
	slices.Reverse(out)
	return out
}
