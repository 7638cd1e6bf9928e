package promotions

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/app"
	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/audit"
	"github.com/slipway-dev/slipway/internal/evidence"
	"github.com/slipway-dev/slipway/internal/promotion"
	"github.com/slipway-dev/slipway/internal/promotion/gate"
	"github.com/slipway-dev/slipway/internal/server/api"
)

// The repositories that are Slipway's own, beside that of the environments.
var (
	// Environments is the repository that says what runs where.
	Environments = forge.Repository{Owner: app.RepositoryOwner, Name: app.RepositoryName}
	// Records holds requests, waivers, broken glass and the inputs of gates.
	Records = forge.Repository{Owner: app.RepositoryOwner, Name: "promotions"}
	// Checkpoints holds what the log's checkpoints were.
	Checkpoints = forge.Repository{Owner: app.RepositoryOwner, Name: "checkpoints"}
)

// recordsBranch is the branch of Slipway's own repositories.
const recordsBranch = "main"

// Git reads and writes repositories.
type Git interface {
	Head(ctx context.Context, r forge.Repository, branch string) (string, error)
	Log(ctx context.Context, r forge.Repository, after, to string) ([]forge.LogEntry, error)
	Tree(ctx context.Context, r forge.Repository, ref, folder string) (string, error)
	ReadFile(ctx context.Context, r forge.Repository, ref, path string) (forge.File, error)
	ReadFolder(ctx context.Context, r forge.Repository, ref, folder string) ([]forge.File, error)
	Commit(ctx context.Context, r forge.Repository, c forge.Commit) (string, error)
	Pushes(ctx context.Context, r forge.Repository, since time.Time) ([]forge.Push, error)
}

// Pulls reads and changes pull requests.
type Pulls interface {
	OpenPullRequest(ctx context.Context, r forge.Repository, n forge.NewPullRequest) (forge.PullRequest, error)
	PullRequest(ctx context.Context, r forge.Repository, number int) (forge.PullRequest, error)
	PullRequests(ctx context.Context, r forge.Repository, state forge.PullState) ([]forge.PullRequest, error)
	ClosePullRequest(ctx context.Context, r forge.Repository, number int) error
	Merge(ctx context.Context, r forge.Repository, m forge.Merge) (string, error)
	Comment(ctx context.Context, r forge.Repository, number int, text string) error
	Reviews(ctx context.Context, r forge.Repository, number int) ([]forge.Review, error)
}

// Statuses reads and sets the statuses of commits.
type Statuses interface {
	SetStatus(ctx context.Context, r forge.Repository, commit string, s forge.Status) error
	Statuses(ctx context.Context, r forge.Repository, commit string) ([]forge.Status, error)
}

// Repositories makes the repositories that are Slipway's own.
type Repositories interface {
	EnsureOrganization(ctx context.Context, name string) error
	EnsureRepository(ctx context.Context, r forge.Repository, o forge.RepositoryOptions) (forge.RepositoryInfo, error)
	Protect(ctx context.Context, r forge.Repository, p forge.Protection) error
}

// Forge is the Git server, as Slipway's own account.
type Forge interface {
	Git
	Pulls
	Statuses
	Repositories
}

// People knows what somebody may do.
type People interface {
	// Roles are the roles that an account of the Git server has for a team.
	Roles(ctx context.Context, account, team string) ([]string, error)
}

// Manifests renders releases.
type Manifests interface {
	// Render gives the release's manifests for an environment, by file name.
	Render(ctx context.Context, a v1alpha1.Application, e v1alpha1.Environment, r v1alpha1.Release) (app.Files, error)
}

// Log is the log of decisions.
type Log interface {
	audit.Source
	Append(ctx context.Context, envelope []byte) (audit.Receipt, error)
	Find(id string) (index uint64, found bool)
	InclusionProof(ctx context.Context, index, size uint64) ([][]byte, error)
}

// Evidence gives what is stored about images.
type Evidence interface {
	// Of opens what is stored beside the images of a repository, "registry.example.com/team/shop".
	Of(repository string) (evidence.Source, error)
}

// Observation is how an application is doing in an environment.
type Observation struct {
	// Commit is the newest commit of the environments' repository that the environment has taken over, and Release the
	// name of the release that Health is about; one of them is enough, and each is empty where it is not known.
	Commit, Release string
	// Digest is the application's own image that runs there; empty where that is not known.
	Digest string
	Health gate.Health
	// Since is since when it has been so, as far as the environment itself tells; zero where it does not.
	Since time.Time
	// Reason says in a line why it is not healthy.
	Reason string
}

// Health looks at applications.
type Health interface {
	Observe(ctx context.Context, environment, application string) (Observation, error)
}

// Running says what runs.
type Running interface {
	// Running lists the images in the environments.
	Running(ctx context.Context, environments []string) ([]promotion.Running, error)
}

// Options are what promotions need of the world. Those that may be missing say so.
type Options struct {
	// Platform is the platform's name.
	Platform string
	// Account is Slipway's own account on the Git server, and Git the server's URL.
	Account, Git string
	// Console is the console's URL, to which statuses lead; it may be empty.
	Console string

	Forge     Forge
	People    People
	Manifests Manifests
	Evidence  Evidence
	// Health may be nil: nothing is known then.
	Health Health
	// Running may be nil: images are not compared with decisions then.
	Running Running

	Log Log
	// Signer signs decisions.
	Signer *evidence.Signer
	// Trust are the public keys: of the log, of Slipway's decisions, and of the platform's builders.
	Trust audit.Trust
	// Builders are the names by which provenance calls the platform's builder, besides the names of its keys.
	Builders []string

	// Limits say when a roll-out has failed; the zero value is [promotion.DefaultLimits].
	Limits promotion.Limits
	// Tick is how often everything is looked at though nothing was heard; 15 seconds where zero.
	Tick time.Duration
	// Now is the clock; time.Now where nil.
	Now func() time.Time
	// OnEvent hears of what happens to promotions; it may be nil.
	OnEvent func(api.Event)
	// OnMain is called after the environments' branch was changed; it may be nil.
	OnMain func(commit string)
	// Logger is where the work is told of; nowhere where nil.
	Logger *slog.Logger
}

func (o *Options) complete() error {
	var missing []error
	need := func(there bool, what string) {
		if !there {
			missing = append(missing, errors.New(what+" is missing"))
		}
	}
	need(o.Account != "", "the account on the Git server")
	need(o.Git != "", "the Git server's URL")
	need(o.Forge != nil, "the Git server")
	need(o.People != nil, "what people may do")
	need(o.Manifests != nil, "the renderer of manifests")
	need(o.Evidence != nil, "the store of evidence")
	need(o.Log != nil, "the log of decisions")
	need(o.Signer != nil, "the key that signs decisions")
	if o.Limits == (promotion.Limits{}) {
		o.Limits = promotion.DefaultLimits()
	}
	if o.Tick <= 0 {
		o.Tick = 15 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.OnEvent == nil {
		o.OnEvent = func(api.Event) {}
	}
	if o.OnMain == nil {
		o.OnMain = func(string) {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return errors.Join(missing...)
}
