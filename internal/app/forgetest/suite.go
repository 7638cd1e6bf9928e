// Package forgetest holds what every forge must do, as tests: the one in memory runs it, and each
// adapter's own tests run it against a real server.
package forgetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-dev/slipway/internal/app/forge"
)

// Forge is all that an adapter offers.
type Forge interface {
	repositories
	commits
	history
	statuses
	pulls
	reviews
	people
}

type repositories interface {
	Repository(ctx context.Context, r forge.Repository) (forge.RepositoryInfo, error)
	EnsureRepository(ctx context.Context, r forge.Repository, options forge.RepositoryOptions) (forge.RepositoryInfo,
		error)
	DeleteRepository(ctx context.Context, r forge.Repository) error
	Protect(ctx context.Context, r forge.Repository, p forge.Protection) error
	EnsureWebhook(ctx context.Context, url, secret string) error
}

type commits interface {
	Head(ctx context.Context, r forge.Repository, branch string) (string, error)
	ReadFile(ctx context.Context, r forge.Repository, ref, path string) (forge.File, error)
	ReadFolder(ctx context.Context, r forge.Repository, ref, folder string) ([]forge.File, error)
	Commit(ctx context.Context, r forge.Repository, c forge.Commit) (string, error)
}

type history interface {
	Log(ctx context.Context, r forge.Repository, after, to string) ([]forge.LogEntry, error)
	Tree(ctx context.Context, r forge.Repository, ref, folder string) (string, error)
	Pushes(ctx context.Context, r forge.Repository, since time.Time) ([]forge.Push, error)
}

type statuses interface {
	SetStatus(ctx context.Context, r forge.Repository, commit string, s forge.Status) error
	Statuses(ctx context.Context, r forge.Repository, commit string) ([]forge.Status, error)
}

type pulls interface {
	OpenPullRequest(ctx context.Context, r forge.Repository, n forge.NewPullRequest) (forge.PullRequest, error)
	PullRequest(ctx context.Context, r forge.Repository, number int) (forge.PullRequest, error)
	PullRequests(ctx context.Context, r forge.Repository, state forge.PullState) ([]forge.PullRequest, error)
	ClosePullRequest(ctx context.Context, r forge.Repository, number int) error
	Merge(ctx context.Context, r forge.Repository, m forge.Merge) (string, error)
}

type reviews interface {
	Reviews(ctx context.Context, r forge.Repository, number int) ([]forge.Review, error)
	Review(ctx context.Context, r forge.Repository, number int, review forge.Review) error
	Comment(ctx context.Context, r forge.Repository, number int, text string) error
	Comments(ctx context.Context, r forge.Repository, number int) ([]forge.Comment, error)
}

type people interface {
	EnsureOrganization(ctx context.Context, name string) error
	EnsureTeam(ctx context.Context, t forge.Team, members []string) error
	Join(ctx context.Context, t forge.Team, account string) error
	Leave(ctx context.Context, t forge.Team, account string) error
	GrantTeam(ctx context.Context, t forge.Team, repository string) error
	User(ctx context.Context, name string) (forge.User, error)
	EnsureUser(ctx context.Context, u forge.User, password string) error
}

// Password is what accounts are made with.
const Password = "only-for-this-test-1"

// Subject is a server under test.
type Subject struct {
	// Forge acts as Account, Slipway's own.
	Forge   Forge
	Account string
	// As acts as another account, which the suite has made with [Password].
	As func(t *testing.T, account string) Forge
	// Owner is the name of an organization that no other test uses; it does not exist yet.
	Owner string
}

// Run runs the suite; open gives a subject of its own for each test.
func Run(t *testing.T, open func(t *testing.T) Subject) {
	for name, test := range map[string]func(*subject, *testing.T){
		"repositories are made once, and go":                                     (*subject).repositories,
		"a commit takes several files":                                           (*subject).commits,
		"a commit rests on what was read":                                        (*subject).conflicts,
		"branches begin where they are told":                                     (*subject).branches,
		"folders are read whole":                                                 (*subject).folders,
		"the log tells what came after":                                          (*subject).history,
		"folders have Git's own hashes":                                          (*subject).trees,
		"the newest status counts":                                               (*subject).statuses,
		"pull requests open once, and close":                                     (*subject).pulls,
		"nobody else changes what is protected, and nothing is merged unchecked": (*subject).protection,
		"merging is for the head that was decided about":                         (*subject).merges,
		"reviews are others' and name the commit":                                (*subject).reviews,
		"teams have exactly their members":                                       (*subject).people,
		"repositories that were cut off are made, and go, once":                  (*subject).cutRepositories,
		"first commits that were cut off are made once":                          (*subject).cutFirstCommits,
		"further commits that were cut off are made once":                        (*subject).cutFurtherCommits,
		"pull requests that were cut off are opened, and merged, once":           (*subject).cutPulls,
	} {
		t.Run(name, func(t *testing.T) {
			s := &subject{Subject: open(t)}
			if err := s.Forge.EnsureOrganization(t.Context(), s.Owner); err != nil {
				t.Fatal(err)
			}
			s.repo = forge.Repository{Owner: s.Owner, Name: "repo"}
			if _, err := s.Forge.EnsureRepository(t.Context(), s.repo,
				forge.RepositoryOptions{Private: true}); err != nil {
				t.Fatal(err)
			}
			test(s, t)
		})
	}
}

