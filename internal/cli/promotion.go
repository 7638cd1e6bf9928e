package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/slipway-dev/slipway/internal/client"
	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/server/api"
)

func newPromotionCommand(env *Env) *cobra.Command {
	return group(&cobra.Command{
		Use:   "promotion",
		Short: "Look at promotions, and go around a gate where that is right",
	}, newPromotionListCommand(env), newPromotionShowCommand(env), newPromotionWaiveCommand(env),
		newPromotionBreakGlassCommand(env), newPromotionReviewCommand(env))
}

// promotionStates are the words of --state.
var promotionStates = []string{"open", "allowed", "refused", "merged", "healthy", "failed", "rolled back", "closed"}

type promotionListOptions struct {
	remote
	Query   api.PromotionQuery
	State   string
	Waiting bool
	Limit   int
}

func newPromotionListCommand(env *Env) *cobra.Command {
	o := &promotionListOptions{remote: remote{Env: env}}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List promotions, the newest first",
		Example: `  slipway promotion list --waiting
  slipway promotion list --app orders --to prod --state open`,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return runPromotionList(cmd.Context(), o) },
	}
	addRemote(cmd, &o.remote)
	addTeam(cmd, &o.remote, &o.Query.Team, "only those of `TEAM`")
	f := cmd.Flags()
	f.StringVar(&o.Query.Application, "app", "", "only those of the application `NAME`")
	f.StringVar(&o.Query.To, "to", "", "only those to `ENVIRONMENT`")
	f.StringVar(&o.State, "state", "", "only those in `STATE`: "+strings.Join(promotionStates, ", "))
	f.BoolVar(&o.Waiting, "waiting", false, "only those that wait for your approval")
	f.IntVar(&o.Limit, "limit", 50, "at most so `MANY`; 0 for all")
	_ = cmd.RegisterFlagCompletionFunc("app", complete(&o.remote, applicationNames))
	_ = cmd.RegisterFlagCompletionFunc("to", complete(&o.remote, environmentNames))
	_ = cmd.RegisterFlagCompletionFunc("state", cobra.FixedCompletions(promotionStates, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func runPromotionList(ctx context.Context, o *promotionListOptions) error {
	if o.State != "" {
		if err := oneOf("state", o.State, promotionStates...); err != nil {
			return err
		}
	}
	c, err := o.connect(ctx)
	if err != nil {
		return err
	}
	q := o.Query
	q.State = api.PromotionState(o.State)
	if o.Waiting {
		q.Waiting = "me"
	}
	all, err := client.Collect(c.Promotions(ctx, q), o.Limit)
	if err != nil {
		return err
	}
	return show(o.Env, o.Format, all, func() { printPromotions(o.Env, all) })
}

func printPromotions(env *Env, all []api.PromotionSummary) {
	if env.orNone(len(all), "no promotions") {
		return
	}
	t := newTable(env.Out, "NUMBER", "APPLICATION", "FROM", "TO", "RELEASE", "STATE", "BY", "OPENED", "REASON")
	for _, p := range all {
		t.row(fmt.Sprint(p.Number), p.Team+"/"+p.Application, p.From, p.To, releaseText(&p.Release), env.promotionState(p),
			p.By.Username, when(p.Opened), p.Reason)
	}
	t.flush()
}

func (e *Env) promotionState(p api.PromotionSummary) string {
	end, well := over(p.State)
	state := e.mood(string(p.State), end && well, !end && p.State != api.PromotionFailed)
	switch {
	case p.Unreviewed:
		state += e.mood(" (glass broken, not reviewed)", false, false)
	case p.BrokenGlass:
		state += " (glass broken)"
	}
	return state
}

// promotionOptions are those of a command about one promotion.
type promotionOptions struct {
	remote
	Promotion string
	Wait      bool
	Timeout   time.Duration
	Waiver    api.NewWaiver
	Until     string
	Reason    string
	Accept    bool
	Reject    bool
}

// newOnePromotion makes a command about one promotion, which run changes or shows.
func newOnePromotion(env *Env, cmd *cobra.Command,
	run func(context.Context, *promotionOptions, *client.Client, client.PromotionRef) (api.Promotion, error),
) (*cobra.Command, *promotionOptions) {
	o := &promotionOptions{remote: remote{Env: env}}
	cmd.Args = usage(cobra.ExactArgs(1))
	cmd.ValidArgsFunction = completeFirst(&o.remote, promotionNumbers)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.Promotion = args[0]
		return o.run(cmd.Context(), run)
	}
	addRemote(cmd, &o.remote)
	return cmd, o
}

func (o *promotionOptions) run(ctx context.Context,
	run func(context.Context, *promotionOptions, *client.Client, client.PromotionRef) (api.Promotion, error)) error {
	c, err := o.connect(ctx)
	if err != nil {
		return err
	}
	ref, err := findPromotion(ctx, c, o.Promotion)
	if err != nil {
		return err
	}
	p, err := run(ctx, o, c, ref)
	if err != nil {
		return err
	}
	if o.Wait {
		return awaitPromotion(ctx, c, &o.remote, p, o.Timeout)
	}
	return show(o.Env, o.Format, p, func() { printPromotion(o.Env, p) })
}

// findPromotion says which promotion is meant: NUMBER, or TEAM/APP#NUMBER.
func findPromotion(ctx context.Context, c *client.Client, argument string) (client.PromotionRef, error) {
	app, digits, named := strings.Cut(argument, "#")
	if !named {
		app, digits = "", argument
	}
	number, err := strconv.ParseInt(digits, 10, 64)
	team, name, inTeam := strings.Cut(app, "/")
	if err != nil || number < 1 || app != "" && !inTeam {
		return client.PromotionRef{}, fault.Invalid(fmt.Errorf("%q is not the number of a promotion", argument),
			"see `slipway promotion list`")
	}
	if app != "" {
		return client.PromotionRef{Team: team, Application: name, Number: number}, nil
	}
	for p, err := range c.Promotions(ctx, api.PromotionQuery{}) {
		if err != nil {
			return client.PromotionRef{}, err
		}
		if p.Number == number {
			return client.PromotionRef{Team: p.Team, Application: p.Application, Number: number}, nil
		}
	}
	return client.PromotionRef{}, fault.Hint(fmt.Errorf("there is no promotion %d in your teams", number),
		"see `slipway promotion list`")
}

func newPromotionShowCommand(env *Env) *cobra.Command {
	cmd, o := newOnePromotion(env, &cobra.Command{
		Use:   "show NUMBER",
		Short: "Show a promotion with its gates and their evidence",
		Example: `  slipway promotion show 42
  slipway promotion show 42 --wait`,
	}, func(ctx context.Context, _ *promotionOptions, c *client.Client, ref client.PromotionRef) (api.Promotion, error) {
		return c.Promotion(ctx, ref)
	})
	addWait(cmd, &o.Wait, &o.Timeout, "wait until it is over")
	return cmd
}

func newPromotionWaiveCommand(env *Env) *cobra.Command {
	cmd, o := newOnePromotion(env, &cobra.Command{
		Use:   "waive NUMBER --gate GATE --reason TEXT --until WHEN",
		Short: "Waive a gate of a promotion, for a reason and a time",
		Long: `Waive a gate of a promotion. Who waived it, why and until when stands in the decision for ever.
Whoever asked for the promotion, or wrote the change, can't.`,
		Example: `  slipway promotion waive 42 --gate soak --reason "the fix must be out before noon" --until 2h`,
	}, waive)
	f := cmd.Flags()
	f.StringVar(&o.Waiver.Gate, "gate", "", "the `GATE`")
	f.StringVar(&o.Waiver.Reason, "reason", "", "why, in a `TEXT` of ten letters at least")
	f.StringVar(&o.Until, "until", "", "`WHEN` it ends: a duration from now (2h, 3d), a date, or a time")
	_ = cmd.RegisterFlagCompletionFunc("gate", func(c *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		return complete(&o.remote, gateNames(args))(c, args, begun)
	})
	for _, flag := range []string{"gate", "reason", "until"} {
		_ = cmd.MarkFlagRequired(flag)
	}
	return cmd
}

func waive(ctx context.Context, o *promotionOptions, c *client.Client, ref client.PromotionRef) (api.Promotion, error) {
	until, err := later(time.Now(), o.Until)
	if err != nil {
		return api.Promotion{}, err
	}
	o.Waiver.Until = until
	return c.Waive(ctx, ref, o.Waiver)
}

// later reads a duration from now, a date (its end) or a time.
func later(now time.Time, text string) (time.Time, error) {
	if d, err := duration("--until", text); err == nil && d > 0 {
		return now.Add(d).UTC().Truncate(time.Second), nil
	}
	at, day, err := moment(text)
	if err != nil {
		return at, fault.Invalid(fmt.Errorf("--until: %w", err), "write 2h, 3d, 2026-03-31 or 2026-03-31T18:00:00Z")
	}
	if day {
		at = at.AddDate(0, 0, 1)
	}
	if !at.After(now) {
		return at, fault.Invalid(fmt.Errorf("--until: %s is past", text), "")
	}
	return at, nil
}

// moment reads a date, as its beginning in UTC, or a time (RFC 3339).
func moment(text string) (at time.Time, day bool, err error) {
	if at, err = time.Parse(time.DateOnly, text); err == nil {
		return at, true, nil
	}
	if at, err = time.Parse(time.RFC3339, text); err != nil {
		return at, false, fmt.Errorf("%q is neither a date nor a time", text)
	}
	return at, false, nil
}

func newPromotionBreakGlassCommand(env *Env) *cobra.Command {
	cmd, o := newOnePromotion(env, &cobra.Command{
		Use:   "break-glass NUMBER --reason TEXT",
		Short: "Promote whatever the gates say; a second person has to answer for it afterwards",
		Long: `Promote whatever the gates say. It stands in the audit log, with the reason, and in everybody's
sight as a finding until a second person has reviewed it.`,
		Example: `  slipway promotion break-glass 42 --reason "payments are down; this is the fix"`,
	}, func(ctx context.Context, o *promotionOptions, c *client.Client, ref client.PromotionRef) (api.Promotion, error) {
		return c.BreakGlass(ctx, ref, o.Reason)
	})
	cmd.Flags().StringVar(&o.Reason, "reason", "", "why, in a `TEXT` of ten letters at least")
	_ = cmd.MarkFlagRequired("reason")
	addWait(cmd, &o.Wait, &o.Timeout, "wait until the release is healthy there")
	return cmd
}

func newPromotionReviewCommand(env *Env) *cobra.Command {
	cmd, o := newOnePromotion(env, &cobra.Command{
		Use:     "review NUMBER --accept|--reject --comment TEXT",
		Short:   "Say as the second person whether the glass was rightly broken",
		Example: `  slipway promotion review 42 --accept --comment "the incident is in the log of the night"`,
	}, func(ctx context.Context, o *promotionOptions, c *client.Client, ref client.PromotionRef) (api.Promotion, error) {
		return c.Review(ctx, ref, api.NewReview{Accepted: o.Accept, Comment: o.Reason})
	})
	f := cmd.Flags()
	f.BoolVar(&o.Accept, "accept", false, "it was right")
	f.BoolVar(&o.Reject, "reject", false, "it was not")
	f.StringVar(&o.Reason, "comment", "", "why, in a `TEXT` of ten letters at least")
	_ = cmd.MarkFlagRequired("comment")
	check := cmd.PreRunE
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		if o.Accept == o.Reject {
			return fault.Invalid(errors.New("say either --accept or --reject"), "")
		}
		return check(cmd, args)
	}
	return cmd
}

