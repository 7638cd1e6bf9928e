package portal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/app"
	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/server/api"
)

// previewsAgain is how often pull requests are looked at without being told.
const previewsAgain = 3 * time.Minute

// followPulls makes and ends previews as pull requests open and close, and fills environments that are new.
func (p *Portal) followPulls(ctx context.Context) error {
	tick := time.NewTicker(previewsAgain)
	defer tick.Stop()
	for {
		if err := errors.Join(p.previewsNow(ctx), p.fill(ctx), p.announce(ctx)); err != nil {
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

// ReleasedForPreview puts the image of a pull request's commit into its preview.
func (p *Portal) ReleasedForPreview(ctx context.Context, application, image, commit string) error {
	if err := p.previewsNow(ctx); err != nil { // it may have come before the word of the pull request
		return err
	}
	err := p.place(ctx, application, image, commit, func(s *snapshot, a v1alpha1.Application) []v1alpha1.Environment {
		var out []v1alpha1.Environment
		for _, name := range s.state.PreviewsOf(a.Metadata.Name, 0) {
			if e := s.state.Environments[name]; e.Spec.Preview.Commit == commit {
				out = append(out, e)
			}
		}
		return out
	})
	p.pulls.ring() // to tell where it is
	return err
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
		if err != nil && !errors.Is(err, forge.ErrNotFound) { // without a repository there are none
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

// preview makes the environment of a pull request as it is now, unless its time was over already.
func (p *Portal) preview(ctx context.Context, s *snapshot, a v1alpha1.Application, pull forge.PullRequest) error {
	name := app.PreviewName(a.Metadata.Name, pull.Number)
	there, ok := s.state.Environments[name]
	if ok && there.Spec.Preview != nil && there.Spec.Preview.Commit == pull.HeadCommit {
		return nil
	}
	e, err := app.NewPreview(a, pull.Number, pull.HeadCommit, p.now())
	if err != nil {
		return err
	}
	if ttl, err := app.ParseTTL(e.Spec.TTL); err == nil && p.now().After(pull.Updated.Add(ttl)) {
		return nil
	}
	if !ok {
		over, err := p.said(ctx, a, pull.Number, overText(pull.HeadCommit))
		if err != nil || over {
			return err
		}
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

// announce writes below each pull request where its preview is, once it holds something.
func (p *Portal) announce(ctx context.Context) error {
	s, err := p.environments.refresh(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range s.state.Environments {
		of := e.Spec.Preview
		if of == nil || p.announced[e.Metadata.Name] {
			continue
		}
		a, known := s.state.Applications[of.Application]
		if _, placed := s.state.Placed[e.Metadata.Name][of.Application]; !placed || !known {
			continue
		}
		where := "**Preview**: `" + e.Metadata.Name + "`, which no route leads to"
		if hasRoute(s, e.Metadata.Name, of.Application) {
			where = "**Preview**: " + p.config.URL(app.Host(e, a, p.config.Domain))
		}
		text := where + "\n\nIt follows this branch, and goes when the pull request closes, or " + e.Spec.TTL +
			" after the last push. Its log: `slipway app logs " + of.Application + " --env " + e.Metadata.Name + " --follow`"
		if err := p.say(ctx, a, of.PullRequest, where, text); err != nil {
			errs = append(errs, fmt.Errorf("tell where %s is: %w", e.Metadata.Name, err))
			continue
		}
		p.announced[e.Metadata.Name] = true
	}
	return errors.Join(errs...)
}

// overText is in what a pull request is told when the time of its preview is over.
func overText(commit string) string { return "The preview of " + commit + " is gone" }

// tellOver says below a pull request that the time of its preview is over. That it was said keeps the preview from coming
// back before something new is pushed.
func (p *Portal) tellOver(ctx context.Context, s *snapshot, e v1alpha1.Environment) error {
	of := e.Spec.Preview
	a, known := s.state.Applications[of.Application]
	if !known {
		return nil
	}
	err := p.say(ctx, a, of.PullRequest, overText(of.Commit), overText(of.Commit)+": its time to live, "+e.Spec.TTL+
		", is over. A push makes a new one.")
	if errors.Is(err, forge.ErrNotFound) {
		return nil
	}
	return err
}

// say comments on an application's pull request, unless a comment with the mark is there already.
func (p *Portal) say(ctx context.Context, a v1alpha1.Application, number int, mark, text string) error {
	there, err := p.said(ctx, a, number, mark)
	if err != nil || there {
		return err
	}
	repository, err := forge.ParseRepository(a.Spec.Repository)
	if err != nil {
		return err
	}
	return p.git.Forge.Comment(ctx, repository, number, text)
}

// said says whether Slipway has commented on a pull request with a mark in it.
func (p *Portal) said(ctx context.Context, a v1alpha1.Application, number int, mark string) (bool, error) {
	repository, err := forge.ParseRepository(a.Spec.Repository)
	if err != nil {
		return false, err
	}
	all, err := p.git.Forge.Comments(ctx, repository, number)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(all, func(c forge.Comment) bool { return c.Author == p.account && strings.Contains(c.Text, mark) }), nil
}
