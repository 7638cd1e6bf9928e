package portal

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/portal/config"
	"github.com/slipway-dev/slipway/internal/scaffold"
	"github.com/slipway-dev/slipway/internal/server/index/sources"
)

// Repositories are a Git server's repositories.
type Repositories interface {
	EnsureOrganization(ctx context.Context, name string) error
	Repository(ctx context.Context, r forge.Repository) (forge.RepositoryInfo, error)
	EnsureRepository(ctx context.Context, r forge.Repository, o forge.RepositoryOptions) (forge.RepositoryInfo, error)
	DeleteRepository(ctx context.Context, r forge.Repository) error
	DeleteImages(ctx context.Context, r forge.Repository) error
	Commit(ctx context.Context, r forge.Repository, c forge.Commit) (string, error)
}

// Rules are what a Git server enforces and tells.
type Rules interface {
	Protect(ctx context.Context, r forge.Repository, p forge.Protection) error
	SetStatus(ctx context.Context, r forge.Repository, commit string, s forge.Status) error
	Statuses(ctx context.Context, r forge.Repository, commit string) ([]forge.Status, error)
	EnsureWebhook(ctx context.Context, url, secret string) error
	User(ctx context.Context, name string) (forge.User, error)
	EnsureTeam(ctx context.Context, t forge.Team, members []string) error
}

// PullRequests are proposed changes.
type PullRequests interface {
	OpenPullRequest(ctx context.Context, r forge.Repository, n forge.NewPullRequest) (forge.PullRequest, error)
	PullRequest(ctx context.Context, r forge.Repository, number int) (forge.PullRequest, error)
	PullRequests(ctx context.Context, r forge.Repository, state forge.PullState) ([]forge.PullRequest, error)
	Reviews(ctx context.Context, r forge.Repository, number int) ([]forge.Review, error)
	Review(ctx context.Context, r forge.Repository, number int, review forge.Review) error
	Comment(ctx context.Context, r forge.Repository, number int, text string) error
	Comments(ctx context.Context, r forge.Repository, number int) ([]forge.Comment, error)
	Merge(ctx context.Context, r forge.Repository, m forge.Merge) (string, error)
	ClosePullRequest(ctx context.Context, r forge.Repository, number int) error
	Tree(ctx context.Context, r forge.Repository, ref, folder string) (string, error)
	Pushes(ctx context.Context, r forge.Repository, since time.Time) ([]forge.Push, error)
}

// Forge is a Git server, by Slipway's own account.
type Forge interface {
	sources.Git
	Repositories
	Rules
	Teams
	PullRequests
}

// GitServer is a Git server as its adapter gives it.
type GitServer struct {
	Forge Forge
	// ParseEvent reads a webhook's call once its signature is verified.
	ParseEvent func(header http.Header, body []byte, secret string) (forge.Event, error)
	// Actions are those of templates that bear the server's name; they reach it through f.
	Actions func(f Forge, url string) []scaffold.Action
}

// GitAccess is how a Git server is reached, and by which account.
type GitAccess struct {
	URL, Username, Password string
	HTTP                    *http.Client
}

// GitServers are the adapters by name.
type GitServers map[string]func(GitAccess) GitServer

// Open gives the configured server. It gives client a transport by which the login may change meanwhile.
func (g GitServers) Open(c config.Git, client *http.Client) (GitServer, GitAccess, error) {
	open, ok := g[c.Adapter]
	if !ok {
		return GitServer{}, GitAccess{}, fault.Invalid(fmt.Errorf("platform.git.adapter: there is no adapter %q", c.Adapter),
			"adapters: "+strings.Join(slices.Sorted(maps.Keys(g)), ", "))
	}
	own := &login{dir: c.Credentials, next: client.Transport}
	if own.next == nil {
		own.next = http.DefaultTransport
	}
	username, password, err := own.now()
	if err != nil {
		return GitServer{}, GitAccess{}, err
	}
	client.Transport = own
	access := GitAccess{URL: strings.TrimRight(c.URL, "/"), Username: username, Password: password, HTTP: client}
	return open(access), access, nil
}
