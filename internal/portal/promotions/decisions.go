package promotions

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/evidence"
	"github.com/slipway-dev/slipway/internal/promotion"
)

// logged is a decision as it stands in the log.
type logged struct {
	index uint64
	evidence.Decision
	envelope []byte
}

// decisions are those of the log, read as it grows.
type decisions struct {
	log Log

	mu          sync.Mutex
	all         []logged
	byPromotion map[string][]logged
}

func newDecisions(l Log) *decisions { return &decisions{log: l, byPromotion: map[string][]logged{}} }

// catchUp reads what a checkpoint of the log commits to and was not read before.
func (d *decisions) catchUp(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	from, to := uint64(len(d.all)), d.log.Checkpoint().Size
	if to < from {
		return fmt.Errorf("the log has %d decisions, and had %d before", to, from)
	}
	for e, err := range d.log.Entries(ctx, from, to) {
		if err != nil {
			return fmt.Errorf("read the log: %w", err)
		}
		s, err := evidence.Unverified(e.Envelope) // it was verified when it was appended, and the tree vouches for it
		if err != nil {
			return fmt.Errorf("read decision #%d: %w", e.Index, err)
		}
		decision, err := evidence.DecodeDecision(s)
		if err != nil {
			return fmt.Errorf("read decision #%d: %w", e.Index, err)
		}
		l := logged{index: e.Index, Decision: decision, envelope: e.Envelope}
		d.all = append(d.all, l)
		d.byPromotion[decision.Promotion] = append(d.byPromotion[decision.Promotion], l)
	}
	return nil
}

// of gives a promotion's decisions, the oldest first.
func (d *decisions) of(promotion string) []logged {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.byPromotion[promotion][:len(d.byPromotion[promotion]):len(d.byPromotion[promotion])]
}

// every gives all decisions, the oldest first.
func (d *decisions) every() []logged {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.all[:len(d.all):len(d.all)]
}

// Decided says whether a decision was made about an application of a team: then what it rested on is kept.
func (p *Promotions) Decided(ctx context.Context, team, application string) (bool, error) {
	if err := p.decisions.catchUp(ctx); err != nil {
		return false, err
	}
	return slices.ContainsFunc(p.decisions.every(), func(d logged) bool { return d.Application == team+"/"+application }), nil
}

// Abandon closes the open promotions of an application that is gone.
func (p *Promotions) Abandon(ctx context.Context, application string) error {
	open, err := p.o.Forge.PullRequests(ctx, Environments, forge.Open)
	if err != nil {
		return err
	}
	var errs []error
	for _, pull := range open {
		if parts := strings.Split(pull.Head, "/"); !strings.HasPrefix(pull.Head, branchPrefix) || len(parts) != 4 || parts[2] != application {
			continue
		}
		err := p.o.Forge.Comment(ctx, Environments, pull.Number, application+" was deleted.")
		if err == nil {
			err = p.o.Forge.ClosePullRequest(ctx, Environments, pull.Number)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// logOf is the log as promotion.Next wants it.
func (p *Promotions) logOf(ctx context.Context, number int) promotion.Log {
	if err := p.decisions.catchUp(ctx); err != nil {
		return promotion.Log{Problem: err.Error()}
	}
	out := promotion.Log{Readable: true}
	for _, d := range p.decisions.of(id(number)) {
		out.Decisions = append(out.Decisions, promotion.Decision{Index: d.index, Key: d.ID,
			Outcome: promotion.Outcome(d.Outcome), Head: d.ManifestsCommit, Refers: d.Refers, Integrated: true})
	}
	return out
}
