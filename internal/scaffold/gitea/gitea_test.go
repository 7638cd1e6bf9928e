package gitea

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-dev/slipway/internal/scaffold"
	"github.com/slipway-dev/slipway/internal/scaffold/actions"
)

type rig struct {
	*scaffold.Runner
	store *scaffold.MemoryStore
}

func newRig(t *testing.T, forge Forge) *rig {
	t.Helper()
	all := append(Actions(forge, Options{AuthorName: "Slipway", AuthorEmail: "slipway@example.com"}), actions.Files()...)
	registry, err := scaffold.NewRegistry(all...)
	if err != nil {
		t.Fatal(err)
	}
	store := scaffold.NewMemoryStore()
	return &rig{&scaffold.Runner{Registry: registry, Store: store, Now: func() time.Time { return time.Unix(0, 0).UTC() }}, store}
}

const head = `apiVersion: scaffolder.backstage.io/v1beta3
kind: Template
metadata: {name: t}
spec:
  type: service
  steps:
    - {action: roadiehq:utils:fs:write, input: {path: src/main.txt, content: hello}}
    - {action: roadiehq:utils:fs:write, input: {path: notes.txt, content: not published}}
`

func (r *rig) template(t *testing.T, steps string) *scaffold.Template {
	t.Helper()
	template, err := scaffold.Load(fstest.MapFS{"t.yaml": {Data: []byte(head + steps)}}, "t.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return template
}

func (r *rig) run(t *testing.T, steps string) *scaffold.Run {
	t.Helper()
	template := r.template(t, steps)
	run, err := r.New(context.Background(), scaffold.Request{ID: "run", Template: template, Owner: "group:default/team"})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Execute(context.Background(), run, template, nil); err != nil {
		t.Fatal(err)
	}
	return run
}

const publish = `    - id: publish
      action: publish:gitea
      input: {repoUrl: "elsewhere.local:8443/gitea?repo=shop", description: A shop, sourcePath: ./src, defaultBranch: trunk}
`

func TestPublish(t *testing.T) {
	forge := &MemoryForge{URL: "https://git.local"}
	run := newRig(t, forge).run(t, publish)
	if run.Error != "" {
		t.Fatal(run.Error)
	}
	repo := forge.Repositories[Repository{"team", "shop"}]
	want := &MemoryRepository{Settings: Settings{Description: "A shop", DefaultBranch: "trunk", Private: true}, Head: repo.Head,
		Commits: []Commit{{Branch: "trunk", Message: "initial commit", AuthorName: "Slipway", AuthorEmail: "slipway@example.com",
			Files: []scaffold.File{{Path: "main.txt", Data: []byte("hello")}}}}}
	if diff := cmp.Diff(want, repo); diff != "" {
		t.Error(diff)
	}
	output := map[string]any{"remoteUrl": "https://git.local/team/shop.git", "repoContentsUrl": "https://git.local/team/shop/src/branch/trunk/", "commitHash": repo.Head}
	if diff := cmp.Diff(output, run.Steps[2].Output); diff != "" {
		t.Error(diff)
	}
}

func TestPublish_RefusesWhatIsThereOrHasNoName(t *testing.T) {
	for input, want := range map[string]string{
		`{repoUrl: "h?owner=o&repo=there"}`:             "repository o/there: there is a repository of this name already",
		`{repoUrl: "h?owner=o"}`:                        "names no repository",
		`{repoUrl: "h?owner=a/b&repo=x"}`:               "does not name a repository with an owner",
		`{repoUrl: "h?repo=x", sourcePath: ../up}`:      "leads out of the workspace",
		`{repoUrl: "h?repo=x", sourcePath: nothing}`:    `the workspace has no files in "nothing"`,
		`{repoUrl: "h?repo=x", repoVisibility: secret}`: "must be one of private, public",
	} {
		forge := &MemoryForge{Repositories: map[Repository]*MemoryRepository{{"o", "there"}: {Head: "abc"}}}
		run := newRig(t, forge).run(t, "    - {action: publish:gitea, input: "+input+"}\n")
		if run.Phase != scaffold.Failed || !strings.Contains(run.Error, want) || len(forge.Repositories) != 1 {
			t.Errorf("%s: %s %q %v", input, run.Phase, run.Error, forge.Repositories)
		}
	}
}

const failing = "    - {action: fs:rename, input: {files: [{from: a, to: b}]}}\n"

func TestPublish_IsTakenBack(t *testing.T) {
	forge := &MemoryForge{}
	run := newRig(t, forge).run(t, publish+failing)
	if run.Phase != scaffold.Failed || len(forge.Repositories)+len(run.Remains) > 0 {
		t.Errorf("%s %v %v", run.Phase, forge.Repositories, run.Remains)
	}
}

// pushedTo is a forge where somebody pushes as soon as there is something to push to.
type pushedTo struct{ *MemoryForge }

func (f pushedTo) Push(ctx context.Context, r Repository, c Commit) (string, error) {
	hash, err := f.MemoryForge.Push(ctx, r, c)
	if err == nil {
		_, err = f.MemoryForge.Push(ctx, r, Commit{Message: "theirs"})
	}
	return hash, err
}

func TestPublish_WhatOthersPushedIsNotTakenAway(t *testing.T) {
	forge := &MemoryForge{}
	run := newRig(t, pushedTo{forge}).run(t, publish+failing)
	want := []scaffold.Remainder{{What: "repository team/shop", Why: "it holds commits that the run did not record; delete it by hand if it is not wanted"}}
	if diff := cmp.Diff(want, run.Remains); diff != "" || len(forge.Repositories) != 1 {
		t.Error(diff, forge.Repositories)
	}
}

// cut is a forge whose nth call takes effect, but whose answer never comes: the process ends there.
type cut struct {
	*MemoryForge
	left   int
	cancel context.CancelFunc
}

func (f *cut) after(ctx context.Context, err error) error {
	if f.left--; f.left == 0 {
		f.cancel()
		return ctx.Err()
	}
	return err
}

func (f *cut) Create(ctx context.Context, r Repository, s Settings) error {
	return f.after(ctx, f.MemoryForge.Create(ctx, r, s))
}

func (f *cut) Push(ctx context.Context, r Repository, c Commit) (string, error) {
	hash, err := f.MemoryForge.Push(ctx, r, c)
	return hash, f.after(ctx, err)
}

func TestPublish_GoesOnWhereItWasCut(t *testing.T) {
	for n := 1; n <= 2; n++ {
		forge := &MemoryForge{URL: "https://git.local"}
		ctx, cancel := context.WithCancel(context.Background())
		r := newRig(t, &cut{forge, n, cancel})
		template := r.template(t, publish)
		run, err := r.New(ctx, scaffold.Request{ID: "run", Template: template, Owner: "team"})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Execute(ctx, run, template, nil); !errors.Is(err, context.Canceled) {
			t.Fatal(n, err)
		}
		stored, err := r.store.Load(context.Background(), "run")
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Execute(context.Background(), stored, template, nil); err != nil {
			t.Fatal(err)
		}
		repo := forge.Repositories[Repository{"team", "shop"}]
		if stored.Phase != scaffold.Done || len(repo.Commits) != 1 || stored.Steps[2].Output["commitHash"] != repo.Head {
			t.Errorf("cut %d: %s %q %+v", n, stored.Phase, stored.Error, repo)
		}
	}
}

// late is a forge where what a cut attempt sent arrives just before what is sent again, and is shown only when somebody
// has looked some times.
type late struct {
	*MemoryForge
	arrived bool
	looks   int
}

func (f *late) Push(ctx context.Context, r Repository, c Commit) (string, error) {
	var err error
	if !f.arrived {
		_, err = f.MemoryForge.Push(ctx, r, c)
	}
	f.arrived = true
	return "", errors.Join(errors.New("repository file already exists"), err)
}

func (f *late) Head(ctx context.Context, r Repository) (string, bool, error) {
	head, exists, err := f.MemoryForge.Head(ctx, r)
	if f.looks++; f.looks < 4 {
		head = ""
	}
	return head, exists, err
}

func TestPublish_WhatArrivesLateIsTaken(t *testing.T) {
	forge := &MemoryForge{URL: "https://git.local"}
	ctx, cancel := context.WithCancel(context.Background())
	first := newRig(t, &cut{forge, 1, cancel})
	template := first.template(t, publish)
	run, err := first.New(ctx, scaffold.Request{ID: "run", Template: template, Owner: "team"})
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Execute(ctx, run, template, nil); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	run, err = first.store.Load(context.Background(), "run")
	if err != nil {
		t.Fatal(err)
	}
	again := newRig(t, &late{MemoryForge: forge})
	again.Store = first.store
	if err := again.Execute(context.Background(), run, template, nil); err != nil {
		t.Fatal(err)
	}
	repo := forge.Repositories[Repository{"team", "shop"}]
	if run.Phase != scaffold.Done || len(repo.Commits) != 1 || run.Steps[2].Output["commitHash"] != repo.Head {
		t.Errorf("%s %q %+v", run.Phase, run.Error, repo)
	}
	// In a first attempt the same is a failure: nothing of ours can be on its way.
	fresh := newRig(t, &late{MemoryForge: &MemoryForge{URL: "https://git.local"}}).run(t, publish)
	if fresh.Phase != scaffold.Failed || !strings.Contains(fresh.Error, "already exists") {
		t.Errorf("%s %q", fresh.Phase, fresh.Error)
	}
}

// quicker is a forge where somebody makes the repository in the last moment.
type quicker struct{ *MemoryForge }

func (f quicker) Create(ctx context.Context, r Repository, s Settings) error {
	return errors.Join(f.MemoryForge.Create(ctx, r, Settings{Description: "theirs"}), f.MemoryForge.Create(ctx, r, s))
}

func TestPublish_ARepositoryOfOthersStays(t *testing.T) {
	forge := &MemoryForge{}
	run := newRig(t, quicker{forge}).run(t, publish)
	if run.Phase != scaffold.Failed || len(forge.Repositories) != 1 || len(run.Made) > 0 {
		t.Errorf("%s %v %v", run.Phase, forge.Repositories, run.Made)
	}
}

func TestPublish_Preview(t *testing.T) {
	forge := &MemoryForge{URL: "https://git.local"}
	r := newRig(t, forge)
	p, err := r.Preview(context.Background(), scaffold.Request{Template: r.template(t, publish), Owner: "team"})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"remoteUrl": "https://git.local/team/shop.git", "repoContentsUrl": "https://git.local/team/shop/src/branch/trunk/", "commitHash": "<commitHash of publish>"}
	if diff := cmp.Diff(want, p.Steps[2].Output); diff != "" || len(forge.Repositories) > 0 || !p.Steps[2].Outside {
		t.Error(diff, forge.Repositories)
	}
}
