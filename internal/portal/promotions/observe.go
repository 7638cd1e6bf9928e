package promotions

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/evidence"
	"github.com/slipway-dev/slipway/internal/promotion"
	"github.com/slipway-dev/slipway/internal/promotion/gate"
	"github.com/slipway-dev/slipway/internal/server/access"
)

// observation is all that was seen of a promotion, at about the same time.
type observation struct {
	pull forge.PullRequest
	// asked is who asked for what; nil where nobody asked Slipway.
	asked   *request
	state   promotion.State
	branch  branch
	policy  *gate.Policy
	input   *gate.Input
	reviews []reviewed
	waivers []waiver
	glass   *glass
	// decided are the promotion's decisions.
	decided []logged
}

// reviewed is a review, and whether it counts.
type reviewed struct {
	forge.Review
	roles []string
	// against says why it does not count towards gates; empty where it may.
	against string
}

// observe looks at a promotion. The error says that something could not be seen without which nothing is to be done.
func (p *Promotions) observe(ctx context.Context, number int) (*observation, error) {
	log := p.logOf(ctx, number)
	pull, err := p.o.Forge.PullRequest(ctx, Environments, number)
	if err != nil {
		return nil, fmt.Errorf("look at promotion %d: %w", number, err)
	}
	o := &observation{pull: pull, decided: p.decisions.of(id(number))}
	o.state = promotion.State{ID: id(number), Now: p.now(), Log: log, Limits: p.o.Limits,
		Change: promotion.Change{State: changeStates[pull.State], Head: pull.HeadCommit, Merge: pull.MergeCommit}}
	for _, look := range []func(context.Context, *observation) error{p.lookAtRequest, p.lookAtStatus, p.lookAtGlass,
		p.lookAtChange, p.lookAtReviews, p.lookAtGates, p.lookAtRollout} {
		if err := look(ctx, o); err != nil {
			return nil, fmt.Errorf("look at promotion %d: %w", number, err)
		}
	}
	return o, nil
}

var changeStates = map[forge.PullState]promotion.ChangeState{
	forge.Open: promotion.Open, forge.Merged: promotion.Merged, forge.Closed: promotion.Closed,
}

// lookAtRequest finds what was asked for: about the head, or where others pushed to the branch since, about a commit
// below it.
func (p *Promotions) lookAtRequest(ctx context.Context, o *observation) error {
	asked, _, found, err := read[request](ctx, p.o.Forge, requestPath(o.pull.HeadCommit))
	if err != nil {
		return err
	}
	if ours := strings.HasPrefix(o.pull.Head, branchPrefix) || strings.HasPrefix(o.pull.Head, gatesPrefix); !found &&
		o.pull.State == forge.Open && ours {
		commits, err := p.o.Forge.Log(ctx, Environments, "", o.pull.HeadCommit)
		if err != nil {
			return err
		}
		for _, c := range slices.Backward(commits) {
			if found {
				break
			}
			if asked, _, found, err = read[request](ctx, p.o.Forge, requestPath(c.Hash)); err != nil {
				return err
			}
		}
	}
	if !found && len(o.decided) > 0 { // the head that was decided about
		if asked, _, found, err = read[request](ctx, p.o.Forge, requestPath(o.decided[0].ManifestsCommit)); err != nil {
			return err
		}
	}
	if !found {
		return nil
	}
	o.asked = &asked
	o.state.Application, o.state.Environment = asked.Application, asked.To
	if asked.ofGates() {
		o.state.OfGates, o.state.Environment = true, gate.Policies
	}
	o.state.Release, o.state.Requester = asked.digest(), asked.By.Username
	return nil
}

func (p *Promotions) lookAtStatus(ctx context.Context, o *observation) error {
	var err error
	o.state.Change.Status, err = p.status(ctx, o.pull.HeadCommit, promotion.Gates)
	return err
}

