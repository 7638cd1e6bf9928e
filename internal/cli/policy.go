package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/server/api"
)

type policyTestOptions struct {
	remote
	File     string
	Over     string
	ExitCode bool
}

func newPolicyCommand(env *Env) *cobra.Command {
	return group(&cobra.Command{
		Use:   "policy",
		Short: "Change what promotions are decided by, and try it before it counts",
	}, newPolicyTestCommand(env), newPolicyProposeCommand(env), newPolicyListCommand(env), newPolicyShowCommand(env))
}

func newPolicyTestCommand(env *Env) *cobra.Command {
	o := &policyTestOptions{remote: remote{Env: env}}
	cmd := &cobra.Command{
		Use:   "test GATES --over DATE..DATE",
		Short: "Replay changed gates over past promotions, and show whose outcome would differ",
		Example: `  slipway policy test policies/prod.yaml --over 2026-01-01..2026-03-31
  slipway policy test policies/prod.yaml --over 2026-03-01.. --exit-code   # 3 where something would differ`,
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.File = args[0]
			return runPolicyTest(cmd.Context(), o)
		},
	}
	addRemote(cmd, &o.remote)
	cmd.Flags().StringVar(&o.Over, "over", "", "the `DATE..DATE` of the promotions, both days included; an end may be left out")
	_ = cmd.MarkFlagRequired("over")
	cmd.Flags().BoolVar(&o.ExitCode, "exit-code", false, "exit with 3 where an outcome would differ")
	return cmd
}

func runPolicyTest(ctx context.Context, o *policyTestOptions) error {
	from, to, ok := strings.Cut(o.Over, "..")
	if !ok {
		return fault.Invalid(fmt.Errorf("--over: %q is not DATE..DATE", o.Over), "write 2026-01-01..2026-03-31")
	}
	begin, end, err := span(from, to, "--over", "--over")
	if err != nil {
		return err
	}
	if end.IsZero() {
		end = now().AddDate(0, 0, 1)
	}
	gates, err := os.ReadFile(o.Env.path(o.File))
	if err != nil {
		return fault.Invalid(fmt.Errorf("read the gates: %w", err), "")
	}
	c, err := o.connect(ctx)
	if err != nil {
		return err
	}
	r, err := c.TestPolicy(ctx, api.PolicyTest{Gates: string(gates), From: begin, To: end})
	if err != nil {
		return err
	}
	if err := show(o.Env, o.Format, r, func() { printPolicyReport(o.Env, r) }); err != nil {
		return err
	}
	if o.ExitCode && len(r.Changed) > 0 {
		return &fault.Error{Err: errors.New(""), Code: fault.ExitPending}
	}
	return nil
}

func printPolicyReport(env *Env, r api.PolicyReport) {
	env.printf("%d promotions replayed: %d would differ, %d can't be told for want of evidence\n", r.Replayed,
		len(r.Changed), len(r.Undecided))
	for _, part := range []struct {
		title string
		of    []api.PolicyChange
	}{{"WOULD DIFFER", r.Changed}, {"CAN'T BE TOLD", r.Undecided}} {
		if len(part.of) == 0 {
			continue
		}
		env.printf("\n")
		t := newTable(env.Out, part.title, "ENTRY", "WAS", "WOULD BE", "GATES")
		for _, change := range part.of {
			d := change.Decision
			var gates []string
			for _, g := range change.Gates {
				gates = append(gates, g.Name+" "+string(g.Verdict)+": "+g.Reason)
			}
			t.row(d.Team+"/"+d.Application+" to "+d.Environment, fmt.Sprint(d.Index), string(d.Outcome), string(change.Would),
				strings.Join(gates, "; "))
		}
		t.flush()
	}
}
