package templates

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"github.com/slipway-dev/slipway/internal/render/kustomize"
	"github.com/slipway-dev/slipway/internal/render/manifest"
	"github.com/slipway-dev/slipway/internal/scaffold"
	"github.com/slipway-dev/slipway/internal/scaffold/actions"
	"github.com/slipway-dev/slipway/internal/scaffold/gitea"
	"github.com/slipway-dev/slipway/internal/spec"
)

const registry = "git.starter.localhost:8443"

// paths are the golden paths, with the values that their tests give.
var paths = map[string]map[string]any{
	"go-service":     {},
	"python-service": {},
	"node-web":       {},
	"static-site":    {},
	"scheduled-job":  {"schedule": "*/15 * * * *"},
}

// platform is a forge and a catalogue in memory, and a runner that reaches them.
type platform struct {
	*scaffold.Runner
	forge     *gitea.MemoryForge
	catalogue *actions.MemoryCatalogue
}

func newPlatform(t *testing.T) platform {
	t.Helper()
	forge := &gitea.MemoryForge{URL: "https://" + registry}
	catalogue := &actions.MemoryCatalogue{Read: func(address string) ([]map[string]any, error) {
		text, err := forge.File(address)
		if err != nil {
			return nil, errors.Join(actions.ErrNoEntity, err)
		}
		return entities(t, text), nil
	}}
	all := slices.Concat(actions.Fetch(nil), actions.Files(), actions.Catalog(catalogue), gitea.Actions(forge, gitea.Options{}))
	r, err := scaffold.NewRegistry(all...)
	if err != nil {
		t.Fatal(err)
	}
	return platform{forge: forge, catalogue: catalogue, Runner: &scaffold.Runner{Registry: r, Store: scaffold.NewMemoryStore(),
		Now: func() time.Time { return time.Unix(0, 0).UTC() },
		Environment: scaffold.Environment{Parameters: map[string]any{
			"forge": registry, "registry": registry, "gatewayNamespace": "gateway"}}}}
}

func entities(t *testing.T, text []byte) []map[string]any {
	t.Helper()
	documents, found := spec.ParseAll("catalog-info.yaml", text)
	if len(found) > 0 {
		t.Fatal(found)
	}
	out := make([]map[string]any, len(documents))
	for i, d := range documents {
		out[i] = d.Tree.(map[string]any)
	}
	return out
}

// values are what a person would give, with characters that break careless templates.
func values(name string) map[string]any {
	out := map[string]any{"name": "shop-front", "description": `Sells "things": <b>fast</b> & it's # cheap`,
		"owner": "group:default/team-a", "system": "system:default/shop"}
	for key, v := range paths[name] {
		out[key] = v
	}
	return out
}

