package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/slipway-dev/slipway/internal/platform"
)

// statusEvery is how often `status --watch` looks again.
const statusEvery = 2 * time.Second

type statusOptions struct {
	Env       *Env
	Selection platform.Selection
	Format    string
	Watch     bool
}

func newStatusCommand(env *Env, run func(context.Context, *statusOptions) error) *cobra.Command {
	o := &statusOptions{Env: env}
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show what runs, how it is, and where",
		Long: `Show what runs, how it is, and where. Who is signed in to the platform's portal ("slipway login")
sees open promotions too, and what runs without a decision; on a machine that has no platform, what
the portal tells.`,
		Example: `  slipway status
  slipway status --watch`,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), o) },
	}
	addSelection(cmd, &o.Selection)
	cmd.Flags().BoolVarP(&o.Watch, "watch", "w", false, "show it again every two seconds")
	addFormat(cmd, &o.Format, "text", "json")
	return cmd
}

func runStatus(ctx context.Context, o *statusOptions) error {
	look, err := statusOf(ctx, o)
	if err != nil {
		return err
	}
	for {
		print, err := look(ctx)
		if err != nil {
			return err
		}
		if o.Watch && o.Env.Terminal && o.Format == "text" {
			o.Env.printf("\x1b[H\x1b[2J")
		}
		if err := print(); err != nil || !o.Watch {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(statusEvery):
		}
	}
}

// statusOf says how to look: at the platform on this machine, or at what the server tells that this command line knows.
// Each look gives how to print what was seen.
func statusOf(ctx context.Context, o *statusOptions) (func(context.Context) (func() error, error), error) {
	c, err := o.Env.elsewhere(ctx, o.Selection)
	if err == nil {
		return func(ctx context.Context) (func() error, error) {
			s, err := statusElsewhere(ctx, c)
			return func() error { return show(o.Env, o.Format, s, func() { s.print(o.Env) }) }, err
		}, nil
	}
	if !errors.Is(err, errHere) {
		return nil, err
	}
	line, err := find(ctx, o.Env, o.Selection)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (func() error, error) {
		golden := make(chan goldenPath, 1)
		go func() { golden <- o.Env.goldenPathOf(ctx, line) }()
		s, err := line.Status(ctx)
		return func() error { return printStatus(o, s, <-golden) }, err
	}, nil
}

// find gives the platform that was brought up and is meant.
func find(ctx context.Context, env *Env, s platform.Selection) (*platform.Line, error) {
	home, err := env.home()
	if err != nil {
		return nil, err
	}
	return platform.Find(ctx, home, env.Dir, s)
}

func printStatus(o *statusOptions, s platform.Status, golden goldenPath) error {
	env := o.Env
	if o.Format == "json" {
		return json.NewEncoder(env.Out).Encode(struct {
			platform.Status
			goldenPath
		}{s, golden})
	}
	paint := painter(env.Colour)
	health := func(h string) string {
		switch h {
		case platform.Healthy:
			return paint(green, h)
		case platform.Progressing:
			return paint(yellow, h)
		}
		return paint(red, h)
	}
	env.printf("%s (%s)  %s\n\n", paint(bold, s.Name), s.Domain, health(s.Health))
	t := newTable(env.Out, "CAPABILITY", "TOOL", "VERSION", "HEALTH", "URL")
	for _, c := range s.Capabilities {
		t.row(c.Capability, c.Tool, c.Version, health(c.Health), c.URL)
	}
	t.flush()
	if len(s.Packages) > 0 {
		env.printf("\n")
		t = newTable(env.Out, "PACKAGE", "HEALTH", "URL")
		for _, p := range s.Packages {
			t.row(p.Name, health(p.Health), p.URL)
		}
		t.flush()
	}
	if len(s.Parts) > 0 {
		env.printf("\n")
		t = newTable(env.Out, "NODE PART", "STATE", "SINCE", "RESTARTS", "MEMORY")
		for _, p := range s.Parts {
			t.row(p.Name, p.State, p.Since, fmt.Sprint(p.Restarts), bytesText(p.Memory))
		}
		t.flush()
	}
	golden.print(env)
	env.printf("\nmemory %s (Slipway's own %s), state %s, image store %s, build cache %s, %s free on disk\n",
		bytesText(s.Memory.Total), bytesText(s.Memory.Slipway), bytesText(s.Disk.State), bytesText(s.Disk.Store),
		bytesText(s.Disk.Cache), bytesText(s.Disk.Free))
	for _, n := range s.Notes {
		env.printf("%s\n", n)
	}
	return nil
}
