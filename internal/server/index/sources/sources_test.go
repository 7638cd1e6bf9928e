package sources

import (
	"context"
	"errors"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/app"
	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/app/memforge"
	"github.com/slipway-dev/slipway/internal/audit"
	"github.com/slipway-dev/slipway/internal/entity"
	"github.com/slipway-dev/slipway/internal/evidence"
	"github.com/slipway-dev/slipway/internal/evidence/evidencetest"
	"github.com/slipway-dev/slipway/internal/server/index"
)

var environments = forge.Repository{Owner: app.RepositoryOwner, Name: app.RepositoryName}

// world is a Git server, and an index that is made from it.
type world struct {
	*testing.T
	forge *memforge.Forge
	index *index.Index
}

func newWorld(t *testing.T) *world {
	t.Helper()
	_, f := memforge.New("slipway")
	x, _, err := index.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = x.Close() })
	w := &world{t, f, x}
	for _, r := range []forge.Repository{environments, {Owner: "payments", Name: "shop"}} {
		w.must(f.EnsureOrganization(t.Context(), r.Owner))
		_, err := f.EnsureRepository(t.Context(), r, forge.RepositoryOptions{})
		w.must(err)
	}
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// write puts files into a branch, whatever was there; nil deletes one.
func (w *world) write(r forge.Repository, branch string, by string, files app.Files) string {
	w.Helper()
	c := forge.Commit{Branch: branch, Message: "change", Author: forge.Person{Name: by}}
	for name, data := range files {
		change := forge.FileChange{Path: name, Data: data}
		if old, err := w.forge.ReadFile(w.Context(), r, branch, name); err == nil {
			change.Version = old.Version
		} else if !errors.Is(err, forge.ErrNotFound) {
			w.Fatal(err)
		}
		c.Changes = append(c.Changes, change)
	}
	hash, err := w.forge.Commit(w.Context(), r, c)
	w.must(err)
	return hash
}

func document[T v1alpha1.Application | v1alpha1.Environment | v1alpha1.Release](w *world, d T) []byte {
	w.Helper()
	data, err := app.Encode(d)
	w.must(err)
	return data
}

func (w *world) shop(branch string) v1alpha1.Application {
	a := v1alpha1.Application{Metadata: v1alpha1.Metadata{Name: "shop"},
		Spec: v1alpha1.ApplicationSpec{Team: "payments", Repository: "payments/shop", Branch: branch}}
	app.DefaultApplication(&a)
	return a
}

func (w *world) release(digit string) v1alpha1.Release {
	w.Helper()
	r, err := app.NewRelease(w.shop(""), "registry.example.com/payments/shop@sha256:"+strings.Repeat(digit, 64),
		strings.Repeat("a", 40), strings.Repeat("a", 40))
	w.must(err)
	return r
}

func (w *world) environment(name string) v1alpha1.Environment {
	e := v1alpha1.Environment{Metadata: v1alpha1.Metadata{Name: name}}
	app.DefaultEnvironment(&e)
	return e
}

func (w *world) source() Environments {
	return Environments{Git: w.forge, Repository: environments, Branch: app.Branch}
}

func (w *world) catchUp(s index.Source) {
	w.Helper()
	w.must(w.index.CatchUp(w.Context(), s))
}

