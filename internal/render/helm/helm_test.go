package helm

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-dev/slipway/internal/fault"
)

// write writes a chart's files and gives its directory.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	if _, ok := files["Chart.yaml"]; !ok {
		files["Chart.yaml"] = "{apiVersion: v2, name: web, version: 1.0.0}"
	}
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

func TestRender_RandomOutputNamesTheObject(t *testing.T) {
	dir := write(t, map[string]string{"templates/a.yaml": `
{apiVersion: v1, kind: Secret, metadata: {name: fixed, namespace: web}}
---
{apiVersion: v1, kind: Secret, metadata: {name: admin, namespace: web}, stringData: {password: {{ randAlphaNum 20 }}}}`})
	_, err := Render(Release{Dir: dir, Name: "web", Label: "web"})
	var unstable *UnstableError
	if !errors.As(err, &unstable) {
		t.Fatalf("got %v", err)
	}
	if d := cmp.Diff([]string{"Secret web/admin"}, unstable.Objects); d != "" {
		t.Error(d)
	}
	if hint, _ := fault.Of(err); hint == "" {
		t.Error("no hint")
	}
}

func TestRender_HooksOfInstallationAreObjectsAndOthersAreNot(t *testing.T) {
	dir := write(t, map[string]string{"templates/a.yaml": `
{{- range $hook := list "pre-install" "post-install,post-upgrade" "pre-upgrade" "pre-delete" "post-rollback" "test" "test-success,pre-install" }}
---
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ $hook | replace "," "." }}
  annotations: {helm.sh/hook: "{{ $hook }}", helm.sh/hook-weight: "1", kept: "yes"}
{{- end }}`})
	objects, err := Render(Release{Dir: dir, Name: "web"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range objects {
		got = append(got, o.GetName())
		if d := cmp.Diff(map[string]string{"kept": "yes"}, o.GetAnnotations()); d != "" {
			t.Errorf("%s: %s", o.GetName(), d)
		}
	}
	if d := cmp.Diff([]string{"pre-install", "post-install.post-upgrade"}, got); d != "" {
		t.Error(d)
	}
}

func TestRender_ErrorsNameTheChartAndThePlace(t *testing.T) {
	for name, test := range map[string]struct {
		files map[string]string
		want  string
	}{
		"template":   {map[string]string{"templates/a.yaml": "a: {{ .Values.b | required \"b is needed\" }}"}, "b is needed"},
		"output":     {map[string]string{"templates/a.yaml": "{{/* */}}\na: b: c"}, "chart web: templates/a.yaml (rendered):"},
		"no object":  {map[string]string{"templates/a.yaml": "a: b"}, "not a Kubernetes object"},
		"schema":     {map[string]string{"values.schema.json": `{"required": ["port"]}`, "templates/a.yaml": ""}, "port"},
		"kubernetes": {map[string]string{"Chart.yaml": "{apiVersion: v2, name: web, version: 1.0.0, kubeVersion: <1.20.0}"}, "needs Kubernetes <1.20.0, the platform has v1.34.3"},
		"dependency": {map[string]string{"Chart.yaml": "{apiVersion: v2, name: web, version: 1.0.0, dependencies: [{name: db, version: 1.0.0, repository: https://charts.example.com}]}"}, "lacks the dependencies db"},
		"no chart":   {map[string]string{"Chart.yaml": ""}, "chart web: load: "},
	} {
		_, err := Render(Release{Dir: write(t, test.files), Name: "web", Label: "web"})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %s", name, err, test.want)
		}
	}
}

func TestRender_DependenciesInChartsFolderAreRendered(t *testing.T) {
	dir := write(t, map[string]string{
		"Chart.yaml":                  "{apiVersion: v2, name: web, version: 1.0.0, dependencies: [{name: db, version: 1.0.0, repository: https://charts.example.com, condition: db.enabled}]}",
		"charts/db/Chart.yaml":        "{apiVersion: v2, name: db, version: 1.0.0}",
		"charts/db/templates/db.yaml": "{apiVersion: v1, kind: ConfigMap, metadata: {name: db-{{ .Values.size }}}}",
		"charts/db/values.yaml":       "size: small",
		"templates/web.yaml":          "{apiVersion: v1, kind: ConfigMap, metadata: {name: web}}",
		"templates/_helpers.tpl":      "{{- define \"x\" -}}x{{- end -}}",
		"templates/NOTES.txt":         "Thank you.",
	})
	for size, values := range map[string]map[string]any{"large": {"db": map[string]any{"enabled": true, "size": "large"}}, "": {"db": map[string]any{"enabled": false}}} {
		objects, err := Render(Release{Dir: dir, Name: "web", Values: values})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, o := range objects {
			got += o.GetName() + " "
		}
		want := "web "
		if size != "" {
			want = "db-large web "
		}
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestRender_ValuesAreNotChanged(t *testing.T) {
	dir := write(t, map[string]string{"values.yaml": "a: {b: 1, c: 2}", "templates/a.yaml": "{apiVersion: v1, kind: A, metadata: {name: a}}"})
	values := map[string]any{"a": map[string]any{"b": 3}}
	if _, err := Render(Release{Dir: dir, Name: "web", Values: values}); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[string]any{"a": map[string]any{"b": 3}}, values); d != "" {
		t.Error(d)
	}
}
