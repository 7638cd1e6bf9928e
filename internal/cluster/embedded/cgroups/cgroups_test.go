package cgroups

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestHierarchies(t *testing.T) {
	const (
		root   = "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
		cpu    = "31 30 0:27 / /sys/fs/cgroup/cpu rw,relatime shared:9 - cgroup cgroup rw,cpu\n"
		sets   = "32 30 0:28 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset\n"
		second = "33 30 0:29 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"
		only   = "34 25 0:29 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
	)
	for name, test := range map[string]struct {
		mounts string
		want   []Hierarchy
	}{
		"none":              {root, nil},
		"version 2":         {root + only, []Hierarchy{{Root: "/sys/fs/cgroup", Unified: true}}},
		"version 2, twice":  {root + only + second, []Hierarchy{{Root: "/sys/fs/cgroup", Unified: true}}},
		"version 1":         {root + cpu, []Hierarchy{{Root: "/sys/fs/cgroup/cpu", Controllers: []string{"rw", "cpu"}}}},
		"version 1, shadow": {root + cpu + cpu, []Hierarchy{{Root: "/sys/fs/cgroup/cpu", Controllers: []string{"rw", "cpu"}}}},
		"hybrid": {root + cpu + sets + second, []Hierarchy{
			{Root: "/sys/fs/cgroup/cpu", Controllers: []string{"rw", "cpu"}},
			{Root: "/sys/fs/cgroup/cpuset", Controllers: []string{"rw", "cpuset"}},
			{Root: "/sys/fs/cgroup/unified", Unified: true, Idle: true},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Hierarchies(strings.NewReader(test.mounts))
			if err != nil || len(got)+len(test.want) > 0 && !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, %v, want %+v", got, err, test.want)
			}
		})
	}
}

// tree is a directory that looks like a mounted hierarchy.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestMake_NamesAControllerThatIsNotDelegated(t *testing.T) {
	dir := tree(t, map[string]string{"cgroup.controllers": "cpu cpuset pids io\n", "cgroup.subtree_control": "\n"})
	err := Make([]Hierarchy{{Root: dir, Unified: true}}, "/slipway/a")
	if err == nil || !strings.Contains(err.Error(), "lacks the memory controller") {
		t.Errorf("error %v", err)
	}
}

func TestMake_LeavesTheIdleTreeAlone(t *testing.T) {
	dir := t.TempDir()
	if err := Make([]Hierarchy{{Root: dir, Unified: true, Idle: true}}, "/slipway/a"); err != nil {
		t.Fatal(err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) > 0 {
		t.Errorf("made %v", entries)
	}
}

func TestRemove_KeepsOtherPlatforms(t *testing.T) {
	dir := t.TempDir()
	all := []Hierarchy{{Root: dir}}
	for _, group := range []string{"/slipway/a/node/deep", "/slipway/b/node"} {
		if err := Make(all, group); err != nil {
			t.Fatal(err)
		}
	}
	if err := Remove(all, "/slipway/a", time.Second); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "slipway/a")); !os.IsNotExist(err) {
		t.Errorf("a: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "slipway/b/node")); err != nil {
		t.Error(err)
	}
	if err := Remove(all, "/slipway/b", time.Second); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "slipway")); !os.IsNotExist(err) {
		t.Errorf("the shared parent stays: %v", err)
	}
}

func TestRemove_GivesUpOnAGroupThatIsInUse(t *testing.T) {
	dir := t.TempDir()
	all := []Hierarchy{{Root: dir}}
	if err := Make(all, "/slipway/a"); err != nil {
		t.Fatal(err)
	}
	// A file keeps a directory as a process keeps a group.
	if err := os.WriteFile(filepath.Join(dir, "slipway/a/x"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Remove(all, "/slipway/a", 20*time.Millisecond); err == nil || !strings.Contains(err.Error(), "slipway/a") {
		t.Errorf("error %v", err)
	}
}