func TestEnvironments_SaysWhatIsWhereSinceWhen(t *testing.T) {
	w := newWorld(t)
	w.catchUp(w.source()) // an empty repository says nothing
	first, second := w.release("1"), w.release("2")
	w.write(environments, "main", "ada", app.Files{
		app.ApplicationFile("shop"): document(w, w.shop("")),
		app.EnvironmentFile("dev"):  document(w, w.environment("dev")),
		app.EnvironmentFile("prod"): document(w, w.environment("prod")), "README.md": []byte("x"),
		app.ReleaseFile("shop", first.Metadata.Name):   document(w, first),
		app.PlacedFile("dev", "shop"):                  document(w, first),
		app.PlacedFile("prod", "shop"):                 document(w, first),
		app.ManifestsFolder("dev", "shop") + "/a.yaml": []byte("kind: ConfigMap"),
	})
	w.catchUp(w.source())
	application, err := w.index.Application(t.Context(), "shop")
	w.must(err)
	if application.By != "ada" || application.Created.IsZero() || !application.Created.Equal(application.Updated) ||
		application.Spec.Team != "payments" {
		t.Errorf("%+v", application)
	}

	w.write(environments, "main", "ci", app.Files{
		app.ReleaseFile("shop", second.Metadata.Name): document(w, second),
		app.PlacedFile("dev", "shop"):                 document(w, second),
		app.ApplicationFile("shop"):                   document(w, w.shop("release")),
	})
	w.catchUp(w.source())
	changed, err := w.index.Application(t.Context(), "shop")
	w.must(err)
	if !changed.Created.Equal(application.Created) || !changed.Updated.After(changed.Created) || changed.By != "ada" ||
		changed.Spec.Branch != "release" {
		t.Errorf("%+v", changed)
	}
	releases, err := w.index.Releases(t.Context(), "shop", index.Page{})
	w.must(err)
	if len(releases.Items) != 2 || releases.Items[0].Metadata.Name != second.Metadata.Name {
		t.Errorf("%+v", releases)
	}

	// a promotion's commit may be old; the release is there since the merge
	w.must(discard(w.forge.Commit(t.Context(), environments,
		forge.Commit{Branch: "promote", From: "main", Message: "x", Changes: []forge.FileChange{
			{Path: app.PlacedFile("prod", "shop"), Data: document(w, second),
				Version: w.version(app.PlacedFile("prod", "shop"))}}})))
	p, err := w.forge.OpenPullRequest(t.Context(), environments, forge.NewPullRequest{Base: "main", Head: "promote"})
	w.must(err)
	w.write(environments, "main", "ada", app.Files{"README.md": []byte("meanwhile")})
	w.catchUp(w.source())
	merge, err := w.forge.Merge(t.Context(), environments, forge.Merge{Number: p.Number, HeadCommit: p.HeadCommit})
	w.must(err)
	w.catchUp(w.source())
	log, err := w.forge.Log(t.Context(), environments, "", "main")
	w.must(err)
	placements, err := w.index.Placements(t.Context(), index.PlacementQuery{Application: "shop"}, index.Page{})
	w.must(err)
	prod := placements.Items[1]
	if prod.Environment != "prod" || prod.Commit != merge || !prod.Since.Equal(log[len(log)-1].Time) ||
		!app.SameRelease(prod.Release, second) {
		t.Errorf("%+v", prod)
	}

	w.write(environments, "main", "ada", app.Files{app.PlacedFile("dev", "shop"): nil,
		app.EnvironmentFile("dev"): []byte("kind: Environment\nspec: {kind: x}\n")})
	w.catchUp(w.source())
	if _, err := w.index.Environment(t.Context(), "dev"); !errors.Is(err, index.ErrNotFound) {
		t.Errorf("a document that cannot be read: %v", err)
	}
	found, err := w.index.Findings(t.Context(), index.Page{})
	w.must(err)
	if len(found.Items) == 0 || found.Items[0].File != "slipway/environments/environments/dev/environment.yaml" ||
		found.Items[0].Line == 0 {
		t.Errorf("%+v", found)
	}
	w.write(environments, "main", "ada", app.Files{app.EnvironmentFile("dev"): document(w, w.environment("dev"))})
	w.catchUp(w.source())
	if found, err := w.index.Findings(t.Context(), index.Page{}); err != nil || len(found.Items) != 0 {
		t.Errorf("after it was corrected: %+v, %v", found, err)
	}
	w.sameWhenRead(w.source())
}

func discard(_ string, err error) error { return err }

func (w *world) version(path string) string {
	w.Helper()
	f, err := w.forge.ReadFile(w.Context(), environments, "main", path)
	w.must(err)
	return f.Version
}

// state is all that the index says.
func (w *world) state() map[string]any {
	w.Helper()
	ctx, all := w.Context(), index.Page{Limit: 500}
	out := map[string]any{}
	keep := func(name string) func(any, error) {
		return func(v any, err error) {
			w.must(err)
			out[name] = v
		}
	}
	wrap := func(v any, err error) (any, error) { return v, err }
	keep("applications")(wrap(w.index.Applications(ctx, index.ApplicationQuery{}, all)))
	keep("environments")(wrap(w.index.Environments(ctx, index.EnvironmentQuery{}, all)))
	keep("releases")(wrap(w.index.Releases(ctx, "shop", all)))
	keep("placements")(wrap(w.index.Placements(ctx, index.PlacementQuery{}, all)))
	keep("entities")(wrap(w.index.Entities(ctx, index.EntityQuery{}, all)))
	keep("findings")(wrap(w.index.Findings(ctx, all)))
	return out
}

