package embedded

import (
	"os"
	"strings"
	"testing"

	"github.com/slipway-dev/slipway/internal/cluster/embedded/nodeconf"
	"github.com/slipway-dev/slipway/internal/cluster/pki"
)

// A start of the node removes the files of mirrors that are not wanted any more, and leaves the login to the platform's registry.
func TestForgetMirrors_KeepsLogins(t *testing.T) {
	s := nodeconf.Spec{Dir: nodeconf.Layout(t.TempDir()), Mirrors: map[string]string{"docker.io": "mirror.example"}}
	login := s.Login("git.demo.localhost:8443", "Basic YTpi")
	for _, want := range []string{`Authorization = "Basic YTpi"`, `server = "https://git.demo.localhost:8443"`, "\n[header]\n"} {
		if !strings.Contains(login.Data, want) {
			t.Errorf("it lacks %s:\n%s", want, login.Data)
		}
	}
	files := map[string]bool{login.Path: true}
	for registry, stays := range map[string]bool{"docker.io": true, "ghcr.io": false, nodeconf.AnyRegistry: true} {
		files[s.Dir.Config("certs.d", registry, "hosts.toml")] = stays
	}
	for file := range files {
		data := "server = \"x\"\n"
		if file == login.Path {
			data = login.Data
		}
		if err := pki.WriteFile(file, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := forgetMirrors(s); err != nil {
		t.Fatal(err)
	}
	for file, stays := range files {
		if _, err := os.Stat(file); (err == nil) != stays {
			t.Errorf("%s: %v, stays %t", file, err, stays)
		}
	}
}
