// Package apitest is a small platform in memory: every backend of the API, filled, for tests of what
// stands before them (the server) and of what calls it (the client, the command line).
package apitest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/server/api"
)

// Noon is when everything happens.
var Noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// World is a small platform in memory.
type World struct {
	mu   sync.Mutex
	seen []string // what was asked to be changed, and by whom
	// Events are given to whoever watches.
	Events []api.Event
	// Fail is what every change fails with.
	Fail error
}

// Backends are the world's.
func (w *World) Backends() api.Backends {
	return api.Backends{
		Catalog: fakeCatalog{w}, CatalogFiles: fakeCatalog{w}, Templates: fakeTemplates{w}, Runs: fakeRuns{w}, Applications: fakeApplications{w},
		Environments: fakeEnvironments{w}, Promotions: fakePromotions{w}, Exceptions: fakePromotions{w}, Audit: fakeAudit{},
		Policies: fakePolicies{}, Platform: fakePlatform{}, Events: w, Webhooks: w,
	}
}

func (w *World) did(by api.Actor, what string, args ...any) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = append(w.seen, by.Username+" "+fmt.Sprintf(what, args...))
	return w.Fail
}

// Done lists what was asked to be changed, and by whom.
func (w *World) Done() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.seen)
}

var (
	someone = api.Actor{ID: "p-1", Username: "ada", Name: "Ada", Issuer: "https://id.example.test", Subject: "7",
		Kind: "person"}
	release = api.Release{Image: "registry.example.test/payments/orders", Digest: "sha256:" + strings.Repeat("ab", 32),
		Version: "v1",
		Commit:  strings.Repeat("c", 40), Manifests: strings.Repeat("d", 40), Built: &Noon}
	GoService = api.TemplateRef{Namespace: "default", Name: "go-service"}
)

type fakeCatalog struct{ w *World }

func summaryOf(i int) api.EntitySummary {
	name := fmt.Sprintf("part-%03d", i)
	return api.EntitySummary{Ref: "component:default/" + name, Kind: "Component", Namespace: "default", Name: name,
		Title: name, Type: "service", Lifecycle: "production", Owner: "group:default/payments", Tags: []string{"go"}}
}

func (fakeCatalog) Entities(_ context.Context, q api.EntityQuery, page api.Page) (api.List[api.EntitySummary], error) {
	var all []api.EntitySummary
	for i := range 25 {
		if e := summaryOf(i); strings.Contains(e.Name, q.Text) {
			all = append(all, e)
		}
	}
	return api.Slice(all, func(e api.EntitySummary) string { return e.Ref }, page), nil
}

func (fakeCatalog) Entity(_ context.Context, ref api.EntityRef) (api.Entity, error) {
	if ref.Name == "missing" {
		return api.Entity{}, fault.Hint(fmt.Errorf("entity %s: %w", ref, api.ErrNotFound),
			"look for it with GET /api/v1/catalog/search")
	}
	return api.Entity{Ref: ref.String(), APIVersion: "backstage.io/v1alpha1", Kind: "Component",
		Metadata: api.EntityMetadata{Name: ref.Name, Namespace: ref.Namespace, Tags: []string{"go"},
			Labels: map[string]string{"a": "b"},
			Links:  []api.Link{{URL: "https://example.test", Title: "Home"}}},
		Spec:      map[string]any{"type": "service", "owner": "payments"},
		Relations: []api.Relation{{Type: "ownedBy", Target: "group:default/payments", Missing: true}},
		Errors:    []api.EntityError{{Message: "the owner does not exist", Path: "spec.owner", Line: 9}},
		Source: &api.Source{Repository: "payments/orders", Path: "catalog-info.yaml", Commit: "c0ffee",
			URL: "https://git.example.test/x"}}, nil
}

func (fakeCatalog) Search(_ context.Context, text string, _ api.Page) (api.List[api.SearchHit], error) {
	return api.List[api.SearchHit]{Items: []api.SearchHit{{Entity: summaryOf(1), Excerpt: "… " + text + " …"}}}, nil
}

func (fakeCatalog) Graph(_ context.Context, root api.EntityRef, _ int) (api.Graph, error) {
	return api.Graph{Root: root.String(), Nodes: []api.EntitySummary{summaryOf(1), summaryOf(2)},
		Edges: []api.GraphEdge{{From: summaryOf(1).Ref, To: summaryOf(2).Ref, Type: "dependsOn"}}}, nil
}

