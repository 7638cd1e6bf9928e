package forge

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Errors by which callers decide. Adapters wrap them; test with [errors.Is].
var (
	// ErrNotFound says that a repository, branch, file, pull request or person is not there.
	ErrNotFound = errors.New("not found")
	// ErrConflict says that something changed meanwhile: a file is not the version that was read, a
	// branch exists already, a pull request's head has moved, or it can't be merged as it is.
	ErrConflict = errors.New("changed meanwhile")
	// ErrForbidden says that the forge does not let this account do it.
	ErrForbidden = errors.New("not allowed")
	// ErrNotReady says that the forge refuses to merge because a required status is missing.
	ErrNotReady = errors.New("not ready to merge")
)

// Repository names a repository.
type Repository struct{ Owner, Name string }

// String is "owner/name".
func (r Repository) String() string { return r.Owner + "/" + r.Name }

// ParseRepository reads "owner/name".
func ParseRepository(s string) (Repository, error) {
	owner, name, ok := strings.Cut(s, "/")
	if !ok || owner == "" || name == "" || strings.Contains(name, "/") {
		return Repository{}, fmt.Errorf("%q is not a repository: owner/name", s)
	}
	return Repository{owner, name}, nil
}

// RepositoryOptions are what a repository is made with.
type RepositoryOptions struct {
	Private       bool
	DefaultBranch string // main where empty
	Description   string
}

// RepositoryInfo is what a forge says of a repository.
type RepositoryInfo struct {
	Repository    Repository
	DefaultBranch string
	// CloneURL is for Git over HTTPS, URL for people.
	CloneURL, URL string
	Private       bool
	// Empty repositories have no commit.
	Empty bool
}

// File is a file at a commit.
type File struct {
	Path string
	Data []byte
	// Version is the forge's mark of this content; a [FileChange] that rests on it carries it.
	Version string
}

// FileChange is what a commit does to one file.
type FileChange struct {
	Path string
	// Data is the new content; nil deletes the file.
	Data []byte
	// Version is that of the file as it was read; empty for a file that must not exist. Where it is
	// not the file's version any more, the whole commit fails with [ErrConflict].
	Version string
}

// Person is an author of commits.
type Person struct{ Name, Email string }

// Commit is a commit to be made.
type Commit struct {
	// Branch is where it goes.
	Branch string
	// From makes Branch anew, from this branch's head: what Branch held before is gone. Empty
	// puts the commit on top of Branch.
	From    string
	Message string
	// Author is who wrote the change; the forge's account where empty.
	Author  Person
	Changes []FileChange
}

// LogEntry is a commit that was made.
type LogEntry struct {
	Hash    string
	Parents []string
	// Author is who wrote it, Time when it was committed, in UTC.
	Author Person
	// Account is whose address the author's is on the forge; empty where it is nobody's.
	Account string
	Time    time.Time
	Message string
	// Files are the paths in which it differs from its first parent, sorted.
	Files []string
}

// Protection is what a branch is protected by. Nobody who is not listed may push or merge, and
// nobody may push by force or delete the branch.
type Protection struct {
	Branch string
	// Pushers may push, Mergers may merge pull requests: names of accounts.
	Pushers, Mergers []string
	// Checks are the contexts of statuses that must be successes before a merge.
	Checks []string
}

// State of a commit's status.
type State string

// The states.
const (
	Pending State = "pending"
	Success State = "success"
	Failure State = "failure" // what was checked does not hold
	Error   State = "error"   // it could not be checked
)

// Status is a check's result at a commit. A later one of the same context takes its place.
type Status struct {
	// Context names the check: "slipway/gates".
	Context string
	State   State
	// Description is one line, at most 255 characters.
	Description string
	// URL leads to more.
	URL string
}

// PullState is how far a pull request is.
type PullState string

// The states of pull requests.
const (
	Open   PullState = "open"
	Closed PullState = "closed"
	Merged PullState = "merged"
)

// PullRequest is a proposed change.
type PullRequest struct {
	Number      int
	Title, Body string
	Author      string // the account's name
	State       PullState
	// Base is the branch that it goes to; Head the branch that it comes from, HeadCommit its newest commit.
	Base, Head, HeadCommit string
	// HeadRepository is where Head is: another repository for a fork.
	HeadRepository Repository
	// MergeCommit and MergedBy are set once it is merged.
	MergeCommit, MergedBy string
	URL                   string
	Created, Updated      time.Time
	// ClosedAt is when it was merged or closed; zero while it is open.
	ClosedAt time.Time
}

// NewPullRequest is a pull request to be opened.
type NewPullRequest struct{ Base, Head, Title, Body string }

// Comment is what an account wrote below a pull request.
type Comment struct{ Author, Text string }

// Verdict is what a review says.
type Verdict string

// The verdicts.
const (
	Approved  Verdict = "approved"
	Rejected  Verdict = "rejected"
	Commented Verdict = "commented"
)

// Review is one person's opinion of a pull request at one commit.
type Review struct {
	Reviewer string // the account's name
	Verdict  Verdict
	Body     string
	// Commit is the head that was reviewed. A review of an earlier one does not count for a later.
	Commit string
	// Dismissed reviews do not count.
	Dismissed bool
	Submitted time.Time
}

// Merge is a pull request to be merged.
type Merge struct {
	Number int
	// HeadCommit is the head that was decided about; where it has moved, the merge fails with [ErrConflict].
	HeadCommit string
	// Title and Message are the merge commit's.
	Title, Message string
}

// Permission is what a team may do with repositories.
type Permission string

// The permissions.
const (
	PermissionRead  Permission = "read"
	PermissionWrite Permission = "write"
)

// Team is a group of accounts in an organization.
type Team struct {
	Organization, Name string
	Permission         Permission
	// AllRepositories gives the permission on every repository of the organization.
	AllRepositories bool
	// Packages is what it may do with images where that is another permission; then the team has that and its
	// permission on code, and nothing else.
	Packages Permission
}

// User is an account.
type User struct {
	Name, FullName, Email string
	// Teams are those that it is in, as "organization/team", sorted.
	Teams []string
}
