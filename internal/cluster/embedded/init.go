package embedded

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/slipway-dev/slipway/internal/cluster/embedded/cgroups"
	"github.com/slipway-dev/slipway/internal/cluster/embedded/hostnet"
	"github.com/slipway-dev/slipway/internal/cluster/embedded/nodeconf"
	"github.com/slipway-dev/slipway/internal/cluster/supervise"
	"github.com/slipway-dev/slipway/internal/fault"
)

// Descriptors that the outer supervisor hands to process 1 of the node.
const (
	lifeDescriptor   = 3 // one byte when the link is there; its end means: stop
	statusDescriptor = 4 // the parts' status goes here, one JSON value a line
)

// Init is process 1 of the node's namespaces (`slipway node init`): it arranges mounts and
// network, runs the parts until it is told to stop or its outer supervisor is gone, and then
// stops them in order. Whatever is left dies with it.
func Init(ctx context.Context, stateDir string) error {
	if os.Getpid() != 1 {
		return fault.Invalid(errors.New("this command is the first process of a node's namespaces"), "start a node with `slipway up`")
	}
	syscall.CloseOnExec(lifeDescriptor)
	syscall.CloseOnExec(statusDescriptor)
	life, report := os.NewFile(lifeDescriptor, "life"), os.NewFile(statusDescriptor, "status")
	// A report that nobody reads any more is no reason to die by SIGPIPE.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()

	dir := nodeconf.Layout(stateDir)
	spec, err := readSpec(dir)
	if err != nil {
		return err
	}
	lock, err := lockInit(dir)
	if err != nil {
		return err
	}
	defer lock.Close()
	if _, err := life.Read(make([]byte, 1)); err != nil {
		return fmt.Errorf("wait for the outer supervisor: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { _, _ = io.Copy(io.Discard, life); cancel() }()
	return runNode(ctx, spec, report)
}

// lockInit holds the file that says that this node's process 1 lives. It is a plain flock: it is
// let go of by the kernel when the process ends, however it ends.
func lockInit(dir nodeconf.Layout) (*os.File, error) {
	f, err := os.OpenFile(dir.InitLock(), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("another process 1 of this node still lives: %w", err)
	}
	return f, nil
}

func runNode(ctx context.Context, spec nodeconf.Spec, report io.Writer) error {
	reaper := newReaper()
	groups, err := cgroups.Host()
	if err != nil {
		return err
	}
	if err := cgroups.Join(groups, spec.CgroupRoot()+"/node"); err != nil {
		return err
	}
	if err := unix.Sethostname([]byte(spec.Name)); err != nil {
		return fmt.Errorf("set the node's host name: %w", err)
	}
	if err := arrangeMounts(spec); err != nil {
		return err
	}
	if err := arrangeNetwork(ctx, spec, reaper.run); err != nil {
		return err
	}
	encoder := json.NewEncoder(report)
	supervisor := &supervise.Supervisor{
		Parts: parts(spec, groups),
		Logs:  spec.Dir.Logs(),
		Spawn: reaper.spawn,
		Changed: func(all []supervise.Status) {
			_ = encoder.Encode(all) // without a reader there is nobody to tell
		},
	}
	return supervisor.Run(ctx)
}

// parts are the node's programs with their readiness; when the kubelet has been stopped, the pods are.
func parts(spec nodeconf.Spec, groups []cgroups.Hierarchy) []supervise.Part {
	ready := readiness(spec)
	var all []supervise.Part
	for _, c := range spec.Commands() {
		part := supervise.Part{Name: c.Name, After: c.After, Path: c.Path, Args: c.Args, Env: c.Env,
			Ready: ready[c.Name], Grace: c.Grace}
		if c.Name == nodeconf.Kubelet {
			part.Stopped = func(ctx context.Context) { endPods(ctx, groups, spec.CgroupRoot()+"/kubepods", podGrace) }
		}
		all = append(all, part)
	}
	return all
}

// podGrace is how long pods may take to end when the node stops.
const podGrace = 4 * time.Second

// endPods asks every process of the group to end, and makes those that don't.
func endPods(ctx context.Context, groups []cgroups.Hierarchy, group string, grace time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	asked := map[int]bool{}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		left := cgroups.Processes(groups, group)
		for _, pid := range left {
			if !asked[pid] {
				asked[pid] = true
				_ = unix.Kill(pid, unix.SIGTERM)
			}
		}
		if len(left) == 0 {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			for _, pid := range cgroups.Processes(groups, group) {
				_ = unix.Kill(pid, unix.SIGKILL)
			}
			return
		}
	}
}

// arrangeNetwork configures the node's network namespace from inside.
func arrangeNetwork(ctx context.Context, spec nodeconf.Spec, run hostnet.Runner) error {
	if err := hostnet.SetUp(spec.NodeIP, spec.HostIP, spec.Subnet.Bits()); err != nil {
		return err
	}
	// Its own copy of the switch: this network namespace's, not the host's.
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o644); err != nil {
		return fmt.Errorf("let the node forward for its pods: %w", err)
	}
	return run(ctx, hostnet.NodeRules(spec.PodCIDR, spec.ServiceCIDR), "nft", "-f", "-")
}

// readSpec reads the node's configuration as Up wrote it.
func readSpec(dir nodeconf.Layout) (nodeconf.Spec, error) {
	var spec nodeconf.Spec
	b, err := os.ReadFile(dir.Spec())
	if err != nil {
		return spec, fault.Hint(fmt.Errorf("read the node's configuration: %w", err), "`slipway up` writes it")
	}
	if err := json.Unmarshal(b, &spec); err != nil {
		return spec, fmt.Errorf("read %s: %w", dir.Spec(), err)
	}
	return spec, nil
}
