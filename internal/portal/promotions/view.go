package promotions

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/app"
	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/evidence"
	"github.com/slipway-dev/slipway/internal/promotion"
	"github.com/slipway-dev/slipway/internal/promotion/gate"
	"github.com/slipway-dev/slipway/internal/server/access"
	"github.com/slipway-dev/slipway/internal/server/api"
)

// seenView is a promotion as it was last seen, for lists.
type seenView struct {
	api.PromotionSummary
	// waits says that an approval would help; against are those whose would not, in lower case.
	waits   bool
	against []string
	// gates is set for a change of gates, of which the summary is empty then.
	gates *api.GatesChangeSummary
	// trouble is why it could not be taken further.
	trouble string
}

// show remembers a promotion as it is seen, and what is next.
func (p *Promotions) show(o *observation, a promotion.Action) {
	v := seenView{}
	if o.asked != nil && o.asked.ofGates() {
		summary := gatesSummary(p.summary(o, a), *o.asked)
		v.gates = &summary
	} else if o.asked != nil {
		v.PromotionSummary = p.summary(o, a)
		v.waits = o.pull.State == forge.Open && v.State == api.PromotionOpen && o.state.Change.Problem == ""
		v.against = append(v.against, strings.ToLower(o.asked.By.Username))
		for _, name := range o.state.Authors {
			v.against = append(v.against, strings.ToLower(name))
		}
		for _, r := range o.reviews {
			if r.against == "" {
				v.against = append(v.against, strings.ToLower(r.Reviewer))
			}
		}
	}
	k := p.remember(o.pull.Number)
	p.mu.Lock()
	before, now := k.stands, o.stands()
	k.view, k.stands = v, now
	p.mu.Unlock()
	if before != "" && before != now && o.asked != nil {
		p.tell(o, "promotion.changed", fmt.Sprintf("%s to %s: what it waits for has changed", o.asked.Application, o.asked.To))
	}
}

// stands is what people who look at a promotion would see change, without what changes with time alone.
func (o *observation) stands() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %q", o.pull.State, o.state.Change.Problem)
	for _, r := range o.reviews {
		fmt.Fprintf(&b, " %s %s %q", r.Reviewer, r.Verdict, r.against)
	}
	if o.state.Report != nil {
		for _, r := range o.state.Report.Results {
			fmt.Fprintf(&b, " %s %s", r.Gate, r.Status)
		}
	}
	return b.String()
}

func (p *Promotions) summary(o *observation, a promotion.Action) api.PromotionSummary {
	s := api.PromotionSummary{Number: int64(o.pull.Number), Team: o.asked.Team, Application: o.asked.Application,
		From: o.asked.From, To: o.asked.To, Release: releaseOf(o.asked.Release), By: o.asked.By, Opened: o.pull.Created,
		Updated: o.pull.Updated, PullRequest: o.pull.URL}
	s.State, s.Reason = stateOf(o, a)
	if o.pull.State == forge.Open && o.state.Report != nil {
		s.Progress = progressOf(o.state.Report.Results)
	}
	for _, d := range o.decided {
		if d.Time.After(s.Updated) {
			s.Updated = d.Time
		}
		if d.Outcome == evidence.BreakGlass && !refersTo(o.decided, d.index, evidence.Withdrawn) {
			s.BrokenGlass = true
			s.Unreviewed = !refersTo(o.decided, d.index, evidence.Confirmed)
		}
	}
	return s
}

// progressOf counts the gates that pass, and names the ones that do not.
func progressOf(results []gate.GateResult) *api.GateProgress {
	out := &api.GateProgress{Total: len(results), Waits: []api.WaitingGate{}}
	for _, r := range results {
		if r.Status == gate.Pass || r.Status == gate.Waived {
			out.Passed++
			continue
		}
		out.Waits = append(out.Waits, api.WaitingGate{Name: r.Gate, Verdict: verdicts[r.Status], Reason: r.Reason})
	}
	return out
}

// refersTo says whether one of some decisions is of an outcome and about an earlier one.
func refersTo(all []logged, index uint64, outcome evidence.Outcome) bool {
	return slices.ContainsFunc(all, func(d logged) bool {
		return d.Outcome == outcome && d.Refers != nil && *d.Refers == index
	})
}

