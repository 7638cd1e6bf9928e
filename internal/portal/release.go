package portal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

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

// ReleasedForPreview puts the image of a pull request's commit into its preview.
func (p *Portal) ReleasedForPreview(ctx context.Context, application, image, commit string) error {
	if err := p.previewsNow(ctx); err != nil { // it may have come before the word of the pull request
		return err
	}
	return p.place(ctx, application, image, commit, func(s *snapshot, a v1alpha1.Application) []v1alpha1.Environment {
		var out []v1alpha1.Environment
		for _, name := range s.state.PreviewsOf(a.Metadata.Name, 0) {
			if e := s.state.Environments[name]; e.Spec.Preview.Commit == commit {
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
				rendered, err := p.Render(ctx, a, e, r)
				if err != nil {
					return app.Change{}, err
				}
				in, err := app.PlaceRelease(e.Metadata.Name, r, rendered.Files, s.files)
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
		p.events.tell(api.Event{Type: "release.placed", Team: team, Application: application, Environment: e.Metadata.Name,
			Subject: "/teams/" + team + "/applications/" + application,
			Summary: application + " of commit " + commit[:min(len(commit), 12)] + " goes to " + e.Metadata.Name})
	}
	p.heard.ring()
	return nil
}

// previewsAgain is how often pull requests are looked at without being told.
const previewsAgain = 3 * time.Minute

// followPulls makes and ends previews as pull requests open and close.
func (p *Portal) followPulls(ctx context.Context) error {
	tick := time.NewTicker(previewsAgain)
	defer tick.Stop()
	for {
		if err := p.previewsNow(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-p.pulls:
		case <-tick.C:
		}
	}
}

// previewsNow makes an environment for each open pull request of an application, and ends those of others.
func (p *Portal) previewsNow(ctx context.Context) error {
	s, err := p.environments.refresh(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, a := range s.state.Applications {
		if err := p.previewsOf(ctx, s, a); err != nil {
			errs = append(errs, fmt.Errorf("previews of %s: %w", a.Metadata.Name, err))
		}
	}
	return errors.Join(errs...)
}

func (p *Portal) previewsOf(ctx context.Context, s *snapshot, a v1alpha1.Application) error {
	repository, err := forge.ParseRepository(a.Spec.Repository)
	if err != nil {
		return err
	}
	wanted := map[string]bool{}
	if !a.Spec.Previews.Disabled {
		open, err := p.git.Forge.PullRequests(ctx, repository, forge.Open)
		if err != nil {
			return err
		}
		for _, pull := range open {
			if pull.HeadRepository != repository || pull.HeadCommit == "" { // from a fork: nobody of the team has looked at it
				continue
			}
			name := app.PreviewName(a.Metadata.Name, pull.Number)
			wanted[name] = true
			if err := p.preview(ctx, s, a, pull); err != nil {
				return err
			}
		}
	}
	for _, name := range s.state.PreviewsOf(a.Metadata.Name, 0) {
		if wanted[name] {
			continue
		}
		if err := p.remove(ctx, forge.Person{}, name, "End preview "+name); err != nil {
			return err
		}
		p.events.tell(api.Event{Type: "environment.deleted", Team: a.Spec.Team, Application: a.Metadata.Name, Environment: name,
			Summary: "preview " + name + " is gone with its pull request"})
	}
	return nil
}

// preview makes the environment of a pull request as it is now, unless its time is over since its last change.
func (p *Portal) preview(ctx context.Context, s *snapshot, a v1alpha1.Application, pull forge.PullRequest) error {
	name := app.PreviewName(a.Metadata.Name, pull.Number)
	if there, ok := s.state.Environments[name]; ok && there.Spec.Preview != nil && there.Spec.Preview.Commit == pull.HeadCommit {
		return nil
	}
	e, err := app.NewPreview(a, pull.Number, pull.HeadCommit, p.now())
	if err != nil {
		return err
	}
	if ttl, err := app.ParseTTL(e.Spec.TTL); err == nil && p.now().After(pull.Updated.Add(ttl)) {
		return nil
	}
	data, err := app.Encode(e)
	if err != nil {
		return err
	}
	if _, err := p.environments.change(ctx, forge.Person{}, "Preview "+name, func(*snapshot) (app.Change, error) {
		return app.Change{Write: app.Files{app.EnvironmentFile(name): data}}, nil
	}); err != nil {
		return err
	}
	p.events.tell(api.Event{Type: "environment.created", Team: a.Spec.Team, Application: a.Metadata.Name, Environment: name,
		Subject: "/teams/" + a.Spec.Team + "/environments/" + name, Summary: fmt.Sprintf("preview of pull request %d of %s", pull.Number, a.Metadata.Name)})
	return nil
}
