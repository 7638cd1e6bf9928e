package portal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/app"
	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/server/api"
	"github.com/slipway-dev/slipway/internal/spec"
)

// GateStatus is the status that a promotion needs before it can be merged.
const GateStatus = "slipway/gates"

// repository is the environments' repository. What it remembers is what Git said last.
type repository struct {
	forge    Forge
	name     forge.Repository
	platform app.Platform
	log      *slog.Logger
	// moved is told of every new commit; it must not wait.
	moved func(*snapshot)

	changing sync.Mutex // one change at a time
	mu       sync.Mutex
	latest   *snapshot
}

// snapshot is the repository at a commit.
type snapshot struct {
	commit   string
	files    app.Files
	versions map[string]string
	state    app.State
	findings []spec.Finding
}

func newSnapshot(commit string, files []forge.File) *snapshot {
	s := &snapshot{commit: commit, files: app.Files{}, versions: map[string]string{}}
	for _, f := range files {
		s.files[f.Path], s.versions[f.Path] = f.Data, f.Version
	}
	s.state, s.findings = app.Read(s.files)
	return s
}

// now is what was read last; an error of kind [api.ErrUnavailable] before anything was.
func (r *repository) now() (*snapshot, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.latest == nil {
		return nil, fmt.Errorf("the environments' repository has not been read yet: %w", api.ErrUnavailable)
	}
	return r.latest, nil
}

// refresh reads what is new.
func (r *repository) refresh(ctx context.Context) (*snapshot, error) {
	head, err := r.forge.Head(ctx, r.name, app.Branch)
	if err != nil {
		return nil, err
	}
	if s, err := r.now(); err == nil && s.commit == head {
		return s, nil
	}
	files, err := r.forge.ReadFolder(ctx, r.name, head, "")
	if err != nil {
		return nil, err
	}
	s := newSnapshot(head, files)
	for _, f := range s.findings {
		r.log.WarnContext(ctx, "the environments' repository has a mistake", "finding", f.String())
	}
	r.mu.Lock()
	r.latest = s
	r.mu.Unlock()
	if r.moved != nil {
		r.moved(s)
	}
	return s, nil
}

// attempts is how often a change is tried again because somebody else's came first.
const attempts = 5

// change commits what edit wants, with the namespaces that follow from it, and gives the commit. Edit may be
// called several times. Where it wants nothing, nothing is committed.
func (r *repository) change(ctx context.Context, by forge.Person, message string,
	edit func(*snapshot) (app.Change, error)) (string, error) {
	r.changing.Lock()
	defer r.changing.Unlock()
	for attempt := 1; ; attempt++ {
		s, err := r.refresh(ctx)
		if err != nil {
			return "", err
		}
		change, err := edit(s)
		if err != nil {
			return "", err
		}
		if change, err = r.withNamespaces(s, change); err != nil {
			return "", err
		}
		if !change.Any() {
			return s.commit, nil
		}
		commit, err := r.forge.Commit(ctx, r.name, forge.Commit{Branch: app.Branch, Message: message, Author: by,
			Changes: s.fileChanges(change)})
		if errors.Is(err, forge.ErrConflict) && attempt < attempts {
			continue
		}
		if err != nil {
			return "", err
		}
		if _, err := r.refresh(ctx); err != nil {
			return commit, err
		}
		return commit, nil
	}
}

// followNamespaces reads what is new, and commits the namespaces that follow from it: an environment's definition may have
// been changed by a pull request.
func (r *repository) followNamespaces(ctx context.Context) error {
	s, err := r.refresh(ctx)
	if err != nil || len(s.findings) > 0 { // what cannot be read might be somebody's namespace
		return err
	}
	_, err = r.change(ctx, forge.Person{}, "Namespaces of the environments", func(*snapshot) (app.Change, error) {
		return app.Change{}, nil
	})
	return err
}

// withNamespaces adds the namespaces that the changed state asks for, and takes those away that it
// does not.
func (r *repository) withNamespaces(s *snapshot, change app.Change) (app.Change, error) {
	after := maps.Clone(s.files)
	for _, name := range change.Delete {
		delete(after, name)
	}
	maps.Copy(after, change.Write)
	state, _ := app.Read(after)
	namespaces, err := state.NamespacesChange(r.platform, after)
	if err != nil {
		return app.Change{}, err
	}
	return change.And(namespaces), nil
}

func (s *snapshot) fileChanges(change app.Change) []forge.FileChange {
	var out []forge.FileChange
	for _, name := range change.Paths() {
		c := forge.FileChange{Path: name, Version: s.versions[name]}
		if !slices.Contains(change.Delete, name) {
			c.Data = change.Write[name]
		}
		out = append(out, c)
	}
	return out
}

// setUp makes the environments' repository, with its first environments, protects it, and has the Git server
// call.
func (p *Portal) setUp(ctx context.Context) error {
	r := p.environments
	if err := r.forge.EnsureOrganization(ctx, r.name.Owner); err != nil { // or an account of that name
		return err
	}
	info, err := r.forge.EnsureRepository(ctx, r.name, forge.RepositoryOptions{DefaultBranch: app.Branch, // whoever is signed in may read it, and review
		Description: "What runs where. Slipway writes here; changes of governed environments come by promotion."})
	if err != nil {
		return err
	}
	if info.Empty {
		if err := r.begin(ctx); err != nil {
			return err
		}
	}
	if err := r.forge.Protect(ctx, r.name, forge.Protection{Branch: app.Branch, Pushers: []string{p.account},
		Mergers: []string{p.account}, Checks: []string{GateStatus}}); err != nil {
		return err
	}
	if p.hook.secret != "" {
		if err := r.forge.EnsureWebhook(ctx, p.hook.url, p.hook.secret); err != nil {
			return err
		}
	}
	// What namespaces are made of follows the server's configuration.
	_, err = r.change(ctx, forge.Person{}, "Bring the namespaces up to date", func(*snapshot) (app.Change, error) {
		return app.Change{}, nil
	})
	return err
}

// begin makes the first commit of an empty repository.
func (r *repository) begin(ctx context.Context) error {
	changes := []forge.FileChange{{Path: "README.md", Data: []byte(readme)}}
	for _, e := range firstEnvironments() {
		app.DefaultEnvironment(&e)
		data, err := app.Encode(e)
		if err != nil {
			return err
		}
		changes = append(changes, forge.FileChange{Path: app.EnvironmentFile(e.Metadata.Name), Data: data})
	}
	_, err := r.forge.Commit(ctx, r.name, forge.Commit{Branch: app.Branch, Message: "Begin with dev and prod",
		Changes: changes})
	return err
}

// firstEnvironments are those that every platform begins with.
func firstEnvironments() []v1alpha1.Environment {
	environment := func(name, kind, description string, order int) v1alpha1.Environment {
		return v1alpha1.Environment{Metadata: v1alpha1.Metadata{Name: name},
			Spec: v1alpha1.EnvironmentSpec{Description: description, Kind: kind, Order: order}}
	}
	return []v1alpha1.Environment{
		environment("dev", v1alpha1.EnvironmentDev, "takes every release at once", 10),
		environment("prod", v1alpha1.EnvironmentProd, "takes releases by promotion", 100),
	}
}

const readme = `# What runs where

Slipway writes this repository, and the delivery tool applies what stands in it.

| folder | what it is |
|---|---|
| applications/ | applications and their releases |
| environments/ | environments, and the release that each holds of an application |
| namespaces/ | what the environments' namespaces are made of |
| catalog/ | catalogue files that are registered |

Governed environments change by promotions: pull requests with the status ` + "`" + GateStatus + "`" + `, which only Slipway merges.
`
