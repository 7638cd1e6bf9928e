package render

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-dev/slipway/internal/progress"
	"github.com/slipway-dev/slipway/internal/render/manifest"
)

// treeOf makes a tree of manifests as a tool "web" would give them.
func treeOf(t *testing.T, text string) Tree {
	t.Helper()
	objects, err := manifest.Decode("web.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	u := &unit{objects: objects}
	u.Name, u.Kind = "web", "tool"
	tree, err := (&renderer{units: []*unit{u}}).tree(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func paths(tree Tree) []string {
	var out []string
	for _, f := range tree.Files {
		out = append(out, f.Path)
	}
	return out
}

const gateways = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web, namespace: web}
---
apiVersion: mesh.example.com/v1
kind: Gateway
metadata: {name: web, namespace: web}
`

func TestTree_KindsOfOneNameInTwoGroupsGetFilesOfTheirOwn(t *testing.T) {
	got := paths(treeOf(t, gateways))
	if len(got) != 2 || got[0] == got[1] || !strings.HasPrefix(got[0], "tools/web/gateway-web-web-") {
		t.Errorf("paths %v", got)
	}
	documents := strings.Split(gateways, "---")
	slices.Reverse(documents)
	if turned := paths(treeOf(t, strings.Join(documents, "---"))); !slices.Equal(got, turned) {
		t.Errorf("the order of the input changes paths: %v, %v", got, turned)
	}
}

func TestTree_LongAndOddNamesAreShortenedAndStayApart(t *testing.T) {
	long := strings.Repeat("a", 200)
	got := paths(treeOf(t, `
apiVersion: v1
kind: ConfigMap
metadata: {name: `+long+`}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: `+long+`b}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: "system:web:reader"}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: "system:web-reader"}
`))
	if len(slices.Compact(slices.Clone(got))) != 4 {
		t.Errorf("paths meet: %v", got)
	}
	for _, p := range got {
		if len(filepath.Base(p)) > longestName+20 || strings.ContainsAny(p, ": ") {
			t.Errorf("path %s", p)
		}
	}
}

func TestTree_DiffNamesWhatChanged(t *testing.T) {
	before := treeOf(t, `
{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: x}, data: {k: old}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: b, namespace: x}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: same, namespace: x}}
`)
	after := treeOf(t, `
{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: x}, data: {k: new}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: x}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: same, namespace: x}}
`)
	var got []string
	changes := after.Diff(before)
	for _, c := range changes {
		got = append(got, string(c.Kind)+" "+c.Object.String()+" of "+c.Unit)
	}
	want := []string{"changed ConfigMap x/a of web", "removed ConfigMap x/b of web", "added ConfigMap x/c of web"}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatal(d)
	}
	if d := changes[0].Diff; !strings.Contains(d, "\n-  k: old\n+  k: new\n") || !strings.Contains(d, "--- a/tools/web/configmap-x-a.yaml") {
		t.Errorf("diff:\n%s", d)
	}
	if d := changes[1].Diff; !strings.Contains(d, "+++ /dev/null") {
		t.Errorf("diff of a removal:\n%s", d)
	}
	if left := after.Diff(after); len(left) > 0 {
		t.Errorf("differs from itself: %v", left)
	}
}

func TestTree_DiffShowsNoSecretValues(t *testing.T) {
	secret := "{apiVersion: v1, kind: Secret, metadata: {name: a, namespace: x}, data: {same: c2FtZQ==, other: %}, stringData: {plain: letmein}}"
	before, after := treeOf(t, strings.ReplaceAll(secret, "%", "b25l")), treeOf(t, strings.ReplaceAll(secret, "%", "dHdv"))
	for _, changes := range [][]Change{after.Diff(before), after.Diff(Tree{}), (Tree{}).Diff(after)} {
		d := changes[0].Diff
		for _, value := range []string{"c2FtZQ==", "b25l", "dHdv", "letmein"} {
			if strings.Contains(d, value) {
				t.Errorf("shows %s:\n%s", value, d)
			}
		}
	}
	if d := after.Diff(before)[0].Diff; !strings.Contains(d, "-  other: (hidden") || !strings.Contains(d, "\n   same: (hidden") {
		t.Errorf("diff:\n%s", d)
	}
}

func TestTree_ImagesOfContainersFlagsAndSteps(t *testing.T) {
	got := treeOf(t, `
apiVersion: batch/v1
kind: CronJob
metadata: {name: x, namespace: x}
spec:
  jobTemplate:
    spec:
      template:
        spec:
          initContainers: [{image: example.com/init:1}]
          containers:
            - image: example.com/main:1
              args: [--solver-image=example.com/solver:1, --executor-image, "example.com/executor:1", --image-pull-policy=Always]
