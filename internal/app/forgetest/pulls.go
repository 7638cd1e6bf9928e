package forgetest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-dev/slipway/internal/app/forge"
)

// open makes a branch with one more file, and a pull request of it.
func (s *subject) open(t *testing.T, branch string) forge.PullRequest {
	t.Helper()
	s.write(t, branch, "main", branch+".txt", "from "+branch)
	p, err := s.Forge.OpenPullRequest(t.Context(), s.repo,
		forge.NewPullRequest{Base: "main", Head: branch, Title: "Take " + branch, Body: "Because."})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (s *subject) pulls(t *testing.T) {
	s.write(t, "main", "", "a", "1")
	p := s.open(t, "topic")
	head, err := s.Forge.Head(t.Context(), s.repo, "topic")
	if err != nil {
		t.Fatal(err)
	}
	if p.State != forge.Open || p.Base != "main" || p.Head != "topic" || p.HeadCommit != head ||
		p.HeadRepository != s.repo ||
		p.Author != s.Account || p.Title != "Take topic" || p.Body != "Because." || p.URL == "" || p.Created.IsZero() ||
		!p.ClosedAt.IsZero() {
		t.Errorf("%+v", p)
	}
	again, err := s.Forge.OpenPullRequest(t.Context(), s.repo,
		forge.NewPullRequest{Base: "main", Head: "topic", Title: "x", Body: "y"})
	if err != nil || again.Number != p.Number {
		t.Errorf("opened again: %+v, %v", again, err)
	}
	other := s.open(t, "other")
	list := func(state forge.PullState) (numbers []int) {
		t.Helper()
		all, err := s.Forge.PullRequests(t.Context(), s.repo, state)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range all {
			numbers = append(numbers, p.Number)
		}
		return numbers
	}
	if diff := cmp.Diff([]int{other.Number, p.Number}, list(forge.Open)); diff != "" {
		t.Error(diff)
	}
	if err := s.Forge.ClosePullRequest(t.Context(), s.repo, p.Number); err != nil {
		t.Fatal(err)
	}
	closed, err := s.Forge.PullRequest(t.Context(), s.repo, p.Number)
	if err != nil || closed.State != forge.Closed || closed.ClosedAt.IsZero() {
		t.Errorf("%+v, %v", closed, err)
	}
	if len(list(forge.Closed)) != 1 || len(list(forge.Merged)) != 0 || len(list("")) != 2 {
		t.Errorf("closed %v, merged %v, all %v", list(forge.Closed), list(forge.Merged), list(""))
	}
	_, err = s.Forge.PullRequest(t.Context(), s.repo, 99)
	wantError(t, "a pull request that is missing", err, forge.ErrNotFound)
	_, err = s.Forge.OpenPullRequest(t.Context(), s.repo,
		forge.NewPullRequest{Base: "main", Head: "absent", Title: "x"})
	wantError(t, "a branch that is missing", err, forge.ErrNotFound)
	if all, err := s.Forge.Comments(t.Context(), s.repo, other.Number); err != nil || len(all) != 0 {
		t.Errorf("comments before there are any: %v, %v", all, err)
	}
	want := []forge.Comment{{Author: s.Account, Text: "seen"}, {Author: s.Account, Text: "twice"}}
	for _, c := range want {
		if err := s.Forge.Comment(t.Context(), s.repo, other.Number, c.Text); err != nil {
			t.Error(err)
		}
	}
	all, err := s.Forge.Comments(t.Context(), s.repo, other.Number)
	if diff := cmp.Diff(want, all); diff != "" || err != nil {
		t.Error(err, diff)
	}
	_, err = s.Forge.Comments(t.Context(), s.repo, 99)
	wantError(t, "comments on a pull request that is missing", err, forge.ErrNotFound)
}

// developer makes an account that may write to the repository.
func (s *subject) developer(t *testing.T, name string) string {
	t.Helper()
	name = s.Owner + "-" + name
	team := forge.Team{Organization: s.Owner, Name: "developers", Permission: forge.PermissionWrite,
		AllRepositories: true}
	if err := s.Forge.EnsureUser(t.Context(), forge.User{Name: name, FullName: "Dev " + name, Email: name +
		"@example.com"}, Password); err != nil {
		t.Fatal(err)
	}
	if err := s.Forge.EnsureTeam(t.Context(), team, []string{name}); err != nil {
		t.Fatal(err)
	}
	return name
}

func (s *subject) protect(t *testing.T, checks ...string) {
	t.Helper()
	err := s.Forge.Protect(t.Context(), s.repo, forge.Protection{Branch: "main", Pushers: []string{s.Account},
		Mergers: []string{s.Account}, Checks: checks})
	if err != nil {
		t.Fatal(err)
	}
}

func (s *subject) protection(t *testing.T) {
	s.write(t, "main", "", "a", "1")
	s.protect(t)
	s.protect(t, "slipway/gates")
	p := s.open(t, "topic")
	merge := forge.Merge{Number: p.Number, HeadCommit: p.HeadCommit, Title: "Promote", Message: "Decision: 1"}
	_, err := s.Forge.Merge(t.Context(), s.repo, merge)
	wantError(t, "merged without its status", err, forge.ErrNotReady)
	pass := forge.Status{Context: "slipway/gates", State: forge.Success, Description: "passed"}
	if err := s.Forge.SetStatus(t.Context(), s.repo, p.HeadCommit,
		forge.Status{Context: pass.Context, State: forge.Failure}); err != nil {
		t.Fatal(err)
	}
	_, err = s.Forge.Merge(t.Context(), s.repo, merge)
	wantError(t, "merged with a failure", err, forge.ErrNotReady)
	if err := s.Forge.SetStatus(t.Context(), s.repo, p.HeadCommit, pass); err != nil {
		t.Fatal(err)
	}
	somebody := s.As(t, s.developer(t, "mallory"))
	_, err = somebody.Merge(t.Context(), s.repo, merge)
	wantError(t, "merged by somebody else", err, forge.ErrNotReady)
	_, err = somebody.Commit(t.Context(), s.repo, forge.Commit{Branch: "main", Message: "x",
		Changes: []forge.FileChange{{Path: "b", Data: []byte("x")}}})
	wantError(t, "pushed by somebody else", err, forge.ErrForbidden)
	_, err = somebody.Commit(t.Context(), s.repo, forge.Commit{Branch: "main", From: "topic", Message: "x",
		Changes: []forge.FileChange{{Path: "b", Data: []byte("x")}}})
	wantError(t, "pushed by force", err, forge.ErrForbidden)
	hash, err := s.Forge.Merge(t.Context(), s.repo, merge)
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, "main", "", "direct.txt", "x") // Slipway itself may push
	if got := s.contents(t, hash); got != "a=1 topic.txt=from topic" {
		t.Errorf("merged: %s", got)
	}
}