// sameWhenRead checks that what was caught up step by step is what is read at once.
func (w *world) sameWhenRead(s index.Source) {
	w.Helper()
	before := w.state()
	w.must(w.index.Rebuild(w.Context(), s))
	if diff := cmp.Diff(before, w.state()); diff != "" {
		w.Errorf("read at once it differs: %s", diff)
	}
}

func TestEnvironments_ReadsAnewWhereHistoryWasRewritten(t *testing.T) {
	w := newWorld(t)
	w.write(environments, "main", "ada", app.Files{"README.md": []byte("x")})
	w.must(discard(w.forge.Commit(t.Context(), environments, forge.Commit{Branch: "other", From: "main", Message: "x",
		Changes: []forge.FileChange{{Path: app.EnvironmentFile("other"), Data: document(w, w.environment("other"))}}})))
	w.write(environments, "main", "ada", app.Files{app.EnvironmentFile("dev"): document(w, w.environment("dev"))})
	w.catchUp(w.source())
	w.must(discard(w.forge.Commit(t.Context(), environments, forge.Commit{Branch: "main", From: "other", Message: "x",
		Changes: []forge.FileChange{{Path: "z", Data: []byte("z")}}})))
	w.catchUp(w.source())
	l, err := w.index.Environments(t.Context(), index.EnvironmentQuery{}, index.Page{})
	w.must(err)
	if len(l.Items) != 1 || l.Items[0].Metadata.Name != "other" {
		t.Errorf("%+v", l)
	}
	w.must(w.forge.DeleteRepository(t.Context(), environments))
	w.catchUp(w.source())
	if l, err := w.index.Environments(t.Context(), index.EnvironmentQuery{}, index.Page{}); err != nil ||
		len(l.Items) != 0 {
		t.Errorf("after the repository is gone: %+v, %v", l, err)
	}
}

const component = `apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: shop}
spec: {type: service, lifecycle: production, owner: group:payments}
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata: {name: shop}
spec: {type: openapi, lifecycle: production, owner: group:payments, definition: {$text: ./openapi.yaml}}
---
apiVersion: backstage.io/v1alpha1
kind: Location
metadata: {name: more}
spec: {targets: [./more.yaml, "https://example.com/a.yaml"]}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: admins}
spec: {type: team, children: []}
`

func TestCatalogue_FollowsTheRepository(t *testing.T) {
	w := newWorld(t)
	shop := forge.Repository{Owner: "payments", Name: "shop"}
	s := Catalogue{Git: w.forge, Repository: shop, Branch: "main", Kinds: entity.OwnKinds, Rank: 1}
	w.write(shop, "main", "ada", app.Files{"README.md": []byte("no catalogue file yet")})
	w.catchUp(s)
	w.write(shop, "main", "ada", app.Files{"catalog-info.yaml": []byte(component),
		"openapi.yaml": []byte("openapi: 3.1.0"),
		"more.yaml": []byte(strings.ReplaceAll(component[:strings.Index(component, "---")], "name: shop",
			"name: cart"))})
	w.catchUp(s)
	l, err := w.index.Entities(t.Context(), index.EntityQuery{}, index.Page{})
	w.must(err)
	var got []string
	for _, e := range l.Items {
		got = append(got, e.Ref.String())
	}
	if diff := cmp.Diff([]string{"api:default/shop", "component:default/cart", "component:default/shop",
		"location:default/more"}, got); diff != "" {
		t.Error(diff)
	}
	api, _, err := w.index.Entity(t.Context(), entity.NewRef("api", "", "shop"))
	w.must(err)
	if api.Spec["definition"] != "openapi: 3.1.0" || api.Source.Location != "payments/shop/catalog-info.yaml" ||
		api.Source.Line != 6 {
		t.Errorf("%+v", api)
	}
	location, _, err := w.index.Entity(t.Context(), entity.NewRef("location", "", "more"))
	w.must(err)
	if len(location.Errors) != 1 || !strings.Contains(location.Errors[0].Message,
		"only files of the same repository are read") {
		t.Errorf("%+v", location.Errors)
	}
	found, err := w.index.Findings(t.Context(), index.Page{})
	w.must(err)
	if len(found.Items) != 1 || !strings.Contains(found.Items[0].Message, "a Group cannot be defined here") {
		t.Errorf("%+v", found)
	}
	w.write(shop, "main", "ada", app.Files{"more.yaml": nil})
	w.catchUp(s)
	if _, _, err := w.index.Entity(t.Context(), entity.NewRef("component", "", "cart")); !errors.Is(err,
		index.ErrNotFound) {
		t.Error(err)
	}
	w.sameWhenRead(s)
	w.write(shop, "main", "ada", app.Files{"catalog-info.yaml": nil})
	w.catchUp(s)
	if l, err := w.index.Entities(t.Context(), index.EntityQuery{}, index.Page{}); err != nil || len(l.Items) != 0 {
		t.Errorf("%+v, %v", l, err)
	}
}