func (c fakeCatalog) Register(_ context.Context, by api.Actor, team, address string) (api.Registration, error) {
	return api.Registration{Address: address, Entities: []string{"template:default/go-service"},
			Warnings: []api.EntityError{{Message: "the template has no parameter \"nmae\"", Path: "spec.steps[0].input", Line: 7}}},
		c.w.did(by, "registers %s for %s", address, team)
}

func (c fakeCatalog) Unregister(_ context.Context, by api.Actor, team, address string) error {
	return c.w.did(by, "unregisters %s of %s", address, team)
}

type fakeTemplates struct{ w *World }

func templateSummary() api.TemplateSummary {
	return api.TemplateSummary{Namespace: "default", Name: "go-service", Title: "Go service", Type: "service",
		Tags: []string{"go"}, Errors: []api.EntityError{}}
}

func (fakeTemplates) Templates(context.Context, api.Page) (api.List[api.TemplateSummary], error) {
	return api.List[api.TemplateSummary]{Items: []api.TemplateSummary{templateSummary()}}, nil
}

func (fakeTemplates) Template(_ context.Context, ref api.TemplateRef) (api.Template, error) {
	return api.Template{TemplateSummary: templateSummary(), Parameters: []map[string]any{{"title": ref.Name,
		"type": "object", "required": []any{"name"}, "properties": map[string]any{
			"name":     map[string]any{"type": "string", "title": "Name", "description": "what it is called"},
			"version":  map[string]any{"type": "string", "enum": []any{"1.10", "1.20"}, "default": "1.20"},
			"replicas": map[string]any{"type": "integer", "default": 1}}}},
		Steps: []api.TemplateStep{{ID: "fetch", Name: "Fetch", Action: "fetch:template"}}}, nil
}

func (t fakeTemplates) DryRun(_ context.Context, by api.Actor, ref api.TemplateRef,
	values map[string]any) (api.DryRun, error) {
	if err := t.w.did(by, "tries %s with %v", ref.Name, values); err != nil {
		return api.DryRun{}, err
	}
	return api.DryRun{Steps: steps(), Files: []api.DryRunFile{{Path: "main.go", Size: 13, Content: "package main\n"}},
		Log:    []string{"done"},
		Output: map[string]any{"links": []any{}}}, nil
}

func steps() []api.RunStep {
	return []api.RunStep{{TemplateStep: api.TemplateStep{ID: "fetch", Name: "Fetch", Action: "fetch:template"},
		State: api.RunSucceeded, Started: &Noon, Finished: &Noon}}
}

type fakeRuns struct{ w *World }

func run(team, id string) api.Run {
	return api.Run{ID: id, Team: team, Template: GoService, State: api.RunSucceeded, By: someone, Created: Noon,
		Finished: &Noon,
		Steps:    steps(), Output: map[string]any{"text": "done"}, Application: "orders"}
}

func (r fakeRuns) Start(_ context.Context, by api.Actor, team string, ref api.TemplateRef,
	values map[string]any) (api.Run, error) {
	return run(team, "r1"), r.w.did(by, "runs %s for %s with %v", ref.Name, team, values)
}

func (fakeRuns) Runs(_ context.Context, team string, page api.Page) (api.List[api.Run], error) {
	return api.Slice([]api.Run{run(team, "r1"), run(team, "r2")}, func(r api.Run) string { return r.ID }, page), nil
}

func (fakeRuns) Run(_ context.Context, team, id string) (api.Run, error) {
	if id == "missing" {
		return api.Run{}, fmt.Errorf("run %s of team %s: %w", id, team, api.ErrNotFound)
	}
	return run(team, id), nil
}

func (fakeRuns) Watch(_ context.Context, _, _, after string, emit func(api.RunEvent) error) error {
	for i := range 3 {
		id := fmt.Sprint(i + 1)
		if id <= after {
			continue
		}
		if err := emit(api.RunEvent{ID: id, At: Noon, Step: "fetch", Line: "line " + id}); err != nil {
			return err
		}
	}
	return nil
}

type fakeApplications struct{ w *World }

func applicationSummary(team string) api.ApplicationSummary {
	return api.ApplicationSummary{Team: team, Name: "orders", Title: "Orders",
		Deployments: []api.Deployment{{Environment: "dev", Namespace: "orders-dev", Release: &release, Health: api.Degraded,
			Reason: "the image does not exist", Evidence: []string{"ImagePullBackOff"}, Since: &Noon,
			URL:   "https://orders.example.test",
			Links: []api.Link{{URL: "https://delivery.example.test"}}}},
		Build: &api.Build{ID: "b1", Commit: "c0ffee", State: api.BuildFailed, Reason: "a test failed", Started: &Noon}}
}

