// Package cgroups makes, joins and removes a node's control groups in whatever the host has:
// version 1 hierarchies, the unified version 2, or both. It only ever touches groups below
// /slipway, which Slipway makes itself.
package cgroups

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/slipway-dev/slipway/internal/fault"
)

// Hierarchy is one mounted tree of control groups.
type Hierarchy struct {
	Root string
	// Unified says version 2.
	Unified bool
	// Controllers that the tree manages, for version 1.
	Controllers []string
	// Idle marks the unified tree of a hybrid host, which manages nothing: runc makes groups there
	// too, so they are removed there, but none has to be made or joined.
	Idle bool
}

// Hierarchies reads the trees from a mountinfo file ("/proc/self/mountinfo").
func Hierarchies(mountinfo io.Reader) ([]Hierarchy, error) {
	var v1, v2 []Hierarchy
	lines := bufio.NewScanner(mountinfo)
	for lines.Scan() {
		// proc(5): ... root mount-point options [optional...] - type source super-options
		before, after, found := strings.Cut(lines.Text(), " - ")
		head, tail := strings.Fields(before), strings.Fields(after)
		if !found || len(head) < 5 || len(tail) < 3 {
			continue
		}
		switch tail[0] {
		case "cgroup2":
			v2 = append(v2, Hierarchy{Root: head[4], Unified: true})
		case "cgroup":
			if slices.ContainsFunc(v1, func(h Hierarchy) bool { return h.Root == head[4] }) {
				continue
			}
			v1 = append(v1, Hierarchy{Root: head[4], Controllers: strings.Split(tail[2], ",")})
		}
	}
	v2 = v2[:min(len(v2), 1)] // the same tree may be mounted twice
	for i := range v2 {
		v2[i].Idle = len(v1) > 0
	}
	return append(v1, v2...), lines.Err()
}

// Host reads the trees of this machine.
func Host() ([]Hierarchy, error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	all, err := Hierarchies(f)
	if err == nil && len(all) == 0 {
		err = fault.Hint(errors.New("no control groups are mounted"), "mount them: mount -t cgroup2 none /sys/fs/cgroup")
	}
	return all, err
}

// Make makes the group ("/slipway/NAME/node") in every tree, with all controllers handed down to it.
func Make(all []Hierarchy, group string) error {
	for _, h := range all {
		if h.Idle {
			continue
		}
		dir := h.Root
		for _, element := range strings.Split(strings.Trim(group, "/"), "/") {
			if h.Unified {
				if err := handDown(dir); err != nil {
					return err
				}
			}
			parent := dir
			dir = filepath.Join(dir, element)
			if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
				return fmt.Errorf("make control group: %w", err)
			}
			if slices.Contains(h.Controllers, "cpuset") {
				if err := inherit(parent, dir, "cpuset.cpus", "cpuset.mems"); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// handDown enables the controllers that Kubernetes needs for the groups below dir; where the host
// has hugetlb, the kubelet insists on that too (Validate in pkg/kubelet/cm/cgroup_manager_linux.go,
// Kubernetes 1.34).
func handDown(dir string) error {
	have, err := os.ReadFile(filepath.Join(dir, "cgroup.controllers"))
	if err != nil {
		return err
	}
	on, err := os.ReadFile(filepath.Join(dir, "cgroup.subtree_control"))
	if err != nil {
		return err
	}
	for _, need := range []string{"cpu", "cpuset", "memory", "pids", "io", "hugetlb"} {
		if slices.Contains(strings.Fields(string(on)), need) {
			continue
		}
		if !slices.Contains(strings.Fields(string(have)), need) {
			if need == "io" || need == "hugetlb" {
				continue // few use them
			}
			return fault.Hint(fmt.Errorf("control group %s lacks the %s controller", dir, need),
				"boot with it enabled, or delegate it to this container or service (systemd: Delegate=yes)")
		}
		if err := os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte("+"+need), 0o644); err != nil {
			return fault.Hint(fmt.Errorf("hand down the %s controller in %s: %w", need, dir, err),
				"inside a container the processes of its top group stand in the way: move them to a subgroup first, or run on the host")
		}
	}
	return nil
}

// inherit fills files of a new version 1 cpuset, which starts empty and takes no process so.
func inherit(parent, dir string, files ...string) error {
	for _, file := range files {
		now, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			return err
		}
		if strings.TrimSpace(string(now)) != "" {
			continue
		}
		value, err := os.ReadFile(filepath.Join(parent, file))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, file), value, 0o644); err != nil {
			return fmt.Errorf("set %s of control group %s: %w", file, dir, err)
		}
	}
	return nil
}

// Join moves the calling process into the group of every tree.
func Join(all []Hierarchy, group string) error {
	for _, h := range all {
		if h.Idle {
			continue
		}
		if err := os.WriteFile(filepath.Join(h.Root, group, "cgroup.procs"), []byte("0"), 0o644); err != nil {
			return fmt.Errorf("join control group: %w", err)
		}
	}
	return nil
}

// Remove removes the group and all below it, which must hold no process by now or soon: the
// kernel lets go of a dead process's group a moment later. It gives up after patience.
func Remove(all []Hierarchy, group string, patience time.Duration) error {
	deadline := time.Now().Add(patience)
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		var failed error
		for _, h := range all {
			failed = errors.Join(failed, removeTree(filepath.Join(h.Root, group)))
		}
		if failed == nil {
			// The shared parent goes with the last platform; while others live, it stays.
			for _, h := range all {
				_ = syscall.Rmdir(filepath.Join(h.Root, "slipway"))
			}
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("remove control group %s: %w", group, failed)
		}
		time.Sleep(pause)
	}
}

func removeTree(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var failed error
	for _, e := range entries {
		if e.IsDir() {
			failed = errors.Join(failed, removeTree(filepath.Join(dir, e.Name())))
		}
	}
	if failed != nil {
		return failed
	}
	if err := syscall.Rmdir(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return &fs.PathError{Op: "rmdir", Path: dir, Err: err}
	}
	return nil
}

// Processes lists the processes in the group and all below it, as seen from the caller's PID namespace.
func Processes(all []Hierarchy, group string) []int {
	seen := map[int]bool{}
	for _, h := range all {
		_ = filepath.WalkDir(filepath.Join(h.Root, group), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || d.Name() != "cgroup.procs" {
				return nil
			}
			text, _ := os.ReadFile(path)
			for _, field := range strings.Fields(string(text)) {
				var pid int
				if _, err := fmt.Sscan(field, &pid); err == nil && pid > 0 {
					seen[pid] = true
				}
			}
			return nil
		})
	}
	pids := make([]int, 0, len(seen))
	for pid := range seen {
		pids = append(pids, pid)
	}
	slices.Sort(pids)
	return pids
}
