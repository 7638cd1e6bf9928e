package render

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/plan"
	"github.com/slipway-dev/slipway/internal/progress"
	"github.com/slipway-dev/slipway/internal/render/source"
	"github.com/slipway-dev/slipway/internal/spec"
)

const examplesDir = "../../examples"

// exampleSources takes packages from beside their Platform file.
type exampleSources struct {
	localSources
	*source.Packages
}

func (s exampleSources) Package(ctx context.Context, p v1alpha1.Package) (string, error) {
	return s.Packages.Package(ctx, p)
}

// renderExample renders the packages of an example's Platform file, beside a Git server and a GitOps engine.
func renderExample(t *testing.T, file string) Tree {
	t.Helper()
	platform, _, err := spec.Load(context.Background(), file)
	if err != nil {
		t.Fatal(err)
	}
	p := plan.Plan{Name: platform.Metadata.Name, Domain: platform.Spec.Domain, Environment: plan.Environment{Port: 443},
		Units: []plan.Unit{toolUnit(t, "forge"), toolUnit(t, "courier")}}
	for _, pkg := range platform.Spec.Packages {
		p.Units = append(p.Units, packageUnit(pkg))
	}
	tree, err := Render(context.Background(), p, exampleSources{localSources{"testdata"}, &source.Packages{Dir: filepath.Dir(file)}}, progress.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func exampleFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(examplesDir, "*", "platform.yaml"))
	if err != nil || len(files) < 4 {
		t.Fatalf("examples: %v, %v", files, err)
	}
	return append(files, filepath.Join(examplesDir, "platform.yaml"))
}

func TestExamples_RenderAndUseImagesThatThePlatformSupplies(t *testing.T) {
	supplied := suppliedImages(t)
	for _, name := range exampleFiles(t) {
		tree := renderExample(t, name)
		for _, f := range tree.Files {
			if f.Object.GetKind() == "HTTPRoute" {
				host := f.Object.Object["spec"].(map[string]any)["hostnames"].([]any)[0].(string)
				if !strings.HasSuffix(host, ".starter.localhost") {
					t.Errorf("%s: %s has host %s", name, f.Path, host)
				}
			}
		}
		for _, image := range tree.Images() {
			if !strings.HasPrefix(image, "example.com/") && !slices.Contains(supplied, image) {
				t.Errorf("%s uses %s, which no recipe makes", name, image)
			}
		}
		for _, unit := range tree.Unit("").Files {
			if unit.Object.GetName() == "" {
				t.Errorf("%s: %s", name, unit.Path)
			}
		}
	}
}

func TestExamples_OnePlatformHoldsThemAll(t *testing.T) {
	all := renderExample(t, filepath.Join(examplesDir, "platform.yaml"))
	for _, name := range exampleFiles(t) {
		one := renderExample(t, name)
		for _, f := range one.Files {
			if strings.HasPrefix(f.Path, PackagesFolder) {
				if d := (Tree{Files: []File{file(t, all, f.Path)}}).Diff(Tree{Files: []File{f}}); len(d) > 0 {
					t.Errorf("%s: %s differs\n%s", name, f.Path, d[0].Diff)
				}
			}
		}
	}
}

func TestExamples_ContentOfTheCNOEPackageIsPushed(t *testing.T) {
	tree := renderExample(t, filepath.Join(examplesDir, "cnoe-package/platform.yaml"))
	if len(tree.Contents) != 1 || tree.Contents[0].Repository != "cnoe-hello_manifests" {
		t.Fatalf("contents %v", tree.Contents)
	}
	files, err := tree.Contents[0].Files()
	if err != nil || !slices.Equal(files, []string{"deployment.yaml", "route.yaml", "service.yaml"}) {
		t.Errorf("files %v, %v", files, err)
	}
}

// suppliedImages are the images that the recipes make.
func suppliedImages(t *testing.T) []string {
	t.Helper()
	recipes, err := filepath.Glob("../../components/*/recipe.yaml")
	if err != nil || len(recipes) == 0 {
		t.Fatalf("recipes: %v, %v", recipes, err)
	}
	var out []string
	for _, name := range recipes {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var recipe v1alpha1.Recipe
		if err := yaml.Unmarshal(data, &recipe); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out = append(out, recipe.Spec.Images...)
	}
	return out
}
