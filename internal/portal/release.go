package portal

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/app"
	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/app/manifests"
	"github.com/slipway-dev/slipway/internal/server/api"
)

// Render gives what an environment runs of an application's release: manifests by file name.
func (p *Portal) Render(ctx context.Context, a v1alpha1.Application, e v1alpha1.Environment,
	r v1alpha1.Release) (manifests.Rendered, error) {
	repository, err := forge.ParseRepository(r.Spec.Source.Repository)
	if err != nil {
		return manifests.Rendered{}, err
	}
	dir, err := os.MkdirTemp("", "render-")
	if err != nil {
		return manifests.Rendered{}, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := p.checkout(ctx, repository, r.Spec.Manifests, a.Spec.Deploy, dir); err != nil {
		return manifests.Rendered{}, err
	}
	g := p.config.Gateway
	return manifests.Render(manifests.Input{Root: dir, Application: a, Environment: e, Release: r, Domain: p.config.Domain,
		Gateway: manifests.Gateway{Name: g.Name, Namespace: g.Namespace, Section: g.Section}})
}

// checkout writes a folder of a repository, as it is at a commit, below dir. Names cannot lead out of it.
func (p *Portal) checkout(ctx context.Context, r forge.Repository, commit, folder, dir string) error {
	files, err := p.files(ctx, r, commit, strings.Trim(folder, "/"))
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	for _, f := range files {
		name := filepath.FromSlash(f.Path)
		if err := root.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return fmt.Errorf("check out %s of %s: %w", f.Path, r, err)
		}
		if err := root.WriteFile(name, f.Data, 0o600); err != nil {
			return fmt.Errorf("check out %s of %s: %w", f.Path, r, err)
		}
	}
	return nil
}

// takesAll says whether releases go into an environment as soon as they are there.
func takesAll(e v1alpha1.Environment) bool {
	return !app.Governed(e) && e.Spec.Kind == v1alpha1.EnvironmentDev && e.Spec.Preview == nil
}

// Released puts a release on record and into the environments that take every release. It can be called
// again with the same release. Image is by digest, commit the one that it was built from.
func (p *Portal) Released(ctx context.Context, application, image, commit string) error {
	return p.place(ctx, application, image, commit, func(s *snapshot, a v1alpha1.Application) []v1alpha1.Environment {
		var out []v1alpha1.Environment
		for _, e := range s.state.Pipeline(a.Metadata.Name) {
			if takesAll(e) {
				out = append(out, e)
			}
		}
		return out
	})
}

// place commits a release, and its manifests for each environment that where gives.
func (p *Portal) place(ctx context.Context, application, image, commit string,
	where func(*snapshot, v1alpha1.Application) []v1alpha1.Environment) error {
	var placed []v1alpha1.Environment
	var team string
	made, err := p.environments.change(ctx, forge.Person{}, "Release "+application+" of "+commit[:min(len(commit), 12)],
		func(s *snapshot) (app.Change, error) {
			a, ok := s.state.Applications[application]
			if !ok {
				return app.Change{}, fmt.Errorf("application %s: %w", application, api.ErrNotFound)
			}
			team = a.Spec.Team
			r, err := app.NewRelease(a, image, commit, commit)
			if err != nil {
				return app.Change{}, err
			}
			change, err := app.Record(r)
			if err != nil {
				return app.Change{}, err
			}
			if _, there := s.state.Releases[application][r.Metadata.Name]; there {
				change = app.Change{Write: app.Files{}}
			}
			placed = nil
			for _, e := range where(s, a) {
				if now, there := s.state.Placed[e.Metadata.Name][application]; there && app.SameRelease(now, r) {
					continue
				}
				in, err := p.placement(ctx, s, a, e, r)
				if err != nil {
					return app.Change{}, err
				}
				change, placed = change.And(in), append(placed, e)
			}
			return change, nil
		})
	if err != nil {
		return fmt.Errorf("release %s: %w", application, err)
	}
	for _, e := range placed {
		p.log.InfoContext(ctx, "released", "application", application, "environment", e.Metadata.Name, "image", image, "commit", made)
		p.tellPlaced(team, application, e.Metadata.Name, commit)
	}
	p.heard.ring()
	return nil
}

// placement is the change by which an environment comes to hold a release.
func (p *Portal) placement(ctx context.Context, s *snapshot, a v1alpha1.Application, e v1alpha1.Environment,
	r v1alpha1.Release) (app.Change, error) {
	rendered, err := p.Render(ctx, a, e, r)
	if err != nil {
		return app.Change{}, err
	}
	return app.PlaceRelease(e.Metadata.Name, r, rendered.Files, s.files)
}

func (p *Portal) tellPlaced(team, application, environment, commit string) {
	p.events.tell(api.Event{Type: "release.placed", Team: team, Application: application, Environment: environment,
		Subject: "/teams/" + team + "/applications/" + application,
		Summary: application + " of commit " + commit[:min(len(commit), 12)] + " goes to " + environment})
}

// fill puts releases that are there already into environments that hold nothing of their applications yet: what runs in
// the pipeline's first environment into a team's new one, and into a preview what was built of its commit.
func (p *Portal) fill(ctx context.Context) error {
	s, err := p.environments.refresh(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, environment := range slices.Sorted(maps.Keys(s.state.Environments)) {
		for _, application := range slices.Sorted(maps.Keys(s.state.Applications)) {
			if err := p.fillOne(ctx, s, environment, application); err != nil {
				errs = append(errs, fmt.Errorf("put %s into %s: %w", application, environment, err))
			}
		}
	}
	return errors.Join(errs...)
}

func (p *Portal) fillOne(ctx context.Context, s *snapshot, environment, application string) error {
	if _, ok := lacking(s, environment, application); !ok {
		return nil
	}
	var r v1alpha1.Release
	_, err := p.environments.change(ctx, forge.Person{}, "Put "+application+" into "+environment, func(s *snapshot) (app.Change, error) {
		var ok bool
		if r, ok = lacking(s, environment, application); !ok {
			return app.Change{}, nil
		}
		return p.placement(ctx, s, s.state.Applications[application], s.state.Environments[environment], r)
	})
	if err == nil && r.Metadata.Name != "" {
		p.tellPlaced(s.state.Applications[application].Spec.Team, application, environment, r.Spec.Source.Commit)
		p.heard.ring()
	}
	return err
}

// lacking is the release that an environment should hold of an application, where it holds none.
func lacking(s *snapshot, environment, application string) (v1alpha1.Release, bool) {
	e, there := s.state.Environments[environment]
	a, known := s.state.Applications[application]
	if _, placed := s.state.Placed[environment][application]; placed || !there || !known || !app.Open(e, a) {
		return v1alpha1.Release{}, false
	}
	if of := e.Spec.Preview; of != nil {
		for _, name := range slices.Sorted(maps.Keys(s.state.Releases[application])) {
			if r := s.state.Releases[application][name]; r.Spec.Source.Commit == of.Commit {
				return r, true
			}
		}
		return v1alpha1.Release{}, false
	}
	if !takesAll(e) {
		return v1alpha1.Release{}, false
	}
	for _, other := range s.state.Pipeline(application) {
		if r, ok := s.state.Placed[other.Metadata.Name][application]; ok && takesAll(other) {
			return r, true
		}
	}
	return v1alpha1.Release{}, false
}
