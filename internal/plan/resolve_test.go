package plan

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/spec"
)

func TestResolve_DefaultToolsInOrder(t *testing.T) {
	p := resolve(t, "")
	if got, want := names(p), "disk names seal door forge pilot loom"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	var bootstrap []string
	for _, u := range p.Units {
		if u.Bootstrap {
			bootstrap = append(bootstrap, u.Name)
		}
	}
	if diff := cmp.Diff([]string{"disk", "names", "seal", "door", "forge", "pilot"}, bootstrap); diff != "" {
		t.Error(diff)
	}
}

func TestResolve_UnitsHoldEverythingEvaluated(t *testing.T) {
	got := unit(t, resolve(t, "spec:\n  capabilities:\n    git: {values: {open: true, resources: {requests: {cpu: \"1\"}}}}\n"), "forge")
	if diff := cmp.Diff([]string{"git", "registry"}, got.Capabilities); diff != "" {
		t.Error("capabilities", diff)
	}
	if diff := cmp.Diff([]string{"disk", "door"}, got.After); diff != "" {
		t.Error("after", diff)
	}
	if diff := cmp.Diff([]string{"base", "forge"}, got.Components); diff != "" {
		t.Error("components", diff)
	}
	if diff := cmp.Diff(map[string]any{"open": true, "size": "10Gi", "title": "Forge of demo", "port": int64(8443),
		"resources": map[string]any{"requests": map[string]any{"cpu": "1", "memory": "128Mi"}}}, got.Values); diff != "" {
		t.Error("values", diff)
	}
	if diff := cmp.Diff(map[string]map[string]any{"gateway": {"name": "door", "port": int64(8443)}, "storage": {"storageClass": "disk"}}, got.Inputs); diff != "" {
		t.Error("inputs", diff)
	}
	url := "https://git.demo.localhost:8443"
	if diff := cmp.Diff(map[string]map[string]any{
		"git":      {"url": url, "host": "git.demo.localhost", "admin": "forge/admin"},
		"registry": {"url": url},
		"identity": {"issuer": url, "open": true},
	}, got.Outputs); diff != "" {
		t.Error("outputs", diff)
	}
	s := got.Tool.Spec
	if diff := cmp.Diff(map[string]any{"name": map[string]any{"requests": map[string]any{"cpu": "1", "memory": "128Mi"}}, "class": "disk", "replicas": int64(2)},
		s.Sources[1].Helm.Values); diff != "" {
		t.Error("chart values", diff)
	}
	if diff := cmp.Diff(v1alpha1.RuntimeObject{Kind: "Secret", Name: "admin", Data: map[string]v1alpha1.RuntimeValue{
		"username": {Value: "1"}, "password": {Random: 32}, "disk.crt": {CA: "certificate", Follow: true}}}, s.Runtime[0]); diff != "" {
		t.Error("runtime", diff)
	}
	if s.Patches[0].Target.Name != "forge-server" || s.Probes[0].Condition != "body.domain == 'demo.localhost'" || s.Probes[0].URL != url+"/api" || got.URL != url {
		t.Errorf("got %+v", s)
	}
	if diff := cmp.Diff("spec: {template: {spec: {priorityClassName: \"git.demo.localhost\"}}}\n", s.Patches[0].Patch); diff != "" {
		t.Error("patch", diff)
	}
}

func TestResolve_DeliveryApplicationStaysRaw(t *testing.T) {
	d := unit(t, resolve(t, ""), "pilot").Tool.Spec.Delivery
	if diff := cmp.Diff(map[string]any{"name": "${unit.name}", "repo": "${unit.repoURL}"}, d.Application); diff != "" {
		t.Error(diff)
	}
	if d.Condition != "object.status == 'demo'" || d.WebhookPath != "/hook/1.2.3" {
		t.Errorf("got %+v", d)
	}
}

