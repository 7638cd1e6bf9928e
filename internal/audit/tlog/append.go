package tlog

import (
	"context"
	"errors"
	"fmt"

	"github.com/transparency-dev/tessera"

	"github.com/slipway-dev/slipway/internal/audit"
	"github.com/slipway-dev/slipway/internal/evidence"
	"github.com/slipway-dev/slipway/internal/fault"
)

// pending is a decision that is being appended.
type pending struct {
	decision evidence.Decision
	payload  evidence.Digest
	envelope []byte
	// done is closed when receipt, or err, stands.
	done    chan struct{}
	receipt audit.Receipt
	err     error
}

// Append adds a signed decision, and returns when a signed checkpoint commits to it. A decision that is there already
// is found again by its identifier; where it would stand there twice with another content, or carry out a promotion
// twice, the error is an [*audit.ReplayError]. Where ctx ends first, the decision may still get in; append it again, to
// learn whether it did.
func (l *Log) Append(ctx context.Context, envelope []byte) (audit.Receipt, error) {
	receipt, err := l.append(ctx, envelope)
	if err != nil {
		return audit.Receipt{}, fmt.Errorf("append a decision: %w", err)
	}
	return receipt, nil
}

func (l *Log) append(ctx context.Context, envelope []byte) (audit.Receipt, error) {
	if len(envelope) > evidence.MaxLogged {
		return audit.Receipt{}, fmt.Errorf("its envelope has %d bytes, and %d are allowed", len(envelope), evidence.MaxLogged)
	}
	d, verified, err := l.options.Keys.VerifyDecision(envelope)
	if err != nil {
		return audit.Receipt{}, err
	}
	p := &pending{decision: d, payload: evidence.DigestOf(verified.Payload), envelope: envelope, done: make(chan struct{})}
	for {
		if err := ctx.Err(); err != nil {
			return audit.Receipt{}, err
		}
		before, known, err := l.begin(p)
		var replay *audit.ReplayError
		switch {
		case errors.As(err, &replay) && replay.Same():
			return known, nil
		case err != nil:
			return audit.Receipt{}, err
		case before == nil:
			return l.wait(ctx, p)
		}
		select { // what is being appended may be this decision, or forbid it
		case <-before.done:
		case <-ctx.Done():
		}
	}
}

// begin starts to append a decision, unless another one is being appended on which it depends. Where it is in the log
// already, the receipt says where.
func (l *Log) begin(p *pending) (before *pending, known audit.Receipt, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for other := range l.pending {
		if other.decision.ID == p.decision.ID || other.decision.Promotion == p.decision.Promotion {
			return other, audit.Receipt{}, nil
		}
	}
	if err := l.ledger.Check(p.decision, p.payload); err != nil {
		index, _ := l.ledger.Find(p.decision.ID)
		return nil, audit.Receipt{Index: index, Checkpoint: l.latest, Known: true}, err
	}
	if l.failed != nil {
		return nil, audit.Receipt{}, l.failed
	}
	l.pending[p] = struct{}{}
	l.work.Go(func() { l.write(p) })
	return nil, audit.Receipt{}, nil
}

// wait waits for a decision, or for ctx to end, with what it waited for.
func (l *Log) wait(ctx context.Context, p *pending) (audit.Receipt, error) {
	select {
	case <-p.done:
		return p.receipt, p.err
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	err := ctx.Err()
	if l.problem != nil {
		err = errors.Join(err, l.problem)
	}
	return audit.Receipt{}, fmt.Errorf("wait for a checkpoint that commits to the decision %s: %w", p.decision.ID, err)
}

// write hands a decision to tessera and waits for the checkpoint, whatever becomes of the caller.
func (l *Log) write(p *pending) {
	// Not the caller's context: tessera would give up on the entry and write it all the same.
	index, err := l.appender.Add(context.Background(), tessera.NewEntry(p.envelope))()
	var checkpoint audit.Checkpoint
	if err == nil {
		checkpoint, err = l.await(index.Index)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	defer close(p.done)
	delete(l.pending, p)
	if err != nil {
		// Whether the entry got in is not known, so nothing more may be appended until the log was read again.
		if l.failed == nil {
			l.failed = fault.Hint(fmt.Errorf("an earlier write did not succeed: %w", err),
				"open the log again: restart the server")
		}
		p.err = fmt.Errorf("write the decision %s: %w", p.decision.ID, err)
		return
	}
	l.ledger.Add(p.decision, p.payload, index.Index)
	p.receipt = audit.Receipt{Index: index.Index, Checkpoint: checkpoint}
}

// Find gives the entry of a decision that a checkpoint commits to.
func (l *Log) Find(id string) (index uint64, found bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ledger.Find(id)
}
