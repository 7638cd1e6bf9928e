package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/slipway-dev/slipway/internal/client"
	"github.com/slipway-dev/slipway/internal/health"
	"github.com/slipway-dev/slipway/internal/platform"
	"github.com/slipway-dev/slipway/internal/server/api"
)

const (
	// portalPatience is how long `status` waits for the portal, which need not be there.
	portalPatience = 3 * time.Second
	// mostShown is how many findings and promotions `status` shows.
	mostShown = 10
)

// goldenPath is what the portal knows that belongs into `status`.
type goldenPath struct {
	// Findings are what runs, or was merged, without a decision; Promotions those that are open.
	Findings   []api.Finding          `json:"findings,omitempty"`
	Promotions []api.PromotionSummary `json:"promotions,omitempty"`
}

// signedIn gives a client of a platform's own portal; nil where there is none, or nobody is signed in. A token of the
// environment is sent to no other server than the one that is named beside it.
func (e *Env) signedIn(line *platform.Line) *client.Client {
	portal, err := line.Portal()
	if err != nil {
		return nil
	}
	known, err := readLogins(e)
	if err != nil {
		return nil
	}
	at := strings.TrimSuffix(portal.URL, "/")
	l := known.Servers[at]
	l.Server, l.CA, l.portal = at, string(portal.CA), portal
	if token := e.Getenv("SLIPWAY_TOKEN"); token != "" && strings.TrimSuffix(e.Getenv("SLIPWAY_SERVER"), "/") == at {
		l.Token, l.Expires = token, time.Time{}
	}
	if l.Token == "" || !l.Expires.IsZero() && time.Now().After(l.Expires) {
		return nil
	}
	return l.client(e)
}

// goldenPathOf asks the portal; what it does not say in time is left out.
func (e *Env) goldenPathOf(ctx context.Context, line *platform.Line) goldenPath {
	c := e.signedIn(line)
	if c == nil {
		return goldenPath{}
	}
	return askGoldenPath(ctx, c)
}

func askGoldenPath(ctx context.Context, c *client.Client) goldenPath {
	ctx, cancel := context.WithTimeout(ctx, portalPatience)
	defer cancel()
	var g goldenPath
	var both sync.WaitGroup
	both.Go(func() { g.Findings, _ = client.Collect(c.Findings(ctx), mostShown) })
	both.Go(func() {
		g.Promotions, _ = client.Collect(c.Promotions(ctx, api.PromotionQuery{State: api.PromotionOpen}), mostShown)
	})
	both.Wait()
	return g
}

// print shows what there is.
func (g goldenPath) print(env *Env) {
	if len(g.Promotions) > 0 {
		env.printf("\n")
		printPromotions(env, g.Promotions)
	}
	if len(g.Findings) > 0 {
		env.printf("\n%s\n", env.mood("without a decision:", false, false))
		printFindings(env, g.Findings)
	}
}

// errNoApplication says that a name is no application's.
var errNoApplication = errors.New("no such application")

// whyApplication explains an application of the portal, named NAME or TEAM/NAME: its last build, and each environment
// in which it is not healthy.
func whyApplication(ctx context.Context, c *client.Client, thing string) ([]health.Cause, error) {
	if c == nil || thing == "" || strings.Count(thing, "/") > 1 {
		return nil, errNoApplication
	}
	ref, err := findApplication(ctx, c, "", thing)
	if err != nil {
		return nil, errNoApplication
	}
	a, err := c.Application(ctx, ref.Team, ref.Name)
	if err != nil {
		return nil, err
	}
	causes, subject := []health.Cause{}, "application "+ref.String()
	if b := a.Build; b != nil && b.State == api.BuildFailed {
		causes = append(causes, health.Cause{{Subject: subject, Finding: "its last build failed"},
			{Subject: "build " + b.ID, Finding: b.Reason, Next: "slipway app logs " + ref.String() + " --build " + b.ID}})
	}
	for _, d := range a.Deployments {
		if d.Release == nil || d.Health == api.Healthy || d.Health == api.Progressing && d.Reason == "" {
			continue // where nothing was released, nothing is wrong
		}
		causes = append(causes, health.Cause{
			{Subject: subject, Finding: fmt.Sprintf("%s in %s", d.Health, d.Environment)},
			{Subject: "namespace " + d.Namespace, Finding: d.Reason, Evidence: d.Evidence,
				Next: "slipway app logs " + ref.String() + " --env " + d.Environment}})
	}
	return causes, nil
}
