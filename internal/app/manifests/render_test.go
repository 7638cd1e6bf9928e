package manifests

import (
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/app"
	"github.com/slipway-dev/slipway/internal/fault"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const commit = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

// input is an application whose repository holds the given files.
func input(t *testing.T, files map[string]string) Input {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		full := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	a := v1alpha1.Application{Metadata: v1alpha1.Metadata{Name: "shop"},
		Spec: v1alpha1.ApplicationSpec{Team: "payments", Repository: "payments/shop"}}
	app.DefaultApplication(&a)
	e := v1alpha1.Environment{Metadata: v1alpha1.Metadata{Name: "dev"}}
	app.DefaultEnvironment(&e)
	r, err := app.NewRelease(a, "registry.example.com/payments/shop@sha256:"+strings.Repeat("1", 64), commit, commit)
	if err != nil {
		t.Fatal(err)
	}
	return Input{Root: root, Application: a, Environment: e, Release: r, Domain: "demo.localhost",
		Gateway: Gateway{Name: "platform", Namespace: "gateway", Section: "https"}}
}

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: shop, labels: {app: shop}}
spec:
  replicas: 1
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      initContainers: [{name: migrate, image: "shop:whatever", args: [migrate]}]
      containers:
      - {name: shop, image: shop, ports: [{containerPort: 8080}]}
      - {name: proxy, image: "docker.io/library/proxy:1.2"}
