package forgetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/slipway-dev/slipway/internal/app/forge"
)

// Who calls a forge may be killed at any moment, and then the call ends with it. These tests end each call that writes at
// moments all over the time that it takes, and make it again, as who was killed does: there is one result, and the server
// knows of it.

// moments ends a call at n moments of the time that the whole one takes. Each gets a number, and says what came of the call.
func moments(t *testing.T, n int, whole func(), cut func(ctx context.Context, i int) error, check func(i int) error) {
	t.Helper()
	began := time.Now()
	whole()
	takes := time.Since(began)
	for i := range n {
		after := takes * time.Duration(i) / time.Duration(n)
		ctx, cancel := context.WithTimeout(t.Context(), after)
		err := cut(ctx, i)
		cancel()
		if wrong := soon(func() error { return check(i) }); wrong != nil {
			t.Errorf("cut off after %s (%v): %v", after.Round(time.Millisecond), err, wrong)
		}
	}
}

// soon gives what was cut off, and may be under way still, time to come to its end.
func soon(check func() error) error {
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if err := check(); err == nil || time.Now().After(end) {
			return err
		}
	}
}

// has is nil when a branch holds just these files.
func (s *subject) has(ctx context.Context, r forge.Repository, branch, want string) error {
	head, err := s.Forge.Head(ctx, r, branch)
	if err != nil {
		return err
	}
	got, err := s.list(ctx, r, head)
	if err == nil && got != want {
		err = fmt.Errorf("%s has %s, not %s", branch, got, want)
	}
	return err
}

// made makes a commit, or finds that it is there. Within a second the same commit would be one that Git has already.
func (s *subject) made(ctx context.Context, r forge.Repository, c forge.Commit) error {
	c.Message += " again"
	if _, err := s.Forge.Commit(ctx, r, c); !errors.Is(err, forge.ErrConflict) {
		return err
	}
	return nil
}

