package tlog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/gofrs/flock"
	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
	"k8s.io/klog/v2"

	"github.com/slipway-dev/slipway/internal/audit"
	"github.com/slipway-dev/slipway/internal/evidence"
	"github.com/slipway-dev/slipway/internal/fault"
)

const (
	// batchAge is how long a decision waits for others to be written with it.
	batchAge = 5 * time.Millisecond
	// batchSize is the width of a tile: more decisions than that are written in several goes.
	batchSize = 256
	// checkpointInterval is the shortest time between two checkpoints; it is the shortest that tessera's driver takes.
	checkpointInterval = 100 * time.Millisecond
	// pollInterval is how often the checkpoint is read while somebody waits for it.
	pollInterval = 5 * time.Millisecond
	// cleanInterval is how often tiles that were only partly filled, and are full now, are removed.
	cleanInterval = 10 * time.Minute
)

// ErrClosed is what a log answers that was closed.
var ErrClosed = errors.New("the log is closed")

// Options say where a log is and whom it trusts.
type Options struct {
	// Dir is the log's folder; it is made where it is missing.
	Dir string
	// Signer signs checkpoints. Its name is the log's.
	Signer note.Signer
	// Verifiers are the keys that checkpoints may be signed by: the signer's, and earlier ones.
	Verifiers []note.Verifier
	// Keys are those that decisions may be signed by: what they would not verify is not appended.
	Keys *evidence.Keyring
	// Publisher gets the checkpoints; it may be nil.
	Publisher Publisher
	// Logger hears what the libraries below tell, which they else write to the process's standard error; it may be nil.
	// They know one place for a whole process: that of the first log that is opened with one.
	Logger *slog.Logger
}

// hush sends what tessera tells, by klog, to a logger.
var hush sync.Once

// Log is an open log. Its methods may be called concurrently.
type Log struct {
	options  Options
	lock     *flock.Flock
	appender *tessera.Appender
	reader   tessera.LogReader
	shutdown func(context.Context) error
	history  *history

	// stop ends the background work, which is counted in work.
	stop    context.CancelFunc
	stopped <-chan struct{}
	work    sync.WaitGroup
	// wake tells the watcher that somebody waits for a checkpoint; news tells the publisher that there is one.
	wake, news chan struct{}

	mu      sync.Mutex
	ledger  audit.Ledger
	pending map[*pending]struct{}
	latest  audit.Checkpoint
	// changed is closed when there is a new checkpoint, and replaced.
	changed chan struct{}
	// wanted is how many entries a checkpoint is waited for to have, and problem why it could not be read.
	wanted  uint64
	problem error
	// failed is why nothing can be appended any more.
	failed    error
	closed    bool
	published published
}

// Open opens a log, or makes a new one. It reads the whole log, and fails where the entries are not those that the
// checkpoint commits to. One process at a time has it open.
func Open(ctx context.Context, options Options) (*Log, error) {
	l, err := open(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("open the log %s: %w", options.Dir, err)
	}
	return l, nil
}

func open(ctx context.Context, options Options) (_ *Log, err error) {
	if err := os.MkdirAll(options.Dir, 0o755); err != nil {
		return nil, err
	}
	if options.Logger != nil {
		hush.Do(func() { klog.SetSlogLogger(options.Logger.With("from", "klog")) })
	}
	l := &Log{options: options, lock: flock.New(filepath.Join(options.Dir, "writer.lock")),
		pending: map[*pending]struct{}{}, changed: make(chan struct{}),
		wake: make(chan struct{}, 1), news: make(chan struct{}, 1)}
	locked, err := l.lock.TryLock()
	if err != nil {
		return nil, err
	}
	if !locked {
		return nil, fault.Hint(errors.New("another process has it open"), "stop that process, or wait until it has ended")
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	l.stop, l.stopped = stop, background.Done()
	defer func() {
		if err != nil {
			err = errors.Join(err, l.release())
		}
	}()
	if err := l.start(background); err != nil {
		return nil, err
	}
	if err := l.catchUp(ctx); err != nil {
		return nil, err
	}
	l.work.Go(func() { l.watch(background) })
	if options.Publisher != nil {
		l.work.Go(func() { l.publish(background) })
		signal(l.news)
	}
	return l, nil
}

// start starts tessera over the folder.
func (l *Log) start(ctx context.Context) error {
	driver, err := posix.New(ctx, posix.Config{Path: filepath.Join(l.options.Dir, "log")})
	if err != nil {
		return err
	}
	appending := tessera.NewAppendOptions().
		WithCheckpointSigner(l.options.Signer).
		WithBatching(batchSize, batchAge).
		WithCheckpointInterval(checkpointInterval).
		WithCheckpointRepublishInterval(0).
		WithGarbageCollectionInterval(cleanInterval)
	l.appender, l.shutdown, l.reader, err = tessera.NewAppender(ctx, driver, appending)
	return err
}

// catchUp waits until the checkpoint commits to everything that was written, and reads it all.
func (l *Log) catchUp(ctx context.Context) error {
	size, err := l.reader.IntegratedSize(ctx)
	if err != nil {
		return err
	}
	for {
		if err := l.look(ctx); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if l.latest.Note != nil && l.latest.Size >= size {
			break
		}
		if err := pause(ctx, pollInterval); err != nil {
			return fmt.Errorf("wait for a checkpoint of %d entries: %w", size, err)
		}
	}
	if err := l.readAll(ctx); err != nil {
		return fault.Hint(err, "keep the folder as it is, and compare it with the checkpoints that were published")
	}
	l.history, err = openHistory(filepath.Join(l.options.Dir, "seen.jsonl"))
	if err != nil {
		return err
	}
	return l.history.add(l.latest.Note)
}

// Close waits for the decisions that are being appended, and closes the log.
func (l *Log) Close(ctx context.Context) error {
	waiting, err := l.end()
	if err != nil {
		return err
	}
	for _, p := range waiting {
		select {
		case <-p.done:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	if err == nil {
		err = l.shutdown(ctx)
	}
	return errors.Join(err, l.release())
}

// end lets nothing more be appended, and gives what is being appended.
func (l *Log) end() ([]*pending, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, ErrClosed
	}
	l.closed = true
	if l.failed == nil {
		l.failed = ErrClosed
	}
	return slices.Collect(maps.Keys(l.pending)), nil
}

// release stops the background work and lets go of the folder.
func (l *Log) release() error {
	l.stop()
	l.work.Wait()
	var err error
	if l.history != nil {
		err = l.history.close()
	}
	return errors.Join(err, l.lock.Unlock())
}

// pause waits, or gives why ctx ended.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
