package gitea

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	sdk "code.gitea.io/sdk/gitea"
	"github.com/cenkalti/backoff/v5"

	"github.com/slipway-dev/slipway/internal/app/forge"
)

// OpenPullRequest opens a pull request. Where one is open between the branches already, it is
// given as it is.
func (f *Forge) OpenPullRequest(ctx context.Context, r forge.Repository,
	n forge.NewPullRequest) (forge.PullRequest, error) {
	c, err := f.client(ctx, "")
	if err != nil {
		return forge.PullRequest{}, err
	}
	made, res, err := c.CreatePullRequest(r.Owner, r.Name,
		sdk.CreatePullRequestOption{Base: n.Base, Head: n.Head, Title: n.Title, Body: n.Body})
	if status(res) == http.StatusConflict {
		open, listErr := f.PullRequests(ctx, r, forge.Open)
		if listErr != nil {
			return forge.PullRequest{}, listErr
		}
		for _, p := range open {
			if p.Base == n.Base && p.Head == n.Head && p.HeadRepository == r {
				return p, nil
			}
		}
	}
	if err != nil {
		return forge.PullRequest{}, failed(res, err, "open a pull request from %s to %s of %s", n.Head, n.Base, r)
	}
	return pullRequest(made), nil
}

// PullRequest reads a pull request.
func (f *Forge) PullRequest(ctx context.Context, r forge.Repository, number int) (forge.PullRequest, error) {
	p, err := f.pull(ctx, r, number)
	if err != nil {
		return forge.PullRequest{}, err
	}
	return pullRequest(p), nil
}

func (f *Forge) pull(ctx context.Context, r forge.Repository, number int) (*sdk.PullRequest, error) {
	c, err := f.client(ctx, "")
	if err != nil {
		return nil, err
	}
	p, res, err := c.GetPullRequest(r.Owner, r.Name, int64(number))
	if err != nil {
		return nil, failed(res, err, "read pull request %s#%d", r, number)
	}
	return p, nil
}

// PullRequests lists pull requests in a state, the newest first; "" lists all.
func (f *Forge) PullRequests(ctx context.Context, r forge.Repository,
	state forge.PullState) ([]forge.PullRequest, error) {
	c, err := f.client(ctx, "")
	if err != nil {
		return nil, err
	}
	asked := sdk.StateAll
	switch state {
	case forge.Open:
		asked = sdk.StateOpen
	case forge.Closed, forge.Merged: // the server calls both closed
		asked = sdk.StateClosed
	}
	all, res, err := pages(func(o sdk.ListOptions) ([]*sdk.PullRequest, *sdk.Response, error) {
		return c.ListRepoPullRequests(r.Owner, r.Name, sdk.ListPullRequestsOptions{ListOptions: o, State: asked})
	})
	if err != nil {
		return nil, failed(res, err, "list the pull requests of %s", r)
	}
	var out []forge.PullRequest
	for _, p := range all {
		if converted := pullRequest(p); state == "" || converted.State == state {
			out = append(out, converted)
		}
	}
	return out, nil
}

// ClosePullRequest closes a pull request without merging it.
func (f *Forge) ClosePullRequest(ctx context.Context, r forge.Repository, number int) error {
	c, err := f.client(ctx, "")
	if err != nil {
		return err
	}
	closed := sdk.StateClosed
	_, res, err := c.EditPullRequest(r.Owner, r.Name, int64(number), sdk.EditPullRequestOption{State: &closed})
	return failed(res, err, "close pull request %s#%d", r, number)
}

// Comment writes a comment below a pull request.
func (f *Forge) Comment(ctx context.Context, r forge.Repository, number int, text string) error {
	c, err := f.client(ctx, "")
	if err != nil {
		return err
	}
	_, res, err := c.CreateIssueComment(r.Owner, r.Name, int64(number), sdk.CreateIssueCommentOption{Body: text})
	return failed(res, err, "comment on %s#%d", r, number)
}

// Comments lists what was written below a pull request, the oldest first.
func (f *Forge) Comments(ctx context.Context, r forge.Repository, number int) ([]forge.Comment, error) {
	c, err := f.client(ctx, "")
	if err != nil {
		return nil, err
	}
	all, res, err := c.ListIssueComments(r.Owner, r.Name, int64(number), sdk.ListIssueCommentOptions{}) // all at once: the server has no pages here
	if status(res) == http.StatusInternalServerError {                                                  // what it answers for one that is missing, too
		if _, err := f.PullRequest(ctx, r, number); err != nil {
			return nil, err
		}
	}
	if err != nil {
		return nil, failed(res, err, "list the comments on %s#%d", r, number)
	}
	var out []forge.Comment
	for _, one := range all {
		if one.Poster != nil {
			out = append(out, forge.Comment{Author: one.Poster.UserName, Text: one.Body})
		}
	}
	return out, nil
}

