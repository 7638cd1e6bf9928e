package api

import (
	"context"
	"io"
	"net/http"
	"slices"

	"github.com/slipway-dev/slipway/internal/server/access"
)

// Backends are what stands behind the routes; nil ones are not there. Each method is told who asks,
// for records, or whose things may be shown; that they may ask at all has been decided before.
// Errors wrap those of this package (ErrNotFound and so on).
type Backends struct {
	Catalog      Catalog
	CatalogFiles CatalogFiles
	Templates    Templates
	Runs         TemplateRuns
	Applications Applications
	Environments Environments
	Promotions   Promotions
	Exceptions   Exceptions
	Audit        Audit
	Policies     Policies
	Platform     Platform
	Events       Events
	Webhooks     Webhooks
}

// Actor is somebody who did something.
type Actor struct {
	// ID stays the same for ever, Username is what people know them by.
	ID       string `json:"id" doc:"stays the same for ever" example:"p-0123456789abcdef0123"`
	Username string `json:"username" example:"ada"`
	Name     string `json:"name,omitempty" example:"Ada Lovelace"`
	// Issuer and Subject are the identity provider's own words; empty for workloads.
	Issuer  string `json:"issuer,omitempty" doc:"the identity provider that vouched for them"`
	Subject string `json:"subject,omitempty" doc:"what that provider calls them"`
	// Kind is how they came.
	Kind access.Kind `json:"kind" enum:"person,command line,token,workload" doc:"with what sort of credential"`
}

func actor(p access.Principal) Actor {
	return Actor{ID: p.ID, Username: p.Username, Name: p.Name, Issuer: p.Issuer, Subject: p.Subject, Kind: p.Kind}
}

// Teams are the teams whose things a caller may see.
type Teams struct {
	// All says every team, and what belongs to none.
	All bool
	// Names are sorted.
	Names []string
}

// Includes says whether things of a team may be shown.
func (t Teams) Includes(team string) bool { return t.All || slices.Contains(t.Names, team) }

// Catalog is the software catalogue.
type Catalog interface {
	// Entities lists entities in the order of their references.
	Entities(ctx context.Context, q EntityQuery, page Page) (List[EntitySummary], error)
	Entity(ctx context.Context, ref EntityRef) (Entity, error)
	// Search lists the best hits first.
	Search(ctx context.Context, text string, page Page) (List[SearchHit], error)
	// Graph gives what is at most depth relations away from root.
	Graph(ctx context.Context, root EntityRef, depth int) (Graph, error)
}

// CatalogFiles are the files that the catalogue reads, each in a repository of a team's.
type CatalogFiles interface {
	// Register takes a file in. Templates with mistakes are refused, each mistake with its line.
	Register(ctx context.Context, by Actor, team, address string) (Registration, error)
	Unregister(ctx context.Context, by Actor, team, address string) error
}

// Templates are the golden-path templates.
type Templates interface {
	Templates(ctx context.Context, page Page) (List[TemplateSummary], error)
	Template(ctx context.Context, ref TemplateRef) (Template, error)
	// DryRun shows what a run would make, and touches nothing.
	DryRun(ctx context.Context, by Actor, ref TemplateRef, values map[string]any) (DryRun, error)
}

// TemplateRuns are runs of templates, for a team.
type TemplateRuns interface {
	Start(ctx context.Context, by Actor, team string, ref TemplateRef, values map[string]any) (Run, error)
	Runs(ctx context.Context, team string, page Page) (List[Run], error)
	// Run fails with ErrNotFound where the run is another team's.
	Run(ctx context.Context, team, id string) (Run, error)
	// Watch emits what happens in a run, from after an event's ID on, until the run or ctx ends.
	Watch(ctx context.Context, team, id, after string, emit func(RunEvent) error) error
}