type subject struct {
	Subject
	repo forge.Repository
}

// write commits files that are not there yet.
func (s *subject) write(t *testing.T, branch, from string, pairs ...string) string {
	t.Helper()
	c := forge.Commit{Branch: branch, From: from, Message: "Write " + pairs[0]}
	for i := 0; i < len(pairs); i += 2 {
		c.Changes = append(c.Changes, forge.FileChange{Path: pairs[i], Data: []byte(pairs[i+1])})
	}
	hash, err := s.Forge.Commit(t.Context(), s.repo, c)
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

func (s *subject) contents(t *testing.T, ref string) string {
	t.Helper()
	text, err := s.list(t.Context(), s.repo, ref)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// list is all files of a repository, as "PATH=TEXT PATH=TEXT".
func (s *subject) list(ctx context.Context, r forge.Repository, ref string) (string, error) {
	files, err := s.Forge.ReadFolder(ctx, r, ref, "")
	var out []string
	for _, f := range files {
		out = append(out, f.Path+"="+string(f.Data))
	}
	return strings.Join(out, " "), err
}

func wantError(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

func (s *subject) repositories(t *testing.T) {
	info, err := s.Forge.Repository(t.Context(), s.repo)
	if err != nil || info.Repository != s.repo || info.DefaultBranch != "main" || !info.Private || !info.Empty ||
		info.CloneURL == "" {
		t.Errorf("%+v, %v", info, err)
	}
	for _, private := range []bool{false, true} {
		info.Private = private
		again, err := s.Forge.EnsureRepository(t.Context(), s.repo, forge.RepositoryOptions{Private: private})
		if err != nil || again != info {
			t.Errorf("made again: %+v, %v", again, err)
		}
	}
	s.write(t, "main", "", "a", "1")
	if info, err := s.Forge.Repository(t.Context(), s.repo); err != nil || info.Empty {
		t.Errorf("with a commit: %+v, %v", info, err)
	}
	_, err = s.Forge.EnsureRepository(t.Context(), forge.Repository{Owner: s.Owner + "-not", Name: "x"},
		forge.RepositoryOptions{})
	wantError(t, "a repository of nobody", err, forge.ErrNotFound)
	for range 2 {
		if err := s.Forge.DeleteRepository(t.Context(), s.repo); err != nil {
			t.Error(err)
		}
	}
	_, err = s.Forge.Repository(t.Context(), s.repo)
	wantError(t, "a repository that is gone", err, forge.ErrNotFound)
	_, err = s.Forge.Head(t.Context(), s.repo, "main")
	wantError(t, "its branch", err, forge.ErrNotFound)
	for _, secret := range []string{"one", "two"} {
		if err := s.Forge.EnsureWebhook(t.Context(), "https://hook.example.com/"+s.Owner, secret); err != nil {
			t.Error(err)
		}
	}
}

func (s *subject) commits(t *testing.T) {
	first := s.write(t, "main", "", "a.txt", "1", "folder/b.txt", "2", "empty", "")
	if head, err := s.Forge.Head(t.Context(), s.repo, "main"); err != nil || head != first {
		t.Errorf("head %s, %v", head, err)
	}
	a, err := s.Forge.ReadFile(t.Context(), s.repo, "main", "a.txt")
	if err != nil || string(a.Data) != "1" || a.Version == "" || a.Path != "a.txt" {
		t.Fatalf("%+v, %v", a, err)
	}
	b, err := s.Forge.ReadFile(t.Context(), s.repo, first, "folder/b.txt")
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.Forge.Commit(t.Context(), s.repo, forge.Commit{Branch: "main", Message: "Change",
		Author: forge.Person{Name: "Ada", Email: "ada@example.com"},
		Changes: []forge.FileChange{
			{Path: "a.txt", Data: []byte("one"), Version: a.Version},
			{Path: "folder/b.txt", Version: b.Version},
			{Path: "c/d/e.txt", Data: []byte("new")},
		}})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.contents(t, "main"); got != "a.txt=one c/d/e.txt=new empty=" {
		t.Errorf("main has %s", got)
	}
	if got := s.contents(t, first); got != "a.txt=1 empty= folder/b.txt=2" {
		t.Errorf("the first commit has %s", got)
	}
	if first == second || len(second) != 40 {
		t.Errorf("commits %s and %s", first, second)
	}
}

func (s *subject) conflicts(t *testing.T) {
	s.write(t, "main", "", "a", "1")
	a, err := s.Forge.ReadFile(t.Context(), s.repo, "main", "a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Forge.Commit(t.Context(), s.repo, forge.Commit{Branch: "main", Message: "x",
		Changes: []forge.FileChange{{Path: "a", Data: []byte("2"), Version: a.Version}}}); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]forge.FileChange{
		"an older version":       {Path: "a", Data: []byte("3"), Version: a.Version},
		"deleting an older one":  {Path: "a", Version: a.Version},
		"a file that is there":   {Path: "a", Data: []byte("3")},
		"a file that is missing": {Path: "b", Data: []byte("3"), Version: a.Version},
	} {
		_, err := s.Forge.Commit(t.Context(), s.repo, forge.Commit{Branch: "main", Message: "x",
			Changes: []forge.FileChange{{Path: "fine", Data: []byte("x")}, change}})
		wantError(t, name, err, forge.ErrConflict)
	}
	if got := s.contents(t, "main"); got != "a=2" {
		t.Errorf("after conflicts main has %s", got)
	}
	if _, err := s.Forge.Commit(t.Context(), s.repo, forge.Commit{Branch: "main", Message: "x",
		Changes: []forge.FileChange{{Path: "a"}}}); err == nil {
		t.Error("deleted without a version")
	}
	_, err = s.Forge.Commit(t.Context(), s.repo, forge.Commit{Branch: "absent", Message: "x",
		Changes: []forge.FileChange{{Path: "z", Data: []byte("x")}}})
	wantError(t, "a branch that is missing", err, forge.ErrNotFound)
}

func (s *subject) branches(t *testing.T) {
	base := s.write(t, "main", "", "a", "1")
	s.write(t, "topic", "main", "b", "2")
	if got := s.contents(t, "topic"); got != "a=1 b=2" {
		t.Errorf("topic has %s", got)
	}
	if head, err := s.Forge.Head(t.Context(), s.repo, "main"); err != nil || head != base {
		t.Errorf("main moved to %s, %v", head, err)
	}
	s.write(t, "topic", "", "c", "3")
	if got := s.contents(t, "topic"); got != "a=1 b=2 c=3" {
		t.Errorf("topic has %s", got)
	}
	s.write(t, "topic", "main", "d", "4")
	if got := s.contents(t, "topic"); got != "a=1 d=4" {
		t.Errorf("topic, made anew, has %s", got)
	}
}

func (s *subject) folders(t *testing.T) {
	var pairs, want []string
	for i := range 70 {
		name := fmt.Sprintf("many/%02d/file.yaml", i)
		pairs = append(pairs, name, fmt.Sprint("content ", i))
		want = append(want, name)
	}
	s.write(t, "main", "", append(pairs, "many.txt", "beside", "other/a", "x")...)
	files, err := s.Forge.ReadFolder(t.Context(), s.repo, "main", "many")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i, f := range files {
		got = append(got, f.Path)
		if string(f.Data) != fmt.Sprint("content ", i) {
			t.Errorf("%s holds %s", f.Path, f.Data)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if files, err := s.Forge.ReadFolder(t.Context(), s.repo, "main", "absent"); err != nil || len(files) != 0 {
		t.Errorf("a folder that is missing: %v, %v", files, err)
	}
	_, err = s.Forge.ReadFolder(t.Context(), s.repo, "absent", "many")
	wantError(t, "a branch that is missing", err, forge.ErrNotFound)
	_, err = s.Forge.ReadFile(t.Context(), s.repo, "main", "many/99/file.yaml")
	wantError(t, "a file that is missing", err, forge.ErrNotFound)
}

// pushed waits until the server tells of a push: it may take note of one after it has answered.
func (s *subject) pushed(t *testing.T, commit string) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		all, err := s.Forge.Pushes(t.Context(), s.repo, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(all, func(p forge.Push) bool { return p.After == commit })
		switch {
		case i >= 0 && (all[i].Pusher != s.Account || all[i].Branch != "main"):
			t.Fatalf("%+v", all[i])
		case i >= 0:
			return
		case time.Now().After(end):
			t.Fatalf("the push of %s is not told of: %+v", commit, all)
		}
	}
}

func (s *subject) history(t *testing.T) {
	first := s.write(t, "main", "", "a", "1")
	second := s.write(t, "main", "", "b", "2", "folder/c", "3")
	p := s.open(t, "topic")
	merge, err := s.Forge.Merge(t.Context(), s.repo, forge.Merge{Number: p.Number, HeadCommit: p.HeadCommit,
		Title: "Take it", Message: "Decision: 7"})
	if err != nil {
		t.Fatal(err)
	}
	log, err := s.Forge.Log(t.Context(), s.repo, "", "main")
	if err != nil {
		t.Fatal(err)
	}
	type entry struct{ hash, parents, files, subject string }
	got := map[string]entry{}
	for _, e := range log {
		subject, _, _ := strings.Cut(e.Message, "\n")
		got[e.Hash] = entry{e.Hash, strings.Join(e.Parents, " "), strings.Join(e.Files, " "),
			strings.TrimSpace(subject)}
		if e.Time.IsZero() {
			t.Errorf("%s has no time", e.Hash)
		}
	}
	want := map[string]entry{
		first: {first, "", "a", "Write a"}, second: {second, first, "b folder/c", "Write b"},
		p.HeadCommit: {p.HeadCommit, second, "topic.txt", "Write topic.txt"},
		merge:        {merge, second + " " + p.HeadCommit, "topic.txt", "Take it"},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(entry{})); diff != "" {
		t.Error(diff)
	}
	if newest := log[len(log)-1]; newest.Hash != merge || !strings.Contains(newest.Message, "Decision: 7") {
		t.Errorf("the newest is %+v", newest)
	}
	s.pushed(t, second)
	some, err := s.Forge.Log(t.Context(), s.repo, second, merge)
	if err != nil || len(some) != 2 {
		t.Errorf("after the second: %+v, %v", some, err)
	}
	if none, err := s.Forge.Log(t.Context(), s.repo, merge, "main"); err != nil || len(none) != 0 {
		t.Errorf("after the last: %+v, %v", none, err)
	}
	other := s.write(t, "other", "main", "o", "1")
	_, err = s.Forge.Log(t.Context(), s.repo, other, "main")
	wantError(t, "after what is elsewhere", err, forge.ErrConflict)
	_, err = s.Forge.Log(t.Context(), s.repo, strings.Repeat("0123456789", 4), "main")
	wantError(t, "after what is nowhere", err, forge.ErrConflict)
	_, err = s.Forge.Log(t.Context(), s.repo, "", "absent")
	wantError(t, "to a branch that is missing", err, forge.ErrNotFound)
}

func (s *subject) trees(t *testing.T) {
	s.write(t, "main", "", "d/a.yaml", "1", "d/sub/b", "2", "d/sub.txt", "3", "e", "x")
	// as git rev-parse has it
	for folder, want := range map[string]string{"d": "5f68105a6826e289c91db621ae2c160a43a09456",
		"d/sub": "a0d604345bf95a3c18518460dcbf110eed7e24c5"} {
		if got, err := s.Forge.Tree(t.Context(), s.repo, "main", folder); err != nil || got != want {
			t.Errorf("%s is %s, %v; want %s", folder, got, err, want)
		}
	}
	for _, folder := range []string{"absent", "e"} {
		_, err := s.Forge.Tree(t.Context(), s.repo, "main", folder)
		wantError(t, folder, err, forge.ErrNotFound)
	}
}

func (s *subject) statuses(t *testing.T) {
	hash := s.write(t, "main", "", "a", "1")
	if got, err := s.Forge.Statuses(t.Context(), s.repo, hash); err != nil || len(got) != 0 {
		t.Errorf("at first: %v, %v", got, err)
	}
	for _, status := range []forge.Status{
		{Context: "slipway/gates", State: forge.Pending, Description: "waiting", URL: "https://example.com/1"},
		{Context: "ci", State: forge.Failure, Description: "tests failed"},
		{Context: "slipway/gates", State: forge.Success, Description: "passed", URL: "https://example.com/2"},
	} {
		if err := s.Forge.SetStatus(t.Context(), s.repo, hash, status); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Forge.Statuses(t.Context(), s.repo, hash)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(got, func(a, b forge.Status) int { return strings.Compare(a.Context, b.Context) })
	want := []forge.Status{{Context: "ci", State: forge.Failure, Description: "tests failed"},
		{Context: "slipway/gates", State: forge.Success, Description: "passed", URL: "https://example.com/2"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