func load(t *testing.T, name string) *scaffold.Template {
	t.Helper()
	template, err := scaffold.Load(FS(), name+"/template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return template
}

// publish runs a template, and writes what it published to a folder.
func publish(t *testing.T, name string) (dir string, run *scaffold.Run) {
	t.Helper()
	p, template := newPlatform(t), load(t, name)
	run, err := p.New(context.Background(), scaffold.Request{ID: "run", Template: template, Values: values(name), User: scaffold.User{Ref: "user:default/ada"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Execute(context.Background(), run, template, nil); err != nil {
		t.Fatal(err)
	}
	if run.Phase != scaffold.Done {
		t.Fatalf("%s: %s", run.Phase, run.Error)
	}
	repo := p.forge.Repositories[gitea.Repository{Owner: "team-a", Name: "shop-front"}]
	if repo == nil || len(repo.Commits) != 1 {
		t.Fatalf("%+v", p.forge.Repositories)
	}
	dir = t.TempDir()
	for _, f := range repo.Commits[0].Files {
		if strings.Contains(f.Path, ".njk") || strings.Contains(string(f.Data), "${{") {
			t.Errorf("%s is not rendered", f.Path)
		}
		file := filepath.Join(dir, filepath.FromSlash(f.Path))
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, f.Data, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return dir, run
}

// TestPaths_AreAllOfThem compares the folders with what is tested, and with the file that lists them for a catalogue.
func TestPaths_AreAllOfThem(t *testing.T) {
	found, err := fs.Glob(FS(), "*/template.yaml")
	if err != nil || len(found) != len(paths) {
		t.Fatal(found, err)
	}
	text, err := fs.ReadFile(FS(), "catalog-info.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range found {
		if _, ok := paths[path.Dir(file)]; !ok || !strings.Contains(string(text), "- ./"+file+"\n") {
			t.Errorf("%s is not tested, or not listed in catalog-info.yaml", file)
		}
	}
}

func each(t *testing.T, test func(t *testing.T, name string)) {
	for name := range paths {
		t.Run(name, func(t *testing.T) { test(t, name) })
	}
}

// A golden path is registered without a mistake and without a warning.
func TestTemplates_HaveNoFindings(t *testing.T) {
	each(t, func(t *testing.T, name string) {
		template := load(t, name)
		if found := newPlatform(t).Registry.Check(template); len(found) > 0 {
			t.Error(found)
		}
		if template.Name != name || template.Title == "" || template.Description == "" || template.Owner == "" || len(template.Pages) < 2 {
			t.Errorf("%+v", template)
		}
	})
}

func TestTemplates_RefuseNamesThatCannotBe(t *testing.T) {
	each(t, func(t *testing.T, name string) {
		template := load(t, name)
		for _, wrong := range []string{"", "Shop", "-shop", "shop-", "1shop", "a_b", "a.b", strings.Repeat("x", 41), "shop/../x", "shop\n"} {
			v := values(name)
			v["name"] = wrong
			if err := template.Validate(v); err == nil {
				t.Errorf("%q is taken as a name", wrong)
			}
		}
	})
}

// A dry run shows every file and touches neither the forge nor the catalogue.
func TestTemplates_CanBePreviewed(t *testing.T) {
	each(t, func(t *testing.T, name string) {
		p := newPlatform(t)
		preview, err := p.Preview(context.Background(), scaffold.Request{ID: "p", Template: load(t, name), Values: values(name)})
		if err != nil {
			t.Fatal(err)
		}
		if len(preview.Files) < 8 || len(p.forge.Repositories)+len(p.catalogue.Locations) > 0 {
			t.Errorf("%d files, %v %v", len(preview.Files), p.forge.Repositories, p.catalogue.Locations)
		}
	})
}

func TestTemplates_RegisterWhoOwnsIt(t *testing.T) {
	each(t, func(t *testing.T, name string) {
		dir, run := publish(t, name)
		text, err := os.ReadFile(filepath.Join(dir, "catalog-info.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		all := entities(t, text)
		if len(all) != 1 {
			t.Fatal(all)
		}
		s := all[0]["spec"].(map[string]any)
		if s["owner"] != "group:default/team-a" || s["system"] != "system:default/shop" || all[0]["metadata"].(map[string]any)["description"] != values(name)["description"] {
			t.Errorf("%v", all[0])
		}
		links := run.Output["links"].([]any)
		if ref := links[1].(map[string]any)["entityRef"]; ref != "component:default/shop-front" {
			t.Errorf("%v", links)
		}
	})
}

// tests are the programs that run a rendered project's own tests. What is missing on the machine fails: CI has it all.
var tests = map[string][][]string{
	"go-service":     {{"go", "vet", "./..."}, {"go", "test", "./..."}, {"go", "build", "-o", os.DevNull, "."}},
	"static-site":    {{"go", "vet", "./..."}, {"go", "test", "./..."}, {"go", "build", "-o", os.DevNull, "."}},
	"scheduled-job":  {{"go", "vet", "./..."}, {"go", "test", "./..."}, {"go", "build", "-o", os.DevNull, "."}},
	"python-service": {{"python3", "-m", "unittest"}},
	"node-web":       {{"node", "--test"}},
}

func TestProjects_PassTheirOwnTests(t *testing.T) {
	each(t, func(t *testing.T, name string) {
		dir, _ := publish(t, name)
		for _, command := range tests[name] {
			cmd := exec.Command(command[0], command[1:]...)
			cmd.Dir = dir
			// Nothing of this module, and nothing from the network.
			cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off", "GOPROXY=off", "GOTOOLCHAIN=local", "PYTHONDONTWRITEBYTECODE=1")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %s\n%s", strings.Join(command, " "), err, out)
			}
		}
	})
}

// broken is a change to a project that its own tests must find.
var broken = map[string][3]string{
	"go-service":     {"service.go", `"Hello, "`, `"Bye, "`},
	"static-site":    {"site/about.html", `href="/"`, `href="/gone"`},
	"scheduled-job":  {"job.go", "done++", "done += 2"},
	"python-service": {"service.py", "Hello, ", "Bye, "},
	"node-web":       {"server.mjs", "if (!name.startsWith(", "if (false && !name.startsWith("},
}

func TestProjects_HaveTestsThatCanFail(t *testing.T) {
	each(t, func(t *testing.T, name string) {
		dir, _ := publish(t, name)
		change := broken[name]
		file := filepath.Join(dir, change[0])
		text, err := os.ReadFile(file)
		if err != nil || !strings.Contains(string(text), change[1]) {
			t.Fatalf("%s does not hold %q (%v)", change[0], change[1], err)
		}
		if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(text), change[1], change[2])), 0o644); err != nil {
			t.Fatal(err)
		}
		command := tests[name][min(1, len(tests[name])-1)]
		cmd := exec.Command(command[0], command[1:]...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off", "GOPROXY=off", "GOTOOLCHAIN=local", "PYTHONDONTWRITEBYTECODE=1")
		if out, err := cmd.CombinedOutput(); err == nil {
			t.Errorf("the tests pass with %q in %s\n%s", change[2], change[0], out)
		}
	})
}

var from = regexp.MustCompile(`(?m)^FROM (\S+)(?: AS (\S+))?$`)

// Every image that a project is built of comes from the platform's registry, with a tag; tests are a stage of
// their own, and the program does not run as root.
func TestDockerfiles(t *testing.T) {
	each(t, func(t *testing.T, name string) {
		dir, _ := publish(t, name)
		text, err := os.ReadFile(filepath.Join(dir, "Dockerfile"))
		if err != nil {
			t.Fatal(err)
		}
		stages := map[string]bool{}
		found := from.FindAllStringSubmatch(string(text), -1)
		for _, stage := range found {
			image := stage[1]
			if !stages[image] && !regexp.MustCompile(`^`+regexp.QuoteMeta(registry)+`/slipway/[a-z]+:[0-9.]+$`).MatchString(image) {
				t.Errorf("%s is not of the platform's registry, or has no version", image)
			}
			stages[stage[2]] = true
		}
		if len(found) < 2 || found[len(found)-1][2] != "" || !stages["test"] {
			t.Errorf("stages: %v", found)
		}
		last := string(text)[strings.LastIndex(string(text), "\nFROM "):]
		if !strings.Contains(last, "\nUSER 65532:65532\n") || !strings.Contains(last, "\nENTRYPOINT [") || strings.Contains(last, "\nRUN ") {
			t.Errorf("the last stage: %s", last)
		}
	})
}

// objects builds the project's Kustomize root.
func objects(t *testing.T, name string) []manifest.Object {
	t.Helper()
	dir, _ := publish(t, name)
	all, err := kustomize.Build(dir, filepath.Join(dir, "deploy"), "deploy")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// kinds are what a project of each path has in deploy/.
var kinds = map[string][]string{
	"go-service":     {"Deployment", "HTTPRoute", "NetworkPolicy", "Service"},
	"python-service": {"Deployment", "HTTPRoute", "NetworkPolicy", "Service"},
	"node-web":       {"Deployment", "HTTPRoute", "NetworkPolicy", "Service"},
	"static-site":    {"Deployment", "HTTPRoute", "NetworkPolicy", "Service"},
	"scheduled-job":  {"CronJob", "NetworkPolicy"},
}

// typed decodes an object strictly: a field that Kubernetes does not know is a mistake.
func typed(t *testing.T, o manifest.Object) runtime.Object {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{appsv1.AddToScheme, batchv1.AddToScheme, corev1.AddToScheme, networkingv1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	text, err := json.Marshal(o.Object)
	if err != nil {
		t.Fatal(err)
	}
	out, _, err := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer().Decode(text, nil, nil)
	if err != nil {
		t.Fatalf("%s %s: %s", o.GetKind(), o.GetName(), err)
	}
	return out
}

// pod is the pod that an object makes; nil where it makes none.
func pod(o runtime.Object) *corev1.PodTemplateSpec {
	switch o := o.(type) {
	case *appsv1.Deployment:
		return &o.Spec.Template
	case *batchv1.CronJob:
		return &o.Spec.JobTemplate.Spec.Template
	}
	return nil
}

func TestManifests_AreComplete(t *testing.T) {
	each(t, func(t *testing.T, name string) {
		var got []string
		for _, o := range objects(t, name) {
			got = append(got, o.GetKind())
			if o.GetName() != "shop-front" || o.GetNamespace() != "" {
				t.Errorf("%s %s/%s", o.GetKind(), o.GetNamespace(), o.GetName())
			}
			for key, want := range map[string]string{"app.kubernetes.io/name": "shop-front", "app.kubernetes.io/part-of": "shop", "backstage.io/kubernetes-id": "shop-front"} {
				if o.GetLabels()[key] != want {
					t.Errorf("%s: label %s is %q", o.GetKind(), key, o.GetLabels()[key])
				}
			}
			if o.GetKind() == "HTTPRoute" {
				route(t, o)
				continue
			}
			typed(t, o)
		}
		slices.Sort(got)
		if !slices.Equal(got, kinds[name]) {
			t.Errorf("%v, want %v", got, kinds[name])
		}
	})
}

// route has neither hosts nor a gateway, which every environment gives, and leads to the project's service.
func route(t *testing.T, o manifest.Object) {
	t.Helper()
	text, err := json.Marshal(o.Object["spec"])
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"rules":[{"backendRefs":[{"name":"shop-front","port":80}]}]}`; string(text) != want {
		t.Errorf("%s", text)
	}
}

// TestManifests_MeetRestrictedPodSecurity asks the code by which the API server itself decides.
func TestManifests_MeetRestrictedPodSecurity(t *testing.T) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks())
	if err != nil {
		t.Fatal(err)
	}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	each(t, func(t *testing.T, name string) {
		seen := false
		for _, o := range objects(t, name) {
			if o.GetKind() == "HTTPRoute" {
				continue
			}
			template := pod(typed(t, o))
			if template == nil {
				continue
			}
			seen = true
			if result := policy.AggregateCheckResults(evaluator.EvaluatePod(level, &template.ObjectMeta, &template.Spec)); !result.Allowed {
				t.Errorf("%s: %s", o.GetKind(), result.ForbiddenDetail())
			}
			sound(t, name, template)
		}
		if !seen {
			t.Error("no pod")
		}
	})
}

// sound is what Pod Security does not ask for, but a good pod has.
func sound(t *testing.T, name string, template *corev1.PodTemplateSpec) {
	t.Helper()
	if token := template.Spec.AutomountServiceAccountToken; token == nil || *token {
		t.Error("the pod has a token for the Kubernetes API, which it does not use")
	}
	for _, c := range template.Spec.Containers {
		if c.Image != "shop-front" {
			t.Errorf("image %s: a release puts its digest in the place of the application's name", c.Image)
		}
		if c.SecurityContext == nil || c.SecurityContext.ReadOnlyRootFilesystem == nil || !*c.SecurityContext.ReadOnlyRootFilesystem {
			t.Errorf("%s can write to its file system", c.Name)
		}
		for _, resource := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
			request, limit := c.Resources.Requests[resource], c.Resources.Limits[resource]
			if request.IsZero() || limit.IsZero() || request.Cmp(limit) > 0 {
				t.Errorf("%s: %s: request %s, limit %s", c.Name, resource, &request, &limit)
			}
		}
		if c.LivenessProbe == nil {
			t.Errorf("%s has no liveness probe", c.Name)
		}
		if name == "scheduled-job" {
			continue
		}
		for kind, want := range map[string]struct {
			probe *corev1.Probe
			path  string
		}{"liveness": {c.LivenessProbe, "/healthz"}, "startup": {c.StartupProbe, "/healthz"}, "readiness": {c.ReadinessProbe, "/readyz"}} {
			if want.probe == nil || want.probe.HTTPGet == nil || want.probe.HTTPGet.Path != want.path {
				t.Errorf("%s: the %s probe does not ask for %s", c.Name, kind, want.path)
			}
		}
	}
}

// The parts of a project's manifests belong together: the service finds the pods, and the policy covers them.
func TestManifests_FitTogether(t *testing.T) {
	each(t, func(t *testing.T, name string) {
		var template *corev1.PodTemplateSpec
		selectors, ports := map[string]map[string]string{}, []string{}
		for _, o := range objects(t, name) {
			if o.GetKind() == "HTTPRoute" {
				continue
			}
			object := typed(t, o)
			if p := pod(object); p != nil {
				template = p
			}
			switch object := object.(type) {
			case *corev1.Service:
				selectors["Service"] = object.Spec.Selector
				ports = append(ports, object.Spec.Ports[0].TargetPort.String())
			case *networkingv1.NetworkPolicy:
				selectors["NetworkPolicy"] = object.Spec.PodSelector.MatchLabels
				if len(object.Spec.PolicyTypes) != 2 {
					t.Errorf("the policy covers %v", object.Spec.PolicyTypes)
				}
				for _, in := range object.Spec.Ingress {
					ports = append(ports, in.Ports[0].Port.String())
					if namespace := in.From[0].NamespaceSelector.MatchLabels["kubernetes.io/metadata.name"]; namespace != "gateway" {
						t.Errorf("requests come from %s", namespace)
					}
				}
			case *appsv1.Deployment:
				selectors["Deployment"] = object.Spec.Selector.MatchLabels
			}
		}
		for kind, selector := range selectors {
			for key, value := range selector {
				if template.Labels[key] != value {
					t.Errorf("%s selects %s=%s; the pods have %v", kind, key, value, template.Labels)
				}
			}
		}
		for _, port := range ports {
			if !slices.ContainsFunc(template.Spec.Containers[0].Ports, func(p corev1.ContainerPort) bool { return p.Name == port }) {
				t.Errorf("no port is called %s", port)
			}
		}
	})
}

func TestScheduledJob_KeepsItsSchedule(t *testing.T) {
	for _, o := range objects(t, "scheduled-job") {
		if job, ok := typed(t, o).(*batchv1.CronJob); ok && job.Spec.Schedule != "*/15 * * * *" {
			t.Errorf("%q", job.Spec.Schedule)
		}
	}
}

// Without a system there is none in the catalogue's file, and the application is a part of itself.
func TestTemplates_WithoutASystem(t *testing.T) {
	each(t, func(t *testing.T, name string) {
		v := values(name)
		delete(v, "system")
		p := newPlatform(t)
		preview, err := p.Preview(context.Background(), scaffold.Request{ID: "p", Template: load(t, name), Values: v})
		if err != nil {
			t.Fatal(err)
		}
		texts := map[string]string{}
		for _, f := range preview.Files {
			texts[f.Path] = string(f.Data)
		}
		if strings.Contains(texts["catalog-info.yaml"], "system:") || !strings.Contains(texts["deploy/kustomization.yaml"], "part-of: shop-front\n") {
			t.Error(fmt.Sprint(texts["catalog-info.yaml"], texts["deploy/kustomization.yaml"]))
		}
	})
}