// fakeLog is a log of envelopes; what it holds is not verified here.
type fakeLog [][]byte

func (l fakeLog) Checkpoint() audit.Checkpoint { return audit.Checkpoint{Size: uint64(len(l))} }

func (l fakeLog) Entries(_ context.Context, from, to uint64) iter.Seq2[audit.Entry, error] {
	return func(yield func(audit.Entry, error) bool) {
		for i := from; i < to; i++ {
			if !yield(audit.Entry{Index: i, Envelope: l[i]}, nil) {
				return
			}
		}
	}
}

func TestDecisions_ReadsTheLogAsItGrows(t *testing.T) {
	w := newWorld(t)
	signer := evidencetest.Signer(t, "slipway")
	var log fakeLog
	for n := range decisionsAtOnce + 20 {
		log = append(log, evidencetest.Signed(t, evidencetest.Decision(n), signer))
	}
	log[7] = []byte("{}")
	w.catchUp(Decisions{log[:3]})
	w.catchUp(Decisions{log})
	if at, err := w.index.Position(t.Context(), "audit"); err != nil || at != "520" {
		t.Errorf("position %s, %v", at, err)
	}
	l, err := w.index.Decisions(t.Context(), index.DecisionQuery{}, index.Page{Limit: 500})
	w.must(err)
	if len(l.Items) != 500 || l.Next == "" || l.Items[0].Number != 519 {
		t.Errorf("%d items, the first %d", len(l.Items), l.Items[0].Number)
	}
	want := evidencetest.Decision(519)
	got := l.Items[0]
	team, name, _ := strings.Cut(want.Application, "/")
	if got.Team != team || got.Application != name || got.Environment != want.To ||
		got.Subject != string(want.Digest()) || got.Outcome != string(want.Outcome) ||
		!got.At.Equal(want.Time) || got.Statement != string(evidence.DigestOf(log[519])) || len(got.Actors) == 0 {
		t.Errorf("%+v", got)
	}
	found, err := w.index.Findings(t.Context(), index.Page{})
	w.must(err)
	if len(found.Items) != 1 || found.Items[0].File != "audit log, entry 7" {
		t.Errorf("%+v", found)
	}
	w.catchUp(Decisions{log[:2]}) // a log that was exchanged
	if l, err := w.index.Decisions(t.Context(), index.DecisionQuery{}, index.Page{Limit: 500}); err != nil ||
		len(l.Items) != 2 {
		t.Errorf("%d items, %v", len(l.Items), err)
	}
}

func TestTouches_WhatAPullRequestBringsComesWithItsMerge(t *testing.T) {
	at := func(minute int) time.Time { return time.Date(2026, 1, 1, 0, minute, 0, 0, time.UTC) }
	entry := func(hash string, minute int, files string, parents ...string) forge.LogEntry {
		return forge.LogEntry{Hash: hash, Time: at(minute), Parents: parents, Files: strings.Fields(files),
			Author: forge.Person{Name: "of " + hash}}
	}
	log := []forge.LogEntry{
		entry("1", 1, "a"), entry("x", 2, "b", "1"), entry("2", 3, "a", "1"), entry("y", 4, "c b", "x"),
		entry("m", 5, "", "2", "y"), entry("3", 6, "c", "m"),
	}
	got := map[string]string{}
	for name, t := range touches(log, "3") {
		got[name] = t.first.commit + " " + t.last.commit + " " + t.last.by
	}
	if diff := cmp.Diff(map[string]string{"a": "1 2 of 2", "b": "m m of m", "c": "m 3 of 3"}, got); diff != "" {
		t.Error(diff)
	}
}
