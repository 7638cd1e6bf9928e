package platform

import (
	"context"
	"fmt"
	"slices"

	"github.com/slipway-dev/slipway/internal/deliver"
	"github.com/slipway-dev/slipway/internal/progress"
	"github.com/slipway-dev/slipway/internal/render"
	"github.com/slipway-dev/slipway/internal/step"
)

// repositoryPath is the platform's own repository on its Git server.
const repositoryPath = render.RepositoryOwner + "/" + render.RepositoryName

// push brings the tree and the packages' contents to the platform's Git server.
func (u *upRun) push(ctx context.Context, t *progress.Task) (string, error) {
	if git := u.provider(capabilityGit); git == nil || git.Tool == nil {
		return "", step.Skip("this platform has no Git server")
	}
	if u.unchanged {
		u.commit = u.before.Commit
		return "", step.Skip("unchanged")
	}
	ctx, cancel := limit(ctx, readyLimit)
	defer cancel()
	forge, err := u.openForge(ctx)
	if err != nil {
		return "", err
	}
	if n := len(u.tree.Contents); n > 0 {
		t.Update(fmt.Sprintf("push the contents of packages to %d repositories", n))
		contents, err := forge.PushContents(ctx, u.tree.Contents)
		if err != nil {
			return "", err
		}
		u.contents = map[string]string{}
		for _, c := range u.tree.Contents {
			if pushed := contents[c.Repository]; pushed.Any() {
				u.contents[c.URL] = pushed.Commit
			}
		}
	}
	if err := u.markFound(ctx); err != nil {
		return "", err
	}
	t.Update("push the manifests")
	pushed, err := forge.PushTree(ctx, u.tree)
	if err != nil {
		return "", err
	}
	u.commit = pushed.Commit
	if u.before.Commit != "" && pushed.Any() {
		u.touched = render.UnitsOf(slices.Concat(pushed.Added, pushed.Changed, pushed.Removed))
	}
	if !pushed.Any() {
		return "the server has them already", nil
	}
	return fmt.Sprintf("%d files added, %d changed, %d removed", len(pushed.Added), len(pushed.Changed), len(pushed.Removed)), nil
}

// markFound marks what an existing cluster had before the platform came, and what the delivery
// tool would take for its own from the push on: it is never deleted.
func (u *upRun) markFound(ctx context.Context) error {
	if u.embedded() {
		return nil
	}
	for _, unit := range u.plan.Units {
		if unit.Bootstrap {
			continue // applying it does so
		}
		if _, err := deliver.MarkFound(ctx, u.client, u.Name(), u.tree.Unit(unit.Name).ApplyOrder()); err != nil {
			return err
		}
	}
	return nil
}

func (u *upRun) openForge(ctx context.Context) (*deliver.Forge, error) {
	return deliver.OpenForge(ctx, u.client, u.plan, u.adapters.Git, u.http(u.ca.Certificate), u.dir.repositories())
}

// handOver gives everything to the delivery tool and waits until it has taken it.
func (u *upRun) handOver(ctx context.Context, t *progress.Task) (string, error) {
	if d := u.provider(capabilityDelivery); d == nil || d.Tool == nil || u.commit == "" {
		return u.applyRest(ctx, t)
	}
	if u.unchanged && u.owned(ctx) {
		return "", step.Skip("unchanged")
	}
	ctx, cancel := limit(ctx, readyLimit)
	defer cancel()
	forge, err := u.openForge(ctx)
	if err != nil {
		return "", err
	}
	t.Update("set up the webhook")
	if err := forge.Hook(ctx, u.client, u.plan); err != nil {
		return "", err
	}
	t.Update("hand over")
	target := deliver.Target{Revision: u.commit, Touched: u.touched, Contents: u.contents}
	if err := deliver.HandOver(ctx, u.client, u.plan, u.tree, target, u.report, stepHandOver); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s owns %d units", u.provider(capabilityDelivery).Name, len(u.plan.Units)), nil
}

// owned says whether the delivery tool owns everything already.
func (u *upRun) owned(ctx context.Context) bool {
	ok, _, err := deliver.HandedOver(ctx, u.client, u.plan, u.tree)
	return ok && err == nil
}

// applyRest applies what is left itself, in order, on a platform without a delivery tool.
func (u *upRun) applyRest(ctx context.Context, t *progress.Task) (string, error) {
	for _, unit := range u.plan.Units {
		if unit.Bootstrap {
			continue
		}
		t.Update("apply " + unit.Name)
		if err := deliver.Apply(ctx, u.client, u.Name(), u.tree.Unit(unit.Name).ApplyOrder(), t); err != nil {
			return "", err
		}
	}
	return "applied", nil
}
