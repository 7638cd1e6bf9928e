package promotions

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/evidence"
	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/promotion"
	"github.com/slipway-dev/slipway/internal/promotion/gate"
)

// Promotions are the platform's promotions. It is safe for concurrent use.
type Promotions struct {
	o         Options
	keys      *evidence.Keyring
	decisions *decisions
	health    *healths
	builders  []string
	metrics   *metrics
	changes   *changes

	// opening lets promotions be opened one after the other.
	opening sync.Mutex
	// one is held by whoever looks at a promotion and acts on it.
	one sync.Mutex

	mu         sync.Mutex
	known      map[int]*known
	listed     bool
	found      []seenFinding
	governed   []string // as it was last looked at; nil before
	wake       chan struct{}
	authors    map[authorsKey][]gate.Person
	digests    map[string][]string
	lastBranch branch
}

// known is what is remembered of a promotion between two looks; it may be lost.
type known struct {
	view seenView
	// stands tells whether there is news for who looks at it; empty before it was seen.
	stands string
	// next is when to look again; zero: at the next tick.
	next time.Time
	// done says that nothing is left to do.
	done bool
	// began is when the roll-out was first looked at, since is when it became as it is.
	began, since time.Time
	synced       bool
	health       gate.Health
	// failures count looks in a row that did not succeed.
	failures int
}

// New makes promotions of what the options give. It makes no call yet; see [Promotions.Prepare].
func New(o Options) (*Promotions, error) {
	if err := o.complete(); err != nil {
		return nil, fault.Invalid(fmt.Errorf("set up promotions: %w", err), "")
	}
	keys, err := evidence.NewKeyring(o.Trust.Keys...)
	if err != nil {
		return nil, fmt.Errorf("set up promotions: %w", err)
	}
	p := &Promotions{o: o, keys: keys, decisions: newDecisions(o.Log), health: newHealths(o.Tick), changes: newChanges(),
		known: map[int]*known{}, wake: make(chan struct{}, 1), authors: map[authorsKey][]gate.Person{},
		digests: map[string][]string{}}
	p.builders = append(p.builders, o.Builders...)
	for _, k := range keys.Keys() {
		if k.Role == evidence.Builder {
			p.builders = append(p.builders, k.Name)
		}
	}
	p.metrics = newMetrics(p)
	return p, nil
}

// Prepare makes the repositories that are Slipway's own where they are missing, and protects them. It may be called
// again and again.
func (p *Promotions) Prepare(ctx context.Context) error {
	if err := p.o.Forge.EnsureOrganization(ctx, Records.Owner); err != nil { // or an account of that name
		return fmt.Errorf("prepare promotions: %w", err)
	}
	for _, r := range []forge.Repository{Records, Checkpoints} {
		what := "What Slipway keeps about promotions: requests, waivers, broken glass, inputs of gates."
		if r == Checkpoints {
			what = "Signed checkpoints of the log of decisions, as they were published."
		}
		if _, err := p.o.Forge.EnsureRepository(ctx, r, forge.RepositoryOptions{Private: true, DefaultBranch: recordsBranch,
			Description: what}); err != nil {
			return fmt.Errorf("prepare promotions: %w", err)
		}
		own := []string{p.o.Account}
		err := p.o.Forge.Protect(ctx, r, forge.Protection{Branch: recordsBranch, Pushers: own, Mergers: own})
		if err != nil {
			return fmt.Errorf("prepare promotions: %w", err)
		}
	}
	return nil
}

// Protection is how the environments' branch is to be protected: nobody but Slipway's account pushes and merges, and
// nothing is merged without the gates' status.
func Protection(account string) forge.Protection {
	return forge.Protection{Branch: mainBranch, Pushers: []string{account}, Mergers: []string{account},
		Checks: []string{string(promotion.Gates)}}
}

// now is the clock, in UTC.
func (p *Promotions) now() time.Time { return p.o.Now().UTC() }

// id names a promotion in the log.
func id(number int) string { return fmt.Sprintf("%s#%d", Environments, number) }
