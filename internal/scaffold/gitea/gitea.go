// Package gitea has the action publish:gitea, which makes a repository of a run's workspace. It goes
// to the platform's own forge, whatever host the template names; so do the actions by which published templates
// publish elsewhere (publish:github and its like), with what inputs they share. internal/portal gives it the forge.
package gitea

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/slipway-dev/slipway/internal/scaffold"
)

// Repository names a repository.
type Repository struct{ Owner, Name string }

// String is "owner/name".
func (r Repository) String() string { return r.Owner + "/" + r.Name }

// Settings are those of a new repository.
type Settings struct {
	Description, DefaultBranch string
	Private                    bool
}

// Commit is the first commit of a repository.
type Commit struct {
	Branch, Message         string
	AuthorName, AuthorEmail string
	Files                   []scaffold.File
}

// ErrExists says that there is a repository of the name already.
var ErrExists = errors.New("there is a repository of this name already")

// Forge keeps Git repositories.
type Forge interface {
	// Head gives the commit at the end of a repository's default branch, "" where it is empty, and
	// whether there is such a repository.
	Head(ctx context.Context, r Repository) (commit string, exists bool, err error)
	// Create makes an empty repository. The error is [ErrExists] where there is one.
	Create(ctx context.Context, r Repository, s Settings) error
	// Push makes a commit without a parent, and gives its hash.
	Push(ctx context.Context, r Repository, c Commit) (string, error)
	// Delete removes a repository; one that is not there is no error.
	Delete(ctx context.Context, r Repository) error
	// Addresses are the address to clone from, and that of the files at a branch's root.
	Addresses(r Repository, branch string) (remote, contents string)
}

// Options are what templates leave open.
type Options struct {
	// AuthorName and AuthorEmail are those of commits where the template names none.
	AuthorName, AuthorEmail string
}

// ids are what templates call it. The others than the first take inputs that mean nothing here.
var ids = []string{"publish:gitea", "publish:github", "publish:gitlab"}

// Actions gives publish:gitea, and the same under the names that templates for other forges use.
func Actions(forge Forge, options Options) []scaffold.Action {
	p := publisher{forge, options}
	var out []scaffold.Action
	for _, id := range ids {
		out = append(out, scaffold.Action{ID: id,
			Description: "Makes a repository of the workspace in the platform's forge.",
			Input:       input, Outputs: []string{"remoteUrl", "repoContentsUrl", "commitHash"},
			Run: p.publish, Preview: p.preview, Undo: p.undo})
	}
	return out
}

//go:embed input.json
var input string

type publisher struct {
	forge   Forge
	options Options
}

type publication struct {
	RepoURL          string `json:"repoUrl"`
	Description      string `json:"description"`
	DefaultBranch    string `json:"defaultBranch"`
	RepoVisibility   string `json:"repoVisibility"`
	GitCommitMessage string `json:"gitCommitMessage"`
	GitAuthorName    string `json:"gitAuthorName"`
	GitAuthorEmail   string `json:"gitAuthorEmail"`
	SourcePath       string `json:"sourcePath"`
}

// read gives a step's input with its defaults, the repository it names, and the files it is made of.
func (p publisher) read(c *scaffold.Call) (publication, Repository, []scaffold.File, error) {
	in := publication{DefaultBranch: "main", GitCommitMessage: "initial commit",
		GitAuthorName: p.options.AuthorName, GitAuthorEmail: p.options.AuthorEmail}
	if err := c.Decode(&in); err != nil {
		return in, Repository{}, nil, err
	}
	u, err := scaffold.ParseRepoURL(in.RepoURL)
	if err != nil {
		return in, Repository{}, nil, err
	}
	repo := Repository{Owner: u.Owner, Name: u.Repo}
	if repo.Owner == "" {
		repo.Owner = path.Base(strings.ReplaceAll(c.Owner, ":", "/")) // of an entity reference, the name
	}
	if repo.Owner == "" || repo.Owner == "." || strings.ContainsAny(repo.Owner+repo.Name, "/\\?#%") {
		return in, repo, nil, fmt.Errorf("%q does not name a repository with an owner: "+
			"write host?owner=OWNER&repo=NAME", in.RepoURL)
	}
	source, err := scaffold.Clean(in.SourcePath)
	if err != nil {
		return in, repo, nil, err
	}
	files, err := c.Workspace.Files(source)
	if err != nil {
		return in, repo, nil, err
	}
	if len(files) == 0 {
		return in, repo, nil, fmt.Errorf("there is nothing to publish: the workspace has no files in %q", in.SourcePath)
	}
	for i := range files {
		if source != "." {
			files[i].Path = strings.TrimPrefix(files[i].Path, source+"/")
		}
	}
	return in, repo, files, nil
}