func (fakeApplications) Applications(_ context.Context, teams api.Teams,
	_ api.Page) (api.List[api.ApplicationSummary], error) {
	var l api.List[api.ApplicationSummary]
	for _, team := range []string{"payments", "search"} {
		if teams.Includes(team) {
			l.Items = append(l.Items, applicationSummary(team))
		}
	}
	return l, nil
}

func (a fakeApplications) Create(_ context.Context, by api.Actor, team string, n api.NewApplication) (api.Run, error) {
	return run(team, "r1"), a.w.did(by, "creates %s/%s from %s", team, n.Name, n.Template.Name)
}

func (fakeApplications) Application(_ context.Context, team, name string) (api.Application, error) {
	if name == "missing" {
		return api.Application{}, fmt.Errorf("application %s/%s: %w", team, name, api.ErrNotFound)
	}
	return api.Application{ApplicationSummary: applicationSummary(team), Entity: "component:default/orders",
		Repository: "https://git.example.test/payments/orders",
		Template:   &GoService, Created: &Noon, By: &someone, Builds: []api.Build{{ID: "b1", Commit: "c0ffee",
			State: api.BuildRunning, Steps: steps(), Release: &release}},
		Links: []api.Link{}}, nil
}

func (a fakeApplications) Delete(_ context.Context, by api.Actor, team, name string,
	o api.DeleteApplication) (api.Deletion, error) {
	err := a.w.did(by, "deletes %s/%s keep=%v", team, name, o.KeepRepository)
	return api.Deletion{Remains: []string{"namespace orders-dev"}}, err
}

func (fakeApplications) Logs(ctx context.Context, _, _ string, q api.LogQuery, emit func(api.LogLine) error) error {
	for i := range max(1, q.Tail) {
		if err := emit(api.LogLine{At: &Noon, Source: "orders/app", Text: fmt.Sprintf("line %d\nof two", i)}); err != nil {
			return err
		}
	}
	if q.Follow {
		<-ctx.Done()
	}
	if q.Source == api.BuildLogs {
		return fault.Hint(fmt.Errorf("build %s: its pod is gone: %w", q.Build, api.ErrNotFound), "see the archived log")
	}
	return nil
}

type fakeEnvironments struct{ w *World }

func environment(team, name string) api.Environment {
	return api.Environment{Name: name, Team: team, Namespace: team + "-" + name, Governed: true, State: api.Healthy,
		Created: &Noon, By: &someone, Expires: &Noon}
}

func (fakeEnvironments) Environments(context.Context, api.Teams, api.Page) (api.List[api.Environment], error) {
	return api.List[api.Environment]{Items: []api.Environment{environment("", "dev"), environment("payments",
		"load-test")}}, nil
}

func (e fakeEnvironments) Create(_ context.Context, by api.Actor, team string,
	n api.NewEnvironment) (api.Environment, error) {
	return environment(team, n.Name), e.w.did(by, "creates environment %s/%s for %q", team, n.Name, n.Lifetime)
}

func (fakeEnvironments) Environment(_ context.Context, team, name string) (api.Environment, error) {
	return environment(team, name), nil
}

func (e fakeEnvironments) Delete(_ context.Context, by api.Actor, team, name string) (api.Deletion, error) {
	return api.Deletion{Done: true, Remains: []string{}}, e.w.did(by, "deletes environment %s/%s", team, name)
}

type fakePromotions struct{ w *World }

func promotionSummary(team string) api.PromotionSummary {
	return api.PromotionSummary{Number: 42, Team: team, Application: "orders", From: "dev", To: "prod",
		Release: release, State: api.PromotionOpen,
		By: someone, Opened: Noon, Updated: Noon, PullRequest: "https://git.example.test/42",
		Progress: &api.GateProgress{Passed: 9, Total: 10,
			Waits: []api.WaitingGate{{Name: "approvals", Verdict: api.Fail, Reason: "0 of 1 approvals"}}}}
}

func gates() []api.GateResult {
	return []api.GateResult{{Name: "soak", Verdict: api.Waived, Reason: "healthy for 10 minutes of 60", Hint: "wait",
		Evaluated: Noon,
		Evidence: []api.EvidenceRef{{Digest: "sha256:aa", Predicate: "https://slsa.dev/provenance/v1", Signer: "builder",
			At: &Noon}},
		Waiver: &api.Waiver{By: someone, At: Noon, Reason: "the fair is tomorrow", Until: Noon}}}
}

