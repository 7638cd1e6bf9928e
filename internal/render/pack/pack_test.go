package pack

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-dev/slipway/internal/expr"
)

const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %}\ndata: {host: \"${platform.domain}\"}\n"

func named(name string) string { return strings.ReplaceAll(configMap, "%", name) }

// folder writes files and gives the folder "pkg" among them.
func folder(t testing.TB, files map[string]string) string {
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
	return filepath.Join(dir, "pkg")
}

func options(dir string) Options {
	return Options{Name: "web", Dir: dir, Namespace: "web", ApplicationNamespace: "engine",
		RepositoryURL: func(name string) (string, error) { return "https://git.example.com/slipway/" + name + ".git", nil }}
}

func names(p Package) []string {
	var out []string
	for _, o := range p.Objects {
		out = append(out, strings.TrimPrefix(o.GetNamespace()+"/"+o.GetName(), "/"))
	}
	return out
}

func app(name, url string) string {
	return "apiVersion: engine.example.com/v1\nkind: App\nmetadata: {name: " + name + "}\nspec: {source: {repoURL: \"" + url + "\"}}\n"
}

func TestRead_KindIsFoundByLooking(t *testing.T) {
	for name, test := range map[string]struct {
		files map[string]string
		kind  Kind
		names []string
	}{
		"chart": {map[string]string{"pkg/Chart.yaml": "{apiVersion: v2, name: c, version: 1.0.0}", "pkg/templates/a.yaml": named("{{ .Release.Name }}")},
			Helm, []string{"web"}},
		"kustomization": {map[string]string{"pkg/kustomization.yml": "resources: [a.yaml]", "pkg/a.yaml": named("a"), "pkg/values.yaml": "a: b"},
			Kustomize, []string{"a"}},
		"plain with folders": {map[string]string{"pkg/b.yml": named("b"), "pkg/sub/deep/a.json": `{"apiVersion": "v1", "kind": "A", "metadata": {"name": "a"}}`,
			"pkg/README.md": "x", "pkg/.hidden.yaml": "a: b", "pkg/.git/x.yaml": "a: b"},
			Plain, []string{"b", "a"}},
		"cnoe": {map[string]string{"pkg/app.yaml": app("a", "cnoe://manifests"), "pkg/manifests/cm.yaml": named("cm"), "pkg/notes.yaml": "a: b",
			"pkg/other.yaml": named("other")},
			CNOE, []string{"engine/a"}},
		"cnoe without local content": {map[string]string{"pkg/app.yaml": app("a", "https://git.example.com/x.git"), "pkg/x/values.yaml": "a: b"},
			CNOE, []string{"engine/a"}},
	} {
		p, err := Read(options(folder(t, test.files)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if p.Kind != test.kind {
			t.Errorf("%s: is %s", name, p.Kind)
		}
		if d := cmp.Diff(test.names, names(p)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestRead_ExpressionsOnlyWhereAskedFor(t *testing.T) {
	dir := folder(t, map[string]string{"pkg/a.yaml": named("a")})
	scope, err := expr.New(map[string]any{"platform": map[string]any{"domain": "demo.localhost"}})
	if err != nil {
		t.Fatal(err)
	}
	for want, s := range map[string]*expr.Scope{"${platform.domain}": nil, "demo.localhost": scope} {
		o := options(dir)
		o.Scope = s
		p, err := Read(o)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Objects[0].Object["data"].(map[string]any)["host"]; got != want {
			t.Errorf("got %v, want %s", got, want)
		}
	}
}

func TestRead_WhatIsLeftOutOfACNOEPackageIsNamed(t *testing.T) {
	p, err := Read(options(folder(t, map[string]string{"pkg/app.yaml": app("a", "cnoe://"), "pkg/notes.yaml": "a: b", "pkg/cm.yaml": named("cm")})))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"cm.yaml:1: ConfigMap cm refers to no repository", "notes.yaml:1: not a Kubernetes object: it has no apiVersion"}
	if d := cmp.Diff(want, p.Skipped); d != "" {
		t.Error(d)
	}
}

func TestRead_ContentsOfSameNameDoNotMeet(t *testing.T) {
	dir := folder(t, map[string]string{
		"pkg/app.yaml":      app("a", "cnoe://x/manifests") + "---\n" + app("b", "cnoe://x-manifests") + "---\n" + app("c", "cnoe://../shared"),
		"pkg/x/manifests/a": "", "pkg/x-manifests/a": "", "shared/a": "",
	})
	p, err := Read(options(dir))
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Contents) != 3 {
		t.Errorf("contents %v", p.Contents)
	}
	for repository, content := range p.Contents {
		if _, err := os.Stat(content); err != nil {
			t.Errorf("%s: %v", repository, err)
		}
	}
	all := map[string]string{}
	for _, pkg := range []string{"a", "a-b", "b"} {
		for _, path := range []string{".", "..", "b", "B", "b-c", "b/c", "c", "git", strings.Repeat("x", 80), strings.Repeat("x", 81), "ä", "ö"} {
			name := RepositoryName(pkg, path)
			if by, met := all[name]; met {
				t.Errorf("%s %s and %s have the repository %s", pkg, path, by, name)
			}
			all[name] = pkg + " " + path
			if len(name) > 100 || strings.HasSuffix(name, ".git") {
				t.Errorf("repository %s", name)
			}
		}
	}
}

func TestRead_ErrorsSayWhere(t *testing.T) {
	for name, test := range map[string]struct {
		files map[string]string
		want  string
	}{
		"no objects":        {map[string]string{"pkg/README.md": "x"}, "holds no Kubernetes objects"},
		"values":            {map[string]string{"pkg/sub/values.yaml": "# c\na: b"}, "package web: sub/values.yaml:2: not a Kubernetes object"},
		"broken":            {map[string]string{"pkg/a.yaml": "a: b: c"}, "package web: a.yaml:1: "},
		"broken beside app": {map[string]string{"pkg/a.yaml": "a: b: c", "pkg/app.yaml": app("a", "cnoe://.")}, "package web: a.yaml:1: "},
		"content":           {map[string]string{"pkg/app.yaml": app("a", "cnoe://gone")}, "app.yaml:1: App a: spec.source.repoURL: cnoe://gone: there is no directory"},
		"content is a file": {map[string]string{"pkg/app.yaml": app("a", "cnoe://app.yaml")}, "there is no directory"},
		"content outside":   {map[string]string{"pkg/app.yaml": app("a", "cnoe://../..")}, "lies outside"},
		"remote base":       {map[string]string{"pkg/kustomization.yaml": "resources: [https://example.com/a]"}, "remote resources are not fetched"},
	} {
		if _, err := Read(options(folder(t, test.files))); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %s", name, err, test.want)
		}
	}
	if _, err := Read(options(filepath.Join(folder(t, map[string]string{"pkg/a.yaml": ""}), "a.yaml"))); err == nil || !strings.Contains(err.Error(), "is a file") {
		t.Errorf("a file: %v", err)
	}
}

func TestRead_LinksOutOfThePackagesRepositoryAreRefused(t *testing.T) {
	dir := folder(t, map[string]string{"pkg/a.yaml": named("a"), "pkg/.git/HEAD": "", "secret": "x", "pkg/manifests/b": "", "pkg/app.yaml": app("a", "cnoe://manifests")})
	if err := os.Symlink("../../secret", filepath.Join(dir, "manifests/link")); err != nil {
		t.Fatal(err)
	}
	if _, err := ContentFiles(filepath.Join(dir, "manifests")); err == nil || !strings.Contains(err.Error(), "lies outside") {
		t.Errorf("content: %v", err)
	}
	if _, err := Read(options(dir)); err == nil || !strings.Contains(err.Error(), "lies outside") {
		t.Errorf("package: %v", err)
	}
}

func TestRead_NoGitServerIsAnError(t *testing.T) {
	o := options(folder(t, map[string]string{"pkg/app.yaml": app("a", "cnoe://.")}))
	o.RepositoryURL = func(string) (string, error) { return "", errors.New("no Git server") }
	if _, err := Read(o); err == nil || !strings.Contains(err.Error(), "no Git server") {
		t.Errorf("got %v", err)
	}
}

func TestFiles_ListsThePackageAndItsContentBesideIt(t *testing.T) {
	dir := folder(t, map[string]string{"pkg/app.yaml": app("a", "cnoe://../shared") + "---\n" + app("b", "cnoe://gone"),
		"pkg/broken.yaml": "a: b: c", "pkg/sub/x": "", "shared/y": "", "other/z": "", "pkg/.hidden": ""})
	files, err := Files(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range files {
		rel, err := filepath.Rel(filepath.Dir(dir), f)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, rel)
	}
	if d := cmp.Diff([]string{"pkg/app.yaml", "pkg/broken.yaml", "pkg/sub/x", "shared/y"}, got); d != "" {
		t.Error(d)
	}
}

// FuzzRead reads one file of any name and text: an error that names the package, or objects that
// can be delivered; never a panic.
func FuzzRead(f *testing.F) {
	for _, name := range []string{"a.yaml", "kustomization.yaml", "Chart.yaml", "a.json", "Kustomization"} {
		f.Add(name, named("a"))
		f.Add(name, app("a", "cnoe://."))
		f.Add(name, "resources: [a.yaml]\nnamePrefix: x\n")
		f.Add(name, "apiVersion: v2\nname: a\nversion: 1.0.0\n")
	}
	f.Fuzz(func(t *testing.T, name, text string) {
		if name == "" || filepath.Base(name) != name || name[0] == '.' || strings.ContainsRune(name, 0) || len(name) > 100 {
			t.Skip("no file can have this name")
		}
		p, err := Read(options(folder(t, map[string]string{"pkg/" + name: text})))
		if err != nil {
			if !strings.HasPrefix(err.Error(), "package web: ") {
				t.Errorf("the error names no package: %v", err)
			}
			return
		}
		for _, o := range p.Objects {
			if o.GetKind() == "" || o.GetName() == "" || o.GetAPIVersion() == "" {
				t.Errorf("an object without identity: %v", o.Object)
			}
		}
	})
}
