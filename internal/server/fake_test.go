package server

import (
	"context"
	"fmt"

	"github.com/slipway-dev/slipway/internal/server/api"
)

// others are methods that are not called.
type others struct{ api.Applications }

// teamsSeen remembers whose applications were asked for.
type teamsSeen struct {
	others
	teams api.Teams
}

func (s *teamsSeen) Applications(_ context.Context, teams api.Teams, _ api.Page,
) (api.List[api.ApplicationSummary], error) {
	s.teams = teams
	return api.List[api.ApplicationSummary]{}, nil
}

func (panicking) Entities(context.Context, api.EntityQuery, api.Page) (api.List[api.EntitySummary], error) {
	panic("a secret of the backend")
}

// sleeping does not answer until it must.
type sleeping struct{ api.Policies }

func (sleeping) Test(ctx context.Context, _ api.PolicyTest) (api.PolicyReport, error) {
	<-ctx.Done()
	return api.PolicyReport{}, fmt.Errorf("replay: %w", ctx.Err())
}

// slowTest answers when it is told to.
type slowTest struct {
	api.Policies
	begun, finish chan struct{}
}

func (s *slowTest) Test(context.Context, api.PolicyTest) (api.PolicyReport, error) {
	close(s.begun)
	<-s.finish
	return api.PolicyReport{Changed: []api.PolicyChange{}, Undecided: []api.PolicyChange{}}, nil
}
