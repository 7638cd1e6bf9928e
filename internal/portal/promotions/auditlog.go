package promotions

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-dev/slipway/internal/audit"
	"github.com/slipway-dev/slipway/internal/evidence"
	"github.com/slipway-dev/slipway/internal/promotion"
	"github.com/slipway-dev/slipway/internal/promotion/gate"
	"github.com/slipway-dev/slipway/internal/server/api"
)

// Audit gives the log of decisions.
func (p *Promotions) Audit() api.Audit { return auditLog{p} }

type auditLog struct{ *Promotions }

// outcomes are the log's words in those of the API.
var outcomes = map[evidence.Outcome]api.Outcome{evidence.Allowed: api.Allowed, evidence.Refused: api.Refused,
	evidence.BreakGlass: api.BrokenGlass, evidence.Confirmed: api.Reviewed, evidence.RolledBack: api.RolledBack,
	evidence.Withdrawn: api.Withdrawn}

func refOf(d logged) api.DecisionRef {
	return api.DecisionRef{Index: d.index, Outcome: outcomes[d.Outcome], At: d.Time}
}

func summaryOf(d logged) api.DecisionSummary {
	team, application, _ := strings.Cut(d.Application, "/")
	out := api.DecisionSummary{DecisionRef: refOf(d), Team: team, Application: application, Environment: d.To,
		Subject: string(d.Digest()), Commit: d.ManifestsCommit, Actors: []string{}}
	if d.Kind == evidence.OfGates {
		out.Path = d.Image.Name
	}
	if _, number, ok := strings.Cut(d.Promotion, "#"); ok {
		out.Promotion, _ = strconv.ParseInt(number, 10, 64) // a name without a number has none
	}
	out.Actors = append(out.Actors, d.Actors.Requester.Name)
	out.Actors = append(out.Actors, names(d.Actors.Authors)...)
	out.Actors = append(out.Actors, names(d.Actors.Approvers)...)
	if d.Actors.Decider != nil {
		out.Actors = append(out.Actors, d.Actors.Decider.Name)
	}
	for _, g := range d.Gates {
		if g.Waiver != nil {
			out.Actors = append(out.Actors, g.Waiver.By.Name)
		}
	}
	slices.Sort(out.Actors)
	out.Actors = slices.Compact(out.Actors)
	return out
}

// Decisions implements api.Audit.
func (a auditLog) Decisions(ctx context.Context, teams api.Teams, q api.DecisionQuery,
	page api.Page) (api.List[api.DecisionSummary], error) {
	if err := a.decisions.catchUp(ctx); err != nil {
		return api.List[api.DecisionSummary]{}, err
	}
	var out []api.DecisionSummary
	for _, d := range slices.Backward(a.decisions.every()) {
		s := summaryOf(d)
		if (teams.Includes(s.Team) || s.Path != "") && wanted(q, s) { // gates concern all
			out = append(out, s)
		}
	}
	return api.Slice(out, func(s api.DecisionSummary) string { return newestFirst(s.Index) }, page), nil
}

func wanted(q api.DecisionQuery, s api.DecisionSummary) bool {
	is := func(want, have string) bool { return want == "" || want == have }
	return is(q.Team, s.Team) && is(q.Application, s.Application) && is(q.Environment, s.Environment) &&
		is(string(q.Outcome), string(s.Outcome)) && is(q.Subject, s.Subject) &&
		(q.From.IsZero() || !s.At.Before(q.From)) && (q.To.IsZero() || s.At.Before(q.To))
}

// Decision implements api.Audit.
func (a auditLog) Decision(ctx context.Context, index uint64) (api.Decision, error) {
	if err := a.decisions.catchUp(ctx); err != nil {
		return api.Decision{}, err
	}
	all := a.decisions.every()
	if index >= uint64(len(all)) {
		return api.Decision{}, fmt.Errorf("decision %d: %w", index, api.ErrNotFound)
	}
	d := all[index]
	head := a.o.Log.Checkpoint()
	hashes, err := a.o.Log.InclusionProof(ctx, index, head.Size)
	if err != nil {
		return api.Decision{}, err
	}
	if hashes == nil {
		hashes = [][]byte{}
	}
	out := api.Decision{DecisionSummary: summaryOf(d), Envelope: json.RawMessage(d.envelope), Leaf: d.envelope,
		Proof: api.InclusionProof{Index: index, Size: head.Size, Hashes: hashes, Checkpoint: a.signedHead(head)}}
	out.Gates, out.Policy = a.decidedGates(ctx, []logged{d})
	return out, nil
}

