package spec

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/fault"
)

const head = "apiVersion: slipway.dev/v1alpha1\nkind: Platform\nmetadata:\n  name: demo\n"

func TestDecode_FillsDefaults(t *testing.T) {
	got, warnings, err := Decode("platform.yaml", []byte(head+"spec:\n  packages:\n  - {name: shop, path: ./shop}\n"))
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	yes := true
	want := v1alpha1.Platform{
		TypeMeta: v1alpha1.TypeMeta{APIVersion: "slipway.dev/v1alpha1", Kind: "Platform"},
		Metadata: v1alpha1.Metadata{Name: "demo"},
		Spec: v1alpha1.PlatformSpec{
			Domain: "demo.localhost",
			Cluster: v1alpha1.Cluster{Provider: "embedded", Embedded: v1alpha1.EmbeddedCluster{Listen: "127.0.0.1",
				PodCIDR: "10.244.0.0/16", ServiceCIDR: "10.96.0.0/16", LoopbackGateway: &yes}},
			Supply:   v1alpha1.Supply{Mode: "auto"},
			Packages: []v1alpha1.Package{{Name: "shop", Path: "./shop", Namespace: "shop"}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDecode_KeepsWhatIsSaid(t *testing.T) {
	got, _, err := Decode("platform.yaml", []byte(head+`spec:
  domain: platform.example.com
  cluster:
    provider: kubeconfig
    kubeconfig: {context: prod}
    embedded:
  supply: {mode: pull, mirrors: {docker.io: "mirror.example.com:5000/hub"}}
  capabilities:
    dns:
    git: {tool: forge, version: "1.2", values: {replicas: 2, ratio: 0.5, list: [1], nothing: null, date: 2026-01-02}}
  proxy: {http: "http://proxy.example.com:3128", no: [.example.com, 10.0.0.0/8]}
  overrides:
  - target: {unit: forge, kind: Deployment}
    patch: |
      - {op: remove, path: /spec/replicas}
`))
	if err != nil {
		t.Fatal(err)
	}
	if got.Spec.Domain != "platform.example.com" || got.Spec.Cluster.Kubeconfig.Context != "prod" || got.Spec.Supply.Mode != "pull" {
		t.Errorf("got %+v", got.Spec)
	}
	want := map[string]any{"replicas": int64(2), "ratio": 0.5, "list": []any{int64(1)}, "nothing": nil, "date": "2026-01-02"}
	if diff := cmp.Diff(want, got.Spec.Capabilities["git"].Values); diff != "" {
		t.Error(diff)
	}
	if _, named := got.Spec.Capabilities["dns"]; !named {
		t.Error("a capability without a body is lost")
	}
}

func TestDecode_AnchorsAndMergeKeys(t *testing.T) {
	got, _, err := Decode("platform.yaml", []byte(head+`spec:
  capabilities:
    git:
      values: &base {a: 1, b: {c: 2}}
    registry:
      values:
        <<: *base
        a: 3
    workflow:
      values: *base
`))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"a": int64(3), "b": map[string]any{"c": int64(2)}}
	if diff := cmp.Diff(want, got.Spec.Capabilities["registry"].Values); diff != "" {
		t.Error(diff)
	}
	want["a"] = int64(1)
	if diff := cmp.Diff(want, got.Spec.Capabilities["workflow"].Values); diff != "" {
		t.Error(diff)
	}
}

func TestDecode_Warns(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"a domain that leads to the reader's own machine": {"spec:\n  domain: demo.localhost\n  cluster: {provider: kubeconfig}\n",
			"f.yaml:6:11: spec.domain: demo.localhost leads every machine to itself; name a domain that leads to the cluster's gateway"},
		"an open port": {"spec:\n  cluster: {embedded: {listen: 0.0.0.0}}\n",
			"f.yaml:6:32: spec.cluster.embedded.listen: the gateway can be reached from other machines at 0.0.0.0"},
	} {
		_, warnings, err := Decode("f.yaml", []byte(head+tc.text))
		if err != nil || len(warnings) != 1 || warnings[0].String() != tc.want {
			t.Errorf("%s: got %v, %v", name, warnings, err)
		}
	}
}

func TestLoad_FilesThatAreThere(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "platform.yaml")
	ca, err := os.ReadFile(filepath.Join(broken, "files", "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "ca.pem"), append(ca, ca...), 0o644), os.Mkdir(filepath.Join(dir, "shop"), 0o755),
		os.WriteFile(file, []byte(head+"spec:\n  trust: {caBundles: [ca.pem]}\n  packages:\n  - {name: shop, path: shop}\n  - {name: abs, path: "+dir+"}\n"), 0o644)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Load(context.Background(), file); err != nil {
		t.Error(err)
	}
}

func TestLoad_AMissingFileHasAHint(t *testing.T) {
	_, _, err := Load(context.Background(), filepath.Join(t.TempDir(), "platform.yaml"))
	if hint, code := fault.Of(err); !errors.Is(err, fs.ErrNotExist) || hint == "" || code != fault.ExitInvalid {
		t.Errorf("got %v, hint %q, code %d", err, hint, code)
	}
}

func TestLoad_RefusesALargeFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "platform.yaml")
	if err := os.WriteFile(file, []byte(head+"# "+strings.Repeat("x", maxBytes)), 0o644); err != nil {
		t.Fatal(err)
	}
	_, _, err := Load(context.Background(), file)
	if err == nil || !strings.HasSuffix(err.Error(), "the file is larger than 1024 KiB") {
		t.Errorf("got %v", err)
	}
}

func TestErrors_AreTypedAndInvalidInput(t *testing.T) {
	_, _, err := Decode("f.yaml", []byte(head+"spec: {domian: x, supply: {mode: x}}\n"))
	var found Errors
	if !errors.As(err, &found) || len(found) != 2 {
		t.Fatalf("got %#v", err)
	}
	want := Finding{File: "f.yaml", Line: 5, Column: 8, Path: "spec.domian", Message: "unknown field", Suggestion: "domain"}
	if diff := cmp.Diff(want, found[0]); diff != "" {
		t.Error(diff)
	}
	if _, code := fault.Of(err); code != fault.ExitInvalid {
		t.Errorf("exit code %d", code)
	}
}

func TestValidate_FindsWhatWasChangedAfterReading(t *testing.T) {
	p, _, err := Decode("f.yaml", []byte(head))
	if err != nil {
		t.Fatal(err)
	}
	if err := Validate(p); err != nil {
		t.Error(err)
	}
	p.Spec.Domain = "No Domain"
	if err := Validate(p); err == nil || !strings.HasPrefix(err.Error(), `spec.domain: "No Domain" is not a DNS name`) {
		t.Errorf("got %v", err)
	}
}

func TestNearest(t *testing.T) {
	candidates := []string{"git", "gateway", "dns", "storage", "certificates", "capabilities"}
	for word, want := range map[string]string{
		"gti": "git", "got": "git", "capabilites": "capabilities", "Gateway": "gateway", "certificate": "certificates",
		"tls": "", "x": "", "git": "", "observability": "", "": "",
	} {
		if got := Nearest(word, candidates); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}
