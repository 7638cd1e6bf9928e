package promotions

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/app"
	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/app/memforge"
	"github.com/slipway-dev/slipway/internal/audit"
	"github.com/slipway-dev/slipway/internal/audit/audittest"
	"github.com/slipway-dev/slipway/internal/audit/memory"
	"github.com/slipway-dev/slipway/internal/evidence"
	"github.com/slipway-dev/slipway/internal/evidence/evidencetest"
	evidencememory "github.com/slipway-dev/slipway/internal/evidence/memory"
	"github.com/slipway-dev/slipway/internal/promotion"
	"github.com/slipway-dev/slipway/internal/promotion/gate"
	"github.com/slipway-dev/slipway/internal/server/access"
	"github.com/slipway-dev/slipway/internal/server/api"
)

const (
	account = "slipway"
	git     = "https://git.example.com"
	builder = "builder"
	team    = "payments"
	shop    = "shop"
	image   = "registry.example.com/payments/shop"
)

var source = forge.Repository{Owner: team, Name: shop}

// theForge is all of a Git server that these tests use.
type theForge interface {
	Forge
	EnsureUser(ctx context.Context, u forge.User, password string) error
	EnsureTeam(ctx context.Context, t forge.Team, members []string) error
	User(ctx context.Context, name string) (forge.User, error)
	Review(ctx context.Context, r forge.Repository, number int, review forge.Review) error
}

// world is a platform with one application, dev, and a governed prod.
type world struct {
	testing.TB
	forge    theForge
	log      Log
	store    *evidencememory.Store
	health   *health
	running  []promotion.Running
	trust    audit.Trust
	mu       sync.Mutex
	now      time.Time
	events   []api.Event
	releases int
}

// health is what the cluster says.
type health struct {
	mu   sync.Mutex
	seen map[place]Observation
}

func (h *health) Observe(_ context.Context, environment, application string) (Observation, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.seen[place{environment, application}], nil
}

func (h *health) set(environment string, o Observation) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seen[place{environment, shop}] = o
}

// manifests render one Deployment.
type manifests struct{}

func (manifests) Render(_ context.Context, a v1alpha1.Application, e v1alpha1.Environment, r v1alpha1.Release) (app.Files, error) {
	return app.Files{"deployment-shop.yaml": fmt.Appendf(nil, "kind: Deployment\nmetadata: {name: %s, namespace: %s}\nimage: %s\n",
		a.Metadata.Name, e.Metadata.Name, r.Spec.Image)}, nil
}

type stores struct{ of evidence.Source }

func (s stores) Of(string) (evidence.Source, error) { return s.of, nil }

// newWorld makes a platform in memory.
func newWorld(t testing.TB) *world {
	t.Helper()
	_, f := memforge.New(account)
	signer, _ := audittest.LogSigner(t, audittest.Origin)
	log, err := memory.New(signer, audittest.Keyring(t))
	if err != nil {
		t.Fatal(err)
	}
	return furnish(t, f, log)
}

