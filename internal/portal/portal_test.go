package portal_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/slipway-dev/slipway/catalog/templates"
	"github.com/slipway-dev/slipway/internal/app"
	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/app/memforge"
	"github.com/slipway-dev/slipway/internal/portal"
	"github.com/slipway-dev/slipway/internal/portal/config"
	"github.com/slipway-dev/slipway/internal/portal/gitea"
	"github.com/slipway-dev/slipway/internal/server/api"
	"github.com/slipway-dev/slipway/internal/server/index"
)

// world is a portal on a Git server in memory.
type world struct {
	*portal.Portal
	t     *testing.T
	forge *memforge.Forge
	dir   string
	now   time.Time
	back  api.Backends
	with  func(*portal.Options)
}

var (
	ada = api.Actor{ID: "p-1", Username: "ada", Kind: "person"}
	own = forge.Repository{Owner: app.RepositoryOwner, Name: app.RepositoryName}
)

func newWorld(t *testing.T) *world { return newWorldWith(t, func(*portal.Options) {}) }

// newWorldWith is a world whose portal has other options.
func newWorldWith(t *testing.T, with func(*portal.Options)) *world {
	t.Helper()
	_, f := memforge.New("robot")
	w := &world{t: t, with: with, forge: f, dir: t.TempDir(), now: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}
	w.open(t.Context())
	return w
}