func (s *subject) merges(t *testing.T) {
	s.write(t, "main", "", "a", "1")
	s.protect(t)
	p := s.open(t, "topic")
	moved := s.write(t, "topic", "", "more", "x")
	_, err := s.Forge.Merge(t.Context(), s.repo, forge.Merge{Number: p.Number, HeadCommit: p.HeadCommit, Title: "x"})
	wantError(t, "merged at an older head", err, forge.ErrConflict)
	hash, err := s.Forge.Merge(t.Context(), s.repo, forge.Merge{Number: p.Number, HeadCommit: moved, Title: "Take it",
		Message: "Decision: 2"})
	if err != nil {
		t.Fatal(err)
	}
	after, err := s.Forge.PullRequest(t.Context(), s.repo, p.Number)
	if err != nil || after.State != forge.Merged || after.MergeCommit != hash || after.MergedBy != s.Account ||
		after.ClosedAt.IsZero() || after.HeadCommit != moved {
		t.Errorf("%+v, %v", after, err)
	}
	if head, err := s.Forge.Head(t.Context(), s.repo, "main"); err != nil || head != hash {
		t.Errorf("main is at %s, not %s, %v", head, hash, err)
	}
	again, err := s.Forge.Merge(t.Context(), s.repo, forge.Merge{Number: p.Number, HeadCommit: moved, Title: "x"})
	if err != nil || again != hash {
		t.Errorf("merged again: %s, %v", again, err)
	}
	one := s.open(t, "one")
	closed := s.open(t, "closed")
	if err := s.Forge.ClosePullRequest(t.Context(), s.repo, closed.Number); err != nil {
		t.Fatal(err)
	}
	_, err = s.Forge.Merge(t.Context(), s.repo, forge.Merge{Number: closed.Number, HeadCommit: closed.HeadCommit,
		Title: "x"})
	wantError(t, "merged after it was closed", err, forge.ErrConflict)
	s.write(t, "main", "", "one.txt", "another one")
	_, err = s.Forge.Merge(t.Context(), s.repo, forge.Merge{Number: one.Number, HeadCommit: one.HeadCommit, Title: "x"})
	wantError(t, "merged with a conflict", err, forge.ErrConflict)
}