`

const rest = `apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {selector: {app: shop}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop}
spec: {rules: [{backendRefs: [{name: shop, port: 80}]}]}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: report}
spec: {schedule: "0 * * * *", jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: report, image: "shop:v1"}]}}}}}
`

func TestRender_Golden(t *testing.T) {
	for _, test := range []struct {
		name  string
		files map[string]string
	}{
		{"plain", map[string]string{}},
		{"overlay", map[string]string{"deploy/kustomization.yaml": "resources: [gone]\n",
			"deploy/overlays/dev/kustomization.yaml": "resources: [../../base]\nreplicas: [{name: shop, count: 3}]\nconfigMapGenerator: [{name: settings, literals: [a=b]}]\n"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.files["deploy/base/deployment.yaml"], test.files["deploy/base/rest.yaml"] = deployment, rest
			test.files["deploy/base/kustomization.yaml"] = "resources: [deployment.yaml, rest.yaml]\n"
			in := input(t, test.files)
			got, err := Render(in)
			if err != nil {
				t.Fatal(err)
			}
			again, err := Render(in)
			if err != nil || !maps.EqualFunc(got.Files, again.Files, slices.Equal[[]byte]) {
				t.Errorf("rendered again it differs: %v", err)
			}
			var b strings.Builder
			for _, name := range slices.Sorted(maps.Keys(got.Files)) {
				b.WriteString("# " + name + "\n" + string(got.Files[name]))
			}
			file := "testdata/" + test.name + ".golden.yaml"
			if *update {
				if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), b.String()); diff != "" {
				t.Error(diff)
			}
			if want := []string{"docker.io/library/proxy:1.2", in.Release.Spec.Image}; !slices.Equal(got.Images, want) {
				t.Errorf("images %q", got.Images)
			}
		})
	}
}

func TestRender_PreviewsHaveAnOverlayOfTheirOwn(t *testing.T) {
	in := input(t, map[string]string{"deploy/base/kustomization.yaml": "resources: [a.yaml]\n",
		"deploy/base/a.yaml":                         deployment,
		"deploy/overlays/preview/kustomization.yaml": "resources: [../../base]\nnamePrefix: p-\n"})
	in.Environment = v1alpha1.Environment{Metadata: v1alpha1.Metadata{Name: "shop-pr-1"},
		Spec: v1alpha1.EnvironmentSpec{Kind: v1alpha1.EnvironmentPreview, Team: "payments",
			Preview: &v1alpha1.PreviewOf{Application: "shop", PullRequest: 1}}}
	app.DefaultEnvironment(&in.Environment)
	got, err := Render(in)
	if err != nil {
		t.Fatal(err)
	}
	if text := string(got.Files["deployment-p-shop.yaml"]); !strings.Contains(text, "namespace: shop-pr-1") {
		t.Errorf("%v:\n%s", slices.Collect(maps.Keys(got.Files)), text)
	}
}

// one is a repository with the deployment and one more object.
func one(object string) map[string]string {
	return map[string]string{"deploy/kustomization.yaml": "resources: [a.yaml, b.yaml]\n", "deploy/a.yaml": deployment,
		"deploy/b.yaml": object}
}

func TestRender_RefusesWhatReachesBeyondTheNamespace(t *testing.T) {
	route := "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: x}\nspec: "
	service := "apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: "
	for name, test := range map[string]struct{ object, want string }{
		"another namespace": {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: kube-system}\n",
			"ConfigMap x: is in namespace kube-system; leave the namespace out, the environment's is shop-dev"},
		"the whole cluster": {"apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: x}\nroleRef: {name: y}\n",
			"ClusterRoleBinding x: is not delivered with applications: it holds for the whole cluster"},
		"a role": {"apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: x}\n",
			"Role x: is not delivered with applications: the environment gives the roles"},
		"a secret": {"apiVersion: v1\nkind: Secret\nmetadata: {name: x}\n",
			"Secret x: is not delivered with applications: secrets are made in the cluster, never written to Git"},
		"unknown kind": {"apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: x}\n",
			"Thing x: is of kind Thing in example.com, which is not among what applications may have"},
		"another's host": {route + "{hostnames: [git.demo.localhost]}\n",
			"HTTPRoute x: spec.hostnames: git.demo.localhost is not the application's; leave hostnames out, or use shop-dev.demo.localhost and names below it"},
		"a host like its own": {route + "{hostnames: [evilshop-dev.demo.localhost]}\n",
			"evilshop-dev.demo.localhost is not the application's"},
		"another gateway": {route + "{parentRefs: [{name: platform, namespace: elsewhere}]}\n",
			"must be the platform's gateway platform in gateway"},
		"the environment's own policy": {"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: environment-default-deny}\n",
			"NetworkPolicy environment-default-deny: begins with environment-, as the environment's own do; choose another name"},
		"a node's port": {service + "{type: NodePort}\n",
			"Service x: spec.type: NodePort is not for applications; requests come in through an HTTPRoute"},
		"foreign addresses": {service + "{externalIPs: [10.0.0.1]}\n",
			"Service x: spec.externalIPs: not for applications"},
	} {
		_, err := Render(input(t, one(test.object)))
		if err == nil || !strings.Contains(err.Error(), test.want) ||
			!strings.HasPrefix(err.Error(), "render shop for dev: ") {
			t.Errorf("%s: got %v", name, err)
		}
		if hint, code := fault.Of(err); hint == "" || code != fault.ExitInvalid {
			t.Errorf("%s: hint %q, code %d", name, hint, code)
		}
	}
}

func TestRender_TakesHostsBelowItsOwnAndKindsOfThePlatform(t *testing.T) {
	in := input(t, one("apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: x}\n"+
		"spec: {hostnames: [shop-dev.demo.localhost, api.shop-dev.demo.localhost], parentRefs: [{name: platform, namespace: gateway}]}\n---\n"+
		"apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: y}\n"))
	in.More = []Kind{{"example.com", "Thing"}}
	got, err := Render(in)
	if err != nil || len(got.Files) != 3 {
		t.Errorf("%v, %v", got, err)
	}
}

func TestRender_SaysWhatIsMissing(t *testing.T) {
	for name, test := range map[string]struct {
		files map[string]string
		want  string
	}{
		"no root": {nil, "render shop for dev: deploy has no kustomization.yaml"},
		"no own image": {map[string]string{"deploy/kustomization.yaml": "resources: [a.yaml]\n",
			"deploy/a.yaml": strings.ReplaceAll(deployment, "shop", "cart")},
			"no container in deploy has the image shop"},
		"broken root": {map[string]string{"deploy/kustomization.yaml": "resources: [gone.yaml]\n"},
			"render shop for dev: kustomize deploy: "},
		"outside": {map[string]string{"deploy/kustomization.yaml": "resources: [../../x]\n"},
			"outside the directory it may read"},
		"from elsewhere": {map[string]string{"deploy/kustomization.yaml": "resources: ['https://example.com/a.yaml']\n"}, "remote resources are not fetched"},
	} {
		_, err := Render(input(t, test.files))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v", name, err)
		}
		if hint, _ := fault.Of(err); hint == "" {
			t.Errorf("%s: no hint", name)
		}
	}
}

func TestKinds_AreNotAlsoRefused(t *testing.T) {
	for _, k := range Kinds {
		if reasons[k] != "" {
			t.Errorf("%v is allowed, and refused: %s", k, reasons[k])
		}
	}
}
