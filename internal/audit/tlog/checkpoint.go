package tlog

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/slipway-dev/slipway/internal/audit"
)

// Publisher keeps checkpoints where the log's keeper cannot change them unseen, such as a Git repository.
type Publisher interface {
	// Publish keeps a checkpoint. It may get one that it has already.
	Publish(ctx context.Context, c audit.Checkpoint) error
}

// published is how far publishing has come.
type published struct {
	checkpoint audit.Checkpoint
	err        error
}

// Checkpoint implements [audit.Source].
func (l *Log) Checkpoint() audit.Checkpoint {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.latest
}

// Published gives the latest checkpoint that was published, and why a later one could not be, where that is so.
func (l *Log) Published() (audit.Checkpoint, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.published.checkpoint, l.published.err
}

// await waits until a checkpoint commits to an entry.
func (l *Log) await(index uint64) (audit.Checkpoint, error) {
	for {
		l.mu.Lock()
		latest, changed := l.latest, l.changed
		l.wanted = max(l.wanted, index+1)
		l.mu.Unlock()
		if latest.Size > index {
			return latest, nil
		}
		signal(l.wake)
		select {
		case <-changed:
		case <-l.stopped:
			return audit.Checkpoint{}, ErrClosed
		}
	}
}

// watch reads the checkpoint while somebody waits for it.
func (l *Log) watch(ctx context.Context) {
	for {
		select {
		case <-l.wake:
		case <-ctx.Done():
			return
		}
		for l.waiting() {
			err := l.look(ctx)
			l.mu.Lock()
			l.problem = err
			l.mu.Unlock()
			if l.waiting() && pause(ctx, pollInterval) != nil {
				return
			}
		}
	}
}

func (l *Log) waiting() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.latest.Size < l.wanted
}

// look reads the checkpoint, and takes it over where it is newer.
func (l *Log) look(ctx context.Context) error {
	signed, err := l.reader.ReadCheckpoint(ctx)
	if err != nil {
		return err
	}
	c, err := audit.OpenCheckpoint(signed, l.options.Verifiers...)
	if err != nil {
		return err
	}
	l.mu.Lock()
	newer := l.latest.Note == nil || c.Size > l.latest.Size
	l.mu.Unlock()
	if !newer {
		return nil
	}
	if l.history != nil {
		if err := l.history.add(c.Note); err != nil {
			return err
		}
	}
	l.mu.Lock()
	l.latest = c
	close(l.changed)
	l.changed = make(chan struct{})
	l.mu.Unlock()
	signal(l.news)
	return nil
}

// Pauses between attempts to publish.
const (
	firstPause   = time.Second
	longestPause = time.Minute
)

// publish gives the latest checkpoint to the publisher, again and again until it takes it.
func (l *Log) publish(ctx context.Context) {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval = firstPause, longestPause
	for {
		select {
		case <-l.news:
		case <-ctx.Done():
			return
		}
		_, _ = backoff.Retry(ctx, func() (struct{}, error) { // it ends with ctx alone; errors are kept in l.published
			latest := l.Checkpoint()
			err := l.options.Publisher.Publish(ctx, latest)
			l.mu.Lock()
			defer l.mu.Unlock()
			l.published.err = err
			if err == nil {
				l.published.checkpoint = latest
			}
			return struct{}{}, err
		}, backoff.WithBackOff(pauses), backoff.WithMaxElapsedTime(0))
	}
}

// signal tells a goroutine to look; one that was told already, and has not looked yet, need not be told again.
func signal(to chan struct{}) {
	select {
	case to <- struct{}{}:
	default:
	}
}

// Checkpoints implements [audit.Source].
func (l *Log) Checkpoints(context.Context) ([][]byte, error) {
	return l.history.all()
}
