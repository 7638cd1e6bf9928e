package memforge

import (
	"context"
	"fmt"
	"slices"

	"github.com/slipway-dev/slipway/internal/app/forge"
)

func (f *Forge) pullEvent(r *repository, p *pull, action forge.Action) forge.Event {
	e := f.s.event(r.info.Repository, "pull_request")
	e.PullRequest = &forge.PullRequestEvent{Action: action, PullRequest: p.PullRequest, Sender: f.account}
	return e
}

// find gives a pull request and its repository.
func (f *Forge) find(r forge.Repository, number int) (*repository, *pull, error) {
	found, err := f.s.repository(r)
	if err != nil {
		return nil, nil, err
	}
	if number < 1 || number > len(found.pulls) {
		return nil, nil, fmt.Errorf("read pull request %s#%d: %w", r, number, forge.ErrNotFound)
	}
	return found, found.pulls[number-1], nil
}

// OpenPullRequest opens a pull request, or gives the one that is open between the branches.
func (f *Forge) OpenPullRequest(_ context.Context, r forge.Repository,
	n forge.NewPullRequest) (forge.PullRequest, error) {
	var events []forge.Event
	defer f.s.lock()(&events)
	found, err := f.s.repository(r)
	if err != nil {
		return forge.PullRequest{}, err
	}
	for _, p := range found.pulls {
		if p.State == forge.Open && p.Base == n.Base && p.Head == n.Head {
			return p.PullRequest, nil
		}
	}
	head, ok := found.branches[n.Head]
	if _, base := found.branches[n.Base]; !ok || !base {
		return forge.PullRequest{}, fmt.Errorf("open a pull request from %s to %s of %s: %w", n.Head, n.Base, r,
			forge.ErrNotFound)
	}
	now := f.s.now()
	p := &pull{PullRequest: forge.PullRequest{Number: len(found.pulls) + 1, Title: n.Title, Body: n.Body,
		Author: f.account, State: forge.Open,
		Base: n.Base, Head: n.Head, HeadCommit: head, HeadRepository: r, Created: now, Updated: now}}
	p.URL = fmt.Sprintf("%s/pulls/%d", found.info.URL, p.Number)
	found.pulls = append(found.pulls, p)
	events = append(events, f.pullEvent(found, p, forge.PullOpened))
	return p.PullRequest, nil
}

// PullRequest reads a pull request.
func (f *Forge) PullRequest(_ context.Context, r forge.Repository, number int) (forge.PullRequest, error) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	_, p, err := f.find(r, number)
	if err != nil {
		return forge.PullRequest{}, err
	}
	return p.PullRequest, nil
}

// PullRequests lists pull requests in a state, the newest first; "" lists all.
func (f *Forge) PullRequests(_ context.Context, r forge.Repository,
	state forge.PullState) ([]forge.PullRequest, error) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	found, err := f.s.repository(r)
	if err != nil {
		return nil, err
	}
	var out []forge.PullRequest
	for _, p := range slices.Backward(found.pulls) {
		if state == "" || p.State == state {
			out = append(out, p.PullRequest)
		}
	}
	return out, nil
}

// ClosePullRequest closes a pull request without merging it.
func (f *Forge) ClosePullRequest(_ context.Context, r forge.Repository, number int) error {
	var events []forge.Event
	defer f.s.lock()(&events)
	found, p, err := f.find(r, number)
	if err != nil || p.State != forge.Open {
		return err
	}
	p.State, p.ClosedAt = forge.Closed, f.s.now()
	events = append(events, f.pullEvent(found, p, forge.PullClosed))
	return nil
}

// Comment writes a comment below a pull request.
func (f *Forge) Comment(_ context.Context, r forge.Repository, number int, text string) error {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	_, p, err := f.find(r, number)
	if err == nil {
		p.comments = append(p.comments, forge.Comment{Author: f.account, Text: text})
		p.Updated = f.s.now()
	}
	return err
}

// Comments lists what was written below a pull request, the oldest first.
func (f *Forge) Comments(_ context.Context, r forge.Repository, number int) ([]forge.Comment, error) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	_, p, err := f.find(r, number)
	if err != nil {
		return nil, err
	}
	return slices.Clone(p.comments), nil
}

// Reviews lists the reviews of a pull request, the oldest first.
func (f *Forge) Reviews(_ context.Context, r forge.Repository, number int) ([]forge.Review, error) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	_, p, err := f.find(r, number)
	if err != nil {
		return nil, err
	}
	return slices.Clone(p.reviews), nil
}

// Review hands in a review in the name of its reviewer.
func (f *Forge) Review(_ context.Context, r forge.Repository, number int, review forge.Review) error {
	var events []forge.Event
	defer f.s.lock()(&events)
	found, p, err := f.find(r, number)
	switch {
	case err != nil:
		return err
	case f.s.users[review.Reviewer] == nil:
		return fmt.Errorf("review %s#%d as %s: %w", r, number, review.Reviewer, forge.ErrNotFound)
	case review.Reviewer == p.Author && review.Verdict != forge.Commented:
		return fmt.Errorf("review %s#%d as %s: %w", r, number, review.Reviewer, forge.ErrForbidden)
	}
	if review.Commit == "" {
		review.Commit = p.HeadCommit
	}
	review.Submitted = f.s.now()
	p.reviews = append(p.reviews, review)
	events = append(events, f.s.As(review.Reviewer).pullEvent(found, p, forge.PullReviewed))
	return nil
}

// Merge merges a pull request at the head that was decided about.
func (f *Forge) Merge(_ context.Context, r forge.Repository, m forge.Merge) (string, error) {
	var events []forge.Event
	defer f.s.lock()(&events)
	found, p, err := f.find(r, m.Number)
	if err != nil {
		return "", err
	}
	protection, protected := found.protection[p.Base]
	files, clean := found.merged(found.branches[p.Base], p.HeadCommit)
	switch {
	case p.HeadCommit != m.HeadCommit || p.State == forge.Closed:
		return "", fmt.Errorf("merge %s#%d: %w", r, m.Number, forge.ErrConflict)
	case p.State == forge.Merged:
		return p.MergeCommit, nil
	case !clean:
		return "", fmt.Errorf("merge %s#%d: %w: it conflicts with %s", r, m.Number, forge.ErrConflict, p.Base)
	case protected && !slices.Contains(protection.Mergers, f.account):
		return "", fmt.Errorf("merge %s#%d: %w: %s may not merge", r, m.Number, forge.ErrNotReady, f.account)
	}
	for _, check := range protection.Checks {
		if protected && found.statuses[p.HeadCommit][check].State != forge.Success {
			return "", fmt.Errorf("merge %s#%d: %w: status %s is missing", r, m.Number, forge.ErrNotReady, check)
		}
	}
	before := found.branches[p.Base]
	hash := found.add(commit{files: files, parents: []string{before, p.HeadCommit}, message: m.Title + "\n\n" +
		m.Message, time: f.s.now()})
	found.branches[p.Base] = hash
	p.State, p.MergeCommit, p.MergedBy, p.ClosedAt = forge.Merged, hash, f.account, f.s.now()
	push := f.s.event(r, "push")
	push.Push = &forge.Push{Branch: p.Base, Before: before, After: hash, Pusher: f.account}
	events = append(events, push, f.pullEvent(found, p, forge.PullMerged))
	return hash, nil
}
