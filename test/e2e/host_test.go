//go:build e2e

package e2e

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// snapshot is what of the machine a platform could change, each thing as one line.
type snapshot map[string]map[string]bool

// takeSnapshot looks at the machine. name and home are the platform's: its processes are those
// that mention its state directory. What belongs to other platforms that run here is left out.
func takeSnapshot(t *testing.T, name, home string) snapshot {
	t.Helper()
	s := snapshot{}
	for _, kind := range []string{"process", "network namespace", "mount", "link", "nftables rule", "sysctl", "cgroup", "file"} {
		s[kind] = map[string]bool{}
	}
	add := func(kind, line string) { s[kind][line] = true }
	processes, _ := filepath.Glob("/proc/[0-9]*")
	for _, p := range processes {
		groups, _ := os.ReadFile(p + "/cgroup")
		if ns, err := os.Readlink(p + "/ns/net"); err == nil && !ofAnother(string(groups), name) {
			add("network namespace", ns)
		}
		cmdline, _ := os.ReadFile(p + "/cmdline")
		exe, _ := os.Readlink(p + "/exe")
		line := exe + " " + strings.ReplaceAll(string(cmdline), "\x00", " ")
		if strings.Contains(line, home) {
			add("process", filepath.Base(p)+" "+line)
		}
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range strings.Split(string(mounts), "\n") {
		if f := strings.Fields(l); len(f) > 4 {
			add("mount", f[4])
		}
	}
	links, err := os.ReadDir("/sys/class/net")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		add("link", l.Name())
	}
	rules, err := exec.CommandContext(t.Context(), "nft", "list", "ruleset").Output()
	if err != nil {
		t.Fatalf("nft list ruleset: %v", err)
	}
	counters := regexp.MustCompile(`packets \d+ bytes \d+`)
	table := ""
	for _, l := range strings.Split(string(rules), "\n") {
		if strings.HasPrefix(l, "table ") {
			table = strings.TrimSuffix(l, " {")
		}
		if strings.TrimSpace(l) == "" {
			continue
		}
		add("nftables rule", table+": "+strings.TrimSpace(counters.ReplaceAllString(l, "")))
	}
	walk := func(kind, dir string, depth int) {
		_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return nil
			}
			if strings.Count(strings.TrimPrefix(path, dir), "/") > depth {
				return filepath.SkipDir
			}
			if kind == "cgroup" && (!d.IsDir() || ofAnother(path, name)) {
				return nil
			}
			add(kind, path)
			return nil
		})
	}
	for _, key := range []string{"net/ipv4/ip_forward", "net/ipv4/conf/all/rp_filter", "net/bridge/bridge-nf-call-iptables", "vm/overcommit_memory", "kernel/panic", "fs/inotify/max_user_instances"} {
		if value, err := os.ReadFile("/proc/sys/" + key); err == nil {
			add("sysctl", key+" = "+strings.TrimSpace(string(value)))
		}
	}
	walk("cgroup", "/sys/fs/cgroup", 12)
	for _, dir := range []string{"/etc", "/opt", "/run", "/usr/local", "/var/lib"} {
		walk("file", dir, 3)
	}
	return s
}

// ofAnother says whether a cgroup's path, or any line of them, is that of another platform.
func ofAnother(path, name string) bool {
	for _, m := range platformCgroup.FindAllStringSubmatch(path, -1) {
		if m[1] != name && m[1] != "host" { // host.json is of all platforms together
			return true
		}
	}
	return false
}

var platformCgroup = regexp.MustCompile(`/slipway/([a-z0-9-]+)`)

// more lists what after has and before had not, but for what belongs to other platforms, which may
// come and go meanwhile.
func more(before, after snapshot, name string) []string {
	// The links of other platforms stand in their tables.
	links := map[string]bool{}
	for _, s := range []snapshot{before, after} {
		for line := range s["nftables rule"] {
			if m := platformTable.FindStringSubmatch(line); m != nil && m[1] != name {
				for _, link := range platformLink.FindAllString(line, -1) {
					links[link] = true
				}
			}
		}
	}
	shared := before.othersRun(name) || after.othersRun(name)
	var out []string
	for _, kind := range slices.Sorted(maps.Keys(after)) {
		for _, line := range slices.Sorted(maps.Keys(after[kind])) {
			if shared && ofAll.MatchString(line) {
				continue
			}
			m := platformTable.FindStringSubmatch(line)
			if before[kind][line] || m != nil && m[1] != name || links[line] || ofAnother(line, name) {
				continue
			}
			out = append(out, fmt.Sprintf("%s: %s", kind, line))
		}
	}
	return out
}

// othersRun says whether other platforms were on the machine, or on their way up or down, which
// keep what all share: each has a socket or a table while it has anything.
func (s snapshot) othersRun(name string) bool {
	for kind, of := range map[string]*regexp.Regexp{"file": platformSocket, "nftables rule": platformTable} {
		for line := range s[kind] {
			if m := of.FindStringSubmatch(line); m != nil && m[1] != name {
				return true
			}
		}
	}
	return false
}

var (
	// ofAll is what all platforms share: it comes with the first and goes with the last. The test's own state is elsewhere.
	ofAll = regexp.MustCompile(`^(/sys/fs/cgroup/([a-z_,]+/)?slipway|/run/slipway(/\.?host\.(json|lock))?|/var/lib/(kubelet|cni|slipway)|net/ipv4/ip_forward = [01])$`)

	platformSocket = regexp.MustCompile(`^/run/slipway/([a-z0-9-]+)\.sock$`)
	platformTable  = regexp.MustCompile(`^table inet slipway_([a-z0-9-]+)`)
	platformLink   = regexp.MustCompile(`slipway[0-9a-f]{8}`)
)

// testPurge removes the platform and compares the machine with what it was before.
func testPurge(t *testing.T, p *platform, before snapshot) {
	p.run(t, "down", "--purge", "--yes", "--name", p.name)
	after := takeSnapshot(t, p.name, p.home)
	for _, kind := range slices.Sorted(maps.Keys(after)) {
		t.Logf("%-17s before %4d, after %4d", kind, len(before[kind]), len(after[kind]))
	}
	if left := more(before, after, p.name); len(left) > 0 {
		t.Errorf("left on the machine:\n  %s", strings.Join(left, "\n  "))
	}
	if gone := more(after, before, p.name); len(gone) > 0 {
		t.Errorf("gone from the machine:\n  %s", strings.Join(gone, "\n  "))
	}
	if entries, err := os.ReadDir(p.home); err == nil && len(entries) > 0 {
		t.Errorf("left in %s: %v", p.home, entries)
	}
}
