package platform

import (
	"bufio"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Disk is the space that a platform and what it shares take, in bytes.
type Disk struct {
	State int64 `json:"state"`
	Store int64 `json:"store"`
	Cache int64 `json:"cache"`
	Free  int64 `json:"free"`
}

// Memory is the resident memory of the platform's processes, in bytes; pages that several share
// count once (PSS of proc_pid_smaps_rollup(5)).
type Memory struct {
	Total   int64 `json:"total"`
	Slipway int64 `json:"slipway"`
}

// diskOf measures the directories of a platform.
func diskOf(h Home, d Dir) Disk {
	store := size(h.Store())
	disk := Disk{State: size(string(d)), Store: store, Cache: size(h.Cache) - store}
	var s syscall.Statfs_t
	if syscall.Statfs(string(d), &s) == nil {
		disk.Free = int64(s.Bavail) * s.Bsize
	}
	return disk
}

// size sums what the files below dir occupy; files with several names count once.
func size(dir string) int64 {
	var sum int64
	seen := map[uint64]bool{}
	_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil // it may vanish while we look
		}
		info, err := e.Info()
		if err != nil {
			return nil
		}
		s, ok := info.Sys().(*syscall.Stat_t)
		if !ok || s.Nlink > 1 && !e.IsDir() && seen[s.Ino] {
			return nil
		}
		seen[s.Ino] = true
		sum += s.Blocks * 512
		return nil
	})
	return sum
}

// process is what /proc says of one process.
type process struct {
	pid, parent int
	name        string // of the executable
}

// descendants gives the processes below root, itself included.
func descendants(root int) []process {
	children := map[int][]process{}
	all := map[int]process{}
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile(filepath.Join("/proc", e.Name(), "stat"))
		if err != nil {
			continue
		}
		p, ok := parseStat(pid, string(stat))
		if !ok {
			continue
		}
		if exe, err := os.Readlink(filepath.Join("/proc", e.Name(), "exe")); err == nil {
			p.name = strings.TrimSuffix(filepath.Base(exe), " (deleted)")
		}
		all[pid] = p
		children[p.parent] = append(children[p.parent], p)
	}
	var out []process
	if p, ok := all[root]; ok {
		out = append(out, p)
	}
	for i := 0; i < len(out); i++ {
		out = append(out, children[out[i].pid]...)
	}
	return out
}

// parseStat reads pid, name and parent from /proc/PID/stat (proc_pid_stat(5)); the name, in
// parentheses, may hold anything.
func parseStat(pid int, text string) (process, bool) {
	open, end := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
	if open < 0 || end < open {
		return process{}, false
	}
	f := strings.Fields(text[end+1:])
	if len(f) < 2 {
		return process{}, false
	}
	parent, err := strconv.Atoi(f[1])
	return process{pid: pid, parent: parent, name: text[open+1 : end]}, err == nil
}

// memoryBelow measures the processes below root.
func memoryBelow(root int) Memory {
	var m Memory
	for _, p := range descendants(root) {
		n := pss(p.pid)
		m.Total += n
		if strings.HasPrefix(p.name, "slipway") {
			m.Slipway += n
		}
	}
	return m
}

// pss is a process's proportional set size in bytes, 0 where it is gone.
func pss(pid int) int64 {
	f, err := os.Open(filepath.Join("/proc", strconv.Itoa(pid), "smaps_rollup"))
	if err != nil {
		return 0
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if rest, ok := strings.CutPrefix(s.Text(), "Pss:"); ok {
			kb, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kb << 10
		}
	}
	return 0
}
