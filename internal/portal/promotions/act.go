package promotions

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/slipway-dev/slipway/internal/app"
	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/audit"
	"github.com/slipway-dev/slipway/internal/evidence"
	"github.com/slipway-dev/slipway/internal/promotion"
	"github.com/slipway-dev/slipway/internal/promotion/gate"
)

// act carries out an action. It may have been carried out before, by somebody who was killed.
func (p *Promotions) act(ctx context.Context, o *observation, a promotion.Action) error {
	switch a := a.(type) {
	case promotion.SetStatus:
		return p.setStatus(ctx, o, a)
	case promotion.Append:
		return p.append(ctx, o, a.Draft)
	case promotion.Merge:
		return p.merge(ctx, o, a)
	case promotion.Revert:
		return p.revert(ctx, o, a)
	case promotion.Close:
		if err := p.o.Forge.ClosePullRequest(ctx, Environments, o.pull.Number); err != nil {
			return err
		}
		return p.o.Forge.Comment(ctx, Environments, o.pull.Number, a.Reason)
	}
	return nil // Watch, Wait and Done are for whoever calls
}

func (p *Promotions) setStatus(ctx context.Context, o *observation, a promotion.SetStatus) error {
	err := p.o.Forge.SetStatus(ctx, Environments, a.Commit, forge.Status{Context: string(a.Context),
		State: forge.State(a.Status.State), Description: a.Status.Text, URL: p.page(o)})
	if err == nil && a.Context == promotion.Rolling && !o.asked.ofGates() {
		kind := "promotion.healthy"
		if a.Status.State == promotion.Failure {
			kind = "promotion.rolled-back"
		}
		p.tell(o, kind, a.Status.Text)
	}
	return err
}

// page is where the console shows a promotion; empty where it shows none.
func (p *Promotions) page(o *observation) string {
	if p.o.Console == "" || o.asked == nil || o.asked.ofGates() {
		return ""
	}
	return fmt.Sprintf("%s/promotions/%s/%s/%d", strings.TrimSuffix(p.o.Console, "/"), o.asked.Team,
		o.asked.Application, o.pull.Number)
}

func (p *Promotions) merge(ctx context.Context, o *observation, a promotion.Merge) error {
	title := fmt.Sprintf("Promote %s to %s (#%d)", o.asked.Application, o.asked.To, o.pull.Number)
	kind, text := "promotion.merged", fmt.Sprintf("%s %s is on its way to %s, by decision #%d", o.asked.Application,
		o.asked.Release.Metadata.Name, o.asked.To, a.Decision)
	if o.asked.ofGates() {
		title = fmt.Sprintf("%s (#%d)", gatesTitle(*o.asked), o.pull.Number)
		kind, text = "gates.changed", fmt.Sprintf("%s is as it was asked for by %s, by decision #%d", o.asked.Path,
			o.asked.By.Username, a.Decision)
	}
	commit, err := p.o.Forge.Merge(ctx, Environments, forge.Merge{Number: o.pull.Number, HeadCommit: a.Head,
		Title: title, Message: fmt.Sprintf("%s%d\n", decisionMark, a.Decision)})
	if err != nil {
		return err
	}
	p.o.OnMain(commit)
	p.tell(o, kind, text)
	return nil
}

// append signs a decision, and adds it to the log. One that stands there already, from another try, is the same.
func (p *Promotions) append(ctx context.Context, o *observation, d promotion.Draft) error {
	if _, found := p.o.Log.Find(d.Key); found {
		return nil
	}
	decision, err := p.decision(ctx, o, d)
	if err != nil {
		return err
	}
	envelope, err := decision.Sign(p.o.Signer)
	if err != nil {
		return err
	}
	receipt, err := p.o.Log.Append(ctx, envelope)
	var replay *audit.ReplayError
	if errors.As(err, &replay) && replay.Decision == d.Key && replay.Outcome == "" {
		return nil
	}
	if err != nil {
		return err
	}
	p.metrics.decided(d.Outcome, d.Environment)
	p.tell(o, "decision."+string(d.Outcome), fmt.Sprintf("decision #%d: %s: %s", receipt.Index, d.Outcome, d.Reason))
	return nil
}

