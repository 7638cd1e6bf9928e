package actions

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-dev/slipway/internal/scaffold"
)

// rig runs templates with the actions of this package, in memory.
type rig struct {
	*scaffold.Runner
	store     *scaffold.MemoryStore
	source    MemorySource
	catalogue *MemoryCatalogue
	cluster   *MemoryCluster
	slept     []time.Duration
	told      []Notification
	log       []string
}

// told notes what people are told.
type told struct{ to *[]Notification }

func (n told) Notify(_ context.Context, what Notification) error {
	*n.to = append(*n.to, what)
	return nil
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{store: scaffold.NewMemoryStore(), source: MemorySource{}, catalogue: &MemoryCatalogue{Read: func(string) ([]map[string]any, error) { return nil, ErrNoEntity }},
		cluster: &MemoryCluster{Name: "local"}}
	all := append(Fetch(r.source), Files()...)
	all = append(all, Wait(func(_ context.Context, d time.Duration) error { r.slept = append(r.slept, d); return nil })...)
	all = append(all, Catalog(r.catalogue)...)
	all = append(all, Kubernetes(r.cluster)...)
	all = append(all, Notify(told{&r.told})...)
	registry, err := scaffold.NewRegistry(all...)
	if err != nil {
		t.Fatal(err)
	}
	r.Runner = &scaffold.Runner{Registry: registry, Store: r.store, Now: func() time.Time { return time.Unix(0, 0).UTC() },
		Report: func(e scaffold.Event) {
			if e.Kind == "log" {
				r.log = append(r.log, e.Text)
			}
		}}
	return r
}

const head = "apiVersion: scaffolder.backstage.io/v1beta3\nkind: Template\nmetadata: {name: t}\nspec:\n  type: service\n"

// run runs the steps of a template that stands among files.
func (r *rig) run(t *testing.T, files fstest.MapFS, text string, values map[string]any) (*scaffold.Run, map[string]string) {
	t.Helper()
	if files == nil {
		files = fstest.MapFS{}
	}
	files["here/template.yaml"] = &fstest.MapFile{Data: []byte(head + text)}
	template, err := scaffold.Load(files, "here/template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	run, err := r.New(context.Background(), scaffold.Request{ID: "run", Template: template, Values: values, User: scaffold.User{Ref: "user:default/ada"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Execute(context.Background(), run, template, nil); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	if run.Snapshot > 0 {
		saved, err := r.store.Files(context.Background(), run.ID, run.Snapshot)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range saved {
			mark := ""
			if f.Executable {
				mark = "*"
			}
			out[f.Path+mark] = string(f.Data)
		}
	}
	return run, out
}

func sampleSkeleton() fstest.MapFS {
	return fstest.MapFS{
		"here/skeleton/README.md":                            {Data: []byte("# ${{ values.name | upper }}\n")},
		"here/skeleton/${{ values.name }}/main.txt":          {Data: []byte("{% if values.on %}on{% endif %}")},
		"here/skeleton/run.sh":                               {Data: []byte("echo ${{ values.name }}"), Mode: 0o755},
		"here/skeleton/logo.png":                             {Data: []byte("\x89PNG\x00${{ values.name }}")},
		"here/skeleton/latin.txt":                            {Data: []byte("\xe9 ${{ values.name }}")},
		"here/skeleton/raw/keep-${{ values.name }}.js":       {Data: []byte("`${{ not a template }`")},
		"here/skeleton/{% if values.on %}extra{% endif %}/x": {Data: []byte("x")},
		"here/skeleton/{% if values.off %}gone{% endif %}/y": {Data: []byte("y")},
		"here/skeleton/{% if values.off %}z{% endif %}":      {Data: []byte("z")},
	}
}

