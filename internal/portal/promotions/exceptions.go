package promotions

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/server/api"
)

// Exceptions gives the ways around a gate.
func (p *Promotions) Exceptions() api.Exceptions { return exceptions{p} }

type exceptions struct{ *Promotions }

// longestWaiver bounds how long a waiver lasts.
const longestWaiver = 30 * 24 * time.Hour

// Waive implements api.Exceptions.
func (e exceptions) Waive(ctx context.Context, by api.Actor, team, application string, number int64,
	n api.NewWaiver) (api.Promotion, error) {
	o, err := e.find(ctx, team, application, number)
	if err != nil {
		return api.Promotion{}, err
	}
	if err := e.mayWaive(o, by, n); err != nil {
		return api.Promotion{}, err
	}
	all, version, _, err := read[[]waiver](ctx, e.o.Forge, waiversPath(o.pull.Number))
	if err != nil {
		return api.Promotion{}, err
	}
	all = slices.DeleteFunc(all, func(w waiver) bool { return w.Gate == n.Gate && w.By.Username == by.Username })
	all = append(all, waiver{Gate: n.Gate, By: by, At: e.now(), Reason: n.Reason, Until: n.Until.UTC()})
	err = keep(ctx, e.o.Forge, waiversPath(o.pull.Number), all, version,
		fmt.Sprintf("%s waives the gate %s for #%d\n\n%s\n", by.Username, n.Gate, number, n.Reason), by)
	if err := recorded(err); err != nil {
		return api.Promotion{}, err
	}
	text := fmt.Sprintf("%s waives the gate %s until %s: %s", by.Username, n.Gate, n.Until.UTC().Format(time.RFC3339), n.Reason)
	e.metrics.waived()
	return e.said(ctx, o, "promotion.waived", text)
}

func (p *Promotions) mayWaive(o *observation, by api.Actor, n api.NewWaiver) error {
	now := p.now()
	switch {
	case o.pull.State != forge.Open:
		return notOpen(o)
	case o.policy == nil || o.input == nil:
		return fmt.Errorf("the gates cannot be evaluated now: %s: %w", o.state.Unjudged+o.state.Change.Problem, api.ErrUnavailable)
	case !n.Until.After(now):
		return fault.Invalid(fmt.Errorf("the waiver would have ended already, on %s", n.Until.UTC().Format(time.RFC3339)), "")
	case n.Until.Sub(now) > longestWaiver:
		return fault.Invalid(fmt.Errorf("the waiver would last until %s; %d days are the most",
			n.Until.UTC().Format(time.DateOnly), longestWaiver/(24*time.Hour)), "waive for a shorter time; what lasts longer belongs into the policy")
	}
	if err := stranger(o, by, "waive a gate of"); err != nil {
		return err
	}
	gates := o.policy.Gates(o.input.Environment)
	i := slices.IndexFunc(gates, func(g v1alpha1.Gate) bool { return g.Name == n.Gate })
	switch {
	case i < 0:
		return fault.Invalid(fmt.Errorf("there is no gate %q for %s", n.Gate, o.asked.To), "")
	case !gates[i].Waivable:
		return fmt.Errorf("the gate %s cannot be waived, by the policy: %w", n.Gate, api.ErrDenied)
	}
	return nil
}

// stranger says why somebody may not, for having asked for the promotion or having written the change.
func stranger(o *observation, by api.Actor, what string) error {
	switch {
	case strings.EqualFold(by.Username, o.asked.By.Username):
		return fmt.Errorf("%s asked for the promotion, and so may not %s it: %w", by.Username, what, api.ErrDenied)
	case len(o.state.Authors) == 0 || slices.Contains(o.state.Authors, ""):
		return fmt.Errorf("who wrote the change is not known, so nobody may %s it: %w", what, api.ErrDenied)
	case slices.ContainsFunc(o.state.Authors, func(a string) bool { return strings.EqualFold(a, by.Username) }):
		return fmt.Errorf("%s wrote some of the change, and so may not %s it: %w", by.Username, what, api.ErrDenied)
	}
	return nil
}

func notOpen(o *observation) error {
	return fmt.Errorf("promotion %d is %s: %w", o.pull.Number, o.pull.State, api.ErrConflict)
}

