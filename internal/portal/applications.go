package portal

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/app"
	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/entity"
	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/kube"
	"github.com/slipway-dev/slipway/internal/render/kustomize"
	"github.com/slipway-dev/slipway/internal/server/api"
	"github.com/slipway-dev/slipway/internal/spec"
)

// applications are the teams' applications, as the environments' repository has them.
type applications struct {
	*Portal
	kube *kube.Client // nil where the server is in no cluster
}

// deployFolder is where applications keep their manifests where nothing else is said.
const deployFolder = "deploy"

// applicationIn is the application that a catalogue file describes: its first component, where the
// repository says how it is deployed.
func (p *Portal) applicationIn(ctx context.Context, l placeOfFile, found []entity.Entity) (a v1alpha1.Application, ok bool, err error) {
	at := slices.IndexFunc(found, func(e entity.Entity) bool { return e.Kind == "Component" && spec.IsName(e.Metadata.Name) })
	if at < 0 {
		return a, false, nil
	}
	for _, folder := range []string{deployFolder, path.Join(deployFolder, "base")} {
		for _, name := range kustomize.FileNames {
			_, err := p.git.Forge.ReadFile(ctx, l.repository, l.branch, path.Join(folder, name))
			if errors.Is(err, forge.ErrNotFound) {
				continue
			}
			if err != nil {
				return a, false, err
			}
			a = v1alpha1.Application{Metadata: v1alpha1.Metadata{Name: found[at].Metadata.Name},
				Spec: v1alpha1.ApplicationSpec{Team: l.repository.Owner, Repository: l.repository.String(), Branch: l.branch}}
			app.DefaultApplication(&a)
			return a, true, nil
		}
	}
	return a, false, nil
}

// addApplication records a new application. Its name must be free.
func addApplication(s *snapshot, a v1alpha1.Application, change *app.Change) error {
	if there, taken := s.state.Applications[a.Metadata.Name]; taken {
		if there.Spec.Repository == a.Spec.Repository {
			return nil
		}
		return nameTaken(there)
	}
	data, err := app.Encode(a)
	if err != nil {
		return err
	}
	change.Write[app.ApplicationFile(a.Metadata.Name)] = data
	return nil
}

func nameTaken(a v1alpha1.Application) error {
	return fault.Hint(fmt.Errorf("there is an application %s already, of team %s: %w", a.Metadata.Name, a.Spec.Team,
		api.ErrConflict), "choose another name")
}

// find gives a team's application.
func (p *Portal) find(team, name string) (*snapshot, v1alpha1.Application, error) {
	s, err := p.environments.now()
	if err != nil {
		return nil, v1alpha1.Application{}, err
	}
	a, ok := s.state.Applications[name]
	if !ok || a.Spec.Team != team {
		return nil, v1alpha1.Application{}, fmt.Errorf("application %s of team %s: %w", name, team, api.ErrNotFound)
	}
	return s, a, nil
}

// Applications lists the applications of the teams.
func (a *applications) Applications(ctx context.Context, teams api.Teams, page api.Page) (api.List[api.ApplicationSummary], error) {
	s, err := a.environments.now()
	if err != nil {
		return api.List[api.ApplicationSummary]{}, err
	}
	var all []v1alpha1.Application
	for _, name := range slices.Sorted(maps.Keys(s.state.Applications)) {
		if one := s.state.Applications[name]; teams.Includes(one.Spec.Team) {
			all = append(all, one)
		}
	}
	key := func(a v1alpha1.Application) string { return a.Spec.Team + "/" + a.Metadata.Name }
	slices.SortFunc(all, func(x, y v1alpha1.Application) int { return strings.Compare(key(x), key(y)) })
	l := api.Slice(all, key, page)
	out := api.List[api.ApplicationSummary]{Next: l.Next, Items: []api.ApplicationSummary{}}
	for _, one := range l.Items {
		shown, err := a.summary(ctx, s, one)
		if err != nil {
			return out, err
		}
		out.Items = append(out.Items, shown)
	}
	return out, nil
}

// componentOf is the application's entity in the catalogue.
func componentOf(a v1alpha1.Application) entity.Ref {
	return entity.NewRef("component", "", a.Metadata.Name)
}

