package platform

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/kube"
	"github.com/slipway-dev/slipway/internal/progress"
)

// connect makes a client of the platform's cluster; it makes no call yet.
func (l *Line) connect() (*kube.Client, error) {
	if !l.embedded() {
		return l.connectForeign()
	}
	if _, err := os.Stat(l.Kubeconfig()); err != nil {
		return nil, fault.Hint(fmt.Errorf("the cluster of %s has not been started", l.Name()), "run `slipway up`")
	}
	return kube.FromKubeconfig(l.Kubeconfig(), "")
}

// gatewayAddress is where the platform's pages are dialled from this host; "" where names are
// resolved as usual.
func (l *Line) gatewayAddress() string {
	if !l.embedded() {
		return ""
	}
	switch listen := l.record.Platform.Spec.Cluster.Embedded.Listen; listen {
	case "", "0.0.0.0", "::":
		return "127.0.0.1"
	default:
		return listen
	}
}

// Part is one process of the embedded node.
type Part struct {
	Name     string `json:"name"`
	State    string `json:"state"`
	Message  string `json:"message,omitempty"`
	PID      int    `json:"pid,omitempty"`
	Since    string `json:"since,omitempty"`
	Restarts int    `json:"restarts"`
	Memory   int64  `json:"memory"`
}

// Parts looks at the embedded node's processes.
func (l *Line) Parts(ctx context.Context) ([]Part, error) {
	if !l.embedded() {
		return nil, fault.Invalid(fmt.Errorf("the platform %s has no node of its own", l.Name()), "use kubectl")
	}
	s, err := l.node(progress.Discard).Status(ctx)
	if err != nil {
		return nil, err
	}
	var parts []Part
	for _, p := range s.Parts {
		part := Part{Name: p.Name, State: p.State, Message: p.Message, PID: p.PID, Restarts: p.Restarts, Memory: pss(p.PID)}
		if !p.Since.IsZero() {
			part.Since = p.Since.Local().Format(time.DateTime)
		}
		parts = append(parts, part)
	}
	return parts, nil
}

// nodeStatus adds the node to a Status and says whether the cluster can be asked.
func (l *Line) nodeStatus(ctx context.Context, s *Status) (running bool, err error) {
	if !l.embedded() {
		return true, nil
	}
	n, err := l.node(progress.Discard).Status(ctx)
	if err != nil {
		return false, err
	}
	if s.Parts, err = l.Parts(ctx); err != nil {
		return false, err
	}
	for _, p := range s.Parts {
		if p.Name == "supervisor" && p.PID > 0 {
			s.Memory = memoryBelow(p.PID)
		}
	}
	if n.Running && n.Problem != "" {
		s.Notes = append(s.Notes, "node: "+n.Problem)
	}
	return n.Running, nil
}

// logSuffix ends the names of the parts' logs.
const logSuffix = ".log"

// Logs names the logs of the node's parts.
func (l *Line) Logs() ([]string, error) {
	if !l.embedded() {
		return nil, fault.Invalid(fmt.Errorf("the platform %s has no node of its own", l.Name()), "use kubectl logs")
	}
	files, err := filepath.Glob(filepath.Join(l.node(progress.Discard).Logs(), "*"+logSuffix))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, f := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(f), logSuffix))
	}
	slices.Sort(names)
	return names, nil
}

// Log writes the last lines of a part's log, all of it where tail is 0; with follow it stays and
// writes what is added until ctx ends.
func (l *Line) Log(ctx context.Context, part string, tail int, follow bool, out io.Writer) error {
	names, err := l.Logs()
	if err != nil {
		return err
	}
	if !slices.Contains(names, part) {
		return fault.Invalid(fmt.Errorf("there is no log of %q", part), "there are: "+strings.Join(names, ", "))
	}
	f, err := os.Open(filepath.Join(l.node(progress.Discard).Logs(), part+logSuffix))
	if err != nil {
		return err
	}
	defer f.Close()
	if err := writeTail(f, tail, out); err != nil || !follow {
		return err
	}
	for {
		if _, err := io.Copy(out, f); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// writeTail writes the last lines of r; all for 0.
func writeTail(r io.Reader, lines int, out io.Writer) error {
	if lines <= 0 {
		_, err := io.Copy(out, r)
		return err
	}
	ring := make([]string, 0, lines)
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadString('\n')
		if line != "" {
			if len(ring) == lines {
				ring = append(ring[:0], ring[1:]...)
			}
			ring = append(ring, line)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	_, err := io.WriteString(out, strings.Join(ring, ""))
	return err
}

// Kubectl is the command line of a kubectl for the platform's cluster: the node's own, or the
// one on PATH.
func (l *Line) Kubectl() ([]string, error) {
	own := filepath.Join(l.dir.programs(), "usr/bin/kubectl")
	if _, err := os.Stat(own); err == nil {
		return []string{own}, nil
	}
	found, err := exec.LookPath("kubectl")
	if err != nil {
		return nil, fault.Hint(fmt.Errorf("find kubectl: %w", err), "install kubectl; the embedded node brings its own")
	}
	return []string{found}, nil
}

// purgeCluster removes the embedded node with its data, or the platform from an existing cluster.
func (l *Line) purgeCluster(ctx context.Context, t *progress.Task, report progress.Reporter) (string, error) {
	if !l.embedded() {
		return l.purgeForeign(ctx, t)
	}
	return "removed", l.node(report).Purge(ctx)
}