// BreakGlass implements api.Exceptions.
func (e exceptions) BreakGlass(ctx context.Context, by api.Actor, team, application string, number int64,
	reason string) (api.Promotion, error) {
	o, err := e.find(ctx, team, application, number)
	if err != nil {
		return api.Promotion{}, err
	}
	switch {
	case o.pull.State != forge.Open:
		return api.Promotion{}, notOpen(o)
	case o.state.Change.Problem != "":
		return api.Promotion{}, fmt.Errorf("promotion %d cannot be merged: %s: %w", number, o.state.Change.Problem, api.ErrConflict)
	case o.glass != nil && o.glass.Head == o.pull.HeadCommit:
		return api.Promotion{}, fmt.Errorf("%s has broken the glass of promotion %d already: %w", o.glass.By.Username, number, api.ErrConflict)
	}
	_, version, _, err := read[glass](ctx, e.o.Forge, glassPath(o.pull.Number))
	if err != nil {
		return api.Promotion{}, err
	}
	err = keep(ctx, e.o.Forge, glassPath(o.pull.Number), glass{By: by, At: e.now(), Reason: reason, Head: o.pull.HeadCommit},
		version, fmt.Sprintf("%s breaks the glass for #%d\n\n%s\n", by.Username, number, reason), by)
	if err := recorded(err); err != nil {
		return api.Promotion{}, err
	}
	return e.said(ctx, o, "glass.broken", fmt.Sprintf("%s breaks the glass: %s in %s is merged whatever the gates say. "+
		"A second person has to look at it afterwards. Reason: %s", by.Username, application, o.asked.To, reason))
}

// Review implements api.Exceptions: the second person's word.
func (e exceptions) Review(ctx context.Context, by api.Actor, team, application string, number int64,
	n api.NewReview) (api.Promotion, error) {
	o, err := e.find(ctx, team, application, number)
	if err != nil {
		return api.Promotion{}, err
	}
	if err := mayReview(o, by); err != nil {
		return api.Promotion{}, err
	}
	broken, version, _, err := read[glass](ctx, e.o.Forge, glassPath(o.pull.Number))
	if err != nil {
		return api.Promotion{}, err
	}
	broken.Review = &glassReview{By: by, At: e.now(), Accepted: n.Accepted, Comment: n.Comment}
	word := "stands by"
	if !n.Accepted {
		word = "does not stand by"
	}
	err = keep(ctx, e.o.Forge, glassPath(o.pull.Number), broken, version,
		fmt.Sprintf("%s %s the broken glass of #%d\n\n%s\n", by.Username, word, number, n.Comment), by)
	if err := recorded(err); err != nil {
		return api.Promotion{}, err
	}
	return e.said(ctx, o, "glass.reviewed", fmt.Sprintf("%s %s the broken glass: %s", by.Username, word, n.Comment))
}

func mayReview(o *observation, by api.Actor) error {
	switch g := o.glass; {
	case g == nil:
		return fmt.Errorf("the glass of promotion %d is whole: %w", o.pull.Number, api.ErrConflict)
	case strings.EqualFold(g.By.Username, by.Username):
		return fmt.Errorf("%s broke the glass, and a second person has to look: %w", by.Username, api.ErrDenied)
	case g.Review != nil && g.Review.Accepted:
		return fmt.Errorf("%s has reviewed it already: %w", g.Review.By.Username, api.ErrConflict)
	case o.pull.State != forge.Merged:
		return fmt.Errorf("promotion %d is not merged yet: %w", o.pull.Number, api.ErrConflict)
	}
	return stranger(o, by, "stand by")
}

// recorded turns a conflict of two writers into the API's words.
func recorded(err error) error {
	if isConflict(err) {
		return fmt.Errorf("somebody else recorded something at the same time: %w", api.ErrConflict)
	}
	return err
}

// said makes an exception known, and takes the promotion on.
func (p *Promotions) said(ctx context.Context, o *observation, kind, text string) (api.Promotion, error) {
	p.o.Logger.WarnContext(ctx, text, "promotion", o.pull.Number, "application", o.asked.Application, "environment", o.asked.To)
	p.tell(o, kind, text)
	if err := p.o.Forge.Comment(ctx, Environments, o.pull.Number, text); err != nil {
		p.o.Logger.WarnContext(ctx, "an exception could not be told on the pull request", "error", err) // it is recorded all the same
	}
	p.settle(ctx, o.pull.Number)
	p.Notify()
	return p.Promotion(ctx, o.asked.Team, o.asked.Application, int64(o.pull.Number))
}

// tell gives an event to whoever listens.
func (p *Promotions) tell(o *observation, kind, text string) {
	now := p.now()
	subject := fmt.Sprintf("/teams/%s/applications/%s/promotions/%d", o.asked.Team, o.asked.Application, o.pull.Number)
	if o.asked.ofGates() {
		subject = fmt.Sprintf("/policies/changes/%d", o.pull.Number)
	}
	p.o.OnEvent(api.Event{At: now, Type: kind, Team: o.asked.Team, Application: o.asked.Application, Environment: o.asked.To,
		Subject: subject, Summary: text})
}
