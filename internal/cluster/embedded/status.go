package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/slipway-dev/slipway/internal/cluster/embedded/cgroups"
	"github.com/slipway-dev/slipway/internal/cluster/embedded/hostshare"
)

// Status is how a node stands.
type Status struct {
	// Running says that the supervisor answers; Ready, that every part does its work and the
	// node is Ready.
	Running bool `json:"running"`
	Ready   bool `json:"ready"`
	// Problem says why it is not ready.
	Problem string    `json:"problem,omitempty"`
	Since   time.Time `json:"since,omitzero"`
	// APIServer is the API's URL, NodeIP the node's address as the host sees it.
	APIServer string `json:"apiServer,omitempty"`
	NodeIP    string `json:"nodeIP,omitempty"`
	Parts     []Part `json:"parts,omitempty"`
	// Memory is what all processes of the node hold resident, pods included, in bytes.
	Memory int64 `json:"memory,omitempty"`
	// DiskFree is what is left where the state directory lies, in bytes.
	DiskFree int64 `json:"diskFree,omitempty"`
}

// Part is one process of the node, the two supervisors included.
type Part struct {
	Name  string `json:"name"`
	State string `json:"state"`
	// Message says what it waits for or why it is not ready.
	Message string `json:"message,omitempty"`
	// PID as the host sees it; 0 where it does not run.
	PID      int       `json:"pid,omitempty"`
	Restarts int       `json:"restarts"`
	LastExit string    `json:"lastExit,omitempty"`
	Since    time.Time `json:"since,omitzero"`
	// Memory is what the process holds resident, in bytes.
	Memory int64 `json:"memory,omitempty"`
}

// Status looks at the node without changing anything; a node that does not run is no error.
func (n *Node) Status(ctx context.Context) (Status, error) {
	host := hostshare.This()
	var status Status
	var disk unix.Statfs_t
	if unix.Statfs(n.dir.Root(), &disk) == nil {
		status.DiskFree = int64(disk.Bavail) * disk.Bsize
	}
	if owner, running := host.Owner(n.opts.Name); !running || owner != n.dir.Root() {
		status.Problem = "not started"
		return status, nil
	}
	spec, err := readSpec(n.dir)
	if err != nil {
		return status, err
	}
	r, err := controlAt(host.Socket(n.opts.Name)).report(ctx)
	if err != nil {
		status.Problem = fmt.Sprintf("the node's supervisor does not answer: %v", err)
		return status, nil
	}
	status.Running, status.Since = true, r.Since
	status.APIServer, status.NodeIP = spec.APIServer(), spec.NodeIP.String()
	pids := innerPIDs(r.Init)
	status.Parts = []Part{
		{Name: "supervisor", State: "ready", PID: r.PID, Since: r.Since, Memory: resident(r.PID)},
		{Name: "init", State: "ready", PID: r.Init, Restarts: r.Restarts, LastExit: r.LastExit, Since: r.InitSince, Memory: resident(r.Init)},
	}
	if r.Init == 0 {
		status.Parts[1].State = "failed"
	}
	for _, p := range r.Parts {
		pid := pids[p.PID]
		status.Parts = append(status.Parts, Part{Name: p.Name, State: string(p.Phase), Message: p.Message, PID: pid,
			Restarts: p.Restarts, LastExit: p.LastExit, Since: p.Since, Memory: resident(pid)})
	}
	if groups, err := cgroups.Host(); err == nil {
		for _, pid := range cgroups.Processes(groups, spec.CgroupRoot()) {
			status.Memory += resident(pid)
		}
	}
	status.Problem = problem(r)
	if status.Problem == "" {
		if err := n.verify(ctx, spec); err != nil {
			status.Problem = err.Error()
		}
	}
	status.Ready = status.Problem == ""
	return status, nil
}

// problem names the first part that does not do its work.
func problem(r report) string {
	if len(r.Parts) == 0 {
		return "the node is starting"
	}
	for _, p := range r.Parts {
		if p.Phase != "ready" {
			return strings.TrimSuffix(fmt.Sprintf("%s is %s: %s", p.Name, p.Phase, p.Message), ": ")
		}
	}
	return ""
}

// innerPIDs maps process numbers inside the PID namespace of init to those outside.
func innerPIDs(init int) map[int]int {
	pids := map[int]int{}
	namespace := pidNamespace(init)
	if init == 0 || namespace == "" {
		return pids
	}
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		if name, err := os.Readlink(dir + "/ns/pid"); err != nil || name != namespace {
			continue
		}
		text, err := os.ReadFile(dir + "/status")
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			var outside, inside int
			if n, _ := fmt.Sscanf(line, "NSpid:\t%d\t%d", &outside, &inside); n == 2 {
				pids[inside] = outside
			}
		}
	}
	return pids
}

// resident is the memory a process holds, in bytes, its share of what it has in common with
// others (the programs of the node are one file) counted once among them; 0 where it is gone.
func resident(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if pid == 0 || err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		var kilobytes int64
		if n, _ := fmt.Sscanf(line, "Pss: %d kB", &kilobytes); n == 1 {
			return kilobytes << 10
		}
	}
	return 0
}

// DiskUse adds up what the node's state takes on disk, in bytes, by its parts: "images", "etcd",
// "volumes", "logs". It walks many files and takes up to seconds.
func (n *Node) DiskUse(ctx context.Context) (map[string]int64, error) {
	use := map[string]int64{}
	for name, dir := range map[string]string{
		"images": n.dir.Containerd(), "etcd": n.dir.Etcd(), "volumes": n.dir.Volumes(), "logs": n.dir.Logs(), "pods": n.dir.Kubelet(),
	} {
		err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				if errors.Is(err, fs.ErrNotExist) {
					return nil // gone while we walk
				}
				return err
			}
			if info, err := d.Info(); err == nil {
				if stat, ok := info.Sys().(*syscall.Stat_t); ok {
					use[name] += stat.Blocks * 512
				}
			}
			return nil
		})
		if err != nil {
			return use, fmt.Errorf("measure %s: %w", dir, err)
		}
	}
	return use, nil
}
