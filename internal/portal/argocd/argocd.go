// Package argocd lets templates have repositories of their team delivered by Argo CD: the action
// cnoe:create-argocd-app, within the portal's bounds.
package argocd

import (
	"context"
	"errors"

	"github.com/slipway-dev/slipway/internal/portal"
	"github.com/slipway-dev/slipway/internal/scaffold"
	scaffolder "github.com/slipway-dev/slipway/internal/scaffold/argocd"
)

// Name is the tool's in the catalogue.
const Name = "argo-cd"

// Actions is cnoe:create-argocd-app. The project that a template names does not count: each repository has bounds of
// its own.
func Actions(h portal.Handovers) []scaffold.Action { return scaffolder.Actions(delivery{h}) }

type delivery struct{ portal.Handovers }

func (d delivery) Create(ctx context.Context, a scaffolder.Application, _ scaffold.User) error {
	err := d.Handovers.Create(ctx, portal.Handover{Name: a.Name, Label: a.Label, RepoURL: a.RepoURL, Path: a.Path,
		Namespace: a.Namespace})
	if errors.Is(err, portal.ErrHandedOver) {
		return scaffolder.ErrExists
	}
	return err
}