func (a *applications) summary(ctx context.Context, s *snapshot, one v1alpha1.Application) (api.ApplicationSummary, error) {
	out := api.ApplicationSummary{Team: one.Spec.Team, Name: one.Metadata.Name, Deployments: []api.Deployment{}}
	if known, err := a.index.Summaries(ctx, []entity.Ref{componentOf(one)}); err == nil {
		e := known[componentOf(one)]
		out.Title, out.Description = e.Title, e.Description
	}
	for _, e := range s.state.Pipeline(one.Metadata.Name) {
		out.Deployments = append(out.Deployments, a.deployment(ctx, s, one, e))
	}
	for _, name := range s.state.PreviewsOf(one.Metadata.Name, 0) {
		out.Deployments = append(out.Deployments, a.deployment(ctx, s, one, s.state.Environments[name]))
	}
	if a.builds != nil {
		builds, err := a.builds.Builds(ctx, one.Spec.Team, one.Metadata.Name, 1)
		if err != nil && ctx.Err() == nil {
			a.log.WarnContext(ctx, "list builds", "application", one.Metadata.Name, "cause", err.Error())
		} else if len(builds) > 0 {
			out.Build = &builds[0]
		}
	}
	return out, nil
}

// releaseOf shows a release.
func releaseOf(r v1alpha1.Release) *api.Release {
	name, digest := app.Image(r.Spec.Image)
	return &api.Release{Image: name, Digest: digest, Version: r.Metadata.Name, Commit: r.Spec.Source.Commit,
		Manifests: r.Spec.Manifests}
}

// deployment is an application in an environment.
func (a *applications) deployment(ctx context.Context, s *snapshot, one v1alpha1.Application, e v1alpha1.Environment) api.Deployment {
	d := api.Deployment{Environment: e.Metadata.Name, Namespace: app.Namespace(e, one), Health: api.Missing}
	if of := e.Spec.Preview; of != nil {
		d.Preview = fmt.Sprintf("%s/%s/pulls/%d", a.gitURL, one.Spec.Repository, of.PullRequest)
	}
	placed, there := s.state.Placed[e.Metadata.Name][one.Metadata.Name]
	if !there {
		d.Reason = "nothing has been released here yet"
		return d
	}
	d.Release, d.Health = releaseOf(placed), api.Unknown
	if hasRoute(s, e.Metadata.Name, one.Metadata.Name) {
		d.URL = a.config.URL(app.Host(e, one, a.config.Domain))
	}
	if a.delivery == nil {
		d.Reason = "this server watches no cluster"
		return d
	}
	if a.below != nil {
		if page := a.below.pageOf(e.Metadata.Name + "." + one.Metadata.Name); page != "" {
			d.Links = append(d.Links, api.Link{URL: page, Title: a.delivery.tool.Tool, Type: "delivery"})
		}
	}
	h := a.delivery.health.of(e.Metadata.Name, one.Metadata.Name)
	if h.Release != placed.Metadata.Name {
		d.Health, d.Reason = api.Progressing, "the release is on its way"
		return d
	}
	d.Health, d.Reason, d.Evidence, d.Since = h.State, h.Reason, h.Evidence, optional(h.Since)
	return d
}

// hasRoute says whether an application answers at a host in an environment.
func hasRoute(s *snapshot, environment, application string) bool {
	folder := app.ManifestsFolder(environment, application) + "/"
	for name := range s.files {
		if rest, below := strings.CutPrefix(name, folder); below && strings.HasPrefix(rest, "httproute-") {
			return true
		}
	}
	return false
}

// Application shows an application.
func (a *applications) Application(ctx context.Context, team, name string) (api.Application, error) {
	s, one, err := a.find(team, name)
	if err != nil {
		return api.Application{}, err
	}
	out := api.Application{Repository: a.gitURL + "/" + one.Spec.Repository, Builds: []api.Build{}, Links: []api.Link{
		{URL: a.gitURL + "/" + one.Spec.Repository, Title: "Repository", Icon: "git", Type: "repository"}}}
	if out.ApplicationSummary, err = a.summary(ctx, s, one); err != nil {
		return out, err
	}
	if a.below != nil {
		out.Links = append(out.Links, a.below.links(ctx)...)
	}
	if known, err := a.index.Summaries(ctx, []entity.Ref{componentOf(one)}); err == nil && len(known) > 0 {
		out.Entity = componentOf(one).String()
	}
	if record, err := a.index.Application(ctx, name); err == nil {
		out.Created = optional(record.Created)
		if record.By != "" {
			out.By = &api.Actor{Username: record.By, Kind: "person"}
		}
	}
	if a.builds != nil {
		if builds, err := a.builds.Builds(ctx, team, name, 20); err == nil {
			out.Builds = append(out.Builds, builds...)
		}
	}
	return out, nil
}