// stateOf says how far a promotion is, and why it stands there.
func stateOf(o *observation, a promotion.Action) (api.PromotionState, string) {
	reason := ""
	switch a := a.(type) {
	case promotion.Wait:
		reason = "waits for " + a.For
	case promotion.Watch:
		reason = "waits for " + a.For
	case promotion.Done:
		reason = a.Text
	case promotion.SetStatus:
		reason = a.Status.Text
	}
	has := func(outcome evidence.Outcome) bool {
		return slices.ContainsFunc(o.decided, func(d logged) bool {
			return d.Outcome == outcome && !refersTo(o.decided, d.index, evidence.Withdrawn)
		})
	}
	allowed := has(evidence.Allowed) || has(evidence.BreakGlass)
	switch {
	case o.pull.State == forge.Open && allowed:
		return api.PromotionAllowed, reason
	case o.pull.State == forge.Open && o.state.Change.Status.Text != "" && isWait(a):
		return api.PromotionOpen, o.state.Change.Status.Text
	case o.pull.State == forge.Open:
		return api.PromotionOpen, reason
	case o.pull.State == forge.Closed && (o.state.Refusal != nil || has(evidence.Refused)):
		return api.PromotionRefused, reason
	case o.pull.State == forge.Closed:
		return api.PromotionClosed, reason
	case o.asked.ofGates():
		return api.PromotionMerged, o.state.Rollout.Status.Text
	case o.state.Rollout.Status.State == promotion.Success:
		return api.PromotionHealthy, o.state.Rollout.Status.Text
	case o.state.Rollout.Status.State == promotion.Failure:
		return api.PromotionRolledBack, o.state.Rollout.Status.Text
	case has(evidence.RolledBack):
		return api.PromotionFailed, reason
	}
	return api.PromotionMerged, reason
}

func isWait(a promotion.Action) bool {
	_, waits := a.(promotion.Wait)
	return waits
}

func releaseOf(r v1alpha1.Release) api.Release {
	image, digest := app.Image(r.Spec.Image)
	return api.Release{Image: image, Digest: digest, Version: r.Metadata.Name, Commit: r.Spec.Source.Commit,
		Manifests: r.Spec.Manifests}
}

// Promotions implements api.Promotions.
func (p *Promotions) Promotions(ctx context.Context, teams api.Teams, q api.PromotionQuery,
	page api.Page) (api.List[api.PromotionSummary], error) {
	if !p.ready() {
		return api.List[api.PromotionSummary]{}, fmt.Errorf("the promotions are still being read: %w", api.ErrUnavailable)
	}
	var out []api.PromotionSummary
	for _, v := range p.views() {
		wanted := teams.Includes(v.Team) && (q.Team == "" || q.Team == v.Team) &&
			(q.Application == "" || q.Application == v.Application) && (q.To == "" || q.To == v.To) &&
			(q.State == "" || q.State == v.State)
		if !wanted || q.Waiting != "" && !p.waitsFor(ctx, v, q.Waiting) {
			continue
		}
		if v.trouble != "" {
			v.Reason = strings.TrimPrefix(v.Reason+"; "+v.trouble, "; ")
		}
		out = append(out, v.PromotionSummary)
	}
	return api.Slice(out, func(s api.PromotionSummary) string { return newestFirst(uint64(s.Number)) }, page), nil
}

// views are all promotions as they were last seen, the newest first.
func (p *Promotions) views() []seenView {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []seenView
	for _, k := range p.known {
		if k.view.Number > 0 {
			out = append(out, k.view)
		}
	}
	slices.SortFunc(out, func(a, b seenView) int { return int(b.Number - a.Number) })
	return out
}

// newestFirst is a key by which larger numbers sort first.
func newestFirst(n uint64) string { return fmt.Sprintf("%020d", ^n) }

// waitsFor says whether a promotion waits for a person: for an approval that would count.
func (p *Promotions) waitsFor(ctx context.Context, v seenView, name string) bool {
	if !v.waits || slices.Contains(v.against, strings.ToLower(name)) {
		return false
	}
	roles, err := p.o.People.Roles(ctx, name, v.Team)
	return err == nil && slices.Contains(roles, approver)
}

// Promotion implements api.Promotions.
func (p *Promotions) Promotion(ctx context.Context, team, application string, number int64) (api.Promotion, error) {
	o, err := p.find(ctx, team, application, number)
	if err != nil {
		return api.Promotion{}, err
	}
	return p.full(ctx, o), nil
}

// find observes a promotion of an application.
func (p *Promotions) find(ctx context.Context, team, application string, number int64) (*observation, error) {
	none := fmt.Errorf("promotion %d of %s: %w", number, application, api.ErrNotFound)
	if number < 1 || number > 1<<31-1 {
		return nil, none
	}
	o, err := p.observe(ctx, int(number))
	if isNotFound(err) {
		return nil, none
	}
	if err != nil {
		return nil, err
	}
	if o.asked == nil || o.asked.Team != team || o.asked.Application != application {
		return nil, none
	}
	return o, nil
}

// full is everything about a promotion.
func (p *Promotions) full(ctx context.Context, o *observation) api.Promotion {
	out := api.Promotion{PromotionSummary: p.summary(o, promotion.Next(o.state)), Gates: []api.GateResult{},
		Approvals: []api.Approval{}, Decisions: []api.DecisionRef{}}
	if o.asked.Replaces != nil {
		before := releaseOf(*o.asked.Replaces)
		out.Previous = &before
	}
	for _, d := range o.decided {
		out.Decisions = append(out.Decisions, refOf(d))
	}
	if o.pull.State == forge.Merged {
		if err := p.readReviews(ctx, o); err != nil {
			p.o.Logger.WarnContext(ctx, "reviews cannot be shown", "promotion", o.pull.Number, "error", err)
		}
	}
	for _, r := range o.reviews {
		out.Approvals = append(out.Approvals, p.approval(o, r))
	}
	if g := o.glass; g != nil {
		out.BreakGlass = &api.BreakGlass{By: g.By, At: g.At, Reason: g.Reason}
		if r := g.Review; r != nil {
			out.BreakGlass.Review = &api.GlassCheck{By: r.By, At: r.At, Accepted: r.Accepted, Comment: r.Comment}
		}
	}
	switch {
	case o.state.Report != nil:
		out.Policy = o.state.Report.PolicyDigest
		titles := gatesByName(o.policy, o.input.Environment)
		for _, r := range o.state.Report.Results {
			out.Gates = append(out.Gates, gateView(r, o.state.Now, titles, o.input, o.waivers))
		}
	default:
		out.Gates, out.Policy = p.decidedGates(ctx, o.decided)
	}
	out.Diff = p.diff(ctx, o)
	return out
}

