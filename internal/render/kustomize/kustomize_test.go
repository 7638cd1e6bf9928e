package kustomize

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/render/manifest"
)

const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"

// write writes files below a new directory.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestBuild_ReadsBesideTheRootButNotOutside(t *testing.T) {
	dir := write(t, map[string]string{
		"in/web/kustomization.yaml":     "resources: [../shared, ../file.yaml]\nnamePrefix: x-\n",
		"in/shared/kustomization.yaml":  "resources: [c.yaml]\n",
		"in/shared/c.yaml":              strings.Replace(configMap, "name: a", "name: c", 1),
		"in/file.yaml":                  configMap,
		"in/escape/kustomization.yaml":  "resources: [../../secret.yaml]\n",
		"in/linked/kustomization.yaml":  "resources: [link.yaml]\n",
		"in/literal/kustomization.yaml": "secretGenerator: [{name: a, files: [../../secret.yaml]}]\n",
		"secret.yaml":                   configMap,
	})
	if err := os.Symlink("../../secret.yaml", filepath.Join(dir, "in/linked/link.yaml")); err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(dir, "in")
	objects, err := Build(root, filepath.Join(root, "web"), "web")
	if err != nil || len(objects) != 2 || objects[0].GetName() != "x-c" || objects[0].Source != "kustomize web" {
		t.Errorf("got %v, %v", objects, err)
	}
	for _, name := range []string{"escape", "linked", "literal"} {
		_, err := Build(root, filepath.Join(root, name), name)
		if err == nil || !strings.Contains(err.Error(), "outside the directory it may read") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestBuild_FetchesNothing(t *testing.T) {
	for name, text := range map[string]string{
		"https":     "resources: [https://example.com/a.yaml]",
		"git":       "resources: ['git@example.com:a/b.git']",
		"short":     "resources: [github.com/a/b]",
		"ref":       "resources: ['example.com/a/b?ref=v1']",
		"component": "components: [https://example.com/a]",
		"base":      "bases: [https://example.com/a]",
		"generator": "configMapGenerator: [{name: a, files: [k=https://example.com/a]}]",
		"patch":     "patches: [{path: https://example.com/a}]",
		"old patch": "patchesStrategicMerge: [https://example.com/a]",
		"transform": "transformers: [https://example.com/a]",
	} {
		dir := write(t, map[string]string{"kustomization.yaml": text})
		_, err := Build(dir, dir, "web")
		if err == nil || !strings.Contains(err.Error(), "kustomize web: kustomization.yaml names ") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestBuild_OldFieldNamesMeanWhatTheyMeant(t *testing.T) {
	dir := write(t, map[string]string{
		"old/kustomization.yaml":  "bases: [../base]\ncommonLabels: {app: web}\npatchesStrategicMerge: [patch.yaml, \"{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {inline: x}}\\n\"]\n",
		"old/patch.yaml":          "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {file: y}\n",
		"base/kustomization.yaml": "resources: [a.yaml]\n",
		"base/a.yaml":             configMap,
	})
	objects, err := Build(dir, filepath.Join(dir, "old"), "old")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{"name": "a", "labels": map[string]any{"app": "web"}},
		"data":     map[string]any{"inline": "x", "file": "y"}}
	if d := cmp.Diff(want, objects[0].Object); d != "" {
		t.Error(d)
	}
}

func TestBuild_RunsNoPlugins(t *testing.T) {
	for name, text := range map[string]string{
		"chart":    "helmCharts: [{name: a, repo: https://charts.example.com}]",
		"function": "generators: [\"apiVersion: v1\\nkind: X\\nmetadata: {name: a, annotations: {config.kubernetes.io/function: 'exec: {path: /bin/true}'}}\\n\"]",
	} {
		dir := write(t, map[string]string{"kustomization.yaml": text})
		if _, err := Build(dir, dir, "web"); err == nil {
			t.Errorf("%s: ran", name)
		}
	}
}

func objectsOf(t *testing.T, text string) []manifest.Object {
	t.Helper()
	objects, err := manifest.Decode("x.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 1
  template: {spec: {containers: [{name: web, image: a, env: [{name: A, value: "1"}]}, {name: side, image: b}]}}
`

func TestPatch_MergesByKubernetesRules(t *testing.T) {
	patched, err := Patch(objectsOf(t, deployment), `
metadata: {labels: {a: b}}
spec: {replicas: null, template: {spec: {containers: [{name: web, env: [{name: B, value: "2"}]}, {name: side, $patch: delete}]}}}`)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"apiVersion": "apps/v1", "kind": "Deployment",
		"metadata": map[string]any{"name": "web", "namespace": "shop", "labels": map[string]any{"a": "b"}},
		"spec": map[string]any{"template": map[string]any{"spec": map[string]any{"containers": []any{
			map[string]any{"name": "web", "image": "a", "env": []any{
				map[string]any{"name": "B", "value": "2"}, map[string]any{"name": "A", "value": "1"}}}}}}}}
	if d := cmp.Diff(want, patched[0].Object); d != "" {
		t.Error(d)
	}
	if patched[0].Source != "x.yaml:2" {
		t.Errorf("source %s", patched[0].Source)
	}
}

func TestPatch_ListIsAJSONPatchAndDeleteRemoves(t *testing.T) {
	patched, err := Patch(objectsOf(t, deployment), `[{op: replace, path: /spec/replicas, value: 3}]`)
	if err != nil || patched[0].Object["spec"].(map[string]any)["replicas"] != int64(3) {
		t.Errorf("got %v, %v", patched, err)
	}
	patched, err = Patch(objectsOf(t, deployment), `$patch: delete`)
	if err != nil || len(patched) != 0 {
		t.Errorf("got %v, %v", patched, err)
	}
	if _, err := Patch(objectsOf(t, deployment), `[{op: remove, path: /spec/gone}]`); err == nil || !strings.Contains(err.Error(), "patch Deployment web: ") {
		t.Errorf("got %v", err)
	}
}

func TestMatcher_FieldsAreAnchoredExpressions(t *testing.T) {
	o := objectsOf(t, deployment)[0]
	for _, test := range []struct {
		target v1alpha1.Target
		want   bool
	}{
		{v1alpha1.Target{}, true},
		{v1alpha1.Target{Kind: "Deploy"}, false},
		{v1alpha1.Target{Kind: "Deploy.*|StatefulSet", Name: "we[bc]"}, true},
		{v1alpha1.Target{Group: "apps", Version: "v1", Namespace: "shop"}, true},
		{v1alpha1.Target{Group: "batch"}, false},
		{v1alpha1.Target{Namespace: "sho"}, false},
	} {
		m, err := NewMatcher(test.target)
		if err != nil || m.Match(o) != test.want {
			t.Errorf("%+v: %v", test.target, err)
		}
	}
	if _, err := NewMatcher(v1alpha1.Target{Kind: "("}); err == nil {
		t.Error("took a broken expression")
	}
}