func TestFetchTemplate(t *testing.T) {
	r := newRig(t)
	run, got := r.run(t, sampleSkeleton(), `  steps:
    - action: fetch:template
      input:
        url: ./skeleton
        targetPath: out
        copyWithoutTemplating: [raw]
        values: {name: shop, on: true}
`, nil)
	if run.Error != "" {
		t.Fatal(run.Error)
	}
	want := map[string]string{
		"out/README.md": "# SHOP\n", "out/shop/main.txt": "on", "out/run.sh*": "echo shop",
		"out/logo.png": "\x89PNG\x00${{ values.name }}", "out/latin.txt": "\xe9 ${{ values.name }}",
		"out/raw/keep-shop.js": "`${{ not a template }`", "out/extra/x": "x",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestFetchTemplate_Variants(t *testing.T) {
	for name, tc := range map[string]struct {
		files fstest.MapFS
		input string
		want  map[string]string
	}{
		"copyWithoutRender leaves names too": {fstest.MapFS{"here/s/a/${{ values.n }}": {Data: []byte("${{ values.n }}")}, "here/s/b.hbs": {Data: []byte("${{ values.n }}")}, "here/s/c": {Data: []byte("${{ values.n }}")}},
			"copyWithoutRender: ['a/**', '*.hbs']", map[string]string{"a/${{ values.n }}": "${{ values.n }}", "b.hbs": "${{ values.n }}", "c": "N"}},
		"patterns can take out again": {fstest.MapFS{"here/s/a.md": {Data: []byte("${{ values.n }}")}, "here/s/b.md": {Data: []byte("${{ values.n }}")}},
			"copyWithoutTemplating: ['*.md', '!b.md']", map[string]string{"a.md": "${{ values.n }}", "b.md": "N"}},
		"only files with the extension": {fstest.MapFS{"here/s/${{ values.n }}.txt": {Data: []byte("${{ values.n }}")}, "here/s/x.yaml.njk": {Data: []byte("${{ values.n }}")}, "here/s/.ignore.njk": {Data: []byte("b")}},
			"templateFileExtension: true", map[string]string{"N.txt": "${{ values.n }}", "x.yaml": "N", ".ignore": "b"}},
		"another extension": {fstest.MapFS{"here/s/x.tpl": {Data: []byte("${{ values.n }}")}}, "templateFileExtension: tpl", map[string]string{"x": "N"}},
		"cookiecutter": {fstest.MapFS{"here/s/{{cookiecutter.n}}/x": {Data: []byte("{{ cookiecutter.n }} ${{ values.n }} {{ cookiecutter | jsonify }} {% if cookiecutter.n == 'N' and True %}y{% endif %}")}},
			"cookiecutterCompat: true", map[string]string{"N/x": `N $ {"n":"N"} y`}},
		"blocks": {fstest.MapFS{"here/s/x": {Data: []byte("a\n  {% if true %}\n  b\n  {% endif %}\nc")}},
			"trimBlocks: true\n        lstripBlocks: true", map[string]string{"x": "a\n  b\nc"}},
	} {
		t.Run(name, func(t *testing.T) {
			run, got := newRig(t).run(t, tc.files, "  steps:\n    - action: fetch:template\n      input:\n        url: ./s\n        "+tc.input+"\n        values: {n: N}\n", nil)
			if diff := cmp.Diff(tc.want, got); diff != "" || run.Error != "" {
				t.Error(run.Error, diff)
			}
		})
	}
}

func TestFetch_KeepsOrReplacesFiles(t *testing.T) {
	files := fstest.MapFS{"here/a/x": {Data: []byte("first")}, "here/b/x": {Data: []byte("second")}, "shared/y": {Data: []byte("shared")}}
	r := newRig(t)
	r.source["https://git.local/o/r/src/branch/main/more"] = fstest.MapFS{"z": {Data: []byte("far")}}
	run, got := r.run(t, files, `  steps:
    - {action: fetch:plain, input: {url: a}}
    - {action: fetch:template, input: {url: ./b}}
    - {action: debug:log, input: {listWorkspace: with-contents, message: hello}}
    - {action: fetch:template, input: {url: ./b, replace: true}}
    - {action: fetch:plain, input: {url: ../shared, targetPath: ./deep/er}}
    - {action: fetch:plain, input: {url: https://git.local/o/r/src/branch/main/more/}}
    - {action: fetch:plain:file, input: {url: https://git.local/o/r/src/branch/main/more/z, targetPath: zz}}
    - {action: fetch:plain:file, input: {url: a/x, targetPath: ./one/file}}
`, nil)
	want := map[string]string{"x": "second", "deep/er/y": "shared", "z": "far", "zz": "far", "one/file": "first"}
	if diff := cmp.Diff(want, got); diff != "" || run.Error != "" {
		t.Error(run.Error, diff)
	}
	if log := strings.Join(r.log, "\n"); !strings.Contains(log, "Workspace:\n  - x:\nfirst") || !strings.Contains(log, "hello") {
		t.Errorf("%s", log)
	}
}

// What a template, or a value in it, names cannot lead out of the workspace, nor out of the repository.
func TestFetch_StaysInside(t *testing.T) {
	for _, tc := range []struct{ input, want string }{
		{"{action: fetch:template, input: {url: ./s, targetPath: ../out}}", `the path "../out/plain" leads out of the workspace`},
		{"{action: fetch:template, input: {url: ./s, targetPath: /etc}}", `the path "/etc/plain" is absolute`},
		{"{action: fetch:template, input: {url: ./evil, values: {n: ../../x}}}", `the path "../../x" leads out of the workspace`},
		{"{action: fetch:template, input: {url: ./evil, values: {n: a/../../x}, targetPath: deep}}", `the path "a/../../x" leads out of the workspace`},
		{"{action: fetch:plain, input: {url: '${{ parameters.up }}'}}", `"../../etc" leads out of the template's repository`},
		{"{action: fetch:plain:file, input: {url: ../../etc/passwd, targetPath: x}}", `"../../etc/passwd" leads out of the template's repository`},
		{"{action: fetch:plain:file, input: {url: /etc/passwd, targetPath: x}}", `"/etc/passwd" is neither relative to the template nor an absolute URL`},
		{"{action: fetch:plain, input: {url: https://elsewhere.local/x}}", "https://elsewhere.local/x: file does not exist"},
		{"{action: roadiehq:utils:fs:write, input: {path: ../x, content: x}}", `leads out of the workspace`},
		{"{action: catalog:write, input: {filePath: ../x, entity: {}}}", `leads out of the workspace`},
		{"{action: fs:delete, input: {files: [../x]}}", `leads out of the workspace`},
		{"{action: kubernetes:apply, input: {manifestPath: ../../etc/passwd}}", `leads out of the workspace`},
	} {
		files := fstest.MapFS{"here/s/plain": {Data: []byte("x")}, "here/evil/${{ values.n }}": {Data: []byte("x")}}
		run, _ := newRig(t).run(t, files, "  parameters: {properties: {up: {type: string, default: ../../etc}}}\n  steps:\n    - "+tc.input+"\n", nil)
		if run.Phase != scaffold.Failed || !strings.Contains(run.Error, tc.want) {
			t.Errorf("%s: %s %q", tc.input, run.Phase, run.Error)
		}
	}
}

func TestFetchTemplate_MistakesAreFoundAtRegistration(t *testing.T) {
	files := fstest.MapFS{
		"here/skeleton/a.txt":                     {Data: []byte("ok ${{ values.name }}\n${{ values.nmae | uper }}\n${{ parameters.name }} ${{ x is evn }}")},
		"here/skeleton/b.txt":                     {Data: []byte("\n{% if values.name %}")},
		"here/skeleton/${{ values.name | lowr }}": {},
		"here/skeleton/raw/c.txt":                 {Data: []byte("${{ nothing | here }} {% x")},
		"here/skeleton/d.bin":                     {Data: []byte("\x00${{ 1 | nope }}")},
		"here/template.yaml": {Data: []byte(head + `  steps:
    - action: fetch:template
      input: {url: ./skeleton, values: {name: x}, copyWithoutTemplating: [raw/**]}
    - action: fetch:template
      input: {url: ./skeletn}
    - action: fetch:template
      input: {url: ../../x}
    - action: fetch:template
      input: {url: skeleton/b.txt}
    - action: fetch:template
      input: {url: ./skeleton, copyWithoutRender: [a], copyWithoutTemplating: [b]}
    - action: fetch:template
      input: {url: ./skeleton, copyWithoutRender: ["["]}
    - action: fetch:template
      input: {url: "https://git.local/x"}
`)},
	}
	template, err := scaffold.Load(files, "here/template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range newRig(t).Registry.Check(template) {
		got = append(got, f.String())
	}
	want := []string{
		`here/skeleton/${{ values.name | lowr }}: the file's name: no filter is called "lowr"; did you mean "lower"?`,
		`here/skeleton/a.txt:2:19: no filter is called "uper"; did you mean "upper"?`,
		`here/skeleton/a.txt:3:33: no test is called "evn"; did you mean "even"?`,
		`here/skeleton/b.txt:2:21: the template ends here, but {% elif %} or {% elseif %} or {% else %} or {% endif %} is missing`,
		`here/template.yaml:10:20: spec.steps[1].input.url: there is no folder ./skeletn beside the template; did you mean "skeleton"?`,
		`here/template.yaml:12:20: spec.steps[2].input.url: "../../x" leads out of the template's repository`,
		`here/template.yaml:14:20: spec.steps[3].input.url: here/skeleton/b.txt is a file, not a folder`,
		`here/template.yaml:16:14: spec.steps[4].input: copyWithoutRender and copyWithoutTemplating cannot be used together`,
		`here/template.yaml:18:14: spec.steps[5].input: "[" is not a pattern of paths`,
		`here/skeleton/a.txt:2:5: warning: the step gives no value "nmae"; did you mean "name"?`,
		`here/skeleton/a.txt:3:5: warning: "parameters" is not known in a skeleton, only "values" is, from the step's input`,
		`here/skeleton/a.txt:3:28: warning: "x" is not known in a skeleton, only "values" is, from the step's input`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestFiles(t *testing.T) {
	r := newRig(t)
	run, got := r.run(t, nil, `  steps:
    - {action: roadiehq:utils:fs:write, input: {path: a/one.txt, content: one}}
    - {action: roadiehq:utils:fs:write, input: {path: a/data.json, content: '{"b":[1,{"c":null}]}', preserveFormatting: true}}
    - {action: roadiehq:utils:fs:append, input: {path: a/one.txt, content: " and more"}}
    - {action: roadiehq:utils:fs:append, input: {path: new.txt, content: new}}
    - {action: fs:rename, input: {files: [{from: a, to: b/c}, {from: new.txt, to: b/c/one.md}]}}
    - {action: roadiehq:utils:fs:replace, input: {files: [{file: "b/**/*.txt", find: "one", replaceWith: "$1"}, {file: b/c/one.txt, find: "m(o)re", matchRegex: true, replaceWith: "l${1}ss"}]}}
    - {action: fs:delete, input: {files: [b/c/one.md, nothing, "*.none"]}}
    - {id: parsed, action: roadiehq:utils:fs:parse, input: {path: b/c/data.json, parser: json}}
    - {id: text, action: roadiehq:utils:fs:parse, input: {path: b/c/one.txt}}
    - {id: dir, action: fs:readdir, input: {paths: [b], recursive: true}}
    - {id: yaml, action: "roadiehq:utils:serialize:yaml", input: {data: {z: 1, a: {list: [x, 2.5, true], text: "multi\nline", nothing: null}}}}
    - {id: json, action: "roadiehq:utils:serialize:json", input: {data: {a: "<b>", n: 10000000000}}}
    - {id: clean, action: "cnoe:utils:sanitize", input: {document: "${{ steps.yaml.output.serialized }}empty: {deep: {list: [null, {}]}}\nkeep: [0, '', false]\n"}}
    - {action: catalog:write, input: {entity: {kind: Component, metadata: {name: x}}}}
  output: {b: "${{ steps.parsed.output.content.b }}", text: "${{ steps.text.output.content }}", files: "${{ steps.dir.output.files | join(',', 'path') }}",
    folders: "${{ steps.dir.output.folders | join(',', 'path') }}", yaml: "${{ steps.yaml.output.serialized }}", json: "${{ steps.json.output.serialized }}", clean: "${{ steps.clean.output.sanitized }}"}
`, nil)
	if run.Error != "" {
		t.Fatal(run.Error)
	}
	if diff := cmp.Diff(map[string]string{"b/c/one.txt": "$1 and loss", "b/c/data.json": "{\n  \"b\": [\n    1,\n    {\n      \"c\": null\n    }\n  ]\n}",
		"catalog-info.yaml": "kind: Component\nmetadata:\n  name: x\n"}, got); diff != "" {
		t.Error(diff)
	}
	want := map[string]any{"b": []any{int64(1), map[string]any{"c": nil}}, "text": "$1 and loss", "files": "b/c/data.json,b/c/one.txt", "folders": "b/c",
		"yaml":  "a:\n  list:\n    - x\n    - 2.5\n    - true\n  nothing: null\n  text: |-\n    multi\n    line\nz: 1\n",
		"json":  `{"a":"<b>","n":10000000000}`,
		"clean": "a:\n  list:\n    - x\n    - 2.5\n    - true\n  text: |-\n    multi\n    line\nkeep:\n  - 0\n  - \"\"\n  - false\nz: 1\n"}
	if diff := cmp.Diff(want, run.Output); diff != "" {
		t.Error(diff)
	}
}

func TestWait(t *testing.T) {
	r := newRig(t)
	run, _ := r.run(t, nil, "  steps:\n    - {action: debug:wait, input: {minutes: 1, seconds: 0.5, milliseconds: 250}}\n    - {action: roadiehq:utils:sleep, input: {amount: 5}}\n", nil)
	if diff := cmp.Diff([]time.Duration{60*time.Second + 750*time.Millisecond, 5 * time.Second}, r.slept); diff != "" || run.Error != "" {
		t.Error(run.Error, diff)
	}
	for _, input := range []string{"{minutes: 11}", "{seconds: -1}", "{seconds: 1e300}"} {
		if run, _ := newRig(t).run(t, nil, "  steps:\n    - {action: debug:wait, input: "+input+"}\n", nil); run.Phase != scaffold.Failed {
			t.Errorf("%s: %s", input, run.Phase)
		}
	}
}

func TestCatalog(t *testing.T) {
	r := newRig(t)
	r.catalogue.Read = func(address string) ([]map[string]any, error) {
		if address != "https://git.local/t/a/src/branch/main/catalog-info.yaml" {
			return nil, fmt.Errorf("%s: %w", address, ErrNoEntity)
		}
		return []map[string]any{{"kind": "System", "metadata": map[string]any{"name": "sys"}}, {"kind": "Component", "metadata": map[string]any{"name": "Shop", "namespace": "Team"}}}, nil
	}
	run, _ := r.run(t, nil, `  steps:
    - {id: reg, action: catalog:register, input: {repoContentsUrl: https://git.local/t/a/src/branch/main/, catalogInfoPath: /catalog-info.yaml}}
    - {action: catalog:register, input: {catalogInfoUrl: https://git.local/t/a/src/branch/main/catalog-info.yaml, optional: true}}
    - {action: catalog:register, input: {catalogInfoUrl: https://git.local/none.yaml, optional: true}}
    - {id: one, action: catalog:fetch, input: {entityRef: sys, defaultKind: system, defaultNamespace: default}}
    - {id: many, action: catalog:fetch, input: {entityRefs: ["component:team/Shop", "component:default/none"], optional: true}}
  output: {ref: "${{ steps.reg.output.entityRef }}", url: "${{ steps.reg.output.catalogInfoUrl }}", kind: "${{ steps.one.output.entity.kind }}", many: "${{ steps.many.output.entities | length }}"}
`, nil)
	want := map[string]any{"ref": "component:team/Shop", "url": "https://git.local/t/a/src/branch/main/catalog-info.yaml", "kind": "System", "many": int64(2)}
	if diff := cmp.Diff(want, run.Output); diff != "" || run.Error != "" {
		t.Error(run.Error, diff)
	}
	// Registering once more is refused, and what was there stays there.
	run, _ = r.run(t, nil, "  steps:\n    - {action: catalog:register, input: {catalogInfoUrl: https://git.local/t/a/src/branch/main/catalog-info.yaml}}\n", nil)
	if run.Phase != scaffold.Failed || len(r.catalogue.Locations) != 1 {
		t.Errorf("%s %q %v", run.Phase, run.Error, r.catalogue.Locations)
	}
	// A failing run takes its registration back.
	r.catalogue.Locations = nil
	run, _ = r.run(t, nil, "  steps:\n    - {action: catalog:register, input: {catalogInfoUrl: https://git.local/t/a/src/branch/main/catalog-info.yaml}}\n    - {action: fs:rename, input: {files: [{from: a, to: b}]}}\n", nil)
	if run.Phase != scaffold.Failed || len(r.catalogue.Locations)+len(run.Remains) > 0 {
		t.Errorf("%s %v %v", run.Phase, r.catalogue.Locations, run.Remains)
	}
	if run, _ := r.run(t, nil, "  steps:\n    - {action: catalog:fetch, input: {entityRef: component:default/none}}\n", nil); !strings.Contains(run.Error, "component:default/none: not in the catalogue") {
		t.Errorf("%q", run.Error)
	}
}

func TestKubernetes(t *testing.T) {
	r := newRig(t)
	old := Object{"v1", "ConfigMap", "ns", "old"}
	r.cluster.Objects = map[Object]map[string]any{old: {}}
	steps := `  steps:
    - {action: roadiehq:utils:fs:write, input: {path: m.yaml, content: "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: ns}}\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: old, namespace: ns}}\n"}}
    - {action: "cnoe:kubernetes:apply", input: {manifestPath: m.yaml, namespaced: true, clusterName: local}}
    - {action: kubernetes:apply, input: {manifestObject: {apiVersion: argoproj.io/v1alpha1, kind: Workflow, metadata: {generateName: run-}}}}
    - {action: kube:apply, input: {manifest: "{apiVersion: v1, kind: Namespace, metadata: {name: b}}", namespaced: false}}
`
	run, _ := r.run(t, nil, steps, nil)
	if run.Error != "" || len(r.cluster.Objects) != 4 {
		t.Fatal(run.Error, r.cluster.Objects)
	}
	for o := range r.cluster.Objects {
		if o.Kind == "Workflow" && (!strings.HasPrefix(o.Name, "run-") || len(o.Name) != len("run-")+8) {
			t.Errorf("%v", o)
		}
	}
	// What was made goes again when a later step fails; what was there before is named.
	r.cluster.Objects = map[Object]map[string]any{old: {}}
	run, _ = r.run(t, nil, steps+"    - {action: kube:apply, input: {manifest: \"{kind: X}\"}}\n", nil)
	if run.Error != "step step-5: manifest 1: has no apiVersion" || len(r.cluster.Objects) != 1 {
		t.Error(run.Error, r.cluster.Objects)
	}
	want := []scaffold.Remainder{{What: "change to ConfigMap ns/old", Why: "it was there before the run, and what it was is not known"}}
	if diff := cmp.Diff(want, run.Remains); diff != "" {
		t.Error(diff)
	}
	for _, input := range []string{"{}", "{manifest: text}", "{manifest: '[1]'}", "{manifestObject: {apiVersion: v1, kind: X}}", "{manifestObject: {apiVersion: v1, kind: X, metadata: {}}}", "{manifest: 'a: [', clusterName: x}",
		"{manifestObject: {apiVersion: v1, kind: X, metadata: {name: x}}, clusterName: other}"} {
		if run, _ := newRig(t).run(t, nil, "  steps:\n    - {action: kube:apply, input: "+input+"}\n", nil); run.Phase != scaffold.Failed {
			t.Errorf("%s: %s", input, run.Phase)
		}
	}
}

func TestVerify(t *testing.T) {
	files := fstest.MapFS{"here/needs.yaml": {Data: []byte("apiVersion: cnoe.io/v1alpha1\nkind: Prerequisite\nmetadata: {name: spark}\nspec:\n  pods: [{name: spark-operator}, {name: api, namespace: ns, state: Pending}]\n  crds: [{group: sparkoperator.k8s.io, kind: SparkApplication, version: v1beta2}]\n")}}
	steps := "  steps:\n    - {action: \"cnoe:verify:dependency\", input: {verifiers: [needs.yaml]}}\n"
	r := newRig(t)
	r.cluster.Kinds = []string{"sparkoperator.k8s.io/v1beta2/SparkApplication"}
	r.cluster.Running = []Pod{{"a", "spark-operator-5d", "Running"}, {"ns", "api-0", "Pending"}}
	if run, _ := r.run(t, files, steps, nil); run.Error != "" {
		t.Error(run.Error)
	}
	r.cluster.Running = []Pod{{"a", "spark-operator-5d", "Failed"}, {"other", "api-0", "Pending"}}
	r.cluster.Kinds = nil
	run, _ := r.run(t, files, steps, nil)
	if want := "step step-1: missing: kind SparkApplication of sparkoperator.k8s.io/v1beta2; pod spark-operator in state Running; pod api in state Pending"; run.Error != want {
		t.Errorf("%q", run.Error)
	}
	files["here/needs.yaml"].Data = []byte("kind: Other\n")
	if run, _ := r.run(t, files, steps, nil); !strings.Contains(run.Error, "is not a Prerequisite") {
		t.Errorf("%q", run.Error)
	}
}

// interruptedCluster ends after having applied an object, before anybody knows.
type interruptedCluster struct {
	*MemoryCluster
	applied int
}

func (c *interruptedCluster) Cluster(context.Context, string, scaffold.User) (Cluster, error) {
	return c, nil
}

func (c *interruptedCluster) Apply(ctx context.Context, manifest map[string]any) error {
	c.applied++
	if err := c.MemoryCluster.Apply(ctx, manifest); err != nil {
		return err
	}
	if c.applied == 1 {
		return errors.New("the connection is gone")
	}
	return nil
}

// An object whose making was cut off is taken back, for it may be there.
func TestKubernetes_AnUncertainObjectIsTakenBack(t *testing.T) {
	r := newRig(t)
	registry, err := scaffold.NewRegistry(Kubernetes(&interruptedCluster{MemoryCluster: r.cluster})...)
	if err != nil {
		t.Fatal(err)
	}
	r.Registry = registry
	run, _ := r.run(t, nil, "  steps:\n    - {action: kube:apply, input: {manifest: \"{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\"}}\n", nil)
	if run.Phase != scaffold.Failed || len(r.cluster.Objects) > 0 || len(run.Made) != 1 || !run.Made[0].Undone {
		t.Errorf("%+v %v", run, r.cluster.Objects)
	}
}

// Every action says what it takes, and describes itself.
func TestActions_HaveTheirSchemas(t *testing.T) {
	all := newRig(t).Registry.Actions()
	if len(all) < 20 {
		t.Fatalf("only %d actions", len(all))
	}
	used := map[string]bool{}
	for _, a := range all {
		if a.Input == "" || a.Description == "" {
			t.Errorf("%s has no schema or no description", a.ID)
		}
		used[a.Input] = true
	}
	entries, err := inputs.ReadDir("inputs")
	if err != nil || len(entries) != len(used) {
		t.Errorf("%d schemas, %d are used (%v)", len(entries), len(used), err)
	}
}
