package promotions

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/slipway-dev/slipway/internal/app"
	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/promotion/gate"
	"github.com/slipway-dev/slipway/internal/server/api"
)

// branchPrefix begins the names of promotions' branches.
const branchPrefix = "promote/"

// Open implements api.Promotions: it opens a pull request that brings a release to an environment. The same request
// again finds the one that is open; another release's takes its place.
func (p *Promotions) Open(ctx context.Context, by api.Actor, team, application string,
	n api.NewPromotion) (api.Promotion, error) {
	p.opening.Lock()
	defer p.opening.Unlock()
	const tries = 5 // others may write to the branch meanwhile
	var err error
	for range tries {
		var number int
		if number, err = p.open(ctx, by, team, application, n); isConflict(err) {
			continue
		}
		if err != nil {
			return api.Promotion{}, err
		}
		p.settle(ctx, number) // the first look, so that the answer says how it stands
		p.Notify()
		return p.Promotion(ctx, team, application, int64(number))
	}
	return api.Promotion{}, fmt.Errorf("promote %s to %s: %w: %w", application, n.To, err, api.ErrConflict)
}

// open gives the number of the promotion. It fails with forge.ErrConflict where the environments changed meanwhile.
func (p *Promotions) open(ctx context.Context, by api.Actor, team, application string, n api.NewPromotion) (int, error) {
	b, err := p.main(ctx)
	if err != nil {
		return 0, err
	}
	move, err := p.check(b, team, application, n)
	if err != nil {
		return 0, err
	}
	pulls, err := p.o.Forge.PullRequests(ctx, Environments, forge.Open)
	if err != nil {
		return 0, err
	}
	others, number, err := p.opened(ctx, b, pulls, move)
	if err != nil || number > 0 {
		return number, err
	}
	asked, err := p.propose(ctx, b, by, n, move)
	if err != nil {
		return 0, err
	}
	body, err := p.describe(ctx, asked)
	if err != nil {
		return 0, err
	}
	pull, err := p.o.Forge.OpenPullRequest(ctx, Environments, forge.NewPullRequest{Base: mainBranch,
		Head: branchOf(move), Title: titleOf(asked), Body: body})
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
	p.tell(&observation{pull: pull, asked: &asked}, "promotion.opened", fmt.Sprintf("%s asks to promote %s %s from %s to %s",
		by.Username, application, asked.Release.Metadata.Name, n.From, n.To))
	return pull.Number, nil
}

// check finds what is to be promoted, or says why it cannot be.
func (p *Promotions) check(b branch, team, application string, n api.NewPromotion) (app.Move, error) {
	a, there := b.Applications[application]
	if !there || a.Spec.Team != team {
		return app.Move{}, fmt.Errorf("application %s of team %s: %w", application, team, api.ErrNotFound)
	}
	move, err := b.Move(application, n.From, n.To, "")
	var nothing *app.NothingToPromoteError
	if errors.As(err, &nothing) {
		return move, fault.Hint(fmt.Errorf("%w: %w", err, api.ErrConflict), "push a change, and promote once it is in "+n.From)
	}
	if err != nil {
		return move, err
	}
	if _, digest := app.Image(move.Release.Spec.Image); n.Release != "" && n.Release != digest {
		return move, fault.Invalid(fmt.Errorf("promote %s %s from %s: %s runs there", application, short(n.Release), n.From,
			short(digest)), "leave the release out to promote the one that runs in "+n.From)
	}
	if !app.Governed(move.To) {
		return move, fault.Invalid(fmt.Errorf("promote %s to %s: the environment is not governed, and takes releases without a promotion",
			application, n.To), "see: slipway env list")
	}
	policy, err := b.policy(move.To)
	if err != nil {
		return move, fault.Hint(fmt.Errorf("promote %s to %s: %w: %w", application, n.To, err, api.ErrConflict),
			"ask the platform's team to correct the policy")
	}
	if !policy.Governs(gate.Environment{Name: n.To, Kind: environmentKind(move.To), Labels: labelsOf(move.To)}) {
		return move, fault.Hint(fmt.Errorf("promote %s to %s: policy %s has no gates for it, so nothing can be promoted to it: %w",
			application, n.To, policy.Name, api.ErrConflict), "ask the platform's team for gates")
	}
	return move, nil
}

// opened looks for the promotion among the open ones. Others are those to the same place that it is to take the place of.
func (p *Promotions) opened(ctx context.Context, b branch, pulls []forge.PullRequest,
	move app.Move) (others []int, number int, err error) {
	folder := app.Folder(move.To.Metadata.Name, move.Application.Metadata.Name)
	now, err := p.tree(ctx, b.head, folder)
	if err != nil {
		return nil, 0, err
	}
	for _, pull := range pulls {
		if pull.HeadRepository != Environments || !strings.HasPrefix(pull.Head, branchPrefix) {
			continue
		}
		asked, _, found, err := read[request](ctx, p.o.Forge, requestPath(pull.HeadCommit))
		if err != nil {
			return nil, 0, err
		}
		if !found || asked.folder() != folder {
			if pull.Head == branchOf(move) {
				others = append(others, pull.Number)
			}
			continue
		}
		if asked.From == move.From.Metadata.Name && app.SameRelease(asked.Release, move.Release) && asked.BaseTree == now {
			return nil, pull.Number, nil
		}
		others = append(others, pull.Number)
	}
	return others, 0, nil
}

func branchOf(m app.Move) string {
	return branchPrefix + m.To.Metadata.Name + "/" + m.Application.Metadata.Name + "/" + m.Release.Metadata.Name
}