// Create begins to make an application from a template.
func (a *applications) Create(ctx context.Context, by api.Actor, team string, request api.NewApplication) (api.Run, error) {
	s, err := a.environments.now()
	if err != nil {
		return api.Run{}, err
	}
	if there, taken := s.state.Applications[request.Name]; taken {
		return api.Run{}, nameTaken(there)
	}
	values := maps.Clone(request.Values)
	if values == nil {
		values = map[string]any{}
	}
	values["name"] = request.Name
	if _, given := values["owner"]; !given {
		values["owner"] = entity.NewRef("group", "", team).String()
	}
	return a.runs.Start(ctx, by, team, request.Template, values)
}

// Delete takes an application out of everything, and its repository last. What fails, and what stays for good, is said.
func (a *applications) Delete(ctx context.Context, by api.Actor, team, name string, o api.DeleteApplication) (api.Deletion, error) {
	_, one, err := a.find(team, name)
	if err != nil {
		return api.Deletion{}, err
	}
	repository, err := forge.ParseRepository(one.Spec.Repository)
	if err != nil {
		return api.Deletion{}, err
	}
	_, err = a.environments.change(ctx, a.personOf(by), "Delete application "+name, func(s *snapshot) (app.Change, error) {
		if _, there := s.state.Applications[name]; !there {
			return app.Change{}, nil
		}
		change, err := s.state.RemoveApplication(name, s.files)
		if err != nil {
			return app.Change{}, err
		}
		for _, address := range s.registered() {
			if l, err := a.parse(address); err == nil && l.repository.String() == one.Spec.Repository {
				change.Delete = append(change.Delete, locationFile(address))
			}
		}
		return change, nil
	})
	if err != nil {
		return api.Deletion{}, err
	}
	out := api.Deletion{Remains: a.clear(ctx, one, repository, o)}
	if a.delivery != nil {
		out.Remains = append(out.Remains, "what runs of it, until the delivery tool has removed it")
	}
	out.Done = len(out.Remains) == 0
	a.events.tell(api.Event{Type: "application.deleted", Team: team, Application: name,
		Summary: name + " was deleted by " + by.Username})
	a.heard.ring()
	return out, nil
}

// clear removes what an application has outside of the environments' repository, and gives what remains.
func (a *applications) clear(ctx context.Context, one v1alpha1.Application, repository forge.Repository, o api.DeleteApplication) []string {
	remains := []string{}
	try := func(what string, err error) {
		if err != nil {
			remains = append(remains, what+": "+err.Error())
		}
	}
	team, name, decided := one.Spec.Team, one.Metadata.Name, false
	if a.promoting != nil {
		var err error
		decided, err = a.promoting.Decided(ctx, team, name)
		decided = decided || err != nil // what cannot be read may name it
		try("open promotions of it", a.promoting.Abandon(ctx, name))
	}
	if a.builds != nil {
		try("its builds", a.builds.Forget(ctx, team, name))
	}
	if decided {
		remains = append(remains, "its images, with what is signed about them: the audit log has decisions about it")
	} else {
		try("its images", a.git.Forge.DeleteImages(ctx, repository))
	}
	if o.KeepRepository {
		return append(remains, "repository "+one.Spec.Repository)
	}
	try("repository "+one.Spec.Repository, a.git.Forge.DeleteRepository(ctx, repository))
	return remains
}

// Builds are what CI knows.
type Builds interface {
	// Forget ends and removes all builds of an application.
	Forget(ctx context.Context, team, application string) error
	// Builds lists an application's builds, the newest first.
	Builds(ctx context.Context, team, application string, limit int) ([]api.Build, error)
	// BuildLogs emits a build's log, that of the newest build where build is empty.
	BuildLogs(ctx context.Context, team, application, build string, q api.LogQuery, emit func(api.LogLine) error) error
}
