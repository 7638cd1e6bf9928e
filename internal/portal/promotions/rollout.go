package promotions

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/slipway-dev/slipway/internal/app"
	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/promotion"
)

// Marks in the messages of commits, each on a line of its own.
const (
	decisionMark = "Slipway-Decision: "
	revertsMark  = "Slipway-Reverts: "
)

// marked says whether a message has a line with a mark and a value.
func marked(message, mark, value string) bool {
	return slices.Contains(strings.Split(strings.ReplaceAll(message, "\r", ""), "\n"), mark+value)
}

// lookAtRollout sees what became of a merged promotion.
func (p *Promotions) lookAtRollout(ctx context.Context, o *observation) error {
	merge := o.pull.MergeCommit
	if o.pull.State != forge.Merged || merge == "" || o.asked == nil {
		return nil
	}
	r := &o.state.Rollout
	r.Before.Tree = o.asked.BaseTree
	if o.asked.Replaces != nil {
		_, r.Before.Release = app.Image(o.asked.Replaces.Spec.Image)
	}
	var err error
	if r.Status, err = p.status(ctx, merge, promotion.Rolling); err != nil || r.Status.State != "" && r.Status.State != promotion.Pending {
		return err // it is over
	}
	later, err := p.o.Forge.Log(ctx, Environments, merge, mainBranch)
	if err != nil {
		return err
	}
	after := map[string]bool{merge: true}
	for _, c := range later {
		after[c.Hash] = true
		touches := slices.ContainsFunc(c.Files, func(f string) bool { return below(f, o.asked.folder()) })
		switch {
		case marked(c.Message, revertsMark, merge):
			r.Revert = c.Hash
		case touches && r.Revert == "":
			r.Superseded = true
		}
	}
	seen := p.look(ctx, place{o.asked.To, o.asked.Application})
	r.Synced = after[seen.Commit] || seen.Commit == "" && seen.Release == o.asked.Release.Metadata.Name
	r.Health, r.Reason = seen.Health, seen.Reason
	k := p.remember(o.pull.Number)
	p.mu.Lock()
	defer p.mu.Unlock()
	now := o.state.Now
	if k.began.IsZero() {
		k.began, k.since, k.synced, k.health = now, now, r.Synced, r.Health
	}
	if k.synced != r.Synced || k.health != r.Health {
		k.since, k.synced, k.health = now, r.Synced, r.Health
	}
	r.Started, r.Since = k.began, k.since
	return nil
}

// remember gives what is remembered of a promotion.
func (p *Promotions) remember(number int) *known {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := p.known[number]
	if k == nil {
		k = &known{}
		p.known[number] = k
	}
	return k
}

// revert leads the application's folder back to what it was before a merge, in one commit on the branch.
func (p *Promotions) revert(ctx context.Context, o *observation, a promotion.Revert) error {
	folder := o.asked.folder()
	head, err := p.o.Forge.Head(ctx, Environments, mainBranch)
	if err != nil {
		return err
	}
	now, err := p.o.Forge.ReadFolder(ctx, Environments, head, folder)
	if err != nil {
		return err
	}
	before, err := p.o.Forge.ReadFolder(ctx, Environments, o.asked.Base, folder)
	if err != nil {
		return err
	}
	want := app.Files{}
	for _, f := range before {
		want[f.Path] = f.Data
	}
	current, versions := held(now)
	change := app.Replace(folder, want, current)
	if !change.Any() {
		return fmt.Errorf("revert %s: %s is as it was before already", short(a.Commit), folder)
	}
	commit, err := p.o.Forge.Commit(ctx, Environments, forge.Commit{Branch: mainBranch, Changes: changesOf(change, versions),
		Message: fmt.Sprintf("Roll back %s in %s\n\nIt did not become healthy after promotion #%d.\n\n%s%d\n%s%s\n",
			o.asked.Application, o.asked.To, o.pull.Number, decisionMark, a.Decision, revertsMark, a.Commit)})
	if err == nil {
		p.o.OnMain(commit)
	}
	return err
}

// held are files as contents and as versions, by path.
func held(files []forge.File) (app.Files, map[string]string) {
	contents, versions := app.Files{}, map[string]string{}
	for _, f := range files {
		contents[f.Path], versions[f.Path] = f.Data, f.Version
	}
	return contents, versions
}

// changesOf puts a change into the forge's words; it rests on the versions of the files.
func changesOf(c app.Change, versions map[string]string) []forge.FileChange {
	var out []forge.FileChange
	for _, name := range c.Paths() {
		out = append(out, forge.FileChange{Path: name, Data: c.Write[name], Version: versions[name]})
	}
	return out
}

func isConflict(err error) bool { return errors.Is(err, forge.ErrConflict) }

// sorted are the keys of a map, sorted.
func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
func isNotFound(err error) bool             { return errors.Is(err, forge.ErrNotFound) }
