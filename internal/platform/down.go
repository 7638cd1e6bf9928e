package platform

import (
	"context"
	"fmt"
	"os"

	"github.com/slipway-dev/slipway/internal/host"
	"github.com/slipway-dev/slipway/internal/progress"
	"github.com/slipway-dev/slipway/internal/step"
)

// DownOptions says how much of a platform goes.
type DownOptions struct {
	Purge  bool // its data too
	Caches bool // the image store and the build caches too
}

// Down stops the platform; with Purge it removes all that Slipway made for it, and nothing else.
func (l *Line) Down(ctx context.Context, o DownOptions, report progress.Reporter) error {
	release, err := l.dir.claim(l.Name())
	if err != nil {
		return err
	}
	defer release()
	if !o.Purge {
		return step.Run(ctx, []step.Step{{Name: "node", Message: "stop", Run: func(ctx context.Context, _ *progress.Task) (string, error) {
			return l.stopCluster(ctx, report)
		}}}, report)
	}
	steps := []step.Step{
		{Name: "node", Message: "stop and remove", Run: func(ctx context.Context, t *progress.Task) (string, error) {
			return l.purgeCluster(ctx, t, report)
		}},
		{Name: "trust", Message: "take the platform's CA from this host's trusted ones", After: []string{"node"},
			Run: func(ctx context.Context, _ *progress.Task) (string, error) {
				return "", host.Distrust(ctx, l.Name())
			}},
		{Name: "state", Message: "remove " + string(l.dir), After: []string{"trust"},
			Run: func(context.Context, *progress.Task) (string, error) {
				if err := os.RemoveAll(string(l.dir)); err != nil {
					return "", fmt.Errorf("remove the state directory: %w", err)
				}
				_ = os.Remove(l.home.State) // stays where other platforms are
				return "", nil
			}},
	}
	if o.Caches {
		steps = append(steps, step.Step{Name: "caches", Message: "remove " + l.home.Cache, After: []string{"state"},
			Run: func(context.Context, *progress.Task) (string, error) {
				if others := l.home.Names(); len(others) > 0 {
					return "", step.Skip(fmt.Sprintf("the platforms %v use them", others))
				}
				return "", os.RemoveAll(l.home.Cache)
			}})
	}
	return step.Run(ctx, steps, report)
}

// stopCluster stops the embedded node. A cluster that was there before is not Slipway's to stop.
func (l *Line) stopCluster(ctx context.Context, report progress.Reporter) (string, error) {
	if !l.embedded() {
		return "", step.Skip("this cluster is not Slipway's own; it stays as it is")
	}
	if err := l.node(report).Down(ctx); err != nil {
		return "", err
	}
	return "stopped; its data stays", nil
}
