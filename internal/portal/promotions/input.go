package promotions

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/app"
	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/evidence"
	"github.com/slipway-dev/slipway/internal/promotion/gate"
)

// inputOf is all that the gates see of an open promotion. The error says what could not be found out.
func (p *Promotions) inputOf(ctx context.Context, o *observation, to v1alpha1.Environment) (gate.Input, error) {
	asked := o.asked
	image, digest := app.Image(asked.Release.Spec.Image)
	source := asked.Release.Spec.Source
	in := gate.Input{Now: o.state.Now,
		Platform: gate.Platform{Name: p.o.Platform, Builders: append([]string{}, p.builders...)},
		Release: gate.Release{Application: asked.Application, Team: asked.Team, Commit: source.Commit, Image: image,
			Digest: digest, Manifests: asked.Release.Spec.Manifests,
			Repository: strings.TrimSuffix(p.o.Git, "/") + "/" + source.Repository},
		Promotion: gate.Promotion{ID: o.state.ID, Head: o.pull.HeadCommit, RequestedAt: asked.At},
		Approvals: approvalsOf(o), Freezes: o.branch.freezesOf(asked.To),
		Environment: gate.Environment{Name: asked.To, Kind: environmentKind(to), Labels: labelsOf(to)},
	}
	var err error
	if in.Promotion.Requester, err = p.person(ctx, asked.By.Username, asked.Team); err != nil {
		return in, err
	}
	if in.Promotion.Authors, err = p.authorsOf(ctx, *asked); err != nil {
		return in, err
	}
	for _, w := range o.waivers {
		by, err := p.person(ctx, w.By.Username, asked.Team)
		if err != nil {
			return in, err
		}
		in.Waivers = append(in.Waivers, gate.Waiver{Gate: w.Gate, By: by, Why: w.Reason, Until: w.Until})
	}
	if in.Evidence, err = p.evidenceOf(ctx, image, evidence.Digest(digest), in); err != nil {
		return in, err
	}
	if from, there := o.branch.Environments[asked.From]; there {
		in.Source = p.sourceOf(ctx, from, asked.Application, in.Now)
	}
	return in, nil
}

// approvalsOf are the approvals among the reviews that count.
func approvalsOf(o *observation) []gate.Approval {
	out := []gate.Approval{}
	for _, r := range o.reviews {
		if r.against == "" && r.Verdict == forge.Approved {
			out = append(out, gate.Approval{By: gate.Person{Name: r.Reviewer, Roles: r.roles}, Head: r.Commit, At: r.Submitted})
		}
	}
	return out
}

// labelsOf are an environment's labels; there being none is known.
func labelsOf(e v1alpha1.Environment) map[string]string {
	out := map[string]string{}
	for k, v := range e.Metadata.Labels {
		out[k] = v
	}
	return out
}

func (p *Promotions) person(ctx context.Context, name, team string) (gate.Person, error) {
	roles, err := p.o.People.Roles(ctx, name, team)
	if err != nil {
		return gate.Person{}, fmt.Errorf("look for the roles of %s: %w", name, err)
	}
	return gate.Person{Name: name, Roles: append([]string{}, roles...)}, nil
}

// authorsKey is a stretch of a repository's history.
type authorsKey struct{ repository, after, to string }

// authorsOf are those who wrote and pushed what the release brings to the environment. One whose account is not known
// has no name: nobody can say then who is another person.
func (p *Promotions) authorsOf(ctx context.Context, asked request) ([]gate.Person, error) {
	source := asked.Release.Spec.Source
	r, err := forge.ParseRepository(source.Repository)
	if err != nil {
		return nil, err
	}
	key := authorsKey{source.Repository, "", source.Commit}
	if asked.Replaces != nil && asked.Replaces.Spec.Source.Repository == source.Repository {
		key.after = asked.Replaces.Spec.Source.Commit
	}
	p.mu.Lock()
	known, remembered := p.authors[key]
	p.mu.Unlock()
	if remembered {
		return known, nil
	}
	commits, err := p.history(ctx, r, key.after, key.to)
	if err != nil {
		return nil, fmt.Errorf("look for the authors: %w", err)
	}
	pushers, err := p.pushers(ctx, r, commits)
	if err != nil {
		return nil, fmt.Errorf("look for the authors: %w", err)
	}
	authors := people(commits, pushers)
	if !slices.ContainsFunc(authors, func(a gate.Person) bool { return a.Name == "" }) {
		p.mu.Lock()
		p.authors[key] = authors
		p.mu.Unlock()
	}
	return authors, nil
}

// history is what the release brings: the commits since the one that is there; all, where that one does not lead to it.
// A release of an earlier commit brings that commit.
func (p *Promotions) history(ctx context.Context, r forge.Repository, after, to string) ([]forge.LogEntry, error) {
	commits, err := p.o.Forge.Log(ctx, r, after, to)
	if after != "" && (isConflict(err) || err == nil && len(commits) == 0) {
		return p.o.Forge.Log(ctx, r, "", to)
	}
	return commits, err
}

// pushers are those who pushed the commits, as far as the forge remembers.
func (p *Promotions) pushers(ctx context.Context, r forge.Repository, commits []forge.LogEntry) ([]string, error) {
	if len(commits) == 0 {
		return nil, nil
	}
	pushes, err := p.o.Forge.Pushes(ctx, r, time.Time{})
	if err != nil {
		return nil, err
	}
	heads := map[string]bool{}
	for _, c := range commits {
		heads[c.Hash] = true
	}
	var out []string
	for _, push := range pushes {
		if heads[push.After] && push.Pusher != "" {
			out = append(out, push.Pusher)
		}
	}
	return out, nil
}

// people are the authors and pushers, each once, by name. A commit whose author has no account is its pusher's; where
// that one is not known either, neither is the author.
func people(commits []forge.LogEntry, pushers []string) []gate.Person {
	all := slices.Clone(pushers)
	for _, c := range commits {
		switch {
		case c.Account != "":
			all = append(all, c.Account)
		case len(pushers) == 0:
			all = append(all, "")
		case c.Author.Name != "":
			all = append(all, c.Author.Name)
		}
	}
	for i, name := range all {
		all[i] = strings.ToLower(name)
	}
	slices.Sort(all)
	var out []gate.Person
	for _, name := range slices.Compact(all) {
		out = append(out, gate.Person{Name: name})
	}
	return out
}
