package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/gofrs/flock"

	"github.com/slipway-dev/slipway/internal/cluster/embedded/hostnet"
	"github.com/slipway-dev/slipway/internal/cluster/embedded/hostshare"
	"github.com/slipway-dev/slipway/internal/cluster/embedded/nodeconf"
	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/progress"
)

// startPatience is how long the parts may take until all are ready; a cold start beside a running
// compilation takes a minute.
const startPatience = 5 * time.Minute

// Up makes the node run as the options say and returns when it is Ready. It can be called again
// at any time: a node that runs as wanted is left alone, one that died, wholly or in parts, is
// started again with its data, and a changed configuration restarts it.
func (n *Node) Up(ctx context.Context) error {
	unlock, err := n.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	chosen, err := n.settings(ctx)
	if err != nil {
		return err
	}
	spec, err := n.spec(chosen)
	if err != nil {
		return err
	}
	host := hostshare.This()
	if owner, running := host.Owner(n.opts.Name); running && owner != n.dir.Root() {
		return fault.Hint(fmt.Errorf("the platform %s already runs, from %s", n.opts.Name, owner),
			"give this platform another name, or stop that one with its own SLIPWAY_HOME")
	}
	if spec, err = n.complete(ctx, spec); err != nil {
		return err
	}
	running, err := controlAt(host.Socket(n.opts.Name)).report(ctx)
	if err == nil && running.Digest == spec.Digest() && running.ready() && authorityCurrent(spec, time.Now()) {
		if n.verify(ctx, spec) == nil {
			progress.Start(n.opts.Report, "cluster/node", "", 0).Skip("runs already")
			return nil
		}
	}
	return n.bringUp(ctx, host, spec, err == nil, running)
}

// bringUp prepares and starts the node, where alive says that a supervisor answers with running.
func (n *Node) bringUp(ctx context.Context, host hostshare.Host, spec nodeconf.Spec, alive bool, running report) error {
	check := progress.Start(n.opts.Report, "cluster/host", "checks this machine", 0)
	if err := n.checkHost(ctx); err != nil {
		return check.End("", err)
	}
	_ = check.End(n.warnings(ctx), nil)
	var renewed bool
	err := n.step("cluster/certificates", "keys, certificates and kubeconfigs", func() (err error) {
		if err := n.install(spec); err != nil {
			return err
		}
		renewed, err = ensureAuthority(ctx, spec)
		return err
	})
	if err != nil {
		return err
	}
	var supervisor *started
	if alive && (renewed || running.Digest != spec.Digest()) {
		if err := n.step("cluster/stop", "the node's configuration has changed", func() error { return n.stop(ctx, host) }); err != nil {
			return err
		}
		alive = false
	}
	if !alive {
		if err := n.portStillFree(spec); err != nil {
			return err
		}
		if err := writeSpec(spec); err != nil {
			return err
		}
		if supervisor, err = n.start(); err != nil {
			return err
		}
	}
	for {
		r, err := n.await(ctx, host, supervisor)
		if err != nil {
			return err
		}
		if err := n.step("cluster/node", "waits for the node to be Ready", func() error { return n.settle(ctx, spec, r.InitSince) }); err != nil {
			return err
		}
		// A node that just died still looked ready a moment ago.
		if now, err := controlAt(host.Socket(n.opts.Name)).report(ctx); err == nil && now.Init == r.Init && now.ready() {
			return nil
		}
	}
}

// step reports one piece of work.
func (n *Node) step(task, message string, work func() error) error {
	t := progress.Start(n.opts.Report, task, message, 0)
	return t.End("", work())
}

// lock lets one command at a time change the node.
func (n *Node) lock(ctx context.Context) (unlock func(), err error) {
	if err := os.MkdirAll(n.dir.Root(), 0o711); err != nil {
		return nil, err
	}
	l := flock.New(n.dir.UpLock())
	got, err := l.TryLock()
	if err == nil && !got {
		t := progress.Start(n.opts.Report, "cluster/lock", "", 0)
		t.Wait("another command changes this node: " + lockHolder(n.dir.UpLock()))
		_, err = l.TryLockContext(ctx, 100*time.Millisecond)
		_ = t.End("", err)
	}
	if err != nil {
		return nil, fmt.Errorf("wait for %s: %w", n.dir.UpLock(), err)
	}
	_ = os.WriteFile(n.dir.UpLock(), fmt.Appendf(nil, "%d\n", os.Getpid()), 0o600)
	return func() { l.Close() }, nil
}

func lockHolder(path string) string {
	b, err := os.ReadFile(path)
	if err != nil || len(b) == 0 {
		return "see who holds " + path
	}
	return "process " + strings.TrimSpace(string(b))
}