func TestResolve_LeavesTheCatalogueUntouched(t *testing.T) {
	c := testCatalog(t)
	if _, err := Resolve(platform(t, ""), c, machine); err != nil {
		t.Fatal(err)
	}
	before := testCatalog(t)
	for name, tool := range c.Tools {
		if diff := cmp.Diff(before.Tools[name].Tool, tool.Tool); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestResolve_OptionalRequirementsCountWhereTheCapabilityIsThere(t *testing.T) {
	without := unit(t, resolve(t, ""), "pilot")
	if without.Values["login"] != "none" || slices.Contains(without.After, "keys") {
		t.Errorf("without: %v after %v", without.Values, without.After)
	}
	p := resolve(t, "spec:\n  capabilities:\n    identity: {tool: keys}\n")
	with := unit(t, p, "pilot")
	if with.Values["login"] != "https://keys.demo.localhost" || !slices.Contains(with.After, "keys") {
		t.Errorf("with: %v after %v", with.Values, with.After)
	}
	if !unit(t, p, "keys").Bootstrap {
		t.Error("what delivery waits for is not part of the bootstrap")
	}
}

func TestResolve_RequiredCapabilitiesComeWithoutBeingNamed(t *testing.T) {
	p := resolve(t, "spec:\n  capabilities:\n    portal: {tool: desk}\n")
	if diff := cmp.Diff([]string{"git", "identity", "registry"}, unit(t, p, "forge").Capabilities); diff != "" {
		t.Error(diff)
	}
	if unit(t, p, "desk").Bootstrap {
		t.Error("the portal is no part of the bootstrap")
	}
}

func TestResolve_ANamedToolTakesItsOtherCapabilitiesToo(t *testing.T) {
	p := resolve(t, "spec:\n  capabilities:\n    git: {tool: smithy}\n")
	if diff := cmp.Diff([]string{"git", "registry"}, unit(t, p, "smithy").Capabilities); diff != "" {
		t.Error(diff)
	}
	if got := names(p); got != "disk names seal door smithy pilot loom" {
		t.Errorf("got %s", got)
	}
}

func TestResolve_NoneLeavesACapabilityOut(t *testing.T) {
	p := resolve(t, "spec:\n  capabilities:\n    workflow: {tool: none}\n    registry: {tool: none}\n")
	if got := names(p); got != "disk names seal door forge pilot" {
		t.Errorf("got %s", got)
	}
	if diff := cmp.Diff([]string{"git"}, unit(t, p, "forge").Capabilities); diff != "" {
		t.Error(diff)
	}
}

func TestResolve_AnotherProviderTakesTheToolThatRunsThere(t *testing.T) {
	p := resolve(t, "spec:\n  domain: x.example\n  cluster: {provider: kubeconfig}\n  capabilities:\n    storage: {values: {storageClass: fast}}\n")
	given := unit(t, p, "given")
	if diff := cmp.Diff([]string{"dns", "storage"}, given.Capabilities); diff != "" {
		t.Error(diff)
	}
	if got := unit(t, p, "forge").Inputs["storage"]["storageClass"]; got != "fast" {
		t.Errorf("storage class %v", got)
	}
	if p.Environment.Provider != "kubeconfig" || p.Environment.PodCIDR != "" {
		t.Errorf("got %+v", p.Environment)
	}
}

func TestResolve_PackagesFollowTheBootstrap(t *testing.T) {
	p := resolve(t, "spec:\n  packages:\n  - {name: shop, path: shop, namespace: store}\n  - {name: blog, path: blog, expressions: true}\n")
	if got := names(p); got != "disk names seal door forge pilot loom blog shop" {
		t.Errorf("got %s", got)
	}
	shop, blog := unit(t, p, "shop"), unit(t, p, "blog")
	if diff := cmp.Diff([]string{"disk", "door", "forge", "names", "pilot", "seal"}, shop.After); diff != "" {
		t.Error(diff)
	}
	if shop.Kind != KindPackage || shop.Namespace != "store" || shop.Package.Path != "shop" || shop.Inputs != nil || blog.Namespace != "blog" {
		t.Errorf("got %+v", shop)
	}
	s, err := Scope(p, blog)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.String("${inputs.git.url} ${tool.namespace}"); err != nil || got != "https://git.demo.localhost:8443 blog" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestScope_OfManifests(t *testing.T) {
	p := resolve(t, "")
	s, err := Scope(p, unit(t, p, "forge"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Value(map[string]any{
		"url": "${outputs.git.url}", "class": "${inputs.storage.storageClass}", "size": "${values.size}", "tool": "${tool.name} ${tool.version} ${tool.namespace}",
		"platform": "${platform.name} ${platform.scheme} ${platform.port} ${platform.gatewayIP} ${platform.dnsIP} ${platform.provider} ${platform.nameservers[0]} ${platform.podCIDR} ${platform.serviceCIDR} ${platform.gatewayNodePort}",
		"proxy":    "${platform.proxy.http}|${platform.proxy.no.size()}|${platform.trust.caBundles.size()}",
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{
		"url": "https://git.demo.localhost:8443", "class": "disk", "size": "10Gi", "tool": "forge 1.2.3 forge",
		"platform": "demo https 8443 10.96.0.20 10.96.0.10 embedded 10.0.0.2 10.244.0.0/16 10.96.0.0/16 30443",
		"proxy":    "|0|0",
	}, got); diff != "" {
		t.Error(diff)
	}
}

func TestPortSuffix(t *testing.T) {
	for port, want := range map[int]string{0: "", 443: "", 8443: ":8443"} {
		if got := PortSuffix(port); got != want {
			t.Errorf("PortSuffix(%d) = %q", port, got)
		}
	}
}

func TestResolve_ErrorsAreTypedAndNameTheirField(t *testing.T) {
	p := platform(t, "spec:\n  cluster: {provider: kubeconfig}\n  capabilities:\n    git: {tool: froge}\n    secrets: {}\n    storage: {tool: disk}\n    delivery: {version: \"0\", values: {logn: x}}\n    nonsense: {}\n")
	_, err := Resolve(p, testCatalog(t), machine)
	var (
		unknown    *UnknownToolError
		missing    *MissingToolError
		provider   *ProviderError
		version    *VersionError
		value      *UnknownValueError
		capability *UnknownCapabilityError
	)
	for _, target := range []any{&unknown, &missing, &provider, &version, &value, &capability} {
		if !errors.As(err, target) {
			t.Errorf("no %T in %v", target, err)
		}
	}
	if diff := cmp.Diff(&UnknownToolError{Capability: "git", Tool: "froge", Suggestion: "forge", Candidates: []string{"forge", "smithy"}}, unknown); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(&MissingToolError{Capability: "secrets", RequiredBy: nil, Candidates: []string{"safe"}}, missing); diff != "" {
		t.Error(diff)
	}
	var field FieldError
	if !errors.As(err, &field) || field.Field() == "" {
		t.Error("no field")
	}
	if hint, code := fault.Of(err); hint == "" || code != fault.ExitInvalid {
		t.Errorf("hint %q, code %d", hint, code)
	}
}

func TestErrors_CanBeLocatedInTheFile(t *testing.T) {
	data := []byte(head + `spec:
  capabilities:
    git:
      tool: froge
    delivery:
      values:
        logn: x
    portal: {tool: ring-a}
    mesh: {tool: ring-b}
    secrets: {tool: ring-c}
`)
	p, _, err := spec.Decode("f.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Resolve(p, testCatalog(t, "circle"), machine)
	var all Errors
	if !errors.As(err, &all) {
		t.Fatalf("got %v", err)
	}
	want := `tools require each other in a circle: ring-a → ring-b → ring-c → ring-a
f.yaml:8:7: spec.capabilities.git.tool: unknown tool "froge"; did you mean "forge"?
f.yaml:11:9: spec.capabilities.delivery.values.logn: pilot has no such value; did you mean "login"?`
	if diff := cmp.Diff(want, spec.Errors(spec.Locate("f.yaml", data, all.Findings())).Error()); diff != "" {
		t.Error(diff)
	}
}
