package plan

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-dev/slipway/internal/catalog"
)

func lock(t *testing.T, text string, c *catalog.Catalog, d Decisions) Lock {
	t.Helper()
	p, err := Resolve(platform(t, text), c, machine)
	if err != nil {
		t.Fatal(err)
	}
	l, err := NewLock(p, c, d)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

const onePackage = "spec:\n  packages:\n  - {name: shop, path: ./shop}\n  - {name: blog, git: {url: \"https://example.com/blog.git\"}, path: deploy}\n"

func TestNewLock_HoldsToolsComponentsWithBasesAndPackages(t *testing.T) {
	c := testCatalog(t)
	l := lock(t, onePackage, c, Decisions{
		Pulled:   map[string]string{"example.com/forge:1.2.3": "sha256:abc"},
		Packages: map[string]string{"blog": "0123abc"},
	})
	var tools, components []string
	for _, tool := range l.Tools {
		tools = append(tools, tool.Name)
		if tool.Digest != c.Tools[tool.Name].Digest || tool.Version != "1.2.3" {
			t.Errorf("got %+v", tool)
		}
	}
	for _, component := range l.Components {
		components = append(components, component.Name)
	}
	if got := strings.Join(tools, " "); got != "disk door forge loom names pilot seal" {
		t.Errorf("tools %s", got)
	}
	if got := strings.Join(components, " "); got != "base forge static" {
		t.Errorf("components %s", got)
	}
	want := LockedComponent{Name: "forge", Version: "1.2.3", Recipe: c.Recipes["forge"].Digest,
		Images: []LockedImage{{Ref: "example.com/forge:1.2.3", Digest: "sha256:abc"}}}
	if diff := cmp.Diff(want, l.Components[1]); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]LockedPackage{{Name: "blog", Source: "https://example.com/blog.git", Revision: "0123abc"}, {Name: "shop", Source: "./shop"}}, l.Packages); diff != "" {
		t.Error(diff)
	}
}

func TestNewLock_AComponentWithoutARecipeIsAnError(t *testing.T) {
	c := testCatalog(t)
	p, err := Resolve(platform(t, ""), c, machine)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewLock(p, c, Decisions{Components: []string{"absent"}}); err == nil || err.Error() != `lock: no recipe for the component "absent"` {
		t.Errorf("got %v", err)
	}
}

func TestLock_WrittenAndReadIsTheSame(t *testing.T) {
	path := filepath.Join(t.TempDir(), "platform.lock.yaml")
	if _, err := ReadLock(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing lock: %v", err)
	}
	l := lock(t, onePackage, testCatalog(t), Decisions{})
	if err := WriteLock(path, l); err != nil {
		t.Fatal(err)
	}
	got, err := ReadLock(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(l, got); diff != "" {
		t.Error(diff)
	}
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := WriteLock(path, l); err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(path)
	if err != nil || !os.SameFile(before, after) {
		t.Errorf("an equal lock was written again: %v", err)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".platform.lock.*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestReadLock_RefusesWhatIsNoLock(t *testing.T) {
	for name, text := range map[string]string{
		"another kind":     "apiVersion: slipway.dev/v1alpha1\nkind: Platform\n",
		"another version":  "apiVersion: slipway.dev/v9\nkind: Lock\n",
		"an unknown field": "apiVersion: slipway.dev/v1alpha1\nkind: Lock\ntool: []\n",
		"no YAML":          "{",
	} {
		path := filepath.Join(t.TempDir(), "platform.lock.yaml")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadLock(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLockCompare_SaysWhatChanges(t *testing.T) {
	l := Lock{
		Tools:      []LockedTool{{Name: "a", Version: "1", Digest: "sha256:1"}, {Name: "gone", Version: "1", Digest: "sha256:2"}},
		Components: []LockedComponent{{Name: "a", Version: "1", Recipe: "sha256:3", Images: []LockedImage{{Ref: "x/a:1", Digest: "sha256:4"}}}},
	}
	now := Lock{
		Tools:      []LockedTool{{Name: "a", Version: "2", Digest: "sha256:9"}, {Name: "new", Version: "1", Digest: "sha256:5"}},
		Components: []LockedComponent{{Name: "a", Version: "1", Recipe: "sha256:3", Images: []LockedImage{{Ref: "x/a:1"}}}},
	}
	var got []string
	for _, m := range l.Compare(now) {
		got = append(got, m.Error())
	}
	want := []string{
		"image x/a:1 is locked as sha256:4 and is now built",
		"tool a is locked as 1 sha256:1 and is now 2 sha256:9",
		"tool gone is in the lock and no longer in the plan",
		"tool new is not in the lock",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if m := l.Compare(l); len(m) > 0 {
		t.Errorf("a lock differs from itself: %v", m)
	}
}
