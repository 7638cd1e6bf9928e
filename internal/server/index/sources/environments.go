package sources

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/slipway-dev/slipway/internal/app"
	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/server/index"
	"github.com/slipway-dev/slipway/internal/spec"
)

// Environments is the environments' repository: applications, environments, releases, and which
// release is where. Its positions are commits.
type Environments struct {
	Git        Git
	Repository forge.Repository
	Branch     string
}

// Name tells the source from others.
func (s Environments) Name() string { return "environments:" + s.Repository.String() }

// Changes gives what changed since a commit, or everything where history was rewritten.
func (s Environments) Changes(ctx context.Context, position string) (index.Changes, error) {
	to, err := head(ctx, s.Git, s.Repository, s.Branch)
	if err != nil || to == position {
		return index.Changes{Position: position}, err
	}
	out := index.Changes{Position: to, Replace: position == "" || to == "", Findings: map[string][]spec.Finding{}}
	if to == "" {
		return out, nil
	}
	log, err := s.Git.Log(ctx, s.Repository, position, to)
	if errors.Is(err, forge.ErrConflict) {
		out.Replace = true
		log, err = s.Git.Log(ctx, s.Repository, "", to)
	}
	if err != nil {
		return index.Changes{}, err
	}
	when := touches(log, to)
	files, err := s.files(ctx, to, when, out.Replace)
	if err != nil {
		return index.Changes{}, err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		s.add(&out, name, files[name], when[name])
	}
	return out, nil
}

// files reads the documents that changed, or all; nil are those that are gone.
func (s Environments) files(ctx context.Context, to string, when map[string]touched,
	all bool) (map[string][]byte, error) {
	out := map[string][]byte{}
	if all {
		for _, folder := range []string{app.ApplicationsFolder, app.EnvironmentsFolder} {
			files, err := s.Git.ReadFolder(ctx, s.Repository, to, folder)
			if err != nil {
				return nil, err
			}
			for _, f := range files {
				if app.PlaceOf(f.Path).Kind != app.NoDocument {
					out[f.Path] = f.Data
				}
			}
		}
		return out, nil
	}
	for name := range when {
		if app.PlaceOf(name).Kind == app.NoDocument {
			continue
		}
		f, err := s.Git.ReadFile(ctx, s.Repository, to, name)
		if err != nil && !errors.Is(err, forge.ErrNotFound) {
			return nil, err
		}
		out[name] = f.Data
	}
	return out, nil
}

// add adds what a document says. One that is gone, or cannot be read, takes its record away.
func (s Environments) add(out *index.Changes, name string, data []byte, t touched) {
	file := s.Repository.String() + "/" + name
	out.Findings[file] = nil
	if data == nil {
		out.Remove = append(out.Remove, keyOf(app.PlaceOf(name)))
		return
	}
	d, _, err := app.DecodeDocument(name, data)
	if err != nil {
		for _, f := range app.Findings(err) {
			f.File = file
			out.Findings[file] = append(out.Findings[file], f)
		}
		out.Remove = append(out.Remove, keyOf(d.Place))
		return
	}
	out.Put = append(out.Put, recordOf(d, t))
}

func recordOf(d app.Document, t touched) index.Record {
	switch d.Place.Kind {
	case app.ApplicationDocument:
		return index.Application{Application: *d.Application, Created: t.first.at, Updated: t.last.at, By: t.first.by}
	case app.EnvironmentDocument:
		return index.Environment{Environment: *d.Environment, Created: t.first.at, Updated: t.last.at, By: t.first.by}
	case app.ReleaseDocument:
		return index.Release{Release: *d.Release, Created: t.first.at}
	}
	return index.Placement{Environment: d.Place.Environment, Release: *d.Release, Since: t.last.at,
		Commit: t.last.commit, By: t.last.by}
}

func keyOf(p app.Place) index.Key {
	switch p.Kind {
	case app.ApplicationDocument:
		return index.ApplicationKey(p.Application)
	case app.EnvironmentDocument:
		return index.EnvironmentKey(p.Environment)
	case app.ReleaseDocument:
		return index.ReleaseKey(p.Application, p.Release)
	}
	return index.PlacementKey(p.Environment, p.Application)
}
