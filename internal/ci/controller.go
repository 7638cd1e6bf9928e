package ci

import (
	"context"
	"log/slog"
	"time"

	"github.com/slipway-dev/slipway/internal/app/forge"
)

// Forge is the Git server that pushes come to and statuses are shown on.
type Forge interface {
	// Head is the newest commit of a branch.
	Head(ctx context.Context, r forge.Repository, branch string) (string, error)
	PullRequests(ctx context.Context, r forge.Repository, state forge.PullState) ([]forge.PullRequest, error)
	SetStatus(ctx context.Context, r forge.Repository, commit string, s forge.Status) error
	Statuses(ctx context.Context, r forge.Repository, commit string) ([]forge.Status, error)
}

// Application is an application whose repository is built.
type Application struct {
	Name, Team string
	Repository forge.Repository
	CloneURL   string
	// Branch is the one that releases come from.
	Branch string
	// Image is the repository that images are pushed to: "registry.example.com/team/shop".
	Image string
}

// Portal is what the rest of the server knows and does.
type Portal interface {
	// Applications lists all applications.
	Applications(ctx context.Context) ([]Application, error)
	// Released hands over the image of a run of the application's branch. It may be called several times for
	// the same run, and is never called for one that a newer run of the branch has left behind.
	Released(ctx context.Context, run Run) error
	// RunURL is the page that shows a run; "" where there is none.
	RunURL(run Run) string
}

// Options are what a [Controller] works with.
type Options struct {
	Engine Engine
	Forge  Forge
	Portal Portal
	// Resync is how often everything is looked at, in case an event was missed; 2 minutes where zero.
	Resync time.Duration
	Log    *slog.Logger
}
