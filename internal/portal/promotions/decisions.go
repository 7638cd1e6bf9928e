package promotions

import (
	"context"
	"fmt"
	"sync"

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
