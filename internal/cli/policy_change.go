package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"github.com/slipway-dev/slipway/internal/client"
	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/server/api"
)

type policyProposeOptions struct {
	remote
	File    string
	Path    string
	Remove  bool
	Note    string
	Wait    bool
	Timeout time.Duration
}

func newPolicyProposeCommand(env *Env) *cobra.Command {
	o := &policyProposeOptions{remote: remote{Env: env}}
	cmd := &cobra.Command{
		Use:   "propose FILE",
		Short: "Ask for a change of gates, freezes or a governed environment",
		Long: `Ask that FILE be what promotions are decided by: a GatePolicy, freezes (freezes.yaml), or an Environment.
This opens a pull request in the environments' repository. A platform-admin who did not ask for it approves
it there, by a review; the decision is signed, and in the audit log before anything is merged.

Where the file stands in the repository follows from what is in it; --path says it. With --remove, FILE is
the path of what goes.`,
		Example: `  slipway policy propose prod.yaml --note "two approvals from now on"
  slipway policy propose freezes.yaml --wait --timeout 2h
  slipway policy propose policies/old.yaml --remove`,
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.File = args[0]
			return runPolicyPropose(cmd.Context(), o)
		},
	}
	addRemote(cmd, &o.remote)
	f := cmd.Flags()
	f.StringVar(&o.Path, "path", "", "the `PATH` in the environments' repository")
	f.BoolVar(&o.Remove, "remove", false, "the file goes")
	f.StringVar(&o.Note, "note", "", "a `TEXT` for the reviewers")
	addWait(cmd, &o.Wait, &o.Timeout, "wait until it is in force")
	return cmd
}

func runPolicyPropose(ctx context.Context, o *policyProposeOptions) error {
	n := api.NewGatesChange{Path: o.Path, Remove: o.Remove, Note: o.Note}
	if o.Remove {
		if n.Path == "" {
			n.Path = o.File
		}
	} else {
		data, err := os.ReadFile(o.Env.path(o.File))
		if err != nil {
			return fault.Invalid(fmt.Errorf("read the change: %w", err), "")
		}
		if n.Content = string(data); n.Path == "" {
			if n.Path, err = pathOf(data); err != nil {
				return fault.Invalid(fmt.Errorf("%s: %w", o.File, err), "say where it stands in the repository: --path policies/NAME.yaml")
			}
		}
	}
	c, err := o.connect(ctx)
	if err != nil {
		return err
	}
	g, err := c.ProposeGates(ctx, n)
	if err != nil {
		return err
	}
	if o.Wait {
		o.Env.note(o.Format, "change %d of %s: %s\n", g.Number, g.Path, g.PullRequest)
		if g, err = awaitGates(ctx, c, g, o.Timeout); err != nil {
			return err
		}
	}
	return show(o.Env, o.Format, g, func() { printGatesChange(o.Env, g) })
}

// pathOf says where a file stands in the environments' repository, by what is in it.
func pathOf(data []byte) (string, error) {
	var it struct {
		Kind     string
		Metadata struct{ Name string }
		Freezes  *[]any
	}
	if err := yaml.Unmarshal(data, &it); err != nil {
		return "", err
	}
	switch {
	case it.Kind == "GatePolicy" && it.Metadata.Name != "":
		return "policies/" + it.Metadata.Name + ".yaml", nil
	case it.Kind == "Environment" && it.Metadata.Name != "":
		return "environments/" + it.Metadata.Name + "/environment.yaml", nil
	case it.Kind == "" && it.Freezes != nil:
		return "freezes.yaml", nil
	}
	return "", errors.New("it is neither a GatePolicy nor an Environment with a name, nor freezes")
}

// awaitGates waits until a change of gates is over; one that is not in force then is an error.
func awaitGates(ctx context.Context, c *client.Client, g api.GatesChange, timeout time.Duration) (api.GatesChange, error) {
	err := until(ctx, c, timeout, func() string { return string(g.State) + " " + g.Reason },
		func(e api.Event) bool { return e.Subject == fmt.Sprintf("/policies/changes/%d", g.Number) },
		func(ctx context.Context) (bool, error) {
			now, err := c.GatesChange(ctx, g.Number)
			if err == nil {
				g = now
			}
			return g.State != api.PromotionOpen && g.State != api.PromotionAllowed, err
		})
	if err == nil && g.State != api.PromotionMerged {
		err = fault.Hint(fmt.Errorf("change %d of %s is %s: %s", g.Number, g.Path, g.State, g.Reason),
			fmt.Sprintf("slipway policy show %d", g.Number))
	}
	return g, err
}

func newPolicyListCommand(env *Env) *cobra.Command {
	r := &remote{Env: env}
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List changes of gates, the newest first",
		Example: "  slipway policy list -o json",
		Args:    usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := r.connect(cmd.Context())
			if err != nil {
				return err
			}
			all, err := client.Collect(c.GatesChanges(cmd.Context()), 0)
			if err != nil {
				return err
			}
			return show(env, r.Format, all, func() {
				if env.orNone(len(all), "no changes: the gates are those that Slipway ships") {
					return
				}
				t := newTable(env.Out, "NUMBER", "FILE", "STATE", "BY", "OPENED", "REASON")
				for _, g := range all {
					t.row(fmt.Sprint(g.Number), g.Path, env.gatesState(g.State), g.By.Username, when(g.Opened), g.Reason)
				}
				t.flush()
			})
		},
	}
	addRemote(cmd, r)
	return cmd
}

func newPolicyShowCommand(env *Env) *cobra.Command {
	r := &remote{Env: env}
	cmd := &cobra.Command{
		Use:     "show NUMBER",
		Short:   "Show a change of gates, and what it waits for",
		Example: `  slipway policy show 43`,
		Args:    usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			number, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil || number < 1 {
				return fault.Invalid(fmt.Errorf("%q is not the number of a change", args[0]), "see `slipway policy list`")
			}
			c, err := r.connect(cmd.Context())
			if err != nil {
				return err
			}
			g, err := c.GatesChange(cmd.Context(), number)
			if err != nil {
				return err
			}
			return show(env, r.Format, g, func() { printGatesChange(env, g) })
		},
	}
	addRemote(cmd, r)
	return cmd
}

func (e *Env) gatesState(s api.PromotionState) string {
	if s == api.PromotionMerged {
		return e.mood("in force", true, false)
	}
	return e.mood(string(s), false, s == api.PromotionOpen || s == api.PromotionAllowed)
}

func printGatesChange(env *Env, g api.GatesChange) {
	state := env.gatesState(g.State)
	if g.Reason != "" && g.Reason != "in force" {
		state += ": " + g.Reason
	}
	env.page(fmt.Sprintf("change %d: %s", g.Number, g.Path), "state", state, "content", g.Digest,
		"asked by", g.By.Username+" "+when(g.Opened), "pull request", g.PullRequest)
	printGates(env, g.Gates)
	printApprovals(env, g.Approvals)
	printDecisionRefs(env, g.Decisions)
	if g.Diff != "" {
		env.printf("\n%s", g.Diff)
	}
}
