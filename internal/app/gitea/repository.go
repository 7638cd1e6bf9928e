package gitea

import (
	"context"
	"net/http"
	"strings"

	sdk "code.gitea.io/sdk/gitea"

	"github.com/slipway-dev/slipway/internal/app/forge"
)

// Repository says what the server knows of a repository.
func (f *Forge) Repository(ctx context.Context, r forge.Repository) (forge.RepositoryInfo, error) {
	c, err := f.client(ctx, "")
	if err != nil {
		return forge.RepositoryInfo{}, err
	}
	repository, res, err := c.GetRepo(r.Owner, r.Name)
	if err != nil {
		return forge.RepositoryInfo{}, failed(res, err, "look for repository %s", r)
	}
	return f.info(repository), nil
}

func (f *Forge) info(r *sdk.Repository) forge.RepositoryInfo {
	name := forge.Repository{Name: r.Name}
	if r.Owner != nil {
		name.Owner = r.Owner.UserName
	}
	return forge.RepositoryInfo{Repository: name, DefaultBranch: r.DefaultBranch, Private: r.Private, Empty: r.Empty,
		CloneURL: f.access.URL + "/" + name.String() + ".git", URL: f.access.URL + "/" + name.String()}
}

// EnsureRepository makes the repository, without a commit, where it is missing, and as private as is asked for. Its
// owner, an organization or an account, must be there.
func (f *Forge) EnsureRepository(ctx context.Context, r forge.Repository,
	options forge.RepositoryOptions) (forge.RepositoryInfo, error) {
	found, err := f.Repository(ctx, r)
	if err == nil && found.Private != options.Private {
		return f.setPrivate(ctx, r, options.Private)
	}
	if err == nil || !isNotFound(err) {
		return found, err
	}
	c, err := f.client(ctx, "")
	if err != nil {
		return forge.RepositoryInfo{}, err
	}
	branch := options.DefaultBranch
	if branch == "" {
		branch = "main"
	}
	create := sdk.CreateRepoOption{Name: r.Name, Description: options.Description, Private: options.Private,
		DefaultBranch: branch}
	var made *sdk.Repository
	var res *sdk.Response
	if r.Owner == f.access.Username {
		made, res, err = c.CreateRepo(create)
	} else {
		made, res, err = c.CreateOrgRepo(r.Owner, create)
	}
	if status(res) == http.StatusNotFound { // another account's
		made, res, err = c.AdminCreateRepo(r.Owner, create)
	}
	if status(res) == http.StatusConflict { // made by somebody else meanwhile
		return f.Repository(ctx, r)
	}
	if err != nil {
		return forge.RepositoryInfo{}, failed(res, err, "make repository %s", r)
	}
	return f.info(made), nil
}

func (f *Forge) setPrivate(ctx context.Context, r forge.Repository, private bool) (forge.RepositoryInfo, error) {
	c, err := f.client(ctx, "")
	if err != nil {
		return forge.RepositoryInfo{}, err
	}
	changed, res, err := c.EditRepo(r.Owner, r.Name, sdk.EditRepoOption{Private: &private})
	if err != nil {
		return forge.RepositoryInfo{}, failed(res, err, "set who sees repository %s", r)
	}
	return f.info(changed), nil
}

// DeleteRepository deletes the repository with all that is in it; one that is not there is gone already.
func (f *Forge) DeleteRepository(ctx context.Context, r forge.Repository) error {
	c, err := f.client(ctx, "")
	if err != nil {
		return err
	}
	res, err := c.DeleteRepo(r.Owner, r.Name)
	if err != nil && status(res) != http.StatusNotFound {
		return failed(res, err, "delete repository %s", r)
	}
	return nil
}

// DeleteImages removes the container images that bear a repository's name, with all that was put beside them.
func (f *Forge) DeleteImages(ctx context.Context, r forge.Repository) error {
	c, err := f.client(ctx, "")
	if err != nil {
		return err
	}
	const container = "container"
	name := strings.ToLower(r.Name)
	versions, res, err := pages(func(o sdk.ListOptions) ([]*sdk.Package, *sdk.Response, error) {
		return c.ListPackageVersions(r.Owner, container, name, sdk.ListPackagesOptions{ListOptions: o})
	})
	if status(res) == http.StatusNotFound {
		return nil
	}
	if err != nil {
		return failed(res, err, "list the images %s", r)
	}
	for _, v := range versions {
		res, err := c.DeletePackage(r.Owner, container, name, v.Version)
		if err != nil && status(res) != http.StatusNotFound {
			return failed(res, err, "delete image %s:%s", r, v.Version)
		}
	}
	return nil
}

// Protect protects a branch, and nothing less than protection says stays possible.
func (f *Forge) Protect(ctx context.Context, r forge.Repository, p forge.Protection) error {
	c, err := f.client(ctx, "")
	if err != nil {
		return err
	}
	yes := true
	canPush, checks := len(p.Pushers) > 0, len(p.Checks) > 0
	none := int64(0)
	_, res, err := c.GetBranchProtection(r.Owner, r.Name, p.Branch)
	switch {
	case status(res) == http.StatusNotFound:
		_, res, err = c.CreateBranchProtection(r.Owner, r.Name, sdk.CreateBranchProtectionOption{
			RuleName: p.Branch, BranchName: p.Branch,
			EnablePush: canPush, EnablePushWhitelist: true, PushWhitelistUsernames: p.Pushers,
			EnableMergeWhitelist: true, MergeWhitelistUsernames: p.Mergers,
			EnableStatusCheck: checks, StatusCheckContexts: p.Checks,
		})
	case err == nil:
		_, res, err = c.EditBranchProtection(r.Owner, r.Name, p.Branch, sdk.EditBranchProtectionOption{
			EnablePush: &canPush, EnablePushWhitelist: &yes, PushWhitelistUsernames: list(p.Pushers),
			EnableMergeWhitelist: &yes, MergeWhitelistUsernames: list(p.Mergers),
			EnableStatusCheck: &checks, StatusCheckContexts: list(p.Checks), RequiredApprovals: &none,
		})
	}
	return failed(res, err, "protect branch %s of %s", p.Branch, r)
}

// list is never nil: the server takes null for "as it was".
func list(s []string) []string { return append([]string{}, s...) }

// SetStatus sets the status of a commit in its context.
func (f *Forge) SetStatus(ctx context.Context, r forge.Repository, commit string, s forge.Status) error {
	c, err := f.client(ctx, "")
	if err != nil {
		return err
	}
	_, res, err := c.CreateStatus(r.Owner, r.Name, commit, sdk.CreateStatusOption{
		State: sdk.StatusState(s.State), Context: s.Context, Description: s.Description, TargetURL: s.URL})
	return failed(res, err, "set status %s of %s at %s", s.Context, r, commit)
}

// Statuses gives the newest status of each context at a commit.
func (f *Forge) Statuses(ctx context.Context, r forge.Repository, commit string) ([]forge.Status, error) {
	c, err := f.client(ctx, "")
	if err != nil {
		return nil, err
	}
	combined, res, err := c.GetCombinedStatus(r.Owner, r.Name, commit)
	if err != nil {
		return nil, failed(res, err, "read the statuses of %s at %s", r, commit)
	}
	var out []forge.Status
	for _, s := range combined.Statuses {
		state := forge.State(s.State)
		if s.State == sdk.StatusWarning {
			state = forge.Failure
		}
		out = append(out, forge.Status{Context: s.Context, State: state, Description: s.Description, URL: s.TargetURL})
	}
	return out, nil
}
