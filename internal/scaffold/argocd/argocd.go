// Package argocd has the action cnoe:create-argocd-app, by which CNOE's templates have a repository
// delivered. internal/app gives it the platform's delivery.
package argocd

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/slipway-dev/slipway/internal/scaffold"
)

// Application is what is to be delivered: the manifests at a path of a repository, into a namespace.
type Application struct {
	Name, Project, Namespace string
	RepoURL, Path            string
	// Label finds the application for its entity: the label backstage-name.
	Label string
}

// ErrExists says that there is an application of the name already.
var ErrExists = errors.New("there is an application of this name already")

// Delivery brings applications to the cluster, as far as the run's user may have it do so: the adapter checks that.
type Delivery interface {
	// Exists says whether there is an application of a name.
	Exists(ctx context.Context, name string) (bool, error)
	// Create has an application delivered, kept in sync from then on. The error is [ErrExists] where there is one.
	Create(ctx context.Context, a Application, user scaffold.User) error
	// Delete removes an application and what it delivered; one that is not there is no error.
	Delete(ctx context.Context, name string) error
}

// Actions gives cnoe:create-argocd-app.
func Actions(delivery Delivery) []scaffold.Action {
	d := creator{delivery}
	return []scaffold.Action{{ID: "cnoe:create-argocd-app",
		Description: "Has the manifests of a repository delivered to the cluster.",
		Input:       input, Outputs: []string{}, Run: d.create, Preview: preview, Undo: d.undo}}
}

//go:embed input.json
var input string

type creator struct{ delivery Delivery }

func read(c *scaffold.Call) (Application, error) {
	var in struct{ RepoURL, ProjectName, AppName, AppNamespace, Path, LabelValue string }
	if err := c.Decode(&in); err != nil {
		return Application{}, err
	}
	a := Application{Name: in.AppName, Project: in.ProjectName, Namespace: in.AppNamespace,
		RepoURL: in.RepoURL, Path: in.Path, Label: in.LabelValue}
	if a.Label == "" {
		a.Label = a.Name
	}
	if remote := published(c, in.RepoURL); remote != "" && remote != in.RepoURL {
		c.Logf("%s stands for the repository that this run has published: %s", in.RepoURL, remote)
		a.RepoURL = remote
	}
	return a, nil
}

// published is the address of the repository of this run that a URL means. Published templates of CNOE name
// a host and an owner that only their demonstration has; the repository's name tells.
func published(c *scaffold.Call, url string) string {
	name := strings.TrimSuffix(path.Base(strings.TrimRight(url, "/")), ".git")
	for _, m := range c.Earlier {
		if m.Detail["repository"] == name && m.Certain {
			return m.Detail["remote"]
		}
	}
	return ""
}

func preview(_ context.Context, c *scaffold.Call) (map[string]any, error) {
	a, err := read(c)
	if err == nil {
		c.Logf("would have %s of %s delivered into %s", a.Path, a.RepoURL, a.Namespace)
	}
	return nil, err
}

func (d creator) create(ctx context.Context, c *scaffold.Call) (map[string]any, error) {
	a, err := read(c)
	if err != nil {
		return nil, err
	}
	exists, err := d.delivery.Exists(ctx, a.Name)
	if err != nil {
		return nil, err
	}
	ours := len(c.Made) > 0
	switch {
	case exists && ours:
		return nil, c.Certain(ctx, 0)
	case exists:
		return nil, fmt.Errorf("application %s: %w", a.Name, ErrExists)
	case !ours:
		if _, err := c.Making(ctx, "application "+a.Name, map[string]string{"application": a.Name}); err != nil {
			return nil, err
		}
	}
	err = d.delivery.Create(ctx, a, c.User)
	if errors.Is(err, ErrExists) { // somebody else was quicker: it is not ours to take back
		return nil, errors.Join(fmt.Errorf("application %s: %w", a.Name, err), c.Withdraw(ctx, 0))
	}
	if err != nil {
		return nil, fmt.Errorf("application %s: %w", a.Name, err)
	}
	c.Logf("made application %s", a.Name)
	return nil, c.Certain(ctx, 0)
}

func (d creator) undo(ctx context.Context, made scaffold.Made) error {
	return d.delivery.Delete(ctx, made.Detail["application"])
}