func promotion(team string) api.Promotion {
	return api.Promotion{PromotionSummary: promotionSummary(team), Gates: gates(),
		Approvals: []api.Approval{{By: someone, At: Noon, Commit: "c0ffee", Reason: "own change"}},
		Policy:    "sha256:bb", BreakGlass: &api.BreakGlass{By: someone, At: Noon, Reason: "everything burns",
			Review: &api.GlassCheck{By: someone, At: Noon, Comment: "indeed"}},
		Decisions: []api.DecisionRef{{Index: 7, Outcome: api.BrokenGlass, At: Noon}}, Previous: &release}
}

func (p fakePromotions) Open(_ context.Context, by api.Actor, team, app string, n api.NewPromotion,
) (api.Promotion, error) {
	return promotion(team), p.w.did(by, "promotes %s/%s from %s to %s", team, app, n.From, n.To)
}

func (fakePromotions) Promotions(_ context.Context, _ api.Teams, q api.PromotionQuery,
	_ api.Page) (api.List[api.PromotionSummary], error) {
	s := promotionSummary("payments")
	s.Reason = "waiting for " + q.Waiting
	return api.List[api.PromotionSummary]{Items: []api.PromotionSummary{s}}, nil
}

func (fakePromotions) Promotion(_ context.Context, team, _ string, _ int64) (api.Promotion, error) {
	return promotion(team), nil
}

func (p fakePromotions) Waive(_ context.Context, by api.Actor, team, app string, n int64,
	waiver api.NewWaiver) (api.Promotion, error) {
	return promotion(team), p.w.did(by, "waives %s of %s/%s#%d", waiver.Gate, team, app, n)
}

func (p fakePromotions) BreakGlass(_ context.Context, by api.Actor, team, app string, n int64,
	reason string) (api.Promotion, error) {
	return promotion(team), p.w.did(by, "breaks the glass of %s/%s#%d: %s", team, app, n, reason)
}

func (p fakePromotions) Review(_ context.Context, by api.Actor, team, app string, n int64,
	r api.NewReview) (api.Promotion, error) {
	return promotion(team), p.w.did(by, "reviews %s/%s#%d: %v", team, app, n, r.Accepted)
}

type fakeAudit struct{}

func decisionSummary(index uint64, team string) api.DecisionSummary {
	return api.DecisionSummary{DecisionRef: api.DecisionRef{Index: index, Outcome: api.Allowed, At: Noon}, Team: team,
		Application: "orders",
		Environment: "prod", Subject: release.Digest, Commit: "c0ffee", Promotion: 42, Actors: []string{"ada"}}
}

func (fakeAudit) Decisions(_ context.Context, teams api.Teams, _ api.DecisionQuery,
	_ api.Page) (api.List[api.DecisionSummary], error) {
	var l api.List[api.DecisionSummary]
	for i, team := range []string{"payments", "search"} {
		if teams.Includes(team) {
			l.Items = append(l.Items, decisionSummary(uint64(i), team))
		}
	}
	return l, nil
}

// Decision gives even numbers to payments and odd ones to search.
func (a fakeAudit) Decision(ctx context.Context, index uint64) (api.Decision, error) {
	team := []string{"payments", "search"}[index%2]
	checkpoint, err := a.Checkpoint(ctx)
	return api.Decision{DecisionSummary: decisionSummary(index, team), Policy: "sha256:bb", Gates: gates(),
		Envelope: json.RawMessage(`{"payload":"e30="}`),
		Leaf:     []byte("leaf"), Proof: api.InclusionProof{Index: index, Size: 9, Hashes: [][]byte{{1}, {2}},
			Checkpoint: checkpoint}}, err
}

func (fakeAudit) Export(_ context.Context, q api.ExportQuery, to io.Writer) error {
	if q.From.Year() == 1999 {
		return fault.Hint(fmt.Errorf("nothing is that old: %w", api.ErrInvalid), "begin later")
	}
	if _, err := to.Write([]byte("an archive")); err != nil {
		return err
	}
	if q.From.Year() == 2000 {
		return errors.New("the disk is gone")
	}
	return nil
}

func (fakeAudit) Checkpoint(context.Context) (api.Checkpoint, error) {
	return api.Checkpoint{Origin: "slipway.example.test", Size: 9, Root: []byte{3}, Note: "note", Key: "key",
		Keys: map[string]string{"k": "PEM"}}, nil
}