func (s *subject) reviews(t *testing.T) {
	s.write(t, "main", "", "a", "1")
	p := s.open(t, "topic")
	ada := s.developer(t, "ada")
	err := s.Forge.Review(t.Context(), s.repo, p.Number, forge.Review{Reviewer: s.Account, Verdict: forge.Approved})
	wantError(t, "approved by its author", err, forge.ErrForbidden)
	for _, review := range []forge.Review{
		{Reviewer: ada, Verdict: forge.Commented, Body: "why?"}, {Reviewer: ada, Verdict: forge.Rejected, Body: "no"},
		{Reviewer: ada, Verdict: forge.Approved},
	} {
		if err := s.Forge.Review(t.Context(), s.repo, p.Number, review); err != nil {
			t.Fatal(err)
		}
	}
	second := s.write(t, "topic", "", "more", "x")
	if err := s.Forge.Review(t.Context(), s.repo, p.Number,
		forge.Review{Reviewer: ada, Verdict: forge.Approved}); err != nil {
		t.Fatal(err)
	}
	got, err := s.Forge.Reviews(t.Context(), s.repo, p.Number)
	if err != nil {
		t.Fatal(err)
	}
	var verdicts []forge.Verdict
	for i, r := range got {
		verdicts = append(verdicts, r.Verdict)
		want := p.HeadCommit
		if i == len(got)-1 {
			want = second
		}
		if r.Reviewer != ada || r.Commit != want || r.Submitted.IsZero() {
			t.Errorf("review %d: %+v", i, r)
		}
	}
	if diff := cmp.Diff([]forge.Verdict{forge.Commented, forge.Rejected, forge.Approved, forge.Approved},
		verdicts); diff != "" {
		t.Error(diff)
	}
}

func (s *subject) people(t *testing.T) {
	ada := s.developer(t, "ada")
	bob := s.Owner + "-bob"
	for range 2 {
		if err := s.Forge.EnsureUser(t.Context(), forge.User{Name: bob, Email: bob + "@example.com"},
			Password); err != nil {
			t.Fatal(err)
		}
	}
	team := forge.Team{Organization: s.Owner, Name: "developers", Permission: forge.PermissionRead}
	if err := s.Forge.EnsureTeam(t.Context(), team, []string{bob}); err != nil {
		t.Fatal(err)
	}
	if err := s.Forge.GrantTeam(t.Context(), team, s.repo.Name); err != nil {
		t.Error(err)
	}
	teams := map[string][]string{}
	for _, name := range []string{ada, bob} {
		u, err := s.Forge.User(t.Context(), name)
		if err != nil || u.Name != name {
			t.Errorf("%+v, %v", u, err)
		}
		teams[name] = u.Teams
	}
	if diff := cmp.Diff(map[string][]string{ada: nil, bob: {s.Owner + "/developers"}}, teams); diff != "" {
		t.Error(diff)
	}
	_, err := s.Forge.User(t.Context(), s.Owner+"-nobody")
	wantError(t, "an account that is missing", err, forge.ErrNotFound)
	// One member at a time, others stay; a team that is missing is made.
	for _, name := range []string{"developers", "readers", "readers"} {
		if err := s.Forge.Join(t.Context(), forge.Team{Organization: s.Owner, Name: name, Permission: forge.PermissionRead, AllRepositories: true}, ada); err != nil {
			t.Error(err)
		}
	}
	for range 2 {
		if err := s.Forge.Leave(t.Context(), team, bob); err != nil {
			t.Error(err)
		}
	}
	if err := s.Forge.Leave(t.Context(), forge.Team{Organization: s.Owner, Name: "nothing"}, ada); err != nil {
		t.Error(err)
	}
	for name, want := range map[string][]string{ada: {s.Owner + "/developers", s.Owner + "/readers"}, bob: nil} {
		u, err := s.Forge.User(t.Context(), name)
		if diff := cmp.Diff(want, u.Teams); diff != "" || err != nil {
			t.Error(name, diff, err)
		}
	}
	err = s.Forge.Join(t.Context(), forge.Team{Organization: s.Owner + "-none", Name: "developers"}, ada)
	wantError(t, "an organization that is missing", err, forge.ErrNotFound)
	err = s.Forge.Join(t.Context(), team, s.Owner+"-nobody")
	wantError(t, "an account that is missing", err, forge.ErrNotFound)
	if err := s.Forge.EnsureOrganization(t.Context(), s.Owner); err != nil {
		t.Error(err)
	}
}