func (p publisher) preview(_ context.Context, c *scaffold.Call) (map[string]any, error) {
	in, repo, files, err := p.read(c)
	if err != nil {
		return nil, err
	}
	c.Logf("would make repository %s of %d files", repo, len(files))
	remote, contents := p.forge.Addresses(repo, in.DefaultBranch)
	return map[string]any{"remoteUrl": remote, "repoContentsUrl": contents,
		"commitHash": "<commitHash of " + c.Step + ">"}, nil
}

func (p publisher) publish(ctx context.Context, c *scaffold.Call) (map[string]any, error) {
	in, repo, files, err := p.read(c)
	if err != nil {
		return nil, err
	}
	remote, contents := p.forge.Addresses(repo, in.DefaultBranch)
	again := len(c.Made) > 0
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval = 50 * time.Millisecond
	head, err := backoff.Retry(ctx, func() (string, error) {
		head, err := p.make(ctx, c, in, repo, files, remote)
		if err != nil && !again {
			err = backoff.Permanent(err)
		}
		return head, err
	}, backoff.WithBackOff(pauses), backoff.WithMaxElapsedTime(settles))
	if err != nil {
		return nil, err
	}
	c.Made[0].Detail["commit"] = head
	if err := c.Certain(ctx, 0); err != nil {
		return nil, err
	}
	return map[string]any{"remoteUrl": remote, "repoContentsUrl": contents, "commitHash": head}, nil
}

// settles is how long a forge may take with what an earlier attempt of the step sent before it was cut off: Gitea goes on
// with it, or takes it back, when nobody waits for its answer.
const settles = 15 * time.Second

// make makes the repository and its commit, as far as they are not there, and gives the commit that it holds then.
func (p publisher) make(
	ctx context.Context, c *scaffold.Call, in publication, repo Repository, files []scaffold.File, remote string,
) (string, error) {
	head, err := p.create(ctx, c, repo, in, remote)
	if err != nil || head != "" {
		return head, err
	}
	head, err = p.forge.Push(ctx, repo, Commit{Branch: in.DefaultBranch, Message: in.GitCommitMessage,
		AuthorName: in.GitAuthorName, AuthorEmail: in.GitAuthorEmail, Files: files})
	if err != nil {
		return "", fmt.Errorf("push to %s: %w", repo, err)
	}
	c.Logf("pushed %d files as %s", len(files), head)
	return head, nil
}

// create makes the repository, or finds the one that an interrupted attempt of the step made; head is
// what it holds then.
func (p publisher) create(
	ctx context.Context, c *scaffold.Call, repo Repository, in publication, remote string,
) (head string, err error) {
	head, exists, err := p.forge.Head(ctx, repo)
	if err != nil {
		return "", fmt.Errorf("look for repository %s: %w", repo, err)
	}
	ours := len(c.Made) > 0
	if exists && ours {
		return head, nil
	}
	if exists {
		return "", fmt.Errorf("repository %s: %w", repo, ErrExists)
	}
	if !ours {
		detail := map[string]string{"owner": repo.Owner, "repository": repo.Name, "remote": remote}
		if _, err := c.Making(ctx, "repository "+repo.String(), detail); err != nil {
			return "", err
		}
	}
	err = p.forge.Create(ctx, repo, Settings{Description: in.Description, DefaultBranch: in.DefaultBranch,
		Private: in.RepoVisibility != "public"})
	if errors.Is(err, ErrExists) && !ours { // somebody else was quicker: it is not ours to take back
		return "", errors.Join(fmt.Errorf("repository %s: %w", repo, err), c.Withdraw(ctx, 0))
	}
	if err != nil {
		return "", fmt.Errorf("make repository %s: %w", repo, err)
	}
	c.Logf("made repository %s", repo)
	return "", c.Certain(ctx, 0)
}

// undo deletes a repository, unless something has been pushed to it that the run did not push.
func (p publisher) undo(ctx context.Context, made scaffold.Made) error {
	repo := Repository{Owner: made.Detail["owner"], Name: made.Detail["repository"]}
	head, exists, err := p.forge.Head(ctx, repo)
	if err != nil || !exists {
		return err
	}
	if head != "" && head != made.Detail["commit"] {
		return fmt.Errorf("it holds commits that the run did not record; delete it by hand if it is not wanted")
	}
	return p.forge.Delete(ctx, repo)
}
