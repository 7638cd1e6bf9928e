package embedded

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/sys/unix"

	"github.com/slipway-dev/slipway/internal/cluster/embedded/cgroups"
	"github.com/slipway-dev/slipway/internal/cluster/embedded/hostnet"
	"github.com/slipway-dev/slipway/internal/cluster/embedded/hostshare"
	"github.com/slipway-dev/slipway/internal/cluster/embedded/nodeconf"
	"github.com/slipway-dev/slipway/internal/cluster/supervise"
)

// stopPatience is how long an orderly stop of the node may take before it is killed.
const stopPatience = 10 * time.Second

// Run is the outer supervisor of the node in stateDir (`slipway node run`). It returns when the
// node was told to stop, by SIGTERM, SIGINT or the control socket, and everything it made on the
// host is removed again. Up starts it in the background.
func Run(ctx context.Context, stateDir string) (err error) {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	spec, err := readSpec(nodeconf.Layout(stateDir))
	if err != nil {
		return err
	}
	host := hostshare.This()
	release, err := host.Claim(ctx, spec.Name, stateDir)
	if err != nil {
		return err
	}
	// What is removed is removed even though ctx is done by then, and before the claim is let go.
	defer release()
	o := &outer{spec: spec, host: host, stop: stop}
	defer func() {
		leaveGroups()
		err = errors.Join(err, cleanUp(context.WithoutCancel(ctx), host, spec.Name))
	}()
	return o.run(ctx)
}

// leaveGroups moves the calling process out of the node's control groups, so that they can go.
func leaveGroups() {
	if groups, err := cgroups.Host(); err == nil {
		_ = cgroups.Join(groups, "/") // where it fails, removing them says so
	}
}

// outer is the supervisor on the host's side.
type outer struct {
	spec  nodeconf.Spec
	host  hostshare.Host
	stop  func()
	board *board
	// groups are the host's trees of control groups.
	groups []cgroups.Hierarchy
}

func (o *outer) run(ctx context.Context) error {
	if err := endFormerNode(ctx, o.spec.Dir); err != nil {
		return err
	}
	groups, err := cgroups.Host()
	if err != nil {
		return err
	}
	o.groups = groups
	for _, group := range []string{"/node", "/supervisor"} {
		if err := cgroups.Make(groups, o.spec.CgroupRoot()+group); err != nil {
			return err
		}
	}
	if err := cgroups.Join(groups, o.spec.CgroupRoot()+"/supervisor"); err != nil {
		return err
	}
	if err := o.host.Prepare(ctx); err != nil {
		return err
	}
	gateway, err := hostnet.Listen(o.spec.Listen, o.spec.Port)
	if err != nil {
		return err
	}
	defer gateway.Close()
	o.board = newBoard(report{Digest: o.spec.Digest(), PID: os.Getpid(), Since: time.Now().UTC()})
	if err := o.serveControl(); err != nil {
		return err
	}
	target := net.JoinHostPort(o.spec.NodeIP.String(), fmt.Sprint(o.spec.NodePort))
	go func() { _ = hostnet.Forward(ctx, gateway, target) }()
	go o.renewAuthority(ctx)
	return o.keepNode(ctx)
}

func (o *outer) serveControl() error {
	socket := o.host.Socket(o.spec.Name)
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return fmt.Errorf("open the control socket: %w", err)
	}
	if err := os.Chmod(socket, 0o600); err != nil {
		return err
	}
	server := &http.Server{Handler: controlHandler(o.board, o.stop), ReadHeaderTimeout: 5 * time.Second}
	// The socket answers until the process ends, so that whoever waits for the stop sees its end.
	go func() { _ = server.Serve(listener) }()
	return nil
}

// keepNode starts process 1 and starts it again when it dies, with growing pauses.
func (o *outer) keepNode(ctx context.Context) error {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval, pauses.Multiplier = time.Second, time.Minute, 2
	for {
		begun := time.Now()
		err := o.oneNode(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if time.Since(begun) > 5*time.Minute {
			pauses.Reset()
		}
		pause := pauses.NextBackOff()
		reason := "exit status 0"
		if err != nil {
			reason = err.Error()
		}
		fmt.Fprintf(os.Stderr, "%s the node ended: %s; started again in %s\n", time.Now().UTC().Format(time.RFC3339), reason, pause.Round(time.Millisecond))
		o.board.update(func(r *report) { r.Init, r.Parts, r.LastExit = 0, nil, reason; r.Restarts++ })
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil
		}
	}
}

// oneNode runs process 1 until it ends, or until ctx is done and it has stopped.
func (o *outer) oneNode(ctx context.Context) error {
	// Groups of pods that died with a former process 1 would each cost the kubelet's cAdvisor
	// seconds of looking for their containers.
	if err := cgroups.Remove(o.groups, o.spec.CgroupRoot()+"/kubepods", stopPatience); err != nil {
		return err
	}
	lifeRead, life, err := os.Pipe()
	if err != nil {
		return err
	}
	defer life.Close()
	status, statusWrite, err := os.Pipe()
	if err != nil {
		lifeRead.Close()
		return err
	}
	defer status.Close()
	executable, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(executable, "node", "init", "--state-dir", o.spec.Dir.Root())
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	cmd.ExtraFiles = []*os.File{lifeRead, statusWrite}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Setsid:     true,
		Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWNS | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC,
	}
	err = cmd.Start()
	lifeRead.Close()
	statusWrite.Close()
	if err != nil {
		return fmt.Errorf("start the node's first process: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	o.board.update(func(r *report) { r.Init, r.InitSince = cmd.Process.Pid, time.Now().UTC() })
	go o.readStatus(status)

	serving, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := o.connect(serving, cmd.Process.Pid); err != nil {
		_ = cmd.Process.Kill()
		<-ended
		return err
	}
	if _, err := life.Write([]byte{1}); err != nil {
		return errors.Join(err, <-ended)
	}
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	life.Close()
	select {
	case err = <-ended:
	case <-time.After(stopPatience):
		_ = cmd.Process.Kill()
		err = <-ended
	}
	return err
}

func (o *outer) readStatus(from io.Reader) {
	for lines := json.NewDecoder(from); ; {
		var parts []supervise.Status
		if lines.Decode(&parts) != nil {
			return
		}
		o.board.update(func(r *report) { r.Parts = parts })
	}
}