// portStillFree asks before the start, where an error can still be explained.
func (n *Node) portStillFree(s nodeconf.Spec) error {
	l, err := hostnet.Listen(s.Listen, s.Port)
	if err != nil {
		return fault.Hint(fmt.Errorf("the platform's port: %w", err),
			fmt.Sprintf("find who uses it: ss -ltnp 'sport = :%d'; stop that, or set spec.cluster.embedded.httpsPort", s.Port))
	}
	return l.Close()
}

// started is an outer supervisor that this process started.
type started struct {
	log   string
	ended chan struct{}
	err   error
}

// start starts the outer supervisor, free of this process: its own session, its output in a log.
func (n *Node) start() (*started, error) {
	log := n.dir.Logs("supervisor.log")
	if info, err := os.Stat(log); err == nil && info.Size() > 4<<20 {
		_ = os.Rename(log, log+".1") // an older one goes
	}
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd := exec.Command(n.dir.Bin("slipway"), "node", "run", "--state-dir", n.dir.Root())
	cmd.Dir = "/"
	cmd.Env = nodeEnvironment(os.Environ())
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the node's supervisor: %w", err)
	}
	s := &started{log: log, ended: make(chan struct{})}
	go func() { s.err = cmd.Wait(); close(s.ended) }()
	return s, nil
}

// nodeEnvironment keeps from a person's environment what programs need to run at all. The rest
// (credentials, proxies) is no business of a process that stays.
func nodeEnvironment(all []string) []string {
	env := []string{"HOME=/root", "LANG=C.UTF-8"}
	path := ""
	for _, entry := range all {
		name, value, _ := strings.Cut(entry, "=")
		switch {
		case name == "PATH":
			path = value
		case name == "SSL_CERT_FILE" || name == "SSL_CERT_DIR" || name == "GOCOVERDIR":
			env = append(env, entry)
		}
	}
	// Programs of the administrator's are in no PATH of an ordinary user.
	return append(env, "PATH="+strings.Trim(path+":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", ":"),
		"GOGC=50", "GOMEMLIMIT=64MiB")
}

// await follows the supervisor until every part is ready, and returns its report of that.
func (n *Node) await(ctx context.Context, host hostshare.Host, supervisor *started) (report, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, startPatience, errPatience)
	defer cancel()
	tasks := newPartTasks(n.opts.Report)
	for {
		ready := false
		var broken error
		// An error means that there is no socket yet, or no more: what follows tells which.
		_ = controlAt(host.Socket(n.opts.Name)).watch(ctx, func(r report) bool {
			tasks.see(r)
			ready, broken = r.ready(), n.hopeless(r)
			return !ready && broken == nil
		})
		switch {
		case ready:
			return tasks.last, nil
		case broken != nil:
			return report{}, tasks.fail(broken)
		case errors.Is(context.Cause(ctx), errPatience):
			return report{}, tasks.fail(n.tooSlow(tasks.last))
		case ctx.Err() != nil:
			return report{}, ctx.Err()
		}
		var ended <-chan struct{}
		if supervisor != nil {
			ended = supervisor.ended
		}
		select {
		case <-ended:
			return report{}, tasks.fail(fault.Hint(fmt.Errorf("the node's supervisor ended: %w%s", exitError(supervisor.err), lastLines(supervisor.log, 5)),
				"see "+supervisor.log))
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

var errPatience = errors.New("the node takes too long")

func exitError(err error) error {
	if err == nil {
		return errors.New("exit status 0")
	}
	return err
}

// hopeless is the error of a part that dies again and again without ever being ready, or of a
// node that does.
func (n *Node) hopeless(r report) error {
	for _, p := range r.Parts {
		if p.Failures >= hopelessFailures {
			log := n.dir.Logs(p.Name + ".log")
			return fault.Hint(fmt.Errorf("%s does not stay up (%s, %d times)%s", p.Name, p.LastExit, p.Failures, lastLines(log, 8)), "see "+log)
		}
	}
	if r.Restarts >= 3 && len(r.Parts) == 0 {
		log := n.dir.Logs("supervisor.log")
		return fault.Hint(fmt.Errorf("the node does not stay up (%s)%s", r.LastExit, lastLines(log, 8)), "see "+log)
	}
	return nil
}

// hopelessFailures is more often than a part dies for want of another one that just starts.
const hopelessFailures = 6

// tooSlow names the first part that is not ready.
func (n *Node) tooSlow(r report) error {
	for _, p := range r.Parts {
		if p.Phase != "ready" {
			log := n.dir.Logs(p.Name + ".log")
			return fault.Hint(fmt.Errorf("%s is not ready after %s: %s%s", p.Name, startPatience, p.Message, lastLines(log, 8)), "see "+log)
		}
	}
	return fault.Hint(fmt.Errorf("the node has not started after %s", startPatience), "see "+n.dir.Logs("supervisor.log"))
}
