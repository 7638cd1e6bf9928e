package promotions

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/app"
	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/evidence"
	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/promotion/gate"
	"github.com/slipway-dev/slipway/internal/server/api"
	"github.com/slipway-dev/slipway/internal/spec"
)

// gatesPrefix begins the names of branches that change gates.
const gatesPrefix = "gates/"

// nothing is the digest of a file that is not there.
var nothing = evidence.DigestOf(nil)

// decidesPromotions says whether promotions are decided by what stands in a file: a policy, the freezes, or an
// environment's definition, which says whether it is governed and by which policy.
func decidesPromotions(file string) bool {
	return file == freezesFile || policyIn(file) != "" || app.PlaceOf(file).Kind == app.EnvironmentDocument
}

// policyIn is the name of the policy in a file; empty where it is none's.
func policyIn(file string) string {
	name, below := strings.CutPrefix(file, policiesFolder+"/")
	name, yaml := strings.CutSuffix(name, ".yaml")
	if !below || !yaml || strings.Contains(name, "/") {
		return ""
	}
	return name
}

// Propose implements api.Policies: it opens a pull request that changes one file by which promotions are decided. The
// same request again finds the one that is open; another one about the file takes its place.
func (p policies) Propose(ctx context.Context, by api.Actor, n api.NewGatesChange) (api.GatesChange, error) {
	p.opening.Lock()
	defer p.opening.Unlock()
	const tries = 5 // others may write to the branch meanwhile
	var err error
	for range tries {
		var number int
		if number, err = p.propose(ctx, by, n); isConflict(err) {
			continue
		}
		if err != nil {
			return api.GatesChange{}, err
		}
		p.settle(ctx, number)
		p.Notify()
		return p.GatesChange(ctx, int64(number))
	}
	return api.GatesChange{}, fmt.Errorf("change %s: %w: %w", n.Path, err, api.ErrConflict)
}

func (p policies) propose(ctx context.Context, by api.Actor, n api.NewGatesChange) (int, error) {
	b, err := p.main(ctx)
	if err != nil {
		return 0, err
	}
	asked := request{Path: n.Path, Digest: nothing, By: by, At: p.now(), Note: strings.TrimSpace(n.Note), Base: b.head}
	before, there := b.files[n.Path]
	data := []byte(n.Content)
	switch {
	case !decidesPromotions(n.Path):
		return 0, fault.Invalid(fmt.Errorf("change %s: promotions are not decided by it", n.Path),
			"it is policies/NAME.yaml, "+freezesFile+", or environments/NAME/environment.yaml")
	case n.Remove && !there:
		return 0, fmt.Errorf("remove %s: %w", n.Path, api.ErrNotFound)
	case !n.Remove && there && bytes.Equal(data, before):
		return 0, fmt.Errorf("%s is so already: %w", n.Path, api.ErrConflict)
	case n.Remove:
		data = nil
	default:
		asked.Digest = evidence.DigestOf(data)
	}
	if there {
		asked.Before = evidence.DigestOf(before)
	}
	if err := b.changed(n.Path, data); err != nil {
		return 0, fault.Invalid(fmt.Errorf("change %s: %w", n.Path, err), "")
	}
	others, number, err := p.proposed(ctx, asked)
	if err != nil || number > 0 {
		return number, err
	}
	if asked.Head, err = p.commitGates(ctx, b, asked, data); err != nil {
		return 0, err
	}
	if err := keep(ctx, p.o.Forge, requestPath(asked.Head), asked, "", gatesTitle(asked)+"\n\nRequested by "+by.Username, by); err != nil {
		return 0, err
	}
	pull, err := p.o.Forge.OpenPullRequest(ctx, Environments, forge.NewPullRequest{Base: mainBranch, Head: gatesBranch(asked),
		Title: gatesTitle(asked), Body: describeGates(asked)})
	if err != nil {
		return 0, err
	}
	for _, other := range others {
		if other == pull.Number {
			continue
		}
		if err := p.supersede(ctx, other, pull); err != nil {
			return 0, err
		}
	}
	p.tell(&observation{pull: pull, asked: &asked}, "gates.asked", fmt.Sprintf("%s asks to change %s", by.Username, asked.Path))
	return pull.Number, nil
}