// decision is a draft with everything that an auditor wants to know.
func (p *Promotions) decision(ctx context.Context, o *observation, d promotion.Draft) (evidence.Decision, error) {
	image, _ := app.Image(o.asked.Release.Spec.Image)
	out := evidence.Decision{Image: evidence.NewSubject(image, evidence.Digest(d.Release)), ID: d.Key, Promotion: d.Promotion,
		Application: o.asked.Team + "/" + d.Application, From: o.asked.From, To: d.Environment,
		Release: o.asked.Release.Metadata.Name, ManifestsCommit: d.Head, ManifestsTree: d.Tree,
		Actors:  evidence.Actors{Requester: evidence.Actor{Name: o.asked.By.Username}},
		Outcome: evidence.Outcome(d.Outcome), Reason: d.Reason, Refers: d.Refers, Time: o.state.Now.Truncate(time.Millisecond)}
	if o.asked.ofGates() {
		out.Kind, out.Image = evidence.OfGates, evidence.NewSubject(o.asked.Path, o.asked.Digest)
		out.Application, out.From, out.To, out.Release = "", "", "", ""
	} else if err := p.besides(ctx, o, d, &out); err != nil {
		return out, err
	}
	for _, name := range o.state.Authors {
		if name != "" {
			out.Actors.Authors = append(out.Actors.Authors, evidence.Actor{Name: name})
		}
	}
	if d.By != "" {
		out.Actors.Decider = &evidence.Actor{Name: d.By, Role: o.decides()}
	}
	if d.Outcome == promotion.Allowed {
		out.Reason = "" // the gates say it
	}
	switch {
	case d.Report != nil && o.input != nil:
		if err := p.judged(ctx, &out, *d.Report, *o.input); err != nil {
			return out, err
		}
	default:
		out.Policy = p.policyOf(o)
	}
	return out, nil
}

// besides notes the other images that the manifests name, and what a rollback leads back to.
func (p *Promotions) besides(ctx context.Context, o *observation, d promotion.Draft, to *evidence.Decision) error {
	others := func(commit string, own evidence.Digest) ([]evidence.Digest, error) {
		all, err := p.imagesAt(ctx, commit, app.ManifestsFolder(o.asked.To, o.asked.Application))
		var out []evidence.Digest
		for _, image := range all {
			if evidence.Digest(image) != own {
				out = append(out, evidence.Digest(image))
			}
		}
		return out, err
	}
	var err error
	if to.Images, err = others(d.Head, evidence.Digest(d.Release)); err != nil || d.Restores == nil {
		return err
	}
	to.Restores = &evidence.Restored{Image: evidence.Digest(d.Restores.Release), ManifestsTree: d.Restores.Tree}
	to.Restores.Images, err = others(o.asked.Base, to.Restores.Image)
	return err
}

// judged puts what the gates said, and what they saw, into a decision.
func (p *Promotions) judged(ctx context.Context, d *evidence.Decision, r gate.Report, in gate.Input) error {
	input, err := p.keepInput(ctx, in)
	if err != nil {
		return err
	}
	d.Input, d.Policy, d.Time = input, evidence.Digest(r.PolicyDigest), in.Now
	for _, a := range in.Approvals {
		d.Actors.Approvers = append(d.Actors.Approvers, evidence.Actor{Name: a.By.Name, Role: strings.Join(a.By.Roles, ",")})
	}
	for _, g := range r.Results {
		out := evidence.GateResult{Name: g.Gate, Result: results[g.Status], Reason: g.Reason}
		for _, e := range g.Evidence {
			out.Evidence = append(out.Evidence, evidence.Digest(e))
		}
		if w := g.Waiver; w != nil {
			out.Waiver = &evidence.Waiver{By: evidence.Actor{Name: w.By.Name, Role: strings.Join(w.By.Roles, ",")},
				Reason: w.Why, Until: w.Until}
		}
		d.Gates = append(d.Gates, out)
	}
	return nil
}

// results are the gates' words in those of decisions.
var results = map[gate.Status]evidence.Result{gate.Pass: evidence.Pass, gate.Fail: evidence.Fail,
	gate.NotAvailable: evidence.NotAvailable, gate.Waived: evidence.Waived}

// policyOf is the digest of the policy that a decision stands under for which no gates were asked: that of the decision
// before, or the present one.
func (p *Promotions) policyOf(o *observation) evidence.Digest {
	if n := len(o.decided); n > 0 {
		return o.decided[n-1].Policy
	}
	if o.policy != nil {
		return evidence.Digest(o.policy.Digest)
	}
	shipped, err := standard()
	if o.asked.ofGates() {
		shipped, err = standardChanges()
	}
	if err == nil {
		return evidence.Digest(shipped.Digest)
	}
	return evidence.DigestOf(nil)
}
