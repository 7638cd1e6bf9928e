package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/slipway-dev/slipway/internal/client"
	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/server/api"
)

// now is the clock of what only rounds to days.
func now() time.Time { return time.Now().UTC() }

func newTokenCommand(env *Env) *cobra.Command {
	return group(&cobra.Command{
		Use:   "token",
		Short: "Make, list and revoke API tokens",
	}, newTokenCreateCommand(env), newTokenListCommand(env), newTokenRevokeCommand(env))
}

type tokenCreateOptions struct {
	remote
	Token api.NewToken
}

func newTokenCreateCommand(env *Env) *cobra.Command {
	o := &tokenCreateOptions{remote: remote{Env: env}}
	cmd := &cobra.Command{
		Use:   "create NAME --scope ROLE[:TEAM]",
		Short: "Make an API token; its secret is shown once",
		Long: `Make an API token for scripts. Its secret is printed once, and the server keeps only a hash of it. A
command line that was signed in by "slipway login" can't make one: it is made by somebody who has
signed in at the identity provider, in the browser or with the provider's own token.`,
		Example: `  slipway token create "nightly report" --scope viewer --days 30`,
		Args:    usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Token.Name = args[0]
			return runTokenCreate(cmd.Context(), o)
		},
	}
	addRemote(cmd, &o.remote)
	cmd.Flags().StringArrayVar(&o.Token.Scopes, "scope", nil, "what it may do: a `ROLE` or ROLE:TEAM; may be given again")
	_ = cmd.MarkFlagRequired("scope")
	_ = cmd.RegisterFlagCompletionFunc("scope", completeScopes(env))
	cmd.Flags().IntVar(&o.Token.Days, "days", 90, "how many `DAYS` it lasts")
	return cmd
}

func runTokenCreate(ctx context.Context, o *tokenCreateOptions) error {
	c, err := o.connect(ctx)
	if err != nil {
		return err
	}
	t, err := c.CreateToken(ctx, o.Token)
	if err != nil {
		return err
	}
	return show(o.Env, o.Format, t, func() {
		o.Env.printf("%s\n", t.Secret)
		fmt.Fprintf(o.Env.Err, "token %s (%s) for %s, good until %s; the secret is not shown again\n", t.ID, t.Name,
			strings.Join(t.Scopes, ", "), when(t.Expires))
	})
}

func newTokenListCommand(env *Env) *cobra.Command {
	r := &remote{Env: env}
	all := false
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List your tokens, and the command lines that are signed in for you",
		Example: `  slipway token list --all`,
		Args:    usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := r.connect(cmd.Context())
			if err != nil {
				return err
			}
			tokens, err := client.Collect(c.Tokens(cmd.Context()), 0)
			if err != nil {
				return err
			}
			shown := []api.Token{}
			for _, t := range tokens {
				if all || t.State == api.TokenGood {
					shown = append(shown, t)
				}
			}
			return show(env, r.Format, shown, func() { printTokens(env, shown) })
		},
	}
	addRemote(cmd, r)
	cmd.Flags().BoolVarP(&all, "all", "a", false, "those that have expired or were revoked too")
	return cmd
}

func printTokens(env *Env, all []api.Token) {
	if env.orNone(len(all), "no tokens") {
		return
	}
	t := newTable(env.Out, "ID", "KIND", "NAME", "SCOPES", "STATE", "EXPIRES", "USED")
	for _, k := range all {
		t.row(k.ID, k.Kind, k.Name, strings.Join(k.Scopes, " "), env.mood(string(k.State), k.State == api.TokenGood, false),
			when(k.Expires), whenever(k.Used))
	}
	t.flush()
}

func newTokenRevokeCommand(env *Env) *cobra.Command {
	r := &remote{Env: env}
	cmd := &cobra.Command{
		Use:               "revoke ID",
		Short:             "Revoke a token at once",
		Example:           `  slipway token revoke t-0123456789   # as "slipway token list" names it`,
		Args:              usage(cobra.ExactArgs(1)),
		ValidArgsFunction: completeFirst(r, tokenIDs),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := r.connect(cmd.Context())
			if err != nil {
				return err
			}
			if strings.HasPrefix(args[0], "slpw_") {
				return fault.Invalid(fmt.Errorf("this is a token itself, not its ID"), "see `slipway token list`")
			}
			if err := c.RevokeToken(cmd.Context(), args[0]); err != nil {
				return err
			}
			env.printf("token %s is revoked\n", args[0])
			return nil
		},
	}
	r.flags(cmd)
	return cmd
}