// Reviews lists the reviews of a pull request that were handed in, the oldest first.
func (f *Forge) Reviews(ctx context.Context, r forge.Repository, number int) ([]forge.Review, error) {
	c, err := f.client(ctx, "")
	if err != nil {
		return nil, err
	}
	all, res, err := pages(func(o sdk.ListOptions) ([]*sdk.PullReview, *sdk.Response, error) {
		return c.ListPullReviews(r.Owner, r.Name, int64(number), sdk.ListPullReviewsOptions{ListOptions: o})
	})
	if err != nil {
		return nil, failed(res, err, "list the reviews of %s#%d", r, number)
	}
	var out []forge.Review
	for _, review := range all {
		verdict, handedIn := verdicts[review.State]
		if !handedIn || review.Reviewer == nil {
			continue
		}
		out = append(out, forge.Review{Reviewer: review.Reviewer.UserName, Verdict: verdict, Body: review.Body,
			Commit: review.CommitID, Dismissed: review.Dismissed, Submitted: review.Submitted.UTC()})
	}
	return out, nil
}

var verdicts = map[sdk.ReviewStateType]forge.Verdict{
	sdk.ReviewStateApproved: forge.Approved, sdk.ReviewStateRequestChanges: forge.Rejected,
	sdk.ReviewStateComment: forge.Commented,
}

var events = map[forge.Verdict]sdk.ReviewStateType{
	forge.Approved: sdk.ReviewStateApproved, forge.Rejected: sdk.ReviewStateRequestChanges,
	forge.Commented: sdk.ReviewStateComment,
}

// Review hands in a review in the name of its reviewer. The server refuses one of the pull
// request's author who approves or rejects.
func (f *Forge) Review(ctx context.Context, r forge.Repository, number int, review forge.Review) error {
	c, err := f.client(ctx, review.Reviewer)
	if err != nil {
		return err
	}
	_, res, err := c.CreatePullReview(r.Owner, r.Name, int64(number), sdk.CreatePullReviewOptions{
		State: events[review.Verdict], Body: review.Body, CommitID: review.Commit})
	if status(res) == http.StatusUnprocessableEntity {
		return fmt.Errorf("review %s#%d as %s: %w: %w", r, number, review.Reviewer, forge.ErrForbidden, err)
	}
	return failed(res, err, "review %s#%d as %s", r, number, review.Reviewer)
}

// checking is how long the server may look for merge conflicts: until then it gives the same
// answer as when it has found one.
const checking = 20 * time.Second

// Merge merges a pull request at the head that was decided about, and gives the merge commit.
// One that is merged already, at that head, is left as it is.
func (f *Forge) Merge(ctx context.Context, r forge.Repository, m forge.Merge) (string, error) {
	commit, err := f.merge(ctx, r, m)
	if errors.Is(err, forge.ErrNotReady) || errors.Is(err, forge.ErrConflict) {
		commit, finishErr := f.finish(ctx, r, m)
		if commit != "" || finishErr != nil {
			return commit, finishErr
		}
	}
	return commit, err
}

// finish has the server take note of a merge that it does not know, if there is one, and gives its commit: a request
// that ends between Git's commit and the server's note of it leaves a pull request that is open for good, and
// cannot be merged, as it is (seen with Gitea 1.26). What the server offers for that is "manually merged", which is
// allowed only for as long as this takes.
func (f *Forge) finish(ctx context.Context, r forge.Repository, m forge.Merge) (string, error) {
	p, err := f.pull(ctx, r, m.Number)
	if err != nil || p.State != sdk.StateOpen || p.Base == nil || pullRequest(p).HeadCommit != m.HeadCommit {
		return "", err
	}
	log, err := f.Log(ctx, r, p.MergeBase, p.Base.Ref)
	if err != nil {
		return "", err
	}
	at := slices.IndexFunc(log, func(e forge.LogEntry) bool {
		return len(e.Parents) == 2 && e.Parents[1] == m.HeadCommit && strings.Contains(e.Message, m.Message)
	})
	if at < 0 {
		return "", nil
	}
	c, err := f.client(ctx, "")
	if err != nil {
		return "", err
	}
	allow := func(manual bool) error {
		with := true
		_, res, err := c.EditRepo(r.Owner, r.Name, sdk.EditRepoOption{HasPullRequests: &with, AllowManualMerge: &manual})
		return failed(res, err, "set how %s may be merged", r)
	}
	if err := allow(true); err != nil {
		return "", err
	}
	noted, res, err := c.MergePullRequest(r.Owner, r.Name, int64(m.Number),
		sdk.MergePullRequestOption{Style: sdk.MergeStyleManuallyMerged, MergeCommitID: log[at].Hash})
	if err == nil && !noted {
		err = fmt.Errorf("the server answers %d", status(res))
	}
	err = errors.Join(failed(res, err, "have the merge of %s#%d taken note of", r, m.Number), allow(false))
	if err != nil {
		return "", err
	}
	return log[at].Hash, nil
}

