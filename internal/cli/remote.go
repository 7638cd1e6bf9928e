package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/slipway-dev/slipway/internal/client"
	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/platform"
	"github.com/slipway-dev/slipway/internal/server/access"
	"github.com/slipway-dev/slipway/internal/server/api"
)

// remote is a command's server, as its flags name it, and the form of what the command prints.
type remote struct {
	Env    *Env
	Server string
	CAFile string
	Format string
}

// addRemote adds the flags of commands that call a server.
func addRemote(cmd *cobra.Command, r *remote) {
	r.flags(cmd)
	addFormat(cmd, &r.Format, "text", "json", "yaml")
}

func (r *remote) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&r.Server, "server", "", "the server's `URL`; by default that of the last login, or of the platform on this machine")
	f.StringVar(&r.CAFile, "ca-file", "", "trust the certificates of `FILE` (PEM) too")
	_ = cmd.MarkFlagFilename("ca-file", "crt", "pem")
}

// portal is that of the platform on this machine; of several, the one that answers at a URL.
func (e *Env) portal(ctx context.Context, at string) (platform.Portal, error) {
	line, err := find(ctx, e, platform.Selection{})
	if err == nil {
		return line.Portal()
	}
	home, failed := e.home()
	if at == "" || failed != nil {
		return platform.Portal{}, err
	}
	for _, name := range home.Names() {
		line, failed := platform.Find(ctx, home, e.Dir, platform.Selection{Name: name})
		if failed != nil {
			continue // a platform that cannot be read is not the one that is meant
		}
		if p, failed := line.Portal(); failed == nil && strings.TrimSuffix(p.URL, "/") == strings.TrimSuffix(at, "/") {
			return p, nil
		}
	}
	return platform.Portal{}, err
}

// connect gives a client of the server that is meant: named, in SLIPWAY_SERVER, the one of the last login, or that of
// the platform on this machine. SLIPWAY_TOKEN wins over the login.
func (r *remote) connect(ctx context.Context) (*client.Client, error) {
	known, err := readLogins(r.Env)
	if err != nil {
		return nil, err
	}
	l, err := (&loginOptions{Env: r.Env, Server: r.Server, CAFile: r.CAFile}).server(ctx, known)
	if err != nil {
		return nil, err
	}
	if token := r.Env.Getenv("SLIPWAY_TOKEN"); token != "" {
		l.Token, l.Expires = token, time.Time{}
	}
	hint := "slipway login " + l.Server
	switch {
	case l.Token == "":
		return nil, fault.Hint(fmt.Errorf("this command line is not signed in to %s", l.Server), hint)
	case !l.Expires.IsZero() && time.Now().After(l.Expires):
		return nil, fault.Hint(fmt.Errorf("the session at %s ended %s", l.Server, when(l.Expires)), hint)
	}
	return l.client(r.Env), nil
}

// addTeam adds the flag that says for which team.
func addTeam(cmd *cobra.Command, r *remote, team *string, help string) {
	cmd.Flags().StringVar(team, "team", "", help)
	_ = cmd.RegisterFlagCompletionFunc("team", complete(r, teamNames))
}

// ownTeam gives the team in which somebody works: the given one, or the only one in which they may.
func ownTeam(ctx context.Context, c *client.Client, team string, role access.Role) (string, error) {
	if team != "" {
		return team, nil
	}
	me, err := c.Me(ctx)
	if err != nil {
		return "", err
	}
	grants, err := access.ParseGrants(me.Grants)
	if err != nil {
		return "", fmt.Errorf("%s: %w", c.Server(), err)
	}
	switch teams, all := grants.Teams(role); {
	case all:
		return "", fault.Invalid(fmt.Errorf("%s may do this for every team", me.Username), "say for which one: --team TEAM")
	case len(teams) == 0:
		return "", fault.Hint(fmt.Errorf("%s has the role %s in no team", me.Username, role),
			"ask whoever looks after a team to take you in")
	case len(teams) > 1:
		return "", fault.Invalid(fmt.Errorf("%s may do this for the teams %s", me.Username, strings.Join(teams, ", ")),
			"say for which one: --team TEAM")
	default:
		return teams[0], nil
	}
}

// applicationRef is an application as an argument names it: NAME or TEAM/NAME.
type applicationRef struct{ Team, Name string }

func (a applicationRef) String() string { return a.Team + "/" + a.Name }

// findApplication says which application is meant.
func findApplication(ctx context.Context, c *client.Client, team, argument string) (applicationRef, error) {
	if in, name, ok := strings.Cut(argument, "/"); ok {
		if team != "" && team != in {
			return applicationRef{}, fault.Invalid(fmt.Errorf("%s is not an application of team %s", argument, team), "")
		}
		return applicationRef{in, name}, nil
	}
	if team != "" {
		return applicationRef{team, argument}, nil
	}
	var found []string
	for a, err := range c.Applications(ctx) {
		if err != nil {
			return applicationRef{}, err
		}
		if a.Name == argument {
			found = append(found, a.Team)
		}
	}
	switch len(found) {
	case 0:
		return applicationRef{}, fault.Hint(fmt.Errorf("there is no application %s in your teams", argument),
			"see `slipway app list`")
	case 1:
		return applicationRef{found[0], argument}, nil
	}
	return applicationRef{}, fault.Invalid(fmt.Errorf("the teams %s have an application %s each",
		strings.Join(found, ", "), argument), "say whose: "+found[0]+"/"+argument)
}

// templateRef reads NAME or NAMESPACE/NAME.
func templateRef(argument string) api.TemplateRef {
	if namespace, name, ok := strings.Cut(argument, "/"); ok {
		return api.TemplateRef{Namespace: namespace, Name: name}
	}
	return api.TemplateRef{Namespace: "default", Name: argument}
}

// templateText is the shortest name of a template that templateRef reads.
func templateText(ref api.TemplateRef) string {
	if ref.Namespace == "default" {
		return ref.Name
	}
	return ref.Namespace + "/" + ref.Name
}

// errNotConfirmed is about a question that was answered otherwise.
var errNotConfirmed = errors.New("not confirmed; nothing was changed")
