package portal

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/app"
	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/server/api"
)

// places are the environments.
type places struct{ *Portal }

// environmentKey sorts environments by their place in the pipeline; those outside of it come last.
func environmentKey(e v1alpha1.Environment) string {
	order := e.Spec.Order
	if e.Spec.Preview != nil {
		order = 9999
	}
	return fmt.Sprintf("%04d/%s/%s", order, e.Spec.Team, e.Metadata.Name)
}

// Environments lists those of the teams, and everyone's.
func (p *places) Environments(ctx context.Context, teams api.Teams, page api.Page) (api.List[api.Environment], error) {
	s, err := p.environments.now()
	if err != nil {
		return api.List[api.Environment]{}, err
	}
	var all []v1alpha1.Environment
	for _, e := range s.state.Environments {
		if e.Spec.Team == "" || teams.Includes(e.Spec.Team) {
			all = append(all, e)
		}
	}
	slices.SortFunc(all, func(a, b v1alpha1.Environment) int { return strings.Compare(environmentKey(a), environmentKey(b)) })
	l := api.Slice(all, environmentKey, page)
	out := api.List[api.Environment]{Next: l.Next, Items: []api.Environment{}}
	for _, e := range l.Items {
		out.Items = append(out.Items, p.show(ctx, s, e))
	}
	return out, nil
}

func (p *places) show(ctx context.Context, s *snapshot, e v1alpha1.Environment) api.Environment {
	out := api.Environment{Name: e.Metadata.Name, Team: e.Spec.Team, Description: e.Spec.Description,
		Namespace: e.Spec.Namespace, Governed: app.Governed(e), Order: e.Spec.Order, State: api.Healthy}
	if e.Spec.Preview != nil {
		out.Order = -1
		if a, ok := s.state.Applications[e.Spec.Preview.Application]; ok {
			out.Preview = fmt.Sprintf("%s/%s/pulls/%d", p.gitURL, a.Spec.Repository, e.Spec.Preview.PullRequest)
		}
	}
	if at, ok := app.Expires(e); ok {
		out.Expires = &at
	}
	if record, err := p.index.Environment(ctx, e.Metadata.Name); err == nil {
		out.Created = optional(record.Created)
		if record.By != "" {
			out.By = &api.Actor{Username: record.By, Kind: "person"}
		}
	}
	if p.delivery == nil {
		out.State, out.Reason = api.Unknown, "this server watches no cluster"
		return out
	}
	for name := range s.state.Placed[e.Metadata.Name] {
		if h := p.delivery.health.of(e.Metadata.Name, name); worse(h.State, out.State) {
			out.State, out.Reason = h.State, name+": "+cmp.Or(h.Reason, "on its way")
		}
	}
	return out
}

// severity orders states, the best first.
var severity = []api.HealthState{api.Healthy, api.Progressing, api.Unknown, api.Missing, api.Degraded}

func worse(a, b api.HealthState) bool { return slices.Index(severity, a) > slices.Index(severity, b) }

// find gives an environment that a team may see.
func (p *places) find(team, name string) (*snapshot, v1alpha1.Environment, error) {
	s, err := p.environments.now()
	if err != nil {
		return nil, v1alpha1.Environment{}, err
	}
	e, ok := s.state.Environments[name]
	if !ok || e.Spec.Team != "" && e.Spec.Team != team {
		return nil, e, fmt.Errorf("environment %s of team %s: %w", name, team, api.ErrNotFound)
	}
	return s, e, nil
}

// Environment shows an environment.
func (p *places) Environment(ctx context.Context, team, name string) (api.Environment, error) {
	s, e, err := p.find(team, name)
	if err != nil {
		return api.Environment{}, err
	}
	return p.show(ctx, s, e), nil
}

// teamOrder is where a team's own environments stand: after dev, before what is governed.
const teamOrder = 50

