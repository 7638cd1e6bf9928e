package main

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func nothing() error { return nil }

func TestWork_DoesEverything(t *testing.T) {
	ticks := 0
	tick := func() error { ticks++; return nil }
	done, err := work(context.Background(), slog.New(slog.DiscardHandler), []string{"a", "b"}, tick)
	if done != 2 || ticks != 2 || err != nil {
		t.Errorf("done %d with %d ticks, %v", done, ticks, err)
	}
}

func TestWork_GoesOnAfterAFailureAndSaysSo(t *testing.T) {
	done, err := work(context.Background(), slog.New(slog.DiscardHandler), []string{"a", "", "c", ""}, nothing)
	if done != 2 || err == nil || strings.Count(err.Error(), "there is nothing to do") != 2 {
		t.Errorf("done %d, %v", done, err)
	}
}

func TestWork_StopsWhenItIsTold(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	done, err := work(ctx, slog.New(slog.DiscardHandler), []string{"a", "b"}, func() error { cancel(); return nil })
	if done != 1 || !errors.Is(err, context.Canceled) {
		t.Errorf("done %d, %v", done, err)
	}
}

func TestHeartbeat(t *testing.T) {
	now := time.Now()
	h := heartbeat{file: filepath.Join(t.TempDir(), "beat"), patience: time.Minute, now: func() time.Time { return now }}
	if err := h.check(); err != nil {
		t.Errorf("before the first tick: %v", err)
	}
	if err := h.tick(); err != nil {
		t.Fatal(err)
	}
	if err := h.check(); err != nil {
		t.Errorf("just after a tick: %v", err)
	}
	now = now.Add(2 * time.Minute)
	if err := h.check(); err == nil {
		t.Error("a job that has not moved for two minutes counts as alive")
	}
	h.file = filepath.Join(t.TempDir(), "missing", "beat")
	if err := h.tick(); err == nil {
		t.Error("a heartbeat that cannot be written is not noticed")
	}
}
