package portal

import (
	"context"
	"fmt"

	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/server/api"
)

// maker is for whom a template's run makes things, and by whom.
type maker struct {
	team string
	by   forge.Person
}

type makerKey struct{}

// asMaker is ctx in which things are made for a team.
func asMaker(ctx context.Context, team string, by forge.Person) context.Context {
	return context.WithValue(ctx, makerKey{}, maker{team, by})
}

// MayMakeIn says whether the run whose context this is may make something for owner: its own team.
// Outside of a run nobody may. The error is of kind [api.ErrDenied].
func MayMakeIn(ctx context.Context, owner string) error {
	m, ok := ctx.Value(makerKey{}).(maker)
	switch {
	case !ok || m.team == "":
		return fmt.Errorf("nobody is known for whom something is to be made in %s: %w", owner, api.ErrDenied)
	case m.team != owner:
		return fault.Hint(fmt.Errorf("this run is team %s's, and cannot make anything for %s: %w", m.team, owner, api.ErrDenied),
			"give "+m.team+" as the owner, or run the template for "+owner)
	}
	return nil
}

// TeamOf is the team for which the run whose context this is makes things; "" outside of a run.
func TeamOf(ctx context.Context) string {
	m, _ := ctx.Value(makerKey{}).(maker)
	return m.team
}

// AuthorOf is who is the author of what a run makes.
func AuthorOf(ctx context.Context) forge.Person {
	m, _ := ctx.Value(makerKey{}).(maker)
	return m.by
}

// personOf is an account as the author of a commit.
func (p *Portal) personOf(by api.Actor) forge.Person {
	name := by.Username
	if name == "" {
		name = by.ID
	}
	return forge.Person{Name: name, Email: name + "@noreply." + p.config.Domain}
}