// furnish makes the platform on a Git server and a log.
func furnish(t testing.TB, f theForge, log Log) *world {
	t.Helper()
	w := &world{TB: t, forge: f, log: log, store: &evidencememory.Store{}, health: &health{seen: map[place]Observation{}},
		trust: audittest.Trust(t), now: time.Now().UTC().Truncate(time.Second)}
	w.trust.Keys = append(w.trust.Keys, evidencetest.Key(t, builder, evidence.Builder))
	ctx := t.Context()
	for _, name := range []string{"ada", "grace", "linus"} {
		w.must(f.EnsureUser(ctx, forge.User{Name: name, Email: name + "@example.com"}, "only-for-this-test-1"))
	}
	w.must(f.EnsureOrganization(ctx, team))
	w.must(f.EnsureTeam(ctx, forge.Team{Organization: team, Name: "developers", Permission: forge.PermissionWrite,
		AllRepositories: true}, []string{"ada", "linus"}))
	w.must(f.EnsureTeam(ctx, forge.Team{Organization: team, Name: "approvers", Permission: forge.PermissionWrite,
		AllRepositories: true}, []string{"ada", "grace", "linus"}))
	for _, r := range []forge.Repository{source, Environments} {
		_, err := f.EnsureRepository(ctx, r, forge.RepositoryOptions{})
		w.must(err)
	}
	w.write(source, "main", map[string]string{"main.go": "package main"}, "First")
	w.write(Environments, mainBranch, map[string]string{
		app.ApplicationFile(shop): "apiVersion: slipway.dev/v1alpha1\nkind: Application\nmetadata: {name: shop}\n" +
			"spec: {team: payments, repository: payments/shop}\n",
		app.EnvironmentFile("dev"): "apiVersion: slipway.dev/v1alpha1\nkind: Environment\nmetadata: {name: dev}\nspec: {order: 10}\n",
		app.EnvironmentFile("prod"): "apiVersion: slipway.dev/v1alpha1\nkind: Environment\nmetadata: {name: prod}\n" +
			"spec: {kind: prod, order: 20}\n",
	}, "Begin")
	w.must(f.Protect(ctx, Environments, Protection(account)))
	w.release()
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// write commits files, as ada's work.
func (w *world) write(r forge.Repository, branch string, files map[string]string, message string) string {
	w.Helper()
	c := forge.Commit{Branch: branch, Message: message, Author: forge.Person{Name: "Ada", Email: "ada@example.com"}}
	for _, name := range sorted(files) {
		old, err := w.forge.ReadFile(w.Context(), r, branch, name)
		if err != nil && !isNotFound(err) {
			w.Fatal(err)
		}
		c.Changes = append(c.Changes, forge.FileChange{Path: name, Data: []byte(files[name]), Version: old.Version})
	}
	hash, err := w.forge.Commit(w.Context(), r, c)
	w.must(err)
	return hash
}

// release makes a release of a new commit, with all its evidence, and puts it into dev, where it is healthy.
func (w *world) release() v1alpha1.Release {
	w.Helper()
	w.releases++
	commit := w.write(source, "main", map[string]string{"main.go": fmt.Sprintf("package main // %d", w.releases)},
		fmt.Sprintf("Change %d", w.releases))
	digest := evidencetest.Image(w.releases)
	r, err := app.NewRelease(v1alpha1.Application{Metadata: v1alpha1.Metadata{Name: shop},
		Spec: v1alpha1.ApplicationSpec{Team: team, Repository: source.String()}}, image+"@"+string(digest), commit, commit)
	w.must(err)
	w.attest(digest, commit)
	text, err := app.Encode(r)
	w.must(err)
	head := w.write(Environments, mainBranch, map[string]string{app.ReleaseFile(shop, r.Metadata.Name): string(text),
		app.PlacedFile("dev", shop): string(text)}, "Place "+r.Metadata.Name)
	w.health.set("dev", Observation{Commit: head, Digest: string(digest), Health: gate.Healthy, Since: w.clock().Add(-time.Hour)})
	return r
}

// attest stores what the platform's builder says about an image.
func (w *world) attest(digest evidence.Digest, commit string) {
	w.Helper()
	subject := evidence.NewSubject(image, digest)
	by := evidencetest.Signer(w, builder)
	add := func(s evidence.Statement, err error) {
		w.Helper()
		w.must(err)
		envelope, err := evidence.Sign(s, by)
		w.must(err)
		w.must(w.store.Attest(w.Context(), digest, envelope))
	}
	signature, err := evidence.SignImage(image, digest, by)
	w.must(err)
	w.must(w.store.Sign(w.Context(), digest, signature))
	at := w.clock().Add(-2 * time.Hour)
	add(evidence.Provenance{BuildType: evidence.BuildType, Builder: "https://ci.example.com/builder",
		Repository: git + "/payments/shop", Ref: "refs/heads/main", Commit: commit, Started: at, Finished: at}.Statement(subject))
	add(evidence.TestRun{Passed: []string{"a", "b"}, Configuration: []evidence.Input{{Name: "x"}}}.Statement(subject))
	add(evidence.NewSBOM(subject, fmt.Appendf(nil, `{"spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT", "name": "shop",
		"dataLicense": "CC0-1.0", "documentNamespace": "https://example.com/shop",
		"creationInfo": {"created": %q, "creators": ["Tool: test"]},
		"packages": [{"SPDXID": "SPDXRef-1", "name": "stdlib", "versionInfo": "1", "downloadLocation": "NOASSERTION",
			"licenseDeclared": "BSD-3-Clause"}]}`, at.Format(time.RFC3339))))
}

// server begins a new life of the server, over the world as it is.
func (w *world) server(f Forge, log Log) *Promotions {
	w.Helper()
	mapping, wrong := access.NewMapping("roles", []access.Binding{{Group: "{team}:developers", Role: access.Developer},
		{Group: "{team}:approvers", Role: access.Approver}, {Group: "platform-admins", Role: access.PlatformAdmin}})
	if len(wrong) > 0 {
		w.Fatal(wrong)
	}
	p, err := New(Options{Platform: "test", Account: account, Git: git, Console: "https://console.example.com", Forge: f,
		People: Accounts{Users: w.forge, Mapping: mapping}, Manifests: manifests{}, Evidence: stores{w.store}, Health: w.health,
		Running: runs{w}, Log: log, Signer: evidencetest.Signer(w, audittest.Server), Trust: w.trust,
		Builders: []string{"https://ci.example.com/builder"}, Now: w.clock,
		OnEvent: func(e api.Event) { w.mu.Lock(); defer w.mu.Unlock(); w.events = append(w.events, e) }})
	w.must(err)
	return p
}

type runs struct{ w *world }

func (r runs) Running(context.Context, []string) ([]promotion.Running, error) {
	return r.w.running, nil
}

// start begins a server, and prepares it.
func (w *world) start() *Promotions {
	w.Helper()
	p := w.server(w.forge, w.log)
	w.must(p.Prepare(w.Context()))
	return p
}

func actor(name string) api.Actor {
	return api.Actor{ID: "p-" + name, Username: name, Kind: access.Person}
}

var toProd = api.NewPromotion{From: "dev", To: "prod", Note: "Please look at *this*."}

// open asks for the promotion as ada.
func (w *world) open(p *Promotions) api.Promotion {
	w.Helper()
	out, err := p.Open(w.Context(), actor("ada"), team, shop, toProd)
	w.must(err)
	return out
}

// approve is somebody's review on the Git server.
func (w *world) review(number int64, by string, verdict forge.Verdict, body string) {
	w.Helper()
	w.must(w.forge.Review(w.Context(), Environments, int(number), forge.Review{Reviewer: by, Verdict: verdict, Body: body}))
}

// settle takes a promotion on, and gives it as it stands then.
func (w *world) settle(p *Promotions, number int64) api.Promotion {
	w.Helper()
	p.settle(w.Context(), int(number))
	if k := p.remember(int(number)); k.view.trouble != "" {
		w.Fatal(k.view.trouble)
	}
	out, err := p.Promotion(w.Context(), team, shop, number)
	w.must(err)
	return out
}

// roll lets the cluster take over what is on the branch, and be as is said from then on.
func (w *world) roll(h gate.Health) {
	w.Helper()
	head, err := w.forge.Head(w.Context(), Environments, mainBranch)
	w.must(err)
	f, err := w.forge.ReadFile(w.Context(), Environments, head, app.PlacedFile("prod", shop))
	digest := ""
	if err == nil {
		r, err := app.DecodeRelease(f.Path, f.Data)
		w.must(err)
		_, digest = app.Image(r.Spec.Image)
	} else if !errors.Is(err, forge.ErrNotFound) {
		w.Fatal(err)
	}
	w.health.set("prod", Observation{Commit: head, Digest: digest, Health: h, Reason: map[gate.Health]string{
		gate.HealthDegraded: "pod shop-1 restarts again and again"}[h]})
}

// promote takes a promotion to its healthy end.
func (w *world) promote(p *Promotions) api.Promotion {
	w.Helper()
	opened := w.open(p)
	w.review(opened.Number, "grace", forge.Approved, "")
	w.settle(p, opened.Number)
	w.roll(gate.Healthy)
	w.settle(p, opened.Number)
	w.pass(time.Minute)
	out := w.settle(p, opened.Number)
	if out.State != api.PromotionHealthy {
		w.Fatalf("%s: %s", out.State, out.Reason)
	}
	return out
}

// outcomesOf lists the log's decisions.
func (w *world) outcomesOf(p *Promotions) string {
	w.Helper()
	w.must(p.decisions.catchUp(w.Context()))
	var out []string
	for _, d := range p.decisions.every() {
		out = append(out, string(d.Outcome))
	}
	return strings.Join(out, " ")
}

// history lists the subjects of the commits on the environments' branch that changed prod.
func (w *world) history() []string {
	w.Helper()
	log, err := w.forge.Log(w.Context(), Environments, "", mainBranch)
	w.must(err)
	var out []string
	head, err := w.forge.Head(w.Context(), Environments, mainBranch)
	w.must(err)
	for _, e := range mainline(log, head) {
		if slices.ContainsFunc(e.Files, func(f string) bool { return below(f, app.Folder("prod", shop)) }) {
			subject, _, _ := strings.Cut(e.Message, "\n")
			out = append(out, subject)
		}
	}
	return out
}
