package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/slipway-dev/slipway/internal/cluster/embedded/hostshare"
	"github.com/slipway-dev/slipway/internal/fault"
)

// Down stops the node and removes what it made on the host; its data stays. A node that does not
// run, or that died, leaves nothing behind either.
func (n *Node) Down(ctx context.Context) error {
	if _, err := os.Stat(n.dir.Root()); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	unlock, err := n.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	return n.step("cluster/stop", "stops the node", func() error { return n.stop(ctx, hostshare.This()) })
}

// stop ends the supervisors, the node and all they made, whatever state they are in.
func (n *Node) stop(ctx context.Context, host hostshare.Host) error {
	if owner, running := host.Owner(n.opts.Name); running {
		if owner != n.dir.Root() {
			return fault.Hint(fmt.Errorf("the platform %s runs from %s, not from here", n.opts.Name, owner),
				"stop it with the SLIPWAY_HOME it was started with")
		}
		if err := n.endSupervisor(ctx, host); err != nil {
			return err
		}
	}
	if _, err := os.Stat(n.dir.InitLock()); err == nil {
		if err := endFormerNode(ctx, n.dir); err != nil {
			return err
		}
	}
	return cleanUp(ctx, host, n.opts.Name)
}

// endSupervisor asks the outer supervisor to stop, and kills it if it does not.
func (n *Node) endSupervisor(ctx context.Context, host hostshare.Host) error {
	c := controlAt(host.Socket(n.opts.Name))
	r, err := c.report(ctx)
	if err == nil {
		err = c.stop(ctx)
	}
	patience := stopPatience + 8*time.Second
	if err != nil {
		patience = 0 // it holds its claim and does not answer
	}
	if n.awaitEnd(ctx, host, patience) {
		return nil
	}
	if r.PID == 0 {
		r.PID = holder(host.Claimed(n.opts.Name))
	}
	if r.PID > 0 {
		_ = unix.Kill(r.PID, unix.SIGKILL)
	}
	if !n.awaitEnd(ctx, host, 5*time.Second) {
		return fmt.Errorf("the node's supervisor (process %d) does not end", r.PID)
	}
	return nil
}

func (n *Node) awaitEnd(ctx context.Context, host hostshare.Host, patience time.Duration) bool {
	deadline := time.Now().Add(patience)
	for {
		if _, running := host.Owner(n.opts.Name); !running {
			return true
		}
		if time.Now().After(deadline) {
			return false
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return false
		}
	}
}

// Purge stops the node and removes everything it kept; the state directory itself goes when
// nothing else is in it.
func (n *Node) Purge(ctx context.Context) error {
	root := n.dir.Root()
	if _, err := os.Stat(root); errors.Is(err, fs.ErrNotExist) {
		return n.step("cluster/stop", "removes what the node left", func() error { return cleanUp(ctx, hostshare.This(), n.opts.Name) })
	}
	if err := n.Down(ctx); err != nil {
		return err
	}
	return n.step("cluster/purge", "removes the node's data in "+root, func() error {
		var failed error
		for _, path := range n.dir.All() {
			failed = errors.Join(failed, os.RemoveAll(path))
		}
		if failed != nil {
			return failed
		}
		if err := os.Remove(root); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.ENOTEMPTY) {
			return err
		}
		return nil
	})
}