// Applications are the teams' applications.
type Applications interface {
	// Applications lists the applications of the teams, by team and name.
	Applications(ctx context.Context, teams Teams, page Page) (List[ApplicationSummary], error)
	// Create begins to make an application from a template.
	Create(ctx context.Context, by Actor, team string, request NewApplication) (Run, error)
	Application(ctx context.Context, team, name string) (Application, error)
	// Delete begins to delete an application.
	Delete(ctx context.Context, by Actor, team, name string, options DeleteApplication) (Deletion, error)
	// Logs emits log lines until there are no more or, with Follow, ctx ends.
	Logs(ctx context.Context, team, name string, q LogQuery, emit func(LogLine) error) error
}

// Environments are where applications run.
type Environments interface {
	// Environments lists those of the teams and those that are everyone's.
	Environments(ctx context.Context, teams Teams, page Page) (List[Environment], error)
	Create(ctx context.Context, by Actor, team string, request NewEnvironment) (Environment, error)
	Environment(ctx context.Context, team, name string) (Environment, error)
	Delete(ctx context.Context, by Actor, team, name string) (Deletion, error)
}

// Promotions move releases between environments.
type Promotions interface {
	Open(ctx context.Context, by Actor, team, application string, request NewPromotion) (Promotion, error)
	// Promotions lists the newest first.
	Promotions(ctx context.Context, teams Teams, q PromotionQuery, page Page) (List[PromotionSummary], error)
	// Promotion fails with ErrNotFound where it is another application's.
	Promotion(ctx context.Context, team, application string, number int64) (Promotion, error)
}

// Exceptions are the recorded ways around a gate. They fail with ErrDenied where the caller may not,
// for being the author, the requester or the one who broke the glass.
type Exceptions interface {
	Waive(ctx context.Context, by Actor, team, application string, number int64, waiver NewWaiver) (Promotion, error)
	BreakGlass(ctx context.Context, by Actor, team, application string, number int64, reason string) (Promotion, error)
	// Review is the second person's word on a broken glass.
	Review(ctx context.Context, by Actor, team, application string, number int64, review NewReview) (Promotion, error)
}

// Audit is the log of decisions.
type Audit interface {
	// Decisions lists the newest first.
	Decisions(ctx context.Context, teams Teams, q DecisionQuery, page Page) (List[DecisionSummary], error)
	Decision(ctx context.Context, index uint64) (Decision, error)
	// Export writes everything that `slipway audit verify` needs, as a zip file.
	Export(ctx context.Context, q ExportQuery, to io.Writer) error
	Checkpoint(ctx context.Context) (Checkpoint, error)
	// Findings lists what runs or was merged without a decision.
	Findings(ctx context.Context, teams Teams, page Page) (List[Finding], error)
	// Running lists the images that run in governed environments, as the cluster says.
	Running(ctx context.Context, teams Teams, page Page) (List[RunningImage], error)
}

// Policies are the gates, as data.
type Policies interface {
	// Test replays past promotions against changed gates.
	Test(ctx context.Context, t PolicyTest) (PolicyReport, error)
	// Propose asks for a change of gates: it opens its pull request.
	Propose(ctx context.Context, by Actor, change NewGatesChange) (GatesChange, error)
	// GatesChanges lists the newest first.
	GatesChanges(ctx context.Context, page Page) (List[GatesChangeSummary], error)
	GatesChange(ctx context.Context, number int64) (GatesChange, error)
}

// Platform is the platform below.
type Platform interface {
	Capabilities(ctx context.Context) ([]Capability, error)
	Health(ctx context.Context) (Health, error)
}

// Events is what happens on the platform.
type Events interface {
	// Watch emits what happens to the teams' things, from after an event's ID on, until ctx ends.
	Watch(ctx context.Context, teams Teams, after string, emit func(Event) error) error
}

// Webhooks takes word from other systems.
type Webhooks interface {
	// Receive checks the signature and takes note; it fails with ErrDenied where the signature is
	// wrong and with ErrNotFound where there is no such source.
	Receive(ctx context.Context, source string, header http.Header, body []byte) error
}