// printPromotion shows a promotion, its gates, what each rests on, and who approved.
func printPromotion(env *Env, p api.Promotion) {
	state := env.promotionState(p.PromotionSummary)
	if p.Reason != "" {
		state += ": " + p.Reason
	}
	env.page(fmt.Sprintf("promotion %d: %s/%s from %s to %s", p.Number, p.Team, p.Application, p.From, p.To),
		"state", state, "release", releaseText(&p.Release), "before", releaseText(p.Previous),
		"asked by", p.By.Username+" "+when(p.Opened), "pull request", p.PullRequest, "gates", shortDigest(p.Policy))
	printGates(env, p.Gates)
	printApprovals(env, p.Approvals)
	if g := p.BreakGlass; g != nil {
		env.printf("\n%s by %s %s: %s\n", env.mood("glass broken", false, false), g.By.Username, when(g.At), g.Reason)
		if g.Review == nil {
			env.printf("  no second person has reviewed it: slipway promotion review %d\n", p.Number)
		} else {
			env.printf("  reviewed by %s %s, accepted: %s: %s\n", g.Review.By.Username, when(g.Review.At),
				yesNo(g.Review.Accepted), g.Review.Comment)
		}
	}
	printDecisionRefs(env, p.Decisions)
}

// printApprovals shows who approved, and whether it counts.
func printApprovals(env *Env, approvals []api.Approval) {
	if len(approvals) == 0 {
		return
	}
	env.printf("\n")
	t := newTable(env.Out, "APPROVAL", "AT", "COUNTS", "REASON")
	for _, a := range approvals {
		t.row(a.By.Username, when(a.At), yesNo(a.Counts), a.Reason)
	}
	t.flush()
}

