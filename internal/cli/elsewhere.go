package cli

import (
	"context"
	"errors"

	"github.com/slipway-dev/slipway/internal/client"
	"github.com/slipway-dev/slipway/internal/health"
	"github.com/slipway-dev/slipway/internal/platform"
	"github.com/slipway-dev/slipway/internal/server/api"
)

// elsewhere gives a client of the server that this command line knows, on a machine that has no platform and where none
// is named: most developers' own. errHere says that the platform is to be looked for here.
func (e *Env) elsewhere(ctx context.Context, s platform.Selection) (*client.Client, error) {
	home, err := e.home()
	if err != nil || s.File != "" || s.Name != "" || s.Blueprint != "" || len(home.Names()) > 0 {
		return nil, errHere
	}
	known, err := readLogins(e)
	if err != nil || known.Current == "" && e.Getenv("SLIPWAY_SERVER") == "" {
		return nil, errHere
	}
	return (&remote{Env: e}).connect(ctx)
}

var errHere = errors.New("the platform is on this machine")

// whyElsewhere explains an application, or all that are not well.
func whyElsewhere(ctx context.Context, c *client.Client, thing string) ([]health.Cause, error) {
	if thing != "" {
		ref, err := findApplication(ctx, c, "", thing)
		if err != nil {
			return nil, err
		}
		return whyApplication(ctx, c, ref.String())
	}
	var all []health.Cause
	for a, err := range c.Applications(ctx) {
		if err != nil {
			return nil, err
		}
		causes, err := whyApplication(ctx, c, a.Team+"/"+a.Name)
		if err != nil {
			return nil, err
		}
		all = append(all, causes...)
	}
	return all, nil
}

// remoteStatus is what a server tells of its platform, and of its callers' things.
type remoteStatus struct {
	Server       string                   `json:"server"`
	Health       api.HealthState          `json:"health"`
	Capabilities []api.Capability         `json:"capabilities"`
	Applications []api.ApplicationSummary `json:"applications"`
	goldenPath
}

func statusElsewhere(ctx context.Context, c *client.Client) (s remoteStatus, err error) {
	s.Server = c.Server()
	h, err := c.Health(ctx)
	if err != nil {
		return s, err
	}
	s.Health = h.State
	if s.Capabilities, err = c.Capabilities(ctx); err != nil {
		return s, err
	}
	if s.Applications, err = client.Collect(c.Applications(ctx), 0); err != nil {
		return s, err
	}
	s.goldenPath = askGoldenPath(ctx, c)
	return s, nil
}

func (s remoteStatus) print(env *Env) {
	env.printf("%s  %s\n\n", painter(env.Colour)(bold, s.Server), env.healthText(s.Health))
	t := newTable(env.Out, "CAPABILITY", "TOOL", "VERSION", "HEALTH", "REASON")
	for _, c := range s.Capabilities {
		t.row(c.Name, c.Tool, c.Version, env.healthText(c.State), c.Reason)
	}
	t.flush()
	env.printf("\n")
	printApplications(env, s.Applications)
	s.goldenPath.print(env)
}