// propose makes the branch with the change, and records who asked for it.
func (p *Promotions) propose(ctx context.Context, b branch, by api.Actor, n api.NewPromotion, move app.Move) (request, error) {
	asked := request{Team: move.Application.Spec.Team, Application: move.Application.Metadata.Name, From: n.From, To: n.To,
		Release: move.Release, Replaces: move.Replaces, By: by, At: p.now(), Note: strings.TrimSpace(n.Note), Base: b.head}
	manifests, err := p.o.Manifests.Render(ctx, move.Application, move.To, move.Release)
	if err != nil {
		return asked, fmt.Errorf("render %s for %s: %w", asked.Application, asked.To, err)
	}
	files, err := p.o.Forge.ReadFolder(ctx, Environments, b.head, asked.folder())
	if err != nil {
		return asked, err
	}
	current, versions := held(files)
	change, err := move.Change(manifests, current)
	if err != nil {
		return asked, err
	}
	if asked.BaseTree, err = p.tree(ctx, b.head, asked.folder()); err != nil {
		return asked, err
	}
	asked.Head, err = p.o.Forge.Commit(ctx, Environments, forge.Commit{Branch: branchOf(move), From: mainBranch,
		Author: author(by), Changes: changesOf(change, versions),
		Message: fmt.Sprintf("%s\n\nRequested by %s.\n", titleOf(asked), by.Username)})
	if err != nil {
		return asked, err
	}
	made, err := p.o.Forge.Log(ctx, Environments, b.head, asked.Head)
	if err != nil {
		return asked, err
	}
	if len(made) != 1 || !slices.Equal(made[0].Parents, []string{b.head}) {
		return asked, fmt.Errorf("%w: somebody wrote to the environments", forge.ErrConflict)
	}
	proposed, err := p.o.Forge.ReadFolder(ctx, Environments, asked.Head, asked.folder())
	if err != nil {
		return asked, err
	}
	asked.Content = contentOf(proposed)
	return asked, keep(ctx, p.o.Forge, requestPath(asked.Head), asked, "",
		titleOf(asked)+"\n\nRequested by "+by.Username, by)
}

func titleOf(r request) string {
	return fmt.Sprintf("Promote %s to %s: %s", r.Application, r.To, r.Release.Metadata.Name)
}

// supersede closes a promotion in whose place another one comes.
func (p *Promotions) supersede(ctx context.Context, number int, by forge.PullRequest) error {
	if err := p.o.Forge.ClosePullRequest(ctx, Environments, number); err != nil {
		return err
	}
	return p.o.Forge.Comment(ctx, Environments, number, fmt.Sprintf("#%d has taken its place.", by.Number))
}

// describe is what reviewers read.
func (p *Promotions) describe(ctx context.Context, r request) (string, error) {
	image, digest := app.Image(r.Release.Spec.Image)
	source := r.Release.Spec.Source
	url := strings.TrimSuffix(p.o.Git, "/") + "/" + source.Repository
	var b strings.Builder
	fmt.Fprintf(&b, "**%s** asks to promote **%s** of team %s from **%s** to **%s**.\n\n", r.By.Username, r.Application, r.Team,
		r.From, r.To)
	for line := range strings.Lines(r.Note) {
		fmt.Fprintf(&b, "> %s\n", strings.TrimRight(line, "\r\n"))
	}
	fmt.Fprintf(&b, "\n| | |\n|---|---|\n| release | `%s` |\n| image | `%s@%s` |\n| source | [%s](%s/commit/%s) |\n",
		r.Release.Metadata.Name, image, digest, short(source.Commit), url, source.Commit)
	before := "nothing yet"
	if r.Replaces != nil {
		was := r.Replaces.Spec.Source
		before = fmt.Sprintf("`%s` ([what changed](%s/compare/%s...%s))", r.Replaces.Metadata.Name, url, was.Commit, source.Commit)
	}
	fmt.Fprintf(&b, "| %s has now | %s |\n", r.To, before)
	commits, err := p.changesIn(ctx, r)
	if err != nil {
		return "", err
	}
	b.WriteString(commits)
	b.WriteString("\nApprove or reject by a review. The gates are evaluated, and what they say is the status `slipway/gates`; " +
		"once they are passed, Slipway records the decision in the log and merges.\n")
	return b.String(), nil
}

// changesIn lists the commits that a release brings.
func (p *Promotions) changesIn(ctx context.Context, r request) (string, error) {
	source := r.Release.Spec.Source
	repository, err := forge.ParseRepository(source.Repository)
	if err != nil {
		return "", err
	}
	after := ""
	if r.Replaces != nil {
		after = r.Replaces.Spec.Source.Commit
	}
	commits, err := p.history(ctx, repository, after, source.Commit)
	if err != nil {
		return "", fmt.Errorf("look for what is in %s: %w", r.Release.Metadata.Name, err)
	}
	const most = 30
	var b strings.Builder
	b.WriteString("\nCommits:\n\n")
	for i, c := range slices.Backward(commits) {
		if len(commits)-i > most {
			fmt.Fprintf(&b, "- and %d more\n", i+1)
			break
		}
		subject, _, _ := strings.Cut(c.Message, "\n")
		fmt.Fprintf(&b, "- `%s` %s (%s)\n", short(c.Hash), plain(subject), plain(c.Author.Name))
	}
	return b.String(), nil
}

// plain takes from a text what Markdown would make something of.
func plain(text string) string {
	return strings.NewReplacer("`", "'", "[", "(", "]", ")", "<", "‹", ">", "›", "@", "＠", "*", "∗", "_", "\\_", "|", "¦",
		"#", "\\#").Replace(text)
}