// open opens the portal on what is in the data directory.
func (w *world) open(ctx context.Context) {
	w.t.Helper()
	credentials := filepath.Join(w.dir, "git")
	for name, text := range map[string]string{"username": "robot", "password": "p", "webhook": "a secret"} {
		w.must(os.MkdirAll(credentials, 0o700))
		w.must(os.WriteFile(filepath.Join(credentials, name), []byte(text), 0o600))
	}
	options := portal.Options{
		Config: config.Platform{Name: "dev", Domain: "dev.localhost", Registry: "git.dev.localhost",
			Git: config.Git{Adapter: "memory", URL: "https://git.dev.localhost", Credentials: credentials,
				WebhookSecretFile: filepath.Join(credentials, "webhook")},
			Gateway: config.Gateway{Name: "platform", Namespace: "gateway"}},
		PublicURL: "https://console.dev.localhost", DataDir: w.dir, Templates: templates.FS(), Now: func() time.Time { return w.now },
		GitServers: portal.GitServers{"memory": func(portal.GitAccess) portal.GitServer {
			return portal.GitServer{Forge: w.forge, Actions: gitea.Actions, ParseEvent: func(h http.Header, _ []byte, secret string) (forge.Event, error) {
				if h.Get("X-Secret") != secret {
					return forge.Event{}, forge.ErrSignature
				}
				return forge.Event{}, nil
			}}
		}},
	}
	w.with(&options)
	p, err := portal.New(ctx, options)
	w.must(err)
	w.Portal, w.back = p, p.Backends()
	w.must(p.Begin(ctx))
	w.t.Cleanup(func() { _ = p.Close() })
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

var goService = api.TemplateRef{Namespace: "default", Name: "go-service"}

// make runs the template for a team and gives the run when it is over.
func (w *world) make(team string, request api.NewApplication) api.Run {
	w.t.Helper()
	run, err := w.back.Applications.Create(w.t.Context(), ada, team, request)
	w.must(err)
	w.must(w.back.Runs.Watch(w.t.Context(), team, run.ID, "", func(api.RunEvent) error { return nil }))
	run, err = w.back.Runs.Run(w.t.Context(), team, run.ID)
	w.must(err)
	return run
}

func orders() api.NewApplication {
	return api.NewApplication{Name: "orders", Template: goService, Values: map[string]any{"description": "Takes orders"}}
}

func TestPortal_TemplateBecomesRepositoryCatalogueEntryAndApplication(t *testing.T) {
	w := newWorld(t)
	if run := w.make("shop", orders()); run.State != api.RunSucceeded || run.Application != "orders" || run.By.Username != "ada" {
		t.Fatalf("%+v", run)
	}
	repository := forge.Repository{Owner: "shop", Name: "orders"}
	if _, err := w.forge.ReadFile(t.Context(), repository, "main", "deploy/kustomization.yaml"); err != nil {
		t.Error(err)
	}
	a, err := w.back.Applications.Application(t.Context(), "shop", "orders")
	w.must(err)
	if a.Entity != "component:default/orders" || a.Description != "Takes orders" || len(a.Deployments) != 2 ||
		a.Deployments[0].Environment != "dev" || a.Deployments[1].Environment != "prod" {
		t.Errorf("%+v", a)
	}
	e, err := w.back.Catalog.Entity(t.Context(), api.EntityRef{Kind: "Component", Namespace: "default", Name: "orders"})
	w.must(err)
	if len(e.Errors) > 0 || e.Source == nil || e.Source.Repository != "shop/orders" {
		t.Errorf("%+v", e)
	}
	others, err := w.back.Applications.Applications(t.Context(), api.Teams{Names: []string{"other"}}, api.Page{Limit: 10})
	w.must(err)
	if len(others.Items) > 0 {
		t.Errorf("another team sees %+v", others.Items)
	}
	if _, err := w.back.Applications.Create(t.Context(), ada, "other", orders()); !errors.Is(err, api.ErrConflict) {
		t.Errorf("a name twice: %v", err)
	}
}

func TestPortal_RunForAnotherTeamFailsAndLeavesNothing(t *testing.T) {
	w := newWorld(t)
	request := orders()
	request.Values["owner"] = "group:default/other"
	run := w.make("shop", request)
	if run.State != api.RunFailed || !strings.Contains(run.Error, "other") || len(run.Remains) > 0 {
		t.Errorf("%+v", run)
	}
	if _, err := w.forge.Repository(t.Context(), forge.Repository{Owner: "other", Name: "orders"}); !errors.Is(err, forge.ErrNotFound) {
		t.Errorf("the repository: %v", err)
	}
}

func TestPortal_DryRunTouchesNothing(t *testing.T) {
	w := newWorld(t)
	before, err := w.forge.Head(t.Context(), own, app.Branch)
	w.must(err)
	shown, err := w.back.Templates.DryRun(t.Context(), ada, goService, map[string]any{"name": "orders", "description": "d", "owner": "group:default/shop"})
	w.must(err)
	if !slices.ContainsFunc(shown.Files, func(f api.DryRunFile) bool { return f.Path == "Dockerfile" && f.Content != "" }) {
		t.Errorf("%+v", shown.Files)
	}
	if after, _ := w.forge.Head(t.Context(), own, app.Branch); after != before {
		t.Error("the environments' repository has changed")
	}
	if _, err := w.back.Templates.DryRun(t.Context(), ada, goService, map[string]any{"name": "Not a name"}); !errors.Is(err, api.ErrInvalid) {
		t.Errorf("wrong values: %v", err)
	}
}

const image = "git.dev.localhost/shop/orders@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

func TestPortal_ReleaseGoesToDevOnceAndNotToProd(t *testing.T) {
	w := newWorld(t)
	w.make("shop", orders())
	commit, err := w.forge.Head(t.Context(), forge.Repository{Owner: "shop", Name: "orders"}, "main")
	w.must(err)
	w.must(w.Released(t.Context(), "orders", image, commit))
	once, err := w.forge.Head(t.Context(), own, app.Branch)
	w.must(err)
	w.must(w.Released(t.Context(), "orders", image, commit))
	if twice, _ := w.forge.Head(t.Context(), own, app.Branch); twice != once {
		t.Error("the same release was committed twice")
	}
	f, err := w.forge.ReadFile(t.Context(), own, app.Branch, "environments/dev/orders/manifests/deployment-orders.yaml")
	w.must(err)
	if !strings.Contains(string(f.Data), image) || !strings.Contains(string(f.Data), "namespace: orders-dev") {
		t.Errorf("%s", f.Data)
	}
	a, err := w.back.Applications.Application(t.Context(), "shop", "orders")
	w.must(err)
	if d := a.Deployments[0]; d.Release == nil || d.Release.Commit != commit || d.URL != "https://orders-dev.dev.localhost" {
		t.Errorf("dev: %+v", d)
	}
	if d := a.Deployments[1]; d.Release != nil {
		t.Errorf("prod: %+v", d)
	}
}

func TestPortal_InterruptedRunGoesOn(t *testing.T) {
	w := newWorld(t)
	ctx, kill := context.WithCancel(t.Context())
	w.must(w.Close())
	w.open(ctx)
	kill() // the run is stored, and does not get far
	run, err := w.back.Runs.Start(t.Context(), ada, "shop", goService, map[string]any{"name": "orders", "description": "d", "owner": "group:default/shop"})
	w.must(err)
	w.must(w.Close())
	w.open(t.Context())
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	over := make(chan struct{})
	go func() { w.Resume(ctx); close(over) }()
	for state := api.RunState(""); state != api.RunSucceeded; {
		w.must(w.back.Runs.Watch(t.Context(), "shop", run.ID, "", func(e api.RunEvent) error {
			if e.Step == "" && e.State != "" {
				state = e.State
			}
			return nil
		}))
		if state == api.RunFailed {
			t.Fatal("the run has failed")
		}
	}
	stop()
	<-over
	if _, err := w.back.Applications.Application(t.Context(), "shop", "orders"); err != nil {
		t.Error(err)
	}
}

// everything is what the index answers with.
func (w *world) everything() string {
	w.t.Helper()
	var all []any
	entities, err := w.back.Catalog.Entities(w.t.Context(), api.EntityQuery{}, api.Page{Limit: 200})
	w.must(err)
	for _, e := range entities.Items {
		one, err := w.back.Catalog.Entity(w.t.Context(), api.EntityRef{Kind: e.Kind, Namespace: e.Namespace, Name: e.Name})
		w.must(err)
		all = append(all, e, one)
	}
	applications, err := w.back.Applications.Applications(w.t.Context(), api.Teams{All: true}, api.Page{Limit: 200})
	w.must(err)
	environments, err := w.back.Environments.Environments(w.t.Context(), api.Teams{All: true}, api.Page{Limit: 200})
	w.must(err)
	text, err := json.MarshalIndent(append(all, applications, environments), "", " ")
	w.must(err)
	return string(text)
}

func TestPortal_DeletedIndexIsRebuiltTheSame(t *testing.T) {
	w := newWorld(t)
	w.make("shop", orders())
	head, err := w.forge.Head(t.Context(), forge.Repository{Owner: "shop", Name: "orders"}, "main")
	w.must(err)
	w.must(w.Released(t.Context(), "orders", "git.dev.localhost/shop/orders@sha256:"+strings.Repeat("a", 64), head))
	w.must(w.Happen(t.Context()))
	before := w.everything()
	if !strings.Contains(before, "component:default/orders") || !strings.Contains(before, strings.Repeat("a", 64)) {
		t.Fatal(before)
	}
	w.must(w.Close())
	files, err := filepath.Glob(filepath.Join(w.dir, index.FileName+"*"))
	w.must(err)
	if len(files) == 0 {
		t.Fatal("there is no index to delete")
	}
	for _, file := range files {
		w.must(os.Remove(file))
	}
	w.open(t.Context())
	if after := w.everything(); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}

func TestPortal_WhatWasPushedWhileItWasAwayIsSeenAtTheStart(t *testing.T) {
	w := newWorld(t)
	w.make("shop", orders())
	w.must(w.Close())
	repository := forge.Repository{Owner: "shop", Name: "orders"}
	file, err := w.forge.ReadFile(t.Context(), repository, "main", "catalog-info.yaml")
	w.must(err)
	text := strings.Replace(string(file.Data), "Takes orders", "Takes orders and returns", 1)
	_, err = w.forge.Commit(t.Context(), repository, forge.Commit{Branch: "main", Message: "Say more",
		Changes: []forge.FileChange{{Path: "catalog-info.yaml", Data: []byte(text), Version: file.Version}}})
	w.must(err)
	w.open(t.Context())
	e, err := w.back.Catalog.Entity(t.Context(), api.EntityRef{Kind: "component", Namespace: "default", Name: "orders"})
	w.must(err)
	if e.Metadata.Description != "Takes orders and returns" {
		t.Errorf("it says %q", e.Metadata.Description)
	}
}

func TestPortal_EnvironmentLivesAsLongAsItShould(t *testing.T) {
	w := newWorld(t)
	w.make("shop", orders())
	e, err := w.back.Environments.Create(t.Context(), ada, "shop", api.NewEnvironment{Name: "load-test", Lifetime: "2h"})
	w.must(err)
	if e.Team != "shop" || e.Governed || e.Expires == nil || !e.Expires.Equal(w.now.Add(2*time.Hour)) {
		t.Errorf("%+v", e)
	}
	if _, err := w.forge.ReadFile(t.Context(), own, app.Branch, "namespaces/shop-load-test/namespace-shop-load-test.yaml"); err != nil {
		t.Error(err)
	}
	w.now = w.now.Add(time.Hour)
	w.must(w.Expire(t.Context()))
	if _, err := w.back.Environments.Environment(t.Context(), "shop", "load-test"); err != nil {
		t.Error("it went too early:", err)
	}
	w.now = w.now.Add(time.Hour)
	w.must(w.Expire(t.Context()))
	if _, err := w.back.Environments.Environment(t.Context(), "shop", "load-test"); !errors.Is(err, api.ErrNotFound) {
		t.Error("it did not go:", err)
	}
	if _, err := w.back.Environments.Delete(t.Context(), ada, "shop", "prod"); !errors.Is(err, api.ErrDenied) {
		t.Error("everyone's environment was deleted by a team:", err)
	}
}

func TestPortal_PullRequestHasAPreviewWhileItIsOpen(t *testing.T) {
	w := newWorld(t)
	w.make("shop", orders())
	repository := forge.Repository{Owner: "shop", Name: "orders"}
	commit, err := w.forge.Commit(t.Context(), repository, forge.Commit{Branch: "faster", From: "main", Message: "m",
		Changes: []forge.FileChange{{Path: "new.txt", Data: []byte("x")}}})
	w.must(err)
	pull, err := w.forge.OpenPullRequest(t.Context(), repository, forge.NewPullRequest{Base: "main", Head: "faster", Title: "Faster"})
	w.must(err)
	w.now = pull.Updated.Add(time.Minute)
	w.must(w.ReleasedForPreview(t.Context(), "orders", image, commit))
	name := app.PreviewName("orders", pull.Number)
	a, err := w.back.Applications.Application(t.Context(), "shop", "orders")
	w.must(err)
	last := a.Deployments[len(a.Deployments)-1]
	if last.Environment != name || last.Release == nil || last.Release.Commit != commit || last.Preview == "" {
		t.Errorf("%+v", last)
	}
	for range 2 { // as a server that was restarted
		w.must(w.Close())
		w.open(t.Context())
		w.must(w.Previews(t.Context()))
	}
	comments, err := w.forge.Comments(t.Context(), repository, pull.Number)
	w.must(err)
	if len(comments) != 1 || comments[0].Author != "robot" || !strings.Contains(comments[0].Text, "https://"+name+".dev.localhost") {
		t.Errorf("%+v", comments)
	}
	w.must(w.forge.ClosePullRequest(t.Context(), repository, pull.Number))
	w.must(w.Previews(t.Context()))
	if _, err := w.back.Environments.Environment(t.Context(), "shop", name); !errors.Is(err, api.ErrNotFound) {
		t.Error("the preview is still there:", err)
	}
}

func TestPortal_PreviewWhoseTimeIsOverComesBackWithAPushOnly(t *testing.T) {
	w := newWorld(t)
	w.make("shop", orders())
	repository := forge.Repository{Owner: "shop", Name: "orders"}
	push := func(from string) string {
		commit, err := w.forge.Commit(t.Context(), repository, forge.Commit{Branch: "faster", From: from, Message: "m",
			Changes: []forge.FileChange{{Path: "new-" + from + ".txt", Data: []byte("x")}}})
		w.must(err)
		return commit
	}
	push("main")
	pull, err := w.forge.OpenPullRequest(t.Context(), repository, forge.NewPullRequest{Base: "main", Head: "faster", Title: "Faster"})
	w.must(err)
	name := app.PreviewName("orders", pull.Number)
	there := func() bool {
		w.must(w.Previews(t.Context()))
		_, err := w.back.Environments.Environment(t.Context(), "shop", name)
		return err == nil
	}
	w.now = pull.Updated.Add(time.Minute)
	if !there() {
		t.Fatal("there is no preview")
	}
	w.now = w.now.Add(72 * time.Hour)
	w.must(w.Expire(t.Context()))
	w.now = w.now.Add(-70 * time.Hour) // as after a comment: the pull request has changed since
	if there() {
		t.Error("the preview came back by itself")
	}
	comments, err := w.forge.Comments(t.Context(), repository, pull.Number)
	w.must(err)
	if len(comments) != 1 || !strings.Contains(comments[0].Text, "its time to live, 72h, is over") {
		t.Errorf("%+v", comments)
	}
	push("")
	if !there() {
		t.Error("a push made no new preview")
	}
}

func TestPortal_NewEnvironmentHoldsWhatRunsInDev(t *testing.T) {
	w := newWorld(t)
	w.make("shop", orders())
	commit, err := w.forge.Head(t.Context(), forge.Repository{Owner: "shop", Name: "orders"}, "main")
	w.must(err)
	w.must(w.Released(t.Context(), "orders", image, commit))
	_, err = w.back.Environments.Create(t.Context(), ada, "shop", api.NewEnvironment{Name: "load-test"})
	w.must(err)
	_, err = w.back.Environments.Create(t.Context(), ada, "other", api.NewEnvironment{Name: "others"})
	w.must(err)
	for range 2 {
		w.must(w.Fill(t.Context()))
	}
	a, err := w.back.Applications.Application(t.Context(), "shop", "orders")
	w.must(err)
	held := map[string]string{}
	for _, d := range a.Deployments {
		if d.Release != nil {
			held[d.Environment] = d.URL + " " + d.Namespace
		}
	}
	if len(held) != 2 || held["load-test"] != "https://orders-load-test.dev.localhost shop-load-test" {
		t.Errorf("%v", held)
	}
}

func TestPortal_DeletedApplicationIsGoneEverywhere(t *testing.T) {
	w := newWorld(t)
	w.make("shop", orders())
	if _, err := w.back.Applications.Delete(t.Context(), ada, "other", "orders", api.DeleteApplication{}); !errors.Is(err, api.ErrNotFound) {
		t.Error("another team's:", err)
	}
	d, err := w.back.Applications.Delete(t.Context(), ada, "shop", "orders", api.DeleteApplication{})
	w.must(err)
	if !d.Done {
		t.Errorf("%+v", d)
	}
	files, err := w.forge.ReadFolder(t.Context(), own, app.Branch, "")
	w.must(err)
	for _, f := range files {
		if strings.Contains(f.Path, "orders") || strings.HasPrefix(f.Path, "catalog/") {
			t.Error("remains:", f.Path)
		}
	}
}

func TestPortal_WebhooksAreTakenBySignatureOnly(t *testing.T) {
	w := newWorld(t)
	good := http.Header{"X-Secret": {"a secret"}}
	if err := w.Receive(t.Context(), "git", good, nil); err != nil {
		t.Error(err)
	}
	if err := w.Receive(t.Context(), "git", http.Header{}, nil); !errors.Is(err, api.ErrDenied) {
		t.Error("unsigned:", err)
	}
	if err := w.Receive(t.Context(), "elsewhere", good, nil); !errors.Is(err, api.ErrNotFound) {
		t.Error("unknown source:", err)
	}
	r := prometheus.NewRegistry()
	r.MustRegister(w.Collectors()...)
	counted := map[string]float64{}
	families, err := r.Gather()
	w.must(err)
	for _, f := range families {
		for _, m := range f.Metric {
			for _, l := range m.Label {
				counted[f.GetName()+" "+l.GetValue()] = m.Counter.GetValue()
			}
		}
	}
	if len(counted) != 2 || counted["slipway_webhook_calls_total taken"] != 1 || counted["slipway_webhook_calls_total refused"] != 1 {
		t.Errorf("counted %v", counted)
	}
}

// published puts files into a repository of a team's and gives its address.
func (w *world) published(team, name string, files map[string]string) string {
	w.t.Helper()
	r := forge.Repository{Owner: team, Name: name}
	w.must(w.forge.EnsureOrganization(w.t.Context(), team))
	_, err := w.forge.EnsureRepository(w.t.Context(), r, forge.RepositoryOptions{DefaultBranch: "main"})
	w.must(err)
	var changes []forge.FileChange
	for file, text := range files {
		changes = append(changes, forge.FileChange{Path: file, Data: []byte(text)})
	}
	_, err = w.forge.Commit(w.t.Context(), r, forge.Commit{Branch: "main", Message: "m", Changes: changes})
	w.must(err)
	return "https://git.dev.localhost/" + r.String() + "/src/branch/main/"
}

const greeting = `apiVersion: scaffolder.backstage.io/v1beta3
kind: Template
metadata: {name: greeting}
spec:
  type: service
  owner: group:default/shop
  parameters:
    - properties:
        name: {type: string, ui:autofocus: true}
  steps:
    - id: hello
      action: debug:log
      input:
        message: Hello, ${{ parameters.name | upper }}!
`

func TestPortal_TemplatesOfTeamsAreCheckedWhenTheyAreRegistered(t *testing.T) {
	w := newWorld(t)
	at := w.published("shop", "templates", map[string]string{
		"catalog-info.yaml": "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: templates}\nspec: {targets: [./good.yaml]}\n",
		"good.yaml":         greeting,
		"filter.yaml":       strings.Replace(greeting, "upper", "uper", 1),
		"action.yaml":       strings.Replace(greeting, "debug:log", "debug:lgo", 1),
		"unknown.yaml":      strings.Replace(greeting, "parameters.name |", "parameters.nmae |", 1),
	})
	for file, want := range map[string]string{"filter.yaml": `filter.yaml:14:47: spec.steps[0].input.message: no filter is called "uper"`,
		"action.yaml": `action.yaml:12:15: spec.steps[0].action: no action is called "debug:lgo"`} {
		_, err := w.back.CatalogFiles.Register(t.Context(), ada, "shop", at+file)
		if !errors.Is(err, api.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", file, err)
		}
	}
	made, err := w.back.CatalogFiles.Register(t.Context(), ada, "shop", at+"unknown.yaml")
	if err != nil || len(made.Warnings) == 0 || made.Warnings[0].Line != 14 {
		t.Errorf("%+v %v", made, err)
	}
	w.must(w.back.CatalogFiles.Unregister(t.Context(), ada, "shop", at+"unknown.yaml"))
	ref := api.TemplateRef{Namespace: "default", Name: "greeting"}
	if _, err := w.back.Templates.Template(t.Context(), ref); !errors.Is(err, api.ErrNotFound) {
		t.Errorf("an unregistered template: %v", err)
	}
	if _, err := w.back.CatalogFiles.Register(t.Context(), ada, "other", at+"good.yaml"); !errors.Is(err, api.ErrDenied) {
		t.Errorf("another team's: %v", err)
	}
	made, err = w.back.CatalogFiles.Register(t.Context(), ada, "shop", at+"catalog-info.yaml")
	if err != nil || !slices.Contains(made.Entities, "template:default/greeting") {
		t.Fatalf("%+v %v", made, err)
	}
	run, err := w.back.Runs.Start(t.Context(), ada, "shop", ref, map[string]any{"name": "ada"})
	w.must(err)
	var lines []string
	w.must(w.back.Runs.Watch(t.Context(), "shop", run.ID, "", func(e api.RunEvent) error { lines = append(lines, e.Line); return nil }))
	if !slices.Contains(lines, "Hello, ADA!") {
		t.Errorf("%q", lines)
	}
}
