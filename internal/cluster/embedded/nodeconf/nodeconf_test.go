package nodeconf

import (
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/slipway-dev/slipway/api/v1alpha1"
)

var update = flag.Bool("update", false, "write the golden files")

func example() Spec {
	return Spec{
		Name: "acme", Domain: "acme.localhost", Dir: "/state", BinDir: "/programs", Store: "/store",
		Build: "kube 1 2", Version: "v1.34.3",
		Listen: "127.0.0.1", Port: 8443, NodePort: 30443,
		Subnet: netip.MustParsePrefix("10.231.0.4/30"), HostIP: netip.MustParseAddr("10.231.0.5"), NodeIP: netip.MustParseAddr("10.231.0.6"),
		PodCIDR: netip.MustParsePrefix("10.244.0.0/16"), ServiceCIDR: netip.MustParsePrefix("10.96.0.0/16"),
		DNSIP: netip.MustParseAddr("10.96.0.10"), GatewayIP: netip.MustParseAddr("10.96.0.20"),
		LoopbackGateway: true, RestrictOOMScore: true,
		Proxy: v1alpha1.Proxy{HTTPS: "http://proxy.example:3128", No: []string{"intern.example"}},
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; run with -update and look at the change. Got:\n%s", file, got)
	}
}

func TestFiles(t *testing.T) {
	for _, f := range example().Files() {
		golden(t, filepath.Base(f.Path), f.Data)
	}
	golden(t, "encryption.yaml", Encryption("c2VjcmV0"))
}

func TestFiles_Mirrors(t *testing.T) {
	s := example()
	s.Mirrors = map[string]string{"docker.io": "mirror.example.com:5000/hub", "quay.io": "localhost:5001"}
	for _, f := range s.Files() {
		if registry := filepath.Base(filepath.Dir(f.Path)); s.Mirrors[registry] != "" {
			golden(t, "hosts-"+registry+".toml", f.Data)
		}
	}
}

func TestCommands(t *testing.T) {
	var out strings.Builder
	for _, c := range example().Commands() {
		out.WriteString(strings.Join(append([]string{c.Name + " after " + strings.Join(c.After, " "), c.Path}, append(c.Args, c.Env...)...), "\n  ") + "\n")
	}
	golden(t, "commands.txt", out.String())
}

func TestDigest_ChangesWithWhatTheNodeRuns(t *testing.T) {
	base := example().Digest()
	if example().Digest() != base {
		t.Error("the same configuration has two digests")
	}
	for name, change := range map[string]func(*Spec){
		"programs":  func(s *Spec) { s.Build = "kube 1 3" },
		"port":      func(s *Spec) { s.Port = 443 },
		"address":   func(s *Spec) { s.NodeIP = netip.MustParseAddr("10.231.0.10") },
		"proxy":     func(s *Spec) { s.Proxy.HTTPS = "" },
		"OOM score": func(s *Spec) { s.RestrictOOMScore = false },
	} {
		s := example()
		change(&s)
		if s.Digest() == base {
			t.Errorf("%s: the digest stays", name)
		}
	}
}

func TestCNI_LoopbackGatewayIsOptional(t *testing.T) {
	s := example()
	s.LoopbackGateway = false
	if strings.Contains(s.cni(), "slipway-gateway") {
		t.Error("the plugin is there though nobody wants it")
	}
}

func TestLayout_PurgeKnowsEveryPath(t *testing.T) {
	s := example()
	all := s.Dir.All()
	covered := func(path string) bool {
		for _, p := range all {
			if path == p || strings.HasPrefix(path, p+"/") {
				return true
			}
		}
		return false
	}
	text := ""
	for _, f := range s.Files() {
		text += f.Path + "\n" + f.Data + "\n"
	}
	for _, c := range s.Commands() {
		text += strings.Join(c.Args, "\n") + "\n"
	}
	for _, path := range regexp.MustCompile(`/state/[\w./-]+`).FindAllString(text, -1) {
		if !covered(path) {
			t.Errorf("%s would stay after a purge", path)
		}
	}
}
