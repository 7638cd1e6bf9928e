// Package gitea lets delivery use a Gitea server: repositories and webhooks by its API, pushes
// over HTTPS. It is chosen by the tool's field adapter and called through [deliver.GitServer].
package gitea

import (
	"context"
	"fmt"
	"net/http"

	sdk "code.gitea.io/sdk/gitea"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"

	"github.com/slipway-dev/slipway/internal/deliver"
)

// Name is what a tool's field adapter says to choose this adapter.
const Name = "gitea"

// Server is a Gitea server, used as one of its administrators.
type Server struct{ access deliver.GitAccess }

// New makes the adapter. It makes no call yet.
func New(access deliver.GitAccess) (deliver.GitServer, error) {
	if access.HTTP == nil {
		access.HTTP = http.DefaultClient
	}
	return &Server{access: access}, nil
}

// client gives an API client that is bound to ctx.
func (s *Server) client(ctx context.Context) (*sdk.Client, error) {
	return sdk.NewClient(s.access.URL,
		sdk.SetGiteaVersion(""), // no call just to ask for the version
		sdk.SetContext(ctx),
		sdk.SetHTTPClient(s.access.HTTP),
		sdk.SetBasicAuth(s.access.Username, s.access.Password))
}

// EnsureRepository makes the repository and, where the owner is not the administrator, the
// owner as an organization.
func (s *Server) EnsureRepository(ctx context.Context, owner, name string, private bool) (deliver.Remote, error) {
	c, err := s.client(ctx)
	if err != nil {
		return deliver.Remote{}, err
	}
	if err := s.answers(c); err != nil {
		return deliver.Remote{}, err
	}
	repository, res, err := c.GetRepo(owner, name)
	if status(res) == http.StatusNotFound {
		repository, err = s.create(c, owner, name, private)
	}
	if err != nil {
		return deliver.Remote{}, fmt.Errorf("ensure repository %s/%s: %w", owner, name, err)
	}
	if repository.Private != private {
		if _, _, err := c.EditRepo(owner, name, sdk.EditRepoOption{Private: &private}); err != nil {
			return deliver.Remote{}, fmt.Errorf("set repository %s/%s to private=%t: %w", owner, name, private, err)
		}
	}
	return deliver.Remote{
		URL:       s.access.URL + "/" + owner + "/" + name + ".git",
		Transport: githttp.NewClient(s.access.HTTP),
		Auth:      &githttp.BasicAuth{Username: s.access.Username, Password: s.access.Password},
	}, nil
}

// answers tells a server that still starts from one that refuses: on the way to the first, a
// gateway may answer anything.
func (s *Server) answers(c *sdk.Client) error {
	_, res, err := c.GetMyUserInfo()
	switch {
	case err == nil:
		return nil
	case status(res) == http.StatusUnauthorized || status(res) == http.StatusForbidden:
		return fmt.Errorf("log in at %s as %s: %w", s.access.URL, s.access.Username, err)
	}
	return fmt.Errorf("log in at %s as %s: %w: %w", s.access.URL, s.access.Username, deliver.ErrNotYet, err)
}

func (s *Server) create(c *sdk.Client, owner, name string, private bool) (*sdk.Repository, error) {
	option := sdk.CreateRepoOption{Name: name, Private: private, DefaultBranch: deliver.Branch}
	if owner == s.access.Username {
		repository, res, err := c.CreateRepo(option)
		return existing(c, owner, name, repository, res, err)
	}
	_, res, err := c.GetOrg(owner)
	if status(res) == http.StatusNotFound {
		_, res, err = c.CreateOrg(sdk.CreateOrgOption{Name: owner, Visibility: sdk.VisibleTypeLimited})
		if status(res) == http.StatusUnprocessableEntity { // made by somebody else meanwhile
			_, _, err = c.GetOrg(owner)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("ensure organization %s: %w", owner, err)
	}
	repository, res, err := c.CreateOrgRepo(owner, option)
	return existing(c, owner, name, repository, res, err)
}

// existing takes the repository that somebody else made at the same moment.
func existing(c *sdk.Client, owner, name string, made *sdk.Repository, res *sdk.Response, err error) (*sdk.Repository, error) {
	if status(res) == http.StatusConflict {
		made, _, err = c.GetRepo(owner, name)
	}
	return made, err
}

// EnsureWebhook makes a system webhook, which is called for all repositories, and removes older
// ones of the same URL: the server neither tells nor changes a hook's secret.
func (s *Server) EnsureWebhook(ctx context.Context, hook deliver.Webhook) error {
	c, err := s.client(ctx)
	if err != nil {
		return err
	}
	if err := s.answers(c); err != nil {
		return err
	}
	old, err := systemHooks(c)
	if err != nil {
		return fmt.Errorf("list the webhooks of %s: %w", s.access.URL, err)
	}
	_, _, err = c.CreateAdminHook(sdk.CreateHookOption{
		Type: sdk.HookTypeGitea,
		Config: map[string]string{
			"url": hook.URL, "content_type": "json", "secret": hook.Secret,
			// Without it the hook is only copied into repositories made from now on
			// (addHook in upstream's routers/api/v1/utils/hook.go, 1.26).
			"is_system_webhook": "true",
		},
		Events:       []string{"push"},
		BranchFilter: "*",
		Active:       true,
	})
	if err != nil {
		return fmt.Errorf("make the webhook of %s to %s: %w", s.access.URL, hook.URL, err)
	}
	for _, h := range old {
		if h.Config["url"] != hook.URL {
			continue
		}
		if res, err := c.DeleteAdminHook(h.ID); err != nil && status(res) != http.StatusNotFound {
			return fmt.Errorf("remove the earlier webhook of %s to %s: %w", s.access.URL, hook.URL, err)
		}
	}
	return nil
}

func systemHooks(c *sdk.Client) ([]*sdk.Hook, error) {
	var all []*sdk.Hook
	for page := 1; ; page++ {
		some, res, err := c.ListAdminHooks(sdk.ListAdminHooksOptions{ListOptions: sdk.ListOptions{Page: page}, Type: "system"})
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
		if res.NextPage == 0 {
			return all, nil
		}
	}
}

// status is the HTTP status of an answer, 0 where there was none.
func status(res *sdk.Response) int {
	if res == nil || res.Response == nil {
		return 0
	}
	return res.StatusCode
}
