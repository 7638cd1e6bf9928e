package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/slipway-dev/slipway/internal/client"
	"github.com/slipway-dev/slipway/internal/server/access"
	"github.com/slipway-dev/slipway/internal/server/api"
)

// completionPatience is how long a shell waits for names.
const completionPatience = 2 * time.Second

// complete completes an argument or a flag with names that the server gives; without a server there are none.
func complete(r *remote, names func(context.Context, *client.Client) ([]string, error),
) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		parent := cmd.Context()
		if parent == nil {
			parent = context.Background()
		}
		ctx, cancel := context.WithTimeout(parent, completionPatience)
		defer cancel()
		c, err := r.connect(ctx)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		all, _ := names(ctx, c) // what came in time is good enough
		all = slices.DeleteFunc(all, func(n string) bool { return !strings.HasPrefix(n, begun) })
		return all, cobra.ShellCompDirectiveNoFileComp
	}
}

// completeFirst completes the first argument only.
func completeFirst(r *remote, names func(context.Context, *client.Client) ([]string, error),
) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	first := complete(r, names)
	return func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return first(cmd, args, begun)
	}
}

func applicationNames(ctx context.Context, c *client.Client) ([]string, error) {
	var names []string
	for a, err := range c.Applications(ctx) {
		if err != nil {
			return names, err
		}
		names = append(names, a.Name, a.Team+"/"+a.Name)
	}
	return names, nil
}

func environmentNames(ctx context.Context, c *client.Client) ([]string, error) {
	var names []string
	for e, err := range c.Environments(ctx) {
		if err != nil {
			return names, err
		}
		names = append(names, e.Name)
	}
	return names, nil
}

func templateNames(ctx context.Context, c *client.Client) ([]string, error) {
	var names []string
	for t, err := range c.Templates(ctx) {
		if err != nil {
			return names, err
		}
		names = append(names, templateText(api.TemplateRef{Namespace: t.Namespace, Name: t.Name}))
	}
	return names, nil
}

func promotionNumbers(ctx context.Context, c *client.Client) ([]string, error) {
	var names []string
	for p, err := range c.Promotions(ctx, api.PromotionQuery{}) {
		if err != nil {
			return names, err
		}
		names = append(names, fmt.Sprintf("%d\t%s/%s to %s, %s", p.Number, p.Team, p.Application, p.To, p.State))
	}
	return names, nil
}

func tokenIDs(ctx context.Context, c *client.Client) ([]string, error) {
	var names []string
	for t, err := range c.Tokens(ctx) {
		if err != nil {
			return names, err
		}
		names = append(names, t.ID+"\t"+t.Name)
	}
	return names, nil
}

func teamNames(ctx context.Context, c *client.Client) ([]string, error) {
	me, err := c.Me(ctx)
	if err != nil {
		return nil, err
	}
	grants, err := access.ParseGrants(me.Grants)
	teams, _ := grants.Teams(access.Viewer)
	return teams, err
}

func decisionNumbers(ctx context.Context, c *client.Client) ([]string, error) {
	all, err := client.Collect(c.Decisions(ctx, api.DecisionQuery{}), mostOffered)
	var names []string
	for _, d := range all {
		names = append(names, fmt.Sprintf("%d\t%s: %s/%s to %s", d.Index, d.Outcome, d.Team, d.Application, d.Environment))
	}
	return names, err
}

// mostOffered is how many of something that grows for ever are offered.
const mostOffered = 50

// gateNames gives the gates, that have not passed, of the promotion that an argument names.
func gateNames(args []string) func(context.Context, *client.Client) ([]string, error) {
	return func(ctx context.Context, c *client.Client) ([]string, error) {
		if len(args) == 0 {
			return nil, nil
		}
		ref, err := findPromotion(ctx, c, args[0])
		if err != nil {
			return nil, err
		}
		p, err := c.Promotion(ctx, ref)
		var names []string
		for _, g := range p.Gates {
			if g.Verdict != api.Pass {
				names = append(names, g.Name+"\t"+g.Reason)
			}
		}
		return names, err
	}
}

// application gives the application that an argument names.
func application(ctx context.Context, c *client.Client, args []string) (api.Application, error) {
	if len(args) == 0 {
		return api.Application{}, nil
	}
	ref, err := findApplication(ctx, c, "", args[0])
	if err != nil {
		return api.Application{}, err
	}
	return c.Application(ctx, ref.Team, ref.Name)
}

// releaseNames gives what runs of an application, by where it runs.
func releaseNames(args []string) func(context.Context, *client.Client) ([]string, error) {
	return func(ctx context.Context, c *client.Client) ([]string, error) {
		a, err := application(ctx, c, args)
		var names []string
		for _, d := range a.Deployments {
			switch {
			case d.Release == nil:
			case d.Release.Version != "":
				names = append(names, d.Release.Version+"\tin "+d.Environment)
			default:
				names = append(names, d.Release.Digest+"\tin "+d.Environment)
			}
		}
		return names, err
	}
}

func buildNames(args []string) func(context.Context, *client.Client) ([]string, error) {
	return func(ctx context.Context, c *client.Client) ([]string, error) {
		a, err := application(ctx, c, args)
		names := []string{lastBuild + "\tthe newest one"}
		for _, b := range a.Builds {
			names = append(names, b.ID+"\t"+string(b.State)+" "+b.Reason)
		}
		return names, err
	}
}

// completeScopes completes with what whoever is signed in may do.
func completeScopes(env *Env) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return complete(&remote{Env: env}, func(ctx context.Context, c *client.Client) ([]string, error) {
		me, err := c.Me(ctx)
		return me.Grants, err
	})
}

// completeServers completes with the servers at which this command line is or was signed in.
func completeServers(env *Env) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return func(_ *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		known, err := readLogins(env)
		if err != nil || len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var names []string
		for at, l := range known.Servers {
			if strings.HasPrefix(at, begun) {
				names = append(names, at+"\t"+l.Username)
			}
		}
		slices.Sort(names)
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}