func (fakeAudit) Findings(context.Context, api.Teams, api.Page) (api.List[api.Finding], error) {
	return api.List[api.Finding]{Items: []api.Finding{{ID: "f1", Kind: "image", Team: "payments", Environment: "prod",
		Subject: release.Digest, Since: Noon, Reason: "no decision"}}}, nil
}

func (fakeAudit) Running(context.Context, api.Teams, api.Page) (api.List[api.RunningImage], error) {
	return api.List[api.RunningImage]{Items: []api.RunningImage{{Team: "payments", Application: "orders", Environment: "prod",
		Object: "Pod/orders-1", Image: release.Digest, At: Noon}}}, nil
}

type fakePolicies struct{}

var gatesChange = api.GatesChange{GatesChangeSummary: api.GatesChangeSummary{Number: 43, Path: "policies/default.yaml",
	Digest: "sha256:" + strings.Repeat("0c", 32), State: api.PromotionOpen, Reason: "1 of 1 gates not passed: approvals",
	By: api.Actor{ID: "p-ada", Username: "ada", Kind: "person"}, Opened: Noon, Updated: Noon,
	PullRequest: "https://git.example.test/slipway/environments/pulls/43"}, Policy: "sha256:cc",
	Gates: []api.GateResult{{Name: "approvals", Verdict: api.Fail, Reason: "0 of 1 approvals", Evaluated: Noon,
		Hint: "ask a platform-admin", Evidence: []api.EvidenceRef{}}},
	Approvals: []api.Approval{}, Decisions: []api.DecisionRef{}, Diff: "-number: 1\n+number: 2\n"}

func (fakePolicies) Propose(_ context.Context, by api.Actor, n api.NewGatesChange) (api.GatesChange, error) {
	if strings.Contains(n.Content, "wrong") {
		return api.GatesChange{}, fault.Invalid(errors.New("policies/default.yaml:3: no such field"), "see the schema")
	}
	out := gatesChange
	out.Path, out.By = n.Path, by
	return out, nil
}

func (fakePolicies) GatesChanges(context.Context, api.Page) (api.List[api.GatesChangeSummary], error) {
	return api.List[api.GatesChangeSummary]{Items: []api.GatesChangeSummary{gatesChange.GatesChangeSummary}}, nil
}

func (fakePolicies) GatesChange(_ context.Context, number int64) (api.GatesChange, error) {
	out := gatesChange
	out.Number = number
	return out, nil
}

func (fakePolicies) Test(_ context.Context, t api.PolicyTest) (api.PolicyReport, error) {
	if strings.Contains(t.Gates, "wrong") {
		return api.PolicyReport{}, fault.Invalid(errors.New("gates.yaml:3: no such field"), "see the schema")
	}
	return api.PolicyReport{Replayed: 3, Changed: []api.PolicyChange{{Decision: decisionSummary(1, "payments"),
		Would: api.Refused, Gates: gates()}}, Undecided: []api.PolicyChange{}}, nil
}

type fakePlatform struct{}

func (fakePlatform) Capabilities(context.Context) ([]api.Capability, error) {
	return []api.Capability{{Name: "git", Tool: "forge", Description: "Keeps code.", Version: "1", State: api.Healthy,
		Links: []api.Link{{URL: "https://git.example.test"}}, Outputs: map[string]string{"url": "x"}}}, nil
}

func (fakePlatform) Health(context.Context) (api.Health, error) {
	return api.Health{State: api.Healthy, Checks: []api.HealthCheck{{Name: "git", State: api.Healthy}}, At: Noon}, nil
}

// Watch gives the events that concern the teams, then waits.
func (w *World) Watch(ctx context.Context, teams api.Teams, after string, emit func(api.Event) error) error {
	w.mu.Lock()
	events := slices.Clone(w.Events)
	w.mu.Unlock()
	for _, e := range events {
		if e.ID > after && (e.Team == "" || teams.Includes(e.Team)) {
			if err := emit(e); err != nil {
				return err
			}
		}
	}
	<-ctx.Done()
	return ctx.Err()
}

func (w *World) Receive(_ context.Context, source string, header http.Header, body []byte) error {
	if header.Get("X-Signature") != "good" {
		return fmt.Errorf("the signature of %s is wrong: %w", source, api.ErrDenied)
	}
	return w.did(api.Actor{Username: source}, "sends %s", body)
}