// status is a commit's status in a context.
func (p *Promotions) status(ctx context.Context, commit string, in promotion.Context) (promotion.Status, error) {
	if commit == "" {
		return promotion.Status{}, nil
	}
	all, err := p.o.Forge.Statuses(ctx, Environments, commit)
	if err != nil {
		return promotion.Status{}, err
	}
	for _, s := range all {
		if s.Context == string(in) {
			state := promotion.StatusState(s.State)
			if s.State == forge.Error {
				state = promotion.Failure
			}
			return promotion.Status{State: state, Text: s.Description}, nil
		}
	}
	return promotion.Status{}, nil
}

// lookAtGlass reads what people recorded about the promotion.
func (p *Promotions) lookAtGlass(ctx context.Context, o *observation) error {
	number := o.pull.Number
	broken, _, found, err := read[glass](ctx, p.o.Forge, glassPath(number))
	if err != nil {
		return err
	}
	if found {
		o.glass = &broken
		o.state.BreakGlass = &promotion.BreakGlass{By: broken.By.Username, Reason: broken.Reason, Head: broken.Head}
		if r := broken.Review; r != nil && r.Accepted {
			o.state.BreakGlass.ConfirmedBy = r.By.Username
		}
	}
	o.waivers, _, _, err = read[[]waiver](ctx, p.o.Forge, waiversPath(number))
	return err
}

// lookAtChange says why an open pull request is not a promotion.
func (p *Promotions) lookAtChange(ctx context.Context, o *observation) error {
	if o.asked == nil {
		o.state.Change.Problem = "nobody asked Slipway for it; ask by: slipway promote, or in the console"
		return nil
	}
	var err error
	if !o.asked.ofGates() {
		if o.state.Tree, err = p.tree(ctx, o.pull.HeadCommit, o.asked.folder()); err != nil {
			return err
		}
	}
	if o.pull.State != forge.Open {
		return nil
	}
	if o.branch, err = p.main(ctx); err != nil {
		return err
	}
	if o.state.Change.Problem = misled(o); o.state.Change.Problem != "" {
		return nil
	}
	if o.asked.ofGates() {
		o.state.Change.Problem, err = p.gatesProblem(ctx, o)
		return err
	}
	o.state.Change.Problem, err = p.problem(ctx, o)
	return err
}

// misled says whether a pull request is not the one that Slipway made of the request.
func misled(o *observation) string {
	switch asked, pull := o.asked, o.pull; {
	case pull.HeadRepository != Environments:
		return "it comes from the repository " + pull.HeadRepository.String()
	case pull.Base != mainBranch:
		return "it goes to the branch " + pull.Base
	case pull.HeadCommit != asked.Head:
		return fmt.Sprintf("commit %s was pushed to it, which is not Slipway's", short(pull.HeadCommit))
	}
	return ""
}

// problem compares the pull request with what Slipway made of the request.
func (p *Promotions) problem(ctx context.Context, o *observation) (string, error) {
	asked := o.asked
	if _, there := o.branch.Environments[asked.To]; !there {
		return "there is no environment " + asked.To + " any more", nil
	}
	if a, there := o.branch.Applications[asked.Application]; !there || a.Spec.Team != asked.Team {
		return fmt.Sprintf("there is no application %s of team %s any more", asked.Application, asked.Team), nil
	}
	files, err := p.o.Forge.ReadFolder(ctx, Environments, asked.Head, asked.folder())
	if err != nil {
		return "", err
	}
	if contentOf(files) != asked.Content {
		return "its files are not those that Slipway rendered", nil
	}
	commits, err := p.o.Forge.Log(ctx, Environments, asked.Base, asked.Head)
	if err != nil {
		return "", err
	}
	for _, c := range commits {
		for _, f := range c.Files {
			if !below(f, asked.folder()) {
				return "it changes " + f + ", which is not in " + asked.folder(), nil
			}
		}
	}
	now, err := p.tree(ctx, o.branch.head, asked.folder())
	if err != nil {
		return "", err
	}
	if now != asked.BaseTree {
		return fmt.Sprintf("%s in %s has changed since; ask for the promotion again", asked.Application, asked.To), nil
	}
	return "", nil
}

