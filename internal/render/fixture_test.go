package render

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/plan"
	"github.com/slipway-dev/slipway/internal/progress"
)

// localSources reads the small catalogue, modules and packages under root.
type localSources struct{ root string }

func (s localSources) ToolFS(tool string) (fs.FS, error) {
	return os.DirFS(filepath.Join(s.root, "catalog", tool)), nil
}

func (s localSources) ModuleDir(_ context.Context, component, _ string) (string, error) {
	return filepath.Join(s.root, "modules", component), nil
}

func (s localSources) Package(_ context.Context, p v1alpha1.Package) (string, error) {
	return filepath.Join(s.root, "packages", p.Path), nil
}

// toolUnit plans a tool of testdata.
func toolUnit(t testing.TB, name string) plan.Unit {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata/catalog", name, "tool.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var tool v1alpha1.Tool
	if err := yaml.UnmarshalStrict(data, &tool); err != nil {
		t.Fatal(err)
	}
	u := plan.Unit{Name: name, Kind: plan.KindTool, Version: tool.Spec.Version, Namespace: tool.Spec.Namespace,
		Supply: "supply-of-" + name, Tool: &tool, Values: tool.Spec.Values, Outputs: map[string]map[string]any{}, Bootstrap: name != "web"}
	for capability, p := range tool.Spec.Provides {
		u.Capabilities = append(u.Capabilities, capability)
		u.Outputs[capability] = p.Outputs
	}
	return u
}

func packageUnit(p v1alpha1.Package) plan.Unit {
	namespace := p.Namespace
	if namespace == "" {
		namespace = p.Name
	}
	return plan.Unit{Name: p.Name, Kind: plan.KindPackage, Namespace: namespace, Package: &p}
}

// demo is a plan with every kind of source and package.
func demo(t testing.TB) plan.Plan {
	t.Helper()
	p := plan.Plan{Name: "demo", Domain: "demo.localhost", Environment: plan.Environment{Port: 443, Provider: "embedded"}}
	for _, name := range []string{"net", "forge", "courier", "web"} {
		p.Units = append(p.Units, toolUnit(t, name))
	}
	for _, pkg := range []v1alpha1.Package{
		{Name: "plain", Path: "plain"},
		{Name: "root", Path: "root", Namespace: "net", Expressions: true},
		{Name: "chart", Path: "chart", Values: map[string]any{"host": "${platform.domain}"}, Expressions: true},
		{Name: "stack", Path: "stack"},
	} {
		p.Units = append(p.Units, packageUnit(pkg))
	}
	p.Platform.Spec.Overrides = []v1alpha1.Override{
		{Target: v1alpha1.Target{Unit: "web", Kind: "ConfigMap"}, Patch: "data: {overridden: \"yes\"}"},
		{Target: v1alpha1.Target{Kind: "Service", Name: "app"}, Patch: `[{"op": "add", "path": "/spec/type", "value": "ClusterIP"}]`},
	}
	return p
}

func renderDemo(t testing.TB, p plan.Plan) Tree {
	t.Helper()
	tree, err := Render(context.Background(), p, localSources{"testdata"}, progress.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// file is the rendered file at a path.
func file(t testing.TB, tree Tree, path string) File {
	t.Helper()
	for _, f := range tree.Files {
		if f.Path == path {
			return f
		}
	}
	all := ""
	for _, f := range tree.Files {
		all += fmt.Sprintln("  ", f.Path)
	}
	t.Fatalf("no file %s among\n%s", path, all)
	return File{}
}