---
apiVersion: steps.example.com/v1
kind: Steps
metadata: {name: x, namespace: x}
spec: {templates: [{container: {image: example.com/step:1}}, {script: {image: example.com/script:1}}]}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: x}
spec: {versions: [{schema: {containers: [{image: not-an-image}]}}]}
`).Images()
	want := []string{"example.com/executor:1", "example.com/init:1", "example.com/main:1", "example.com/script:1",
		"example.com/solver:1", "example.com/step:1"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestTree_ApplyOrderPutsWhatOthersNeedFirst(t *testing.T) {
	tree := renderDemo(t, demo(t))
	at := map[string]int{}
	for i, o := range tree.ApplyOrder() {
		if _, seen := at[o.GetKind()]; !seen {
			at[o.GetKind()] = i
		}
	}
	for _, pair := range [][2]string{{"Namespace", "CustomResourceDefinition"}, {"CustomResourceDefinition", "ConfigMap"},
		{"ConfigMap", "Deployment"}, {"Namespace", "Zone"}, {"CustomResourceDefinition", "Zone"}} {
		if at[pair[0]] > at[pair[1]] {
			t.Errorf("%s comes after %s", pair[0], pair[1])
		}
	}
}

func TestTree_UnitGivesItsFilesAndContents(t *testing.T) {
	tree := renderDemo(t, demo(t))
	stack := tree.Unit("stack")
	if len(stack.Files) != 2 || len(stack.Contents) != 2 {
		t.Errorf("stack has %v and %d contents", paths(stack), len(stack.Contents))
	}
	if applications := tree.Unit(""); len(applications.Files) != 9 {
		t.Errorf("applications: %v", paths(applications))
	}
}

func TestTree_WriteToReplacesWhatWasThere(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tree")
	if err := os.MkdirAll(filepath.Join(dir, "tools/gone"), 0o755); err != nil {
		t.Fatal(err)
	}
	tree := renderDemo(t, demo(t))
	for range 2 {
		if err := tree.WriteTo(dir); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "tools/gone")); !os.IsNotExist(err) {
		t.Errorf("an old folder is still there: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(dir), ".tree-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	read, err := ReadTree(os.DirFS(dir), tree)
	if err != nil || len(read.Diff(tree)) > 0 {
		t.Errorf("read back differs: %v, %v", err, read.Diff(tree))
	}
}

func TestReadTree_RefusesFilesThatNoTreeHas(t *testing.T) {
	for text, want := range map[string]string{
		"a: b": "tools/web/x.yaml:1: not a Kubernetes object",
		"{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Secret, metadata: {name: a}}, {apiVersion: v1, kind: Secret, metadata: {name: b}}]}": "holds 2 objects",
	} {
		_, err := ReadTree(fstest.MapFS{"tools/web/x.yaml": {Data: []byte(text)}, "README.md": {}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if tree, err := ReadTree(fstest.MapFS{}); err != nil || len(tree.Files) > 0 {
		t.Errorf("an empty directory: %v, %v", tree, err)
	}
}

// cachingSources has modules in directories that count as unchanging, and a cache.
type cachingSources struct {
	localSources
	modules, cache string
}

func (s cachingSources) RenderCacheDir() string { return s.cache }

func (s cachingSources) ModuleDir(_ context.Context, component, _ string) (string, error) {
	return filepath.Join(s.modules, component+"@v1.0.0"), nil
}

func TestRender_CacheGivesTheSameBytes(t *testing.T) {
	src := cachingSources{localSources{"testdata"}, t.TempDir(), t.TempDir()}
	for _, component := range []string{"net", "forge", "web"} {
		if err := os.CopyFS(filepath.Join(src.modules, component+"@v1.0.0"), os.DirFS(filepath.Join("testdata/modules", component))); err != nil {
			t.Fatal(err)
		}
	}
	want := renderDemo(t, demo(t))
	for _, run := range []string{"cold", "warm", "modules gone"} {
		if run == "modules gone" {
			if err := os.RemoveAll(src.modules); err != nil {
				t.Fatal(err)
			}
		}
		got, err := Render(context.Background(), demo(t), src, progress.Discard)
		if err != nil {
			t.Fatalf("%s: %v", run, err)
		}
		for _, c := range got.Diff(want) {
			t.Errorf("%s: %s %s\n%s", run, c.Kind, c.Path, c.Diff)
		}
	}
	files, err := os.ReadDir(src.cache)
	if err != nil || len(files) == 0 {
		t.Fatalf("the cache holds nothing: %v", err)
	}
	for _, f := range files { // a broken cache costs time and nothing else
		if filepath.Ext(f.Name()) == ".json" {
			if err := os.WriteFile(filepath.Join(src.cache, f.Name()), []byte("{"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := Render(context.Background(), demo(t), src, progress.Discard); err == nil {
		t.Error("rendered from a broken cache and missing modules")
	}
}