// lookAtReviews reads the reviews. A rejection of this head by an approver is a refusal.
func (p *Promotions) lookAtReviews(ctx context.Context, o *observation) error {
	if o.asked == nil || o.pull.State == forge.Merged {
		return nil // they decide no more
	}
	return p.readReviews(ctx, o)
}

func (p *Promotions) readReviews(ctx context.Context, o *observation) error {
	all, err := p.o.Forge.Reviews(ctx, Environments, o.pull.Number)
	if err != nil {
		return err
	}
	last := map[string]int{} // by name: a person's last word counts
	for i, r := range all {
		if r.Verdict != forge.Commented {
			last[strings.ToLower(r.Reviewer)] = i
		}
	}
	for i, r := range all {
		if r.Verdict == forge.Commented {
			continue
		}
		roles, err := p.o.People.Roles(ctx, r.Reviewer, o.asked.Team)
		if err != nil {
			return fmt.Errorf("look for the roles of %s: %w", r.Reviewer, err)
		}
		w := reviewed{Review: r, roles: append([]string{}, roles...)}
		switch {
		case r.Dismissed:
			w.against = "it was dismissed"
		case r.Commit != o.pull.HeadCommit:
			w.against = fmt.Sprintf("it is of commit %s, and %s was pushed since", short(r.Commit), short(o.pull.HeadCommit))
		case last[strings.ToLower(r.Reviewer)] != i:
			w.against = r.Reviewer + " reviewed again since"
		}
		o.reviews = append(o.reviews, w)
		if w.against == "" && r.Verdict == forge.Rejected && slices.Contains(w.roles, o.decides()) {
			reason := strings.TrimSpace(r.Body)
			if reason == "" {
				reason = "no reason was given"
			}
			o.state.Refusal = &promotion.Refusal{By: r.Reviewer, Reason: reason}
		}
	}
	return nil
}

// approver is the role by which somebody's review of a promotion decides.
const approver = "approver"

// what is what was asked for, in a word.
func (o *observation) what() string {
	if o.asked.ofGates() {
		return "change"
	}
	return "promotion"
}

// decides is the role by which somebody's review decides: for gates, which hold for all teams, that of the platform.
func (o *observation) decides() string {
	if o.asked.ofGates() {
		return string(access.PlatformAdmin)
	}
	return approver
}

// lookAtGates evaluates the gates of an open promotion.
func (p *Promotions) lookAtGates(ctx context.Context, o *observation) error {
	switch {
	case o.asked == nil:
		return nil
	case o.pull.State != forge.Open:
		p.rememberPeople(o)
		return nil
	case o.state.Change.Problem != "":
		return nil
	}
	environment := o.branch.Environments[o.asked.To]
	inputOf, policyOf := p.inputOf, func() (*gate.Policy, error) { return o.branch.policy(environment) }
	if o.asked.ofGates() {
		inputOf, policyOf = p.gatesInput, o.branch.policyOfGates
	}
	policy, err := policyOf()
	if err != nil {
		o.state.Unjudged = err.Error()
		return nil
	}
	o.policy = policy
	in, err := inputOf(ctx, o, environment)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		o.state.Unjudged = err.Error()
		return nil
	}
	o.input = &in
	for _, a := range in.Promotion.Authors {
		o.state.Authors = append(o.state.Authors, a.Name)
	}
	report := gate.Evaluate(policy, in)
	o.state.Report = &report
	return nil
}

// rememberPeople takes the authors of what is merged from its decision.
func (p *Promotions) rememberPeople(o *observation) {
	for _, d := range slices.Backward(o.decided) {
		if d.Outcome.GoesAhead() {
			o.state.Authors = names(d.Actors.Authors)
			return
		}
	}
}

func names(actors []evidence.Actor) []string {
	var out []string
	for _, a := range actors {
		out = append(out, a.Name)
	}
	return out
}

// environmentKind is what an environment is for.
func environmentKind(e v1alpha1.Environment) string {
	if e.Spec.Kind == "" {
		return v1alpha1.EnvironmentDev
	}
	return e.Spec.Kind
}
