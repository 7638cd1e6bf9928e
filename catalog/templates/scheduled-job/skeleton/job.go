package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
)

// items is what there is to do. Replace it by what the job really works on.
func items() []string { return []string{"first", "second", "third"} }

// work does every item, and goes on after one that fails; the error names all that failed. It ends
// early when the context does. tick is called before every item, to show that the job gets on. done
// counts what succeeded.
func work(ctx context.Context, log *slog.Logger, items []string, tick func() error) (done int, err error) {
	var failed []error
	for _, item := range items {
		if err := ctx.Err(); err != nil {
			return done, errors.Join(append(failed, fmt.Errorf("stopped before %s: %w", item, err))...)
		}
		if err := tick(); err != nil {
			return done, err
		}
		if err := one(item); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", item, err))
			continue
		}
		done++
		log.Info("did", "item", item)
	}
	return done, errors.Join(failed...)
}

// one is where the job's own work begins. It can happen that an item is done twice: a job that was
// interrupted starts over.
func one(item string) error {
	if item == "" {
		return errors.New("there is nothing to do")
	}
	return nil
}