// Create makes an environment of a team's own. It is not governed: what is, an administrator makes in Git.
func (p *places) Create(ctx context.Context, by api.Actor, team string, request api.NewEnvironment) (api.Environment, error) {
	e := v1alpha1.Environment{Metadata: v1alpha1.Metadata{Name: request.Name},
		Spec: v1alpha1.EnvironmentSpec{Description: request.Description, Team: team, Kind: v1alpha1.EnvironmentDev,
			Order: teamOrder, TTL: request.Lifetime, Created: p.now().UTC().Format(time.RFC3339)}}
	app.DefaultEnvironment(&e)
	data, err := app.Encode(e)
	if err != nil {
		return api.Environment{}, err
	}
	if _, err := app.DecodeEnvironment(app.EnvironmentFile(request.Name), data); err != nil {
		return api.Environment{}, fmt.Errorf("%w: %w", err, api.ErrInvalid)
	}
	_, err = p.environments.change(ctx, p.personOf(by), "Make environment "+request.Name, func(s *snapshot) (app.Change, error) {
		if there, taken := s.state.Environments[request.Name]; taken {
			return app.Change{}, fault.Hint(fmt.Errorf("there is an environment %s already%s: %w", request.Name,
				ofTeam(there.Spec.Team), api.ErrConflict), "choose another name")
		}
		return app.Change{Write: app.Files{app.EnvironmentFile(request.Name): data}}, nil
	})
	if err != nil {
		return api.Environment{}, err
	}
	p.events.tell(api.Event{Type: "environment.created", Team: team, Environment: request.Name,
		Subject: "/teams/" + team + "/environments/" + request.Name, Summary: request.Name + " was made by " + by.Username})
	p.pulls.ring() // to put what runs already into it
	if err := p.catalogue.catchUp(ctx); err != nil {
		p.log.WarnContext(ctx, "catch up", "cause", err.Error())
	}
	return p.Environment(ctx, team, request.Name)
}

func ofTeam(team string) string {
	if team == "" {
		return ", which is everyone's"
	}
	return ", of team " + team
}

// Delete ends an environment of a team's own.
func (p *places) Delete(ctx context.Context, by api.Actor, team, name string) (api.Deletion, error) {
	_, e, err := p.find(team, name)
	switch {
	case err != nil:
		return api.Deletion{}, err
	case e.Spec.Team == "":
		return api.Deletion{}, fault.Hint(fmt.Errorf("%s is everyone's environment: %w", name, api.ErrDenied),
			"an administrator removes it from the environments' repository")
	case app.Governed(e):
		return api.Deletion{}, fault.Hint(fmt.Errorf("%s is governed: %w", name, api.ErrDenied),
			"an administrator removes it from the environments' repository")
	}
	if err := p.remove(ctx, p.personOf(by), name, "Delete environment "+name); err != nil {
		return api.Deletion{}, err
	}
	p.events.tell(api.Event{Type: "environment.deleted", Team: team, Environment: name, Summary: name + " was deleted by " + by.Username})
	out := api.Deletion{Done: p.delivery == nil, Remains: []string{}}
	if !out.Done {
		out.Remains = append(out.Remains, "what runs in it, until the delivery tool has removed it")
	}
	return out, nil
}

func (p *Portal) remove(ctx context.Context, by forge.Person, name, message string) error {
	_, err := p.environments.change(ctx, by, message, func(s *snapshot) (app.Change, error) {
		if _, there := s.state.Environments[name]; !there {
			return app.Change{}, nil
		}
		return s.state.RemoveEnvironment(name, s.files)
	})
	if err == nil {
		p.heard.ring()
	}
	return err
}

// expiry is how often environments are looked at whose time may have come.
const expiry = 30 * time.Second

// expire ends environments whose time to live has ended.
func (p *Portal) expire(ctx context.Context) error {
	tick := time.NewTicker(expiry)
	defer tick.Stop()
	for {
		if err := p.expireNow(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (p *Portal) expireNow(ctx context.Context) error {
	s, err := p.environments.now()
	if err != nil {
		return err
	}
	for _, name := range s.state.Expired(p.now()) {
		if e := s.state.Environments[name]; e.Spec.Preview != nil {
			if err := p.tellOver(ctx, s, e); err != nil {
				return err
			}
		}
		if err := p.remove(ctx, forge.Person{}, name, "End environment "+name+": its time to live is over"); err != nil {
			return err
		}
		p.events.tell(api.Event{Type: "environment.expired", Team: s.state.Environments[name].Spec.Team, Environment: name,
			Summary: name + " is gone: its time to live is over"})
	}
	return nil
}
