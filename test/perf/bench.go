package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/slipway-dev/slipway/internal/progress"
)

// bench is the platform that is measured.
type bench struct {
	binary, name, home, dir string
	env                     []string
	given                   bool // somebody else's platform, which stays
}

// newBench is a platform of the bench's own; where given is allowed, the one that the environment names.
func newBench(binary string, given bool) (*bench, error) {
	home, err := os.MkdirTemp("", "sw-bench-")
	if err != nil {
		return nil, err
	}
	b := &bench{binary: binary, name: fmt.Sprintf("bench-%d", os.Getpid()), home: filepath.Join(home, "state"), dir: filepath.Join(home, "work")}
	if name := os.Getenv("SLIPWAY_PLATFORM"); given && name != "" {
		b.given, b.name, b.home = true, name, os.Getenv("SLIPWAY_HOME")
	}
	return b, os.MkdirAll(b.dir, 0o755)
}

// golden brings up a platform with portal and CI, unless there is one.
func (b *bench) golden(ctx context.Context) error {
	if b.given {
		return nil
	}
	text, err := b.output(ctx, "blueprint", "show", "starter")
	if err == nil {
		err = os.WriteFile(filepath.Join(b.dir, "platform.yaml"), text, 0o644)
	}
	if err == nil {
		_, err = b.up(ctx, func(progress.Event, float64) {})
	}
	return err
}

// remove takes away whatever is left, also after an interruption.
func (b *bench) remove() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if !b.given {
		_ = b.command(ctx, "down", "--purge", "--yes", "--name", b.name).Run()
	}
	_ = os.RemoveAll(filepath.Dir(b.dir))
}

func (b *bench) command(ctx context.Context, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, b.binary, args...)
	c.Dir = b.dir
	c.Env = append(append(os.Environ(), "SLIPWAY_HOME="+b.home, "SLIPWAY_PLATFORM="+b.name), b.env...)
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	return c
}

// output runs the program and gives its standard output.
func (b *bench) output(ctx context.Context, args ...string) ([]byte, error) {
	var stderr bytes.Buffer
	c := b.command(ctx, args...)
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("slipway %s: %w\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return out, nil
}

// timed runs the program and gives how long it took, in seconds.
func (b *bench) timed(ctx context.Context, args ...string) (float64, error) {
	begun := time.Now()
	_, err := b.output(ctx, args...)
	return time.Since(begun).Seconds(), err
}

// median runs the program several times.
func (b *bench) median(ctx context.Context, times int, args ...string) (float64, error) {
	var all []float64
	for range times {
		s, err := b.timed(ctx, args...)
		if err != nil {
			return 0, err
		}
		all = append(all, s)
	}
	slices.Sort(all)
	return all[len(all)/2], nil
}

// up is `up -o json`; see gets each event with the seconds since the start.
func (b *bench) up(ctx context.Context, see func(e progress.Event, at float64)) (float64, error) {
	var stderr bytes.Buffer
	c := b.command(ctx, "up", "--name", b.name, "-o", "json")
	c.Stderr = &stderr
	out, err := c.StdoutPipe()
	if err != nil {
		return 0, err
	}
	begun := time.Now()
	if err := c.Start(); err != nil {
		return 0, err
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var e progress.Event
		if json.Unmarshal(lines.Bytes(), &e) == nil && e.Task != "" {
			see(e, time.Since(begun).Seconds())
		}
	}
	if err := c.Wait(); err != nil {
		return 0, fmt.Errorf("slipway up: %w\n%s", err, stderr.String())
	}
	return time.Since(begun).Seconds(), nil
}