func (s *subject) cutFirstCommits(t *testing.T) {
	commit := forge.Commit{Branch: "main", Message: "Begin",
		Changes: []forge.FileChange{{Path: "a", Data: []byte("1")}, {Path: "b", Data: []byte("2")}}}
	repository := func(i int) forge.Repository { return forge.Repository{Owner: s.Owner, Name: fmt.Sprintf("cut-%d", i)} }
	const n = 24
	for i := range n {
		if _, err := s.Forge.EnsureRepository(t.Context(), repository(i), forge.RepositoryOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	moments(t, n, func() { s.write(t, "main", "", "a", "1", "b", "2") },
		func(ctx context.Context, i int) error {
			_, err := s.Forge.Commit(ctx, repository(i), commit)
			return err
		},
		func(i int) error {
			if err := s.made(t.Context(), repository(i), commit); err != nil {
				return fmt.Errorf("made again: %w", err)
			}
			info, err := s.Forge.Repository(t.Context(), repository(i))
			if err == nil && info.Empty {
				err = errors.New("the server does not know of the commit")
			}
			return errors.Join(err, s.has(t.Context(), repository(i), "main", "a=1 b=2"))
		})
}

func (s *subject) cutFurtherCommits(t *testing.T) {
	s.write(t, "main", "", "a", "1")
	commit := func(i int) forge.Commit {
		return forge.Commit{Branch: fmt.Sprintf("topic-%d", i), Message: "Add b", Changes: []forge.FileChange{{Path: "b", Data: []byte("2")}}}
	}
	const n = 12
	for i := range n {
		s.write(t, commit(i).Branch, "main", "c", "3")
	}
	moments(t, n, func() { s.write(t, "main", "", "b", "2") },
		func(ctx context.Context, i int) error {
			_, err := s.Forge.Commit(ctx, s.repo, commit(i))
			return err
		},
		func(i int) error {
			if err := s.made(t.Context(), s.repo, commit(i)); err != nil {
				return fmt.Errorf("made again: %w", err)
			}
			return s.has(t.Context(), s.repo, commit(i).Branch, "a=1 b=2 c=3")
		})
}

func (s *subject) cutRepositories(t *testing.T) {
	options := forge.RepositoryOptions{DefaultBranch: "trunk"}
	commit := forge.Commit{Branch: "trunk", Message: "Begin", Changes: []forge.FileChange{{Path: "a", Data: []byte("1")}}}
	repository := func(i int) forge.Repository { return forge.Repository{Owner: s.Owner, Name: fmt.Sprintf("cut-%d", i)} }
	ensure := func(ctx context.Context, i int) error {
		info, err := s.Forge.EnsureRepository(ctx, repository(i), options)
		if err == nil && (info.Private || info.DefaultBranch != "trunk") {
			err = fmt.Errorf("it is %+v", info)
		}
		return err
	}
	check := func(i int) error {
		if err := ensure(t.Context(), i); err != nil {
			return fmt.Errorf("made again: %w", err)
		}
		if err := s.made(t.Context(), repository(i), commit); err != nil {
			return err
		}
		return s.has(t.Context(), repository(i), "trunk", "a=1")
	}
	const n = 12
	moments(t, n, func() {
		if err := ensure(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}, ensure, check)

	// Deleted, they leave nothing that one of the same name would stumble on.
	remove := func(ctx context.Context, i int) error { return s.Forge.DeleteRepository(ctx, repository(i)) }
	moments(t, n, func() {
		if err := remove(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}, remove, func(i int) error { return remove(t.Context(), i) })
	for i := range n {
		if err := soon(func() error { return check(i) }); err != nil {
			t.Errorf("after its deletion was cut off: %v", err)
		}
	}
}

func (s *subject) cutPulls(t *testing.T) {
	s.write(t, "main", "", "a", "1")
	const n = 10
	branch := func(i int) string { return fmt.Sprintf("topic-%d", i) }
	for i := range n {
		s.write(t, branch(i), "main", branch(i)+".txt", "x")
	}
	open := func(ctx context.Context, i int) (forge.PullRequest, error) {
		return s.Forge.OpenPullRequest(ctx, s.repo, forge.NewPullRequest{Base: "main", Head: branch(i), Title: "Take " + branch(i), Body: "Because."})
	}
	whole := forge.PullRequest{}
	moments(t, n, func() { whole = s.open(t, "whole") },
		func(ctx context.Context, i int) error { _, err := open(ctx, i); return err },
		func(i int) error { _, err := open(t.Context(), i); return err })
	if all, err := s.Forge.PullRequests(t.Context(), s.repo, forge.Open); err != nil || len(all) != n+1 {
		t.Fatalf("%d are open, not %d: %v", len(all), n+1, err)
	}

	merge := func(ctx context.Context, p forge.PullRequest) (string, error) {
		return s.Forge.Merge(ctx, s.repo, forge.Merge{Number: p.Number, HeadCommit: p.HeadCommit, Title: p.Title})
	}
	var pulls [n]forge.PullRequest
	for i := range n {
		var err error
		if pulls[i], err = open(t.Context(), i); err != nil {
			t.Fatal(err)
		}
	}
	before := ""
	moments(t, n, func() {
		var err error
		if before, err = merge(t.Context(), whole); err != nil {
			t.Fatal(err)
		}
	}, func(ctx context.Context, i int) error { _, err := merge(ctx, pulls[i]); return err },
		func(i int) error {
			commit, err := merge(t.Context(), pulls[i])
			if err != nil {
				return fmt.Errorf("merged again: %w", err)
			}
			log, err := s.Forge.Log(t.Context(), s.repo, before, "main")
			if err != nil || len(log) != 2 || log[1].Hash != commit { // the branch's commit, and the merge
				return fmt.Errorf("%d commits came to main, the last not %s: %+v, %v", len(log), commit, log, err)
			}
			p, err := s.Forge.PullRequest(t.Context(), s.repo, pulls[i].Number)
			if err != nil || p.State != forge.Merged || p.MergeCommit != commit || p.MergedBy != s.Account {
				return fmt.Errorf("the pull request is %+v, %v", p, err)
			}
			before = commit
			return nil
		})
}
