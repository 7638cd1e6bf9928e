package embedded

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/slipway-dev/slipway/internal/cluster/embedded/nodeconf"
)

// renewPause is the pause between two looks at the certificates of a running node.
const renewPause = 12 * time.Hour

// renewAuthority keeps the certificates of a node from expiring while nobody runs `up` for
// months: it renews them in time and lets the parts start anew, which leaves pods running.
// SIGHUP makes it look at once.
func (o *outer) renewAuthority(ctx context.Context) {
	now := make(chan os.Signal, 1)
	signal.Notify(now, syscall.SIGHUP)
	defer signal.Stop(now)
	tick := time.NewTicker(renewPause)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-now:
		case <-ctx.Done():
			return
		}
		changed, err := ensureAuthority(ctx, o.spec)
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s renew the certificates: %v\n", time.Now().UTC().Format(time.RFC3339), err)
			continue
		}
		if changed {
			fmt.Fprintf(os.Stderr, "%s the certificates were renewed; the parts start anew\n", time.Now().UTC().Format(time.RFC3339))
			o.restartParts()
		}
	}
}

// restartParts ends the parts that hold certificates; process 1 starts them again. All of them
// may die at any moment, and an API server that shuts down in order while etcd does too hangs.
func (o *outer) restartParts() {
	r, _ := o.board.read()
	pids := innerPIDs(r.Init)
	for _, p := range r.Parts {
		if pid := pids[p.PID]; pid != 0 && p.Name != nodeconf.Containerd {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}
