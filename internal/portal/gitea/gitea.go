// Package gitea lets the portal use a Gitea server: what package app/gitea does, and the action
// publish:gitea of templates.
package gitea

import (
	"context"
	"errors"
	"strings"

	app "github.com/slipway-dev/slipway/internal/app/gitea"

	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/portal"
	"github.com/slipway-dev/slipway/internal/scaffold"
	scaffolder "github.com/slipway-dev/slipway/internal/scaffold/gitea"
)

// Name is the adapter's, as tools give it.
const Name = "gitea"

// New opens a server. It makes no call yet.
func New(access portal.GitAccess) portal.GitServer {
	return portal.GitServer{
		Forge: app.New(app.Access{URL: access.URL, Username: access.Username, Password: access.Password,
			HTTP: access.HTTP}),
		ParseEvent: app.ParseEvent,
		Actions:    Actions,
	}
}

// Actions are publish:gitea, on f, whose repositories are below url.
func Actions(f portal.Forge, url string) []scaffold.Action {
	return scaffolder.Actions(publisher{f, url}, scaffolder.Options{})
}

// publisher makes the repositories of runs, for their team only.
type publisher struct {
	portal.Forge
	url string
}

func (p publisher) Head(ctx context.Context, r scaffolder.Repository) (commit string, exists bool, err error) {
	info, err := p.Repository(ctx, forge.Repository(r))
	if errors.Is(err, forge.ErrNotFound) {
		return "", false, nil
	}
	if err != nil || info.Empty {
		return "", err == nil, err
	}
	commit, err = p.Forge.Head(ctx, forge.Repository(r), info.DefaultBranch)
	if errors.Is(err, forge.ErrNotFound) { // pushed to a branch of another name
		return "", true, nil
	}
	return commit, err == nil, err
}

func (p publisher) Create(ctx context.Context, r scaffolder.Repository, s scaffolder.Settings) error {
	if err := portal.MayMakeIn(ctx, r.Owner); err != nil {
		return err
	}
	if err := p.EnsureOrganization(ctx, r.Owner); err != nil {
		return err
	}
	if _, err := p.Repository(ctx, forge.Repository(r)); err == nil {
		return scaffolder.ErrExists
	}
	_, err := p.EnsureRepository(ctx, forge.Repository(r), forge.RepositoryOptions{Private: s.Private,
		DefaultBranch: s.DefaultBranch, Description: s.Description})
	return err
}

func (p publisher) Push(ctx context.Context, r scaffolder.Repository, c scaffolder.Commit) (string, error) {
	if err := portal.MayMakeIn(ctx, r.Owner); err != nil {
		return "", err
	}
	commit := forge.Commit{Branch: c.Branch, Message: c.Message,
		Author: forge.Person{Name: c.AuthorName, Email: c.AuthorEmail}}
	if commit.Author.Name == "" {
		commit.Author = portal.AuthorOf(ctx)
	}
	for _, f := range c.Files {
		commit.Changes = append(commit.Changes, forge.FileChange{Path: f.Path, Data: notNil(f.Data)})
	}
	return p.Commit(ctx, forge.Repository(r), commit)
}

// notNil keeps an empty file from being a deletion.
func notNil(data []byte) []byte {
	if data == nil {
		return []byte{}
	}
	return data
}

func (p publisher) Delete(ctx context.Context, r scaffolder.Repository) error {
	if err := portal.MayMakeIn(ctx, r.Owner); err != nil {
		return err
	}
	return p.DeleteRepository(ctx, forge.Repository(r))
}

// Addresses are as the server's web pages have them.
func (p publisher) Addresses(r scaffolder.Repository, branch string) (remote, contents string) {
	at := strings.TrimRight(p.url, "/") + "/" + r.String()
	return at + ".git", at + "/src/branch/" + branch + "/"
}