func (f *Forge) merge(ctx context.Context, r forge.Repository, m forge.Merge) (string, error) {
	p, err := f.mergeable(ctx, r, m)
	if err != nil {
		return "", err
	}
	if p.HasMerged {
		return pullRequest(p).MergeCommit, nil
	}
	c, err := f.client(ctx, "")
	if err != nil {
		return "", err
	}
	unlock := f.lock(r)
	keep := false
	_, res, err := c.MergePullRequest(r.Owner, r.Name, int64(m.Number), sdk.MergePullRequestOption{
		Style: sdk.MergeStyleMerge, Title: m.Title, Message: m.Message, HeadCommitId: m.HeadCommit,
		DeleteBranchAfterMerge: &keep})
	unlock()
	if err != nil {
		return "", failed(res, err, "merge %s#%d", r, m.Number)
	}
	after, err := f.pull(ctx, r, m.Number)
	if err != nil {
		return "", err
	}
	if after.HasMerged && pullRequest(after).HeadCommit == m.HeadCommit { // whatever the answer was
		return pullRequest(after).MergeCommit, nil
	}
	switch code := status(res); code {
	case http.StatusMethodNotAllowed:
		return "", fmt.Errorf("merge %s#%d: %w: a required status is missing, or %s may not merge", r, m.Number,
			forge.ErrNotReady, f.access.Username)
	case http.StatusConflict:
		return "", fmt.Errorf("merge %s#%d: %w", r, m.Number, forge.ErrConflict)
	default:
		return "", fmt.Errorf("merge %s#%d: the server answers %d", r, m.Number, code)
	}
}

// mergeable waits until the server has looked for conflicts, and checks the head.
func (f *Forge) mergeable(ctx context.Context, r forge.Repository, m forge.Merge) (*sdk.PullRequest, error) {
	look := func() (*sdk.PullRequest, error) {
		p, err := f.pull(ctx, r, m.Number)
		switch {
		case err != nil:
			return nil, backoff.Permanent(err)
		case pullRequest(p).HeadCommit != m.HeadCommit:
			return nil, backoff.Permanent(fmt.Errorf("merge %s#%d: %w: its head is %s, not %s", r, m.Number,
				forge.ErrConflict,
				pullRequest(p).HeadCommit, m.HeadCommit))
		case p.HasMerged:
			return p, nil
		case p.State != sdk.StateOpen:
			return nil, backoff.Permanent(fmt.Errorf("merge %s#%d: %w: it is closed", r, m.Number, forge.ErrConflict))
		case p.Mergeable:
			return p, nil
		}
		return nil, fmt.Errorf("merge %s#%d: %w: it conflicts with %s", r, m.Number, forge.ErrConflict,
			pullRequest(p).Base)
	}
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = 100*time.Millisecond, time.Second
	return backoff.Retry(ctx, look, backoff.WithBackOff(wait), backoff.WithMaxElapsedTime(checking))
}

func pullRequest(p *sdk.PullRequest) forge.PullRequest {
	out := forge.PullRequest{Number: int(p.Index), Title: p.Title, Body: p.Body, State: forge.Open, URL: p.HTMLURL,
		Created: moment(p.Created), Updated: moment(p.Updated), ClosedAt: moment(p.Closed)}
	if p.Poster != nil {
		out.Author = p.Poster.UserName
	}
	if p.Base != nil {
		out.Base = p.Base.Ref
	}
	if p.Head != nil {
		out.Head, out.HeadCommit = p.Head.Ref, p.Head.Sha
		if from := p.Head.Repository; from != nil && from.Owner != nil {
			out.HeadRepository = forge.Repository{Owner: from.Owner.UserName, Name: from.Name}
		}
	}
	switch {
	case p.HasMerged:
		out.State = forge.Merged
		if p.MergedCommitID != nil {
			out.MergeCommit = *p.MergedCommitID
		}
		if p.MergedBy != nil {
			out.MergedBy = p.MergedBy.UserName
		}
		out.ClosedAt = moment(p.Merged)
	case p.State == sdk.StateClosed:
		out.State = forge.Closed
	}
	return out
}

func moment(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}
