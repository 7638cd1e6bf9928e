package render

import (
	"bytes"
	"context"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/plan"
	"github.com/slipway-dev/slipway/internal/progress"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestRender_GoldenTreeOfEveryKindOfSource(t *testing.T) {
	tree := renderDemo(t, demo(t))
	golden := filepath.Join("testdata", "golden")
	if *update {
		if err := tree.WriteTo(golden); err != nil {
			t.Fatal(err)
		}
	}
	want, err := ReadTree(os.DirFS(golden))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range tree.Diff(want) {
		t.Errorf("%s %s\n%s", c.Kind, c.Path, c.Diff)
	}
}

func TestRender_SameBytesWhateverTheOrderOfInputs(t *testing.T) {
	want := renderDemo(t, demo(t))
	for range 5 {
		p := demo(t)
		// the order of packages among themselves is no part of what they render to, save their order number
		rand.Shuffle(4, func(i, j int) { p.Units[4+i], p.Units[4+j] = p.Units[4+j], p.Units[4+i] })
		got := renderDemo(t, p)
		for _, c := range got.Diff(want) {
			if !strings.HasPrefix(c.Path, ApplicationsFolder) {
				t.Errorf("%s %s\n%s", c.Kind, c.Path, c.Diff)
			}
		}
		if again := renderDemo(t, p); len(again.Diff(got)) > 0 {
			t.Errorf("the same plan rendered twice differs: %v", again.Diff(got))
		}
	}
}

func TestRender_ContentsOfPackagesGetRepositoriesOfTheirOwn(t *testing.T) {
	tree := renderDemo(t, demo(t))
	type short struct{ Unit, Repository, URL, Dir string }
	var got []short
	for _, c := range tree.Contents {
		if !strings.HasPrefix(c.Digest, "sha256:") {
			t.Errorf("content %s has digest %q", c.Repository, c.Digest)
		}
		got = append(got, short{c.Unit, c.Repository, c.URL, filepath.ToSlash(c.Dir)})
	}
	want := []short{
		{"stack", "stack_manifests", "https://git.demo.localhost/slipway/stack_manifests.git", "testdata/packages/stack/manifests"},
		{"stack", "stack_values", "https://git.demo.localhost/slipway/stack_values.git", "testdata/packages/stack/values"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	files, err := tree.Contents[1].Files()
	if err != nil || !slices.Equal(files, []string{"a.yaml"}) {
		t.Errorf("files of stack_values: %v, %v", files, err)
	}
}

func TestRender_ErrorsNameThePlace(t *testing.T) {
	web := func(change func(s *v1alpha1.ToolSpec)) func(*plan.Plan) {
		return func(p *plan.Plan) { change(&p.Units[3].Tool.Spec) }
	}
	for name, test := range map[string]struct {
		change func(p *plan.Plan)
		want   string
	}{
		"patch matching nothing": {web(func(s *v1alpha1.ToolSpec) {
			s.Patches = []v1alpha1.Override{{Target: v1alpha1.Target{Kind: "Deployment", Name: "gone"}, Patch: "spec: {}"}}
		}), "tool web: spec.patches[0]: the target (kind Deployment, name gone) matches no rendered object"},
		"patch that is no YAML": {web(func(s *v1alpha1.ToolSpec) {
			s.Patches = []v1alpha1.Override{{Target: v1alpha1.Target{Kind: "ConfigMap"}, Patch: "a: b: c"}}
		}), "tool web: spec.patches[0]: patch: error converting YAML to JSON: yaml: mapping values are not allowed in this context"},
		"JSON patch to a path that is not there": {web(func(s *v1alpha1.ToolSpec) {
			s.Patches = []v1alpha1.Override{{Target: v1alpha1.Target{Kind: "ConfigMap"}, Patch: `[{"op": "remove", "path": "/data/gone"}]`}}
		}), "tool web: spec.patches[0]: patch ConfigMap portal: "},
		"drop matching nothing": {web(func(s *v1alpha1.ToolSpec) { s.Drop = []v1alpha1.Target{{Kind: "Ingress"}} }),
			"tool web: spec.drop[0]: the target (kind Ingress) matches no rendered object"},
		"target that is no regular expression": {web(func(s *v1alpha1.ToolSpec) { s.Drop = []v1alpha1.Target{{Name: "("}} }),
			`tool web: spec.drop[0]: target name "("`},
		"override of a unit that is not there": {func(p *plan.Plan) {
			p.Platform.Spec.Overrides = []v1alpha1.Override{{Target: v1alpha1.Target{Unit: "gone"}, Patch: "a: b"}}
		}, "spec.overrides[0]: the target (unit gone) matches no rendered object"},
		"the same object twice": {func(p *plan.Plan) {
			p.Units = append(p.Units, packageUnit(v1alpha1.Package{Name: "again", Path: "plain", Namespace: "plain"}))
		}, "Service plain/app is given twice: by packages/plain (app.yaml:1) and by packages/again (app.yaml:1)"},
		"a glob that matches nothing": {func(p *plan.Plan) {
			p.Units[0].Tool.Spec.Sources[0].Files.Paths = []string{"gone/*.yaml"}
		}, "render tool net: spec.sources[0]: gone/*.yaml: matches no manifest in module example.com/net"},
		"a path out of the module": {func(p *plan.Plan) {
			p.Units[0].Tool.Spec.Sources[0].Files.Paths = []string{"../forge/*.yaml"}
		}, "leads out of module"},
		"an expression that fails": {func(p *plan.Plan) {
			p.Units[4].Package.Path, p.Units[4].Package.Expressions = "broken-expression", true
		},
			"package plain: broken.yaml:2:"},
		"YAML that does not parse": {func(p *plan.Plan) { p.Units[4].Package.Path = "broken-yaml" },
			"package plain: broken.yaml:5: "},
		"YAML that is no object": {func(p *plan.Plan) { p.Units[4].Package.Path = "stack/values" },
			"package plain: a.yaml:1: not a Kubernetes object: it has no apiVersion"},
		"content that is not there": {func(p *plan.Plan) { p.Units[4].Package.Path = "broken-stack" },
			"package plain: app.yaml:1: Delivery shop: spec.source.repoURL: cnoe://gone: there is no directory"},
		"content without a Git server": {func(p *plan.Plan) {
			p.Units = slices.Delete(p.Units, 1, 3)
		}, "the repository stack_manifests needs a Git server"},
		"a unit of the root application's name": {func(p *plan.Plan) { p.Units[4].Name = "platform" },
			"package platform: the name is taken"},
		"a package that is not there": {func(p *plan.Plan) { p.Units[4].Package.Path = "gone" }, "render package plain: package plain: stat "},
		"a chart for a newer Kubernetes": {web(func(s *v1alpha1.ToolSpec) { s.Sources[0].Helm.Chart["kubeVersion"] = ">= 2.0.0" }),
			"needs Kubernetes >= 2.0.0"},
		"a chart that lacks a dependency": {web(func(s *v1alpha1.ToolSpec) {
			s.Sources[0].Helm.Chart["dependencies"] = []any{map[string]any{"name": "db", "version": "1", "repository": "https://charts.example.com"}}
		}), "its charts/ folder lacks the dependencies db"},
	} {
		t.Run(name, func(t *testing.T) {
			p := demo(t)
			test.change(&p)
			_, err := Render(context.Background(), p, localSources{"testdata"}, progress.Discard)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestRender_NamespaceSharedByUnitsBelongsToTheFirst(t *testing.T) {
	tree := renderDemo(t, demo(t))
	ns := file(t, tree, "tools/net/namespace-net.yaml")
	if ns.Object.GetLabels()["pod-security.kubernetes.io/enforce"] != "restricted" || ns.Unit != "net" {
		t.Errorf("namespace net: %s", ns.Data)
	}
	count := 0
	for _, f := range tree.Files {
		if f.Object.GetKind() == "Namespace" && f.Object.GetName() == "net" {
			count++
		}
	}
	if count != 1 {
		t.Errorf("%d Namespace objects named net", count)
	}
}

func TestRender_PackageWithAnApplicationOfItsOwnNameIsHandedOverUnderAnother(t *testing.T) {
	p := demo(t)
	p.Units[7].Name = "shop" // the package of applications holds a Delivery named shop
	tree := renderDemo(t, p)
	f, ok := tree.Application("shop")
	if !ok || f.Object.GetName() != "shop-package" {
		t.Errorf("application of shop: %v %s", ok, f.Data)
	}
	if own := file(t, tree, "packages/shop/delivery-courier-shop.yaml"); own.Object.GetName() != "shop" {
		t.Errorf("the package's own object: %s", own.Data)
	}
}

func TestRender_CancelledContextStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Render(ctx, demo(t), localSources{"testdata"}, progress.Discard); err == nil {
		t.Error("rendered although cancelled")
	}
}

func TestRender_ObjectsAreWhatTheirFilesSay(t *testing.T) {
	tree := renderDemo(t, demo(t))
	dir := filepath.Join(t.TempDir(), "tree")
	if err := tree.WriteTo(dir); err != nil {
		t.Fatal(err)
	}
	read, err := ReadTree(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	if len(read.Files) != len(tree.Files) {
		t.Fatalf("wrote %d files, read %d", len(tree.Files), len(read.Files))
	}
	for i, f := range read.Files {
		if f.Path != tree.Files[i].Path || f.Unit != tree.Files[i].Unit || !bytes.Equal(f.Data, tree.Files[i].Data) {
			t.Errorf("file %d: read %s of %q, wrote %s of %q", i, f.Path, f.Unit, tree.Files[i].Path, tree.Files[i].Unit)
		}
		if d := cmp.Diff(tree.Files[i].Object.Object, f.Object.Object); d != "" {
			t.Errorf("%s: %s", f.Path, d)
		}
	}
}

func BenchmarkRender(b *testing.B) {
	p := demo(b)
	for b.Loop() {
		renderDemo(b, p)
	}
}
