package promotions

import (
	"context"
	"fmt"

	"github.com/slipway-dev/slipway/internal/evidence"
	"github.com/slipway-dev/slipway/internal/promotion"
	"github.com/slipway-dev/slipway/internal/promotion/gate"
	"github.com/slipway-dev/slipway/internal/server/api"
)

// Policies gives the gates as data.
func (p *Promotions) Policies() api.Policies { return policies{p} }

type policies struct{ *Promotions }

// Test implements api.Policies: it evaluates changed gates over what the gates saw when decisions were made.
func (p policies) Test(ctx context.Context, t api.PolicyTest) (api.PolicyReport, error) {
	changed, err := gate.Load("gates", []byte(t.Gates))
	if err != nil {
		return api.PolicyReport{}, fmt.Errorf("%w: %w", err, api.ErrInvalid)
	}
	if err := p.decisions.catchUp(ctx); err != nil {
		return api.PolicyReport{}, err
	}
	out := api.PolicyReport{Changed: []api.PolicyChange{}, Undecided: []api.PolicyChange{}}
	var records []promotion.Record
	inputs, byIndex := map[uint64]*gate.Input{}, map[uint64]logged{}
	for _, d := range p.decisions.every() {
		if d.Kind != evidence.OfPromotion || len(d.Gates) == 0 || d.Outcome.Refers() || d.Time.Before(t.From) || !d.Time.Before(t.To) {
			continue
		}
		in, found, err := p.readInput(ctx, d.Input)
		if err != nil {
			return out, err
		}
		if !found {
			out.Undecided = append(out.Undecided, api.PolicyChange{Decision: summaryOf(d), Gates: []api.GateResult{}})
			continue
		}
		inputs[d.index], byIndex[d.index] = &in, d
		records = append(records, promotion.Record{Decision: d.index, At: d.Time, Outcome: promotion.Outcome(d.Outcome), Input: in,
			Report: reportOf(d)})
	}
	replayed := promotion.Replay(changed, records)
	out.Replayed = replayed.Records
	for _, difference := range replayed.Differences {
		out.Changed = append(out.Changed, p.change(changed, byIndex[difference.Decision], difference, inputs[difference.Decision]))
	}
	return out, nil
}

// change is a difference in the API's words.
func (p policies) change(changed *gate.Policy, d logged, difference promotion.Difference, in *gate.Input) api.PolicyChange {
	out := api.PolicyChange{Decision: summaryOf(d), Would: api.Refused, Gates: []api.GateResult{}}
	if difference.Would == gate.Allowed {
		out.Would = api.Allowed
	}
	titles := gatesByName(changed, in.Environment)
	now := map[string]gate.GateResult{}
	for _, r := range gate.Evaluate(changed, *in).Results {
		now[r.Gate] = r
	}
	for _, g := range difference.Gates {
		r, there := now[g.Gate]
		if !there {
			r = gate.GateResult{Gate: g.Gate, Status: gate.Pass, Reason: "there is no such gate any more; it said: " + g.Reason}
		}
		out.Gates = append(out.Gates, gateView(r, d.Time, titles, in, nil))
	}
	if difference.Reason != "" {
		out.Gates = append(out.Gates, api.GateResult{Name: "policy", Verdict: api.NotAvailable, Reason: difference.Reason,
			Evaluated: d.Time, Evidence: []api.EvidenceRef{}})
	}
	return out
}

// statuses are the words of decisions in those of gates.
var statuses = map[evidence.Result]gate.Status{evidence.Pass: gate.Pass, evidence.Fail: gate.Fail,
	evidence.NotAvailable: gate.NotAvailable, evidence.Waived: gate.Waived}

// reportOf is what the gates said when a decision was made.
func reportOf(d logged) gate.Report {
	out := gate.Report{PolicyDigest: string(d.Policy), Promotion: d.Promotion, Environment: d.To, Release: string(d.Digest()),
		Head: d.ManifestsCommit, At: d.Time, Outcome: gate.Allowed, Results: []gate.GateResult{}}
	for _, g := range d.Gates {
		r := gate.GateResult{Gate: g.Name, Status: statuses[g.Result], Reason: g.Reason}
		for _, e := range g.Evidence {
			r.Evidence = append(r.Evidence, string(e))
		}
		if w := g.Waiver; w != nil {
			r.Waiver = &gate.Waiver{Gate: g.Name, By: gate.Person{Name: w.By.Name}, Why: w.Reason, Until: w.Until}
		}
		switch r.Status {
		case gate.Fail:
			out.Outcome = gate.Refused
		case gate.NotAvailable:
			if out.Outcome == gate.Allowed {
				out.Outcome = gate.Unavailable
			}
		}
		out.Results = append(out.Results, r)
	}
	return out
}

// policyWith gives the policy of an environment where it is still the one with a digest; nil where it is another.
func (p *Promotions) policyWith(ctx context.Context, digest, environment string) *gate.Policy {
	for _, known := range []func() (*gate.Policy, error){standard, standardChanges} {
		if shipped, err := known(); err == nil && shipped.Digest == digest {
			return shipped
		}
	}
	b, err := p.main(ctx)
	if err != nil {
		return nil
	}
	policy, err := b.policy(b.Environments[environment])
	if err != nil || policy.Digest != digest {
		return nil
	}
	return policy
}