// signedHead is a checkpoint with the keys to verify it by.
func (p *Promotions) signedHead(c audit.Checkpoint) api.Checkpoint {
	out := api.Checkpoint{Origin: c.Origin, Size: c.Size, Root: c.Root, Note: string(c.Note), Keys: map[string]string{}}
	if n := len(p.o.Trust.Logs); n > 0 {
		out.Key = p.o.Trust.Logs[n-1]
	}
	for _, k := range p.keys.Keys() {
		out.Keys[k.ID] = k.PublicKey
	}
	return out
}

// Checkpoint implements api.Audit.
func (a auditLog) Checkpoint(context.Context) (api.Checkpoint, error) {
	return a.signedHead(a.o.Log.Checkpoint()), nil
}

// Export implements api.Audit. A log is verified as a whole, and so a part of it is not what is exported: times only
// say what the auditor is after.
func (a auditLog) Export(ctx context.Context, _ api.ExportQuery, to io.Writer) error {
	bundle, err := audit.Export(ctx, a.o.Log, a.o.Trust)
	if err != nil {
		return err
	}
	return bundle.WriteZip(to)
}

// findingKinds are what the kinds of findings are about, in the API's words.
var findingKinds = map[promotion.FindingKind]string{promotion.UndecidedImage: "image", promotion.OutdatedImage: "image",
	promotion.UnknownImage: "image", promotion.UndecidedCommit: "commit", promotion.UndecidedGates: "gates",
	promotion.OpenBreakGlass: "broken glass"}

// Findings implements api.Audit.
func (a auditLog) Findings(_ context.Context, teams api.Teams, page api.Page) (api.List[api.Finding], error) {
	a.mu.Lock()
	found := slices.Clone(a.found)
	a.mu.Unlock()
	var out []api.Finding
	for _, f := range found {
		if !teams.Includes(f.team) && f.Kind != promotion.UndecidedGates { // gates concern all
			continue
		}
		out = append(out, api.Finding{ID: strings.Join([]string{f.Environment, f.Application, string(f.Kind), f.Subject, f.Path}, "/"),
			Kind: findingKinds[f.Kind], Team: f.team, Application: f.Application, Environment: f.Environment, Subject: f.Subject,
			Object: f.object, Since: f.since, Reason: f.Text})
	}
	slices.SortFunc(out, func(x, y api.Finding) int { return strings.Compare(x.ID, y.ID) })
	out = slices.CompactFunc(out, func(x, y api.Finding) bool { return x.ID == y.ID })
	return api.Slice(out, func(f api.Finding) string { return f.ID }, page), nil
}

// Running implements api.Audit.
func (a auditLog) Running(ctx context.Context, teams api.Teams, page api.Page) (api.List[api.RunningImage], error) {
	none := api.List[api.RunningImage]{}
	if a.o.Running == nil {
		return none, fmt.Errorf("list what runs: this server watches no cluster: %w", api.ErrUnavailable)
	}
	a.mu.Lock()
	governed := a.governed
	a.mu.Unlock()
	if governed == nil {
		return none, fmt.Errorf("list what runs: the environments are still being read: %w", api.ErrUnavailable)
	}
	b, err := a.main(ctx)
	if err != nil {
		return none, err
	}
	running, err := a.o.Running.Running(ctx, governed)
	if err != nil {
		return none, err
	}
	now := a.now().Truncate(time.Second)
	out := []api.RunningImage{}
	for _, r := range running {
		one := api.RunningImage{Team: b.Applications[r.Application].Spec.Team, Application: r.Application, Environment: r.Environment,
			Object: r.Workload, Image: r.Digest, At: now}
		if teams.Includes(one.Team) {
			out = append(out, one)
		}
	}
	key := func(r api.RunningImage) string {
		return strings.Join([]string{r.Environment, r.Application, r.Object, r.Image}, "/")
	}
	slices.SortFunc(out, func(x, y api.RunningImage) int { return strings.Compare(key(x), key(y)) })
	out = slices.CompactFunc(out, func(x, y api.RunningImage) bool { return key(x) == key(y) })
	return api.Slice(out, key, page), nil
}

// decidedGates are what the gates said in the last decision that has any, and their policy.
func (p *Promotions) decidedGates(ctx context.Context, decided []logged) ([]api.GateResult, string) {
	out := []api.GateResult{}
	for _, d := range slices.Backward(decided) {
		if len(d.Gates) == 0 {
			continue
		}
		var in *gate.Input
		if kept, found, err := p.readInput(ctx, d.Input); d.Input != "" && err == nil && found {
			in = &kept
		}
		titles := gatesByName(p.policyWith(ctx, string(d.Policy), d.To), environmentIn(in))
		for _, r := range reportOf(d).Results {
			out = append(out, gateView(r, d.Time, titles, in, nil))
		}
		return out, string(d.Policy)
	}
	if n := len(decided); n > 0 {
		return out, string(decided[n-1].Policy)
	}
	return out, ""
}

func environmentIn(in *gate.Input) gate.Environment {
	if in == nil {
		return gate.Environment{}
	}
	return in.Environment
}