// proposed looks for the change among the open ones. Others are those about the same file.
func (p policies) proposed(ctx context.Context, asked request) (others []int, number int, err error) {
	pulls, err := p.o.Forge.PullRequests(ctx, Environments, forge.Open)
	if err != nil {
		return nil, 0, err
	}
	for _, pull := range pulls {
		if pull.HeadRepository != Environments || !strings.HasPrefix(pull.Head, gatesPrefix) {
			continue
		}
		other, _, found, err := read[request](ctx, p.o.Forge, requestPath(pull.HeadCommit))
		switch {
		case err != nil:
			return nil, 0, err
		case found && other.Path == asked.Path && other.Digest == asked.Digest && other.Before == asked.Before:
			return nil, pull.Number, nil
		case found && other.Path == asked.Path || pull.Head == gatesBranch(asked):
			others = append(others, pull.Number)
		}
	}
	return others, 0, nil
}

// commitGates makes the branch with the change.
func (p policies) commitGates(ctx context.Context, b branch, asked request, data []byte) (string, error) {
	change := forge.FileChange{Path: asked.Path, Data: data}
	if asked.Before != "" {
		f, err := p.o.Forge.ReadFile(ctx, Environments, b.head, asked.Path)
		if err != nil {
			return "", err
		}
		change.Version = f.Version
	}
	head, err := p.o.Forge.Commit(ctx, Environments, forge.Commit{Branch: gatesBranch(asked), From: mainBranch,
		Author: author(asked.By), Changes: []forge.FileChange{change},
		Message: fmt.Sprintf("%s\n\nRequested by %s.\n", gatesTitle(asked), asked.By.Username)})
	if err != nil {
		return "", err
	}
	made, err := p.o.Forge.Log(ctx, Environments, b.head, head)
	if err != nil {
		return "", err
	}
	if len(made) != 1 || !slices.Equal(made[0].Parents, []string{b.head}) {
		return "", fmt.Errorf("%w: somebody wrote to the environments", forge.ErrConflict)
	}
	return head, nil
}

func gatesBranch(r request) string {
	return gatesPrefix + strings.ReplaceAll(strings.TrimSuffix(r.Path, ".yaml"), "/", "-")
}

func gatesTitle(r request) string {
	switch {
	case r.Digest == nothing:
		return "Remove " + r.Path
	case r.Before == "":
		return "Add " + r.Path
	}
	return "Change " + r.Path
}

// describeGates is what reviewers of a change of gates read.
func describeGates(r request) string {
	var b strings.Builder
	fmt.Fprintf(&b, "**%s** asks to change `%s`, on which promotions are decided.\n\n", r.By.Username, r.Path)
	for line := range strings.Lines(r.Note) {
		fmt.Fprintf(&b, "> %s\n", strings.TrimRight(line, "\r\n"))
	}
	b.WriteString("\nTry a policy on past promotions before you approve it: `slipway policy test FILE --over FROM..TO`.\n" +
		"Approve or reject by a review. Once its own gates are passed, Slipway records the decision in the log and merges.\n")
	return b.String()
}

// gatesProblem compares a pull request with what was asked for, and looks whether it still fits.
func (p *Promotions) gatesProblem(ctx context.Context, o *observation) (string, error) {
	asked := o.asked
	commits, err := p.o.Forge.Log(ctx, Environments, asked.Base, asked.Head)
	if err != nil {
		return "", err
	}
	for _, c := range commits {
		for _, f := range c.Files {
			if f != asked.Path {
				return "it changes " + f + ", and " + asked.Path + " was asked for", nil
			}
		}
	}
	data, digest, err := p.fileAt(ctx, asked.Head, asked.Path)
	if err != nil {
		return "", err
	}
	if digest != asked.Digest {
		return "its content is not what was asked for", nil
	}
	now := evidence.Digest("")
	if before, there := o.branch.files[asked.Path]; there {
		now = evidence.DigestOf(before)
	}
	if now != asked.Before {
		return asked.Path + " has changed since; ask for the change again", nil
	}
	if err := o.branch.changed(asked.Path, data); err != nil {
		return err.Error(), nil
	}
	return "", nil
}

// fileAt gives a file of the environments' repository; one that is not there has no data, and the digest of none.
func (p *Promotions) fileAt(ctx context.Context, commit, path string) ([]byte, evidence.Digest, error) {
	f, err := p.o.Forge.ReadFile(ctx, Environments, commit, path)
	if errors.Is(err, forge.ErrNotFound) {
		return nil, nothing, nil
	}
	return f.Data, evidence.DigestOf(f.Data), err
}