func printDecisionRefs(env *Env, decisions []api.DecisionRef) {
	if len(decisions) == 0 {
		return
	}
	env.printf("\n")
	t := newTable(env.Out, "DECISION", "OUTCOME", "AT")
	for _, d := range decisions {
		t.row(fmt.Sprint(d.Index), env.outcome(d.Outcome), when(d.At))
	}
	t.flush()
}

// printGates shows each gate with its reason; below one that has not passed, what would make it pass.
func printGates(env *Env, gates []api.GateResult) {
	if len(gates) == 0 {
		return
	}
	env.printf("\n")
	t := newTable(env.Out, "GATE", "RESULT", "REASON", "EVIDENCE")
	for _, g := range gates {
		reason := g.Reason
		switch {
		case g.Waiver != nil:
			reason += "; waived by " + g.Waiver.By.Username + " until " + when(g.Waiver.Until) + ": " + g.Waiver.Reason
		case g.Verdict != api.Pass && g.Hint != "":
			reason += "; " + g.Hint
		}
		var evidence []string
		for _, e := range g.Evidence {
			evidence = append(evidence, shortDigest(e.Digest))
		}
		t.row(g.Name, env.mood(string(g.Verdict), g.Verdict == api.Pass, g.Verdict == api.Waived), reason,
			strings.Join(evidence, " "))
	}
	t.flush()
}