// approval is a review as people see it: whether it counts, and why not.
func (p *Promotions) approval(o *observation, r reviewed) api.Approval {
	out := api.Approval{By: person(r.Reviewer), At: r.Submitted, Commit: r.Commit}
	isAuthor := slices.ContainsFunc(o.state.Authors, func(a string) bool { return strings.EqualFold(a, r.Reviewer) })
	switch {
	case r.Verdict == forge.Rejected:
		out.Reason = "it asks for changes"
	case r.against != "":
		out.Reason = r.against
	case o.asked.ofGates() && !slices.Contains(r.roles, o.decides()):
		out.Reason = fmt.Sprintf("%s has not the role %s on the platform", r.Reviewer, o.decides())
	case !slices.Contains(r.roles, o.decides()):
		out.Reason = fmt.Sprintf("%s has not the role %s in team %s", r.Reviewer, approver, o.asked.Team)
	case strings.EqualFold(o.asked.By.Username, r.Reviewer):
		out.Reason = r.Reviewer + " asked for the " + o.what()
	case isAuthor:
		out.Reason = r.Reviewer + " wrote some of the change"
	default:
		out.Counts = true
	}
	return out
}

// person is somebody of whom only the name is known.
func person(name string) api.Actor { return api.Actor{ID: name, Username: name, Kind: access.Person} }

// gatesByName are a policy's gates for an environment.
func gatesByName(policy *gate.Policy, e gate.Environment) map[string]v1alpha1.Gate {
	out := map[string]v1alpha1.Gate{}
	if policy != nil {
		for _, g := range policy.Gates(e) {
			out[g.Name] = g
		}
	}
	return out
}

var verdicts = map[gate.Status]api.Verdict{gate.Pass: api.Pass, gate.Fail: api.Fail, gate.NotAvailable: api.NotAvailable,
	gate.Waived: api.Waived}

// gateView is a gate's result as people see it.
func gateView(r gate.GateResult, at time.Time, gates map[string]v1alpha1.Gate, in *gate.Input, waivers []waiver) api.GateResult {
	g := gates[r.Gate]
	out := api.GateResult{Name: r.Gate, Title: strings.TrimSuffix(strings.Join(strings.Fields(g.Description), " "), "."),
		Verdict: verdicts[r.Status], Reason: r.Reason, Evaluated: at, Evidence: []api.EvidenceRef{}}
	if r.Status == gate.Fail || r.Status == gate.NotAvailable {
		out.Hint = strings.Join(strings.Fields(g.Hint), " ")
	}
	for _, digest := range r.Evidence {
		out.Evidence = append(out.Evidence, evidenceRef(digest, in))
	}
	if w := r.Waiver; w != nil {
		out.Waiver = &api.Waiver{By: person(w.By.Name), Reason: w.Why, Until: w.Until}
		for _, recorded := range waivers {
			if recorded.Gate == r.Gate && recorded.By.Username == w.By.Name {
				out.Waiver.By, out.Waiver.At = recorded.By, recorded.At
			}
		}
	}
	return out
}

// evidenceRef names a statement, and says in a line what it says.
func evidenceRef(digest string, in *gate.Input) api.EvidenceRef {
	out := api.EvidenceRef{Digest: digest}
	if in == nil {
		return out
	}
	is := func(s gate.Statement, predicate, summary string) {
		if s.Digest != digest {
			return
		}
		out.Predicate, out.Signer, out.Summary = predicate, s.Signer, summary
		if s.Problem != "" {
			out.Summary = "does not count: " + s.Problem
		}
		if !s.Time.IsZero() {
			at := s.Time
			out.At = &at
		}
	}
	e := in.Evidence
	if s := e.Signature; s != nil {
		is(s.Statement, "signature", "the image is signed")
	}
	if s := e.Provenance; s != nil {
		is(s.Statement, evidence.ProvenanceType, fmt.Sprintf("built from %s at %s by %s", s.Repository, short(s.Commit), s.Builder))
	}
	if s := e.Tests; s != nil {
		is(s.Statement, evidence.TestResultType, fmt.Sprintf("%d of %d tests passed", s.Total-s.Failed, s.Total))
	}
	if s := e.SBOM; s != nil {
		is(s.Statement, evidence.SPDXType, strconv.Itoa(len(s.Packages))+" packages")
	}
	return out
}