// changed says what is wrong with a change of a file by which promotions are decided; nil data removes it. Each
// governed environment must be left with gates that can be evaluated: else nothing could be promoted there.
func (b branch) changed(file string, data []byte) error {
	after := branch{files: maps.Clone(b.files)}
	if data == nil {
		delete(after.files, file)
	} else {
		after.files[file] = data
	}
	var found []spec.Finding
	after.State, found = app.Read(after.files)
	_, before := app.Read(b.files)
	for _, f := range found {
		if !slices.Contains(before, f) {
			return errors.New(f.String())
		}
	}
	switch name := policyIn(file); {
	case file == freezesFile:
		if _, err := readFreezes(data); err != nil {
			return err
		}
	case name != "" && data != nil:
		policy, err := loaded(file, data)
		if err != nil {
			return err
		}
		if policy.Name != name {
			return fmt.Errorf("the policy's name is %s, and the file is that of %s", policy.Name, name)
		}
	case name == "" && data == nil:
		return errors.New("an environment is deleted by: slipway env delete")
	}
	return after.decidable()
}

// decidable says which governed environment, or whether changes of gates, would be left without gates.
func (b branch) decidable() error {
	gates, err := b.policyOfGates()
	if err == nil && !gates.Governs(gate.Environment{Name: gate.Policies, Kind: gate.Policies, Labels: map[string]string{}}) {
		err = fmt.Errorf("policy %s has no gates for %q, so that nobody could change gates any more", gates.Name, gate.Policies)
	}
	if err != nil {
		return err
	}
	for _, name := range sorted(b.Environments) {
		e := b.Environments[name]
		if !app.Governed(e) {
			continue
		}
		policy, err := b.policy(e)
		if err != nil {
			return err
		}
		if !policy.Governs(gate.Environment{Name: name, Kind: environmentKind(e), Labels: labelsOf(e)}) {
			return fmt.Errorf("policy %s has no gates for the environment %s, so that nothing could be promoted there", policy.Name, name)
		}
	}
	return nil
}

// gatesInput is all that the gates see of a change of gates.
func (p *Promotions) gatesInput(ctx context.Context, o *observation, _ v1alpha1.Environment) (gate.Input, error) {
	in := gate.Input{Now: o.state.Now, Platform: gate.Platform{Name: p.o.Platform, Builders: append([]string{}, p.builders...)},
		Release:   gate.Release{Digest: string(o.asked.Digest)},
		Promotion: gate.Promotion{ID: o.state.ID, Head: o.pull.HeadCommit, RequestedAt: o.asked.At},
		Approvals: approvalsOf(o), Freezes: []gate.Freeze{},
		Environment: gate.Environment{Name: gate.Policies, Kind: gate.Policies, Labels: map[string]string{}}}
	var err error
	in.Promotion.Requester, err = p.person(ctx, o.asked.By.Username, "")
	in.Promotion.Authors = []gate.Person{in.Promotion.Requester}
	return in, err
}

// GatesChanges implements api.Policies.
func (p policies) GatesChanges(_ context.Context, page api.Page) (api.List[api.GatesChangeSummary], error) {
	if !p.ready() {
		return api.List[api.GatesChangeSummary]{}, fmt.Errorf("the changes are still being read: %w", api.ErrUnavailable)
	}
	var out []api.GatesChangeSummary
	p.mu.Lock()
	for _, k := range p.known {
		if k.view.gates != nil {
			out = append(out, *k.view.gates)
		}
	}
	p.mu.Unlock()
	key := func(c api.GatesChangeSummary) string { return newestFirst(uint64(c.Number)) }
	slices.SortFunc(out, func(a, b api.GatesChangeSummary) int { return strings.Compare(key(a), key(b)) })
	return api.Slice(out, key, page), nil
}

// GatesChange implements api.Policies.
func (p policies) GatesChange(ctx context.Context, number int64) (api.GatesChange, error) {
	none := fmt.Errorf("change %d of gates: %w", number, api.ErrNotFound)
	if number < 1 || number > 1<<31-1 {
		return api.GatesChange{}, none
	}
	o, err := p.observe(ctx, int(number))
	switch {
	case isNotFound(err) || err == nil && (o.asked == nil || !o.asked.ofGates()):
		return api.GatesChange{}, none
	case err != nil:
		return api.GatesChange{}, err
	}
	full := p.full(ctx, o)
	return api.GatesChange{GatesChangeSummary: gatesSummary(full.PromotionSummary, *o.asked), Gates: full.Gates, Policy: full.Policy,
		Approvals: full.Approvals, Decisions: full.Decisions, Diff: full.Diff}, nil
}

// gatesSummary is a change of gates in a list.
func gatesSummary(s api.PromotionSummary, asked request) api.GatesChangeSummary {
	out := api.GatesChangeSummary{Number: s.Number, Path: asked.Path, State: s.State, Reason: s.Reason, By: s.By,
		Opened: s.Opened, Updated: s.Updated, PullRequest: s.PullRequest}
	if asked.Digest != nothing {
		out.Digest = string(asked.Digest)
	}
	return out
}
