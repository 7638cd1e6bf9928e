package promotions

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/slipway-dev/slipway/internal/app"
	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/evidence"
	"github.com/slipway-dev/slipway/internal/promotion"
	"github.com/slipway-dev/slipway/internal/server/api"
)

// changes are the commits on the environments' branch that changed governed environments, read as the branch grows.
type changes struct {
	head     string
	governed map[string]bool
	commits  []promotion.Commit
	at       map[string]time.Time
}

func newChanges() *changes { return &changes{governed: map[string]bool{}, at: map[string]time.Time{}} }

// seenFinding is a finding, and since when it is there.
type seenFinding struct {
	promotion.Finding
	team   string
	object string
	since  time.Time
}

// lookAround watches health, and compares what is on the branch and what runs with the decisions.
func (p *Promotions) lookAround(ctx context.Context) error {
	b, err := p.main(ctx)
	if errors.Is(err, forge.ErrNotFound) {
		return nil // there are no environments yet
	}
	if err != nil {
		return err
	}
	p.watch(ctx, b)
	if err := p.decisions.catchUp(ctx); err != nil { // after the branch: a decision is in the log before it is merged
		return err
	}
	if err := p.readChanges(ctx, b.head); err != nil {
		return err
	}
	return p.detect(ctx, b)
}

// readChanges reads the branch's commits along first parents since the last that was read.
func (p *Promotions) readChanges(ctx context.Context, head string) error {
	c := p.changes
	if c.head == head {
		return nil
	}
	log, err := p.o.Forge.Log(ctx, Environments, c.head, head)
	if isConflict(err) { // history was rewritten, which nobody may: everything is read anew
		*c = *newChanges()
		log, err = p.o.Forge.Log(ctx, Environments, "", head)
	}
	if err != nil {
		return err
	}
	read := changes{governed: map[string]bool{}, commits: slices.Clone(c.commits), at: c.at}
	for e, yes := range c.governed {
		read.governed[e] = yes
	}
	for _, entry := range mainline(log, head) {
		if err := p.readChange(ctx, &read, entry); err != nil {
			return err
		}
	}
	read.head = head
	*c = read
	return nil
}

// mainline are the commits along first parents, the oldest first.
func mainline(log []forge.LogEntry, head string) []forge.LogEntry {
	byHash := map[string]forge.LogEntry{}
	for _, e := range log {
		byHash[e.Hash] = e
	}
	var out []forge.LogEntry
	for e, there := byHash[head]; there && len(out) < len(log); {
		out = append(out, e)
		if len(e.Parents) == 0 {
			break
		}
		e, there = byHash[e.Parents[0]]
	}
	slices.Reverse(out)
	return out
}

// readChange takes over what one commit changed.
func (p *Promotions) readChange(ctx context.Context, c *changes, e forge.LogEntry) error {
	touched := map[place]bool{}
	for _, file := range e.Files {
		parts := strings.Split(file, "/")
		switch {
		case decidesPromotions(file):
			if err := p.readGates(ctx, c, e, file); err != nil {
				return err
			}
		case len(parts) > 3 && parts[0] == app.EnvironmentsFolder:
			touched[place{parts[1], parts[2]}] = true
		}
	}
	for at := range touched {
		if !c.governed[at.environment] {
			continue
		}
		tree, err := p.tree(ctx, e.Hash, app.Folder(at.environment, at.application))
		if err != nil {
			return err
		}
		c.commits = append(c.commits, promotion.Commit{Environment: at.environment, Application: at.application,
			Commit: e.Hash, Tree: tree, By: writer(e)})
		c.at[e.Hash] = e.Time
	}
	return nil
}

// writer is who wrote a commit.
func writer(e forge.LogEntry) string {
	if e.Account != "" {
		return e.Account
	}
	return e.Author.Name
}

// readGates takes over what a commit did to a file by which promotions are decided. An environment's counts from when
// the environment is governed; it is governed until a decision says otherwise, or it is gone.
func (p *Promotions) readGates(ctx context.Context, c *changes, e forge.LogEntry, file string) error {
	f, err := p.o.Forge.ReadFile(ctx, Environments, e.Hash, file)
	gone := errors.Is(err, forge.ErrNotFound)
	if err != nil && !gone {
		return err
	}
	commit := promotion.Commit{Path: file, Commit: e.Hash, By: writer(e)}
	if !gone {
		commit.Tree = string(evidence.DigestOf(f.Data))
	}
	if at := app.PlaceOf(file); at.Kind == app.EnvironmentDocument {
		before := c.governed[at.Environment]
		if !before || gone { // one that is gone holds nothing; should it come back, it is what it was
			c.governed[at.Environment] = before || governs(file, f.Data, gone)
			return nil
		}
		c.governed[at.Environment] = governs(file, f.Data, gone) || !p.agreed(commit)
	}
	c.commits = append(c.commits, commit)
	c.at[e.Hash] = e.Time
	return nil
}

// governs says whether an environment is governed. One that cannot be read counts as if it were.
func governs(file string, data []byte, gone bool) bool {
	e, err := app.DecodeEnvironment(file, data)
	return !gone && (err != nil || app.Governed(e))
}

// agreed says whether there is a decision for a file as a commit left it.
func (p *Promotions) agreed(c promotion.Commit) bool {
	return slices.ContainsFunc(p.decisions.every(), func(d logged) bool {
		x := decidedOf(d)
		return d.Outcome == evidence.Allowed && x.Path == c.Path && x.Tree == c.Tree
	})
}

// governedIn are the environments in which everything needs a decision, sorted.
func (c *changes) governedIn(b branch) []string {
	out := []string{}
	for _, e := range sorted(c.governed) {
		if _, there := b.Environments[e]; there && c.governed[e] {
			out = append(out, e)
		}
	}
	return out
}

// detect finds what has no decision behind it.
func (p *Promotions) detect(ctx context.Context, b branch) error {
	seen := promotion.Seen{Governed: p.changes.governedIn(b)}
	p.mu.Lock()
	p.governed = seen.Governed
	p.mu.Unlock()
	for _, c := range p.changes.commits {
		if _, there := b.Applications[c.Application]; there || c.Tree != "" || c.Path != "" {
			seen.Commits = append(seen.Commits, c) // an application that is gone everywhere needs no decision to go
		}
	}
	for _, d := range p.decisions.every() {
		seen.Decisions = append(seen.Decisions, decidedOf(d))
	}
	if p.o.Running != nil {
		running, err := p.o.Running.Running(ctx, seen.Governed)
		if err != nil {
			return fmt.Errorf("look at what runs: %w", err)
		}
		seen.Running = running
	}
	p.noteFindings(ctx, b, promotion.Detect(seen), seen.Running)
	return nil
}

// decidedOf is a decision as far as it matters to what runs, and to what stands on the branch.
func decidedOf(d logged) promotion.Decided {
	_, application, _ := strings.Cut(d.Application, "/")
	out := promotion.Decided{Index: d.index, Outcome: promotion.Outcome(d.Outcome), Environment: d.To, Application: application,
		Refers: d.Refers, Tree: d.ManifestsTree}
	if d.Kind == evidence.OfGates {
		if out.Path = d.Image.Name; d.Digest() != nothing {
			out.Tree = string(d.Digest())
		}
		return out
	}
	if d.Outcome == evidence.RolledBack && d.Restores != nil {
		out.Tree = d.Restores.ManifestsTree
	}
	image, changes := d.Runs()
	if !changes {
		return out
	}
	for _, one := range append([]evidence.Digest{image}, d.Beside()...) {
		if one != "" {
			out.Digests = append(out.Digests, string(one))
		}
	}
	return out
}

var imageDigests = regexp.MustCompile(`@(sha256:[0-9a-f]{64})`)

// imagesAt are the digests of the images that manifests name at a commit.
func (p *Promotions) imagesAt(ctx context.Context, commit, folder string) ([]string, error) {
	key := commit + " " + folder
	p.mu.Lock()
	known, remembered := p.digests[key]
	p.mu.Unlock()
	if remembered {
		return known, nil
	}
	files, err := p.o.Forge.ReadFolder(ctx, Environments, commit, folder)
	if err != nil && !errors.Is(err, forge.ErrNotFound) { // the commit's branch may be gone, and the commit with it
		return nil, err
	}
	var out []string
	for _, f := range files {
		for _, m := range imageDigests.FindAllSubmatch(f.Data, -1) {
			out = append(out, string(m[1]))
		}
	}
	slices.Sort(out)
	out = slices.Compact(out)
	p.mu.Lock()
	p.digests[key] = out
	p.mu.Unlock()
	return out, nil
}

// noteFindings remembers findings, and tells of those that are new.
func (p *Promotions) noteFindings(ctx context.Context, b branch, found []promotion.Finding, running []promotion.Running) {
	now := p.now()
	p.mu.Lock()
	before := p.found
	p.mu.Unlock()
	var out []seenFinding
	for _, f := range found {
		s := seenFinding{Finding: f, since: now, team: b.Applications[f.Application].Spec.Team}
		if at, known := p.changes.at[f.Subject]; known {
			s.since = at
		}
		for _, r := range running {
			if r.Environment == f.Environment && r.Application == f.Application && r.Digest == f.Subject {
				s.object = r.Workload
			}
		}
		i := slices.IndexFunc(before, func(o seenFinding) bool { return o.Finding == f })
		if i >= 0 {
			s.since = before[i].since
		} else {
			p.o.Logger.WarnContext(ctx, "finding: "+f.Text, "kind", f.Kind, "environment", f.Environment, "application", f.Application)
			p.o.OnEvent(api.Event{At: now, Type: "finding." + string(f.Kind), Team: s.team, Application: f.Application,
				Environment: f.Environment, Subject: "/audit/findings", Summary: f.Text})
		}
		out = append(out, s)
	}
	p.mu.Lock()
	p.found = out
	p.mu.Unlock()
}
