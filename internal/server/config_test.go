package server

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const goodConfig = `
listen: 127.0.0.1:8080
publicURL: https://slipway.example.test/
dataDir: /data
cookieKeyFile: KEYS
oidc:
  issuer: https://id.example.test
  clientID: slipway
  clientSecretFile: SECRET
sessions:
  idle: 10m
trustedProxies: [10.0.0.0/8]
roles:
- group: "{team}:developers"
  role: developer
- serviceAccount: ci/robot
  role: viewer
  team: payments
`

// inFiles puts the files in that a configuration names.
func inFiles(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{"KEYS": "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n",
		"SECRET": "hush\n", "EMPTY": "\n", "SHORT": "AQE=\n"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		text = strings.ReplaceAll(text, name, path)
	}
	return text
}

func TestConfig_GoodOne(t *testing.T) {
	c, doc, err := DecodeConfig("server.yaml", []byte(inFiles(t, goodConfig)))
	if err != nil {
		t.Fatal(err)
	}
	s, err := settle(c, doc)
	if err != nil {
		t.Fatal(err)
	}
	if s.public != "https://slipway.example.test" || !s.secure || s.secret != "hush" ||
		time.Duration(s.Sessions.Idle) != 10*time.Minute ||
		time.Duration(s.Sessions.Absolute) != 12*time.Hour || s.MetricsListen != ":9090" {
		t.Errorf("%+v", s)
	}
	if diff := cmp.Diff([]string{"developer:payments"},
		s.roles.Person([]string{"payments:developers"}).Strings()); diff != "" {
		t.Error(diff)
	}
}

func TestConfig_ClientsNameFromAFile(t *testing.T) {
	c, doc, err := DecodeConfig("server.yaml", []byte(inFiles(t, strings.Replace(goodConfig, "clientID: slipway",
		"clientID: '@SECRET'", 1))))
	if err != nil {
		t.Fatal(err)
	}
	if s, err := settle(c, doc); err != nil || s.OIDC.ClientID != "hush" {
		t.Errorf("%q, %v", s.OIDC.ClientID, err)
	}
}

func TestConfig_MistakesHavePlaces(t *testing.T) {
	tests := []struct{ name, from, to, want string }{
		{"unknown field", "dataDir: /data", "dataDir: /data\ndatadir: x", "server.yaml:5:1: datadir: is not known here"},
		{"unknown field below", "  clientID: slipway", "  clientID: slipway\n  client: x",
			"server.yaml:9:3: oidc.client: is not known here"},
		{"no YAML", "listen: 127.0.0.1:8080", "listen: [", "not valid YAML"},
		{"no duration", "idle: 10m", "idle: soon", `time: invalid duration "soon"`},
		{"plain http", "https://slipway.example.test/", "http://slipway.example.test",
			`server.yaml:3:12: publicURL: "http://slipway.example.test" must be https`},
		{"a path", "https://slipway.example.test/", "https://slipway.example.test/x",
			"publicURL: \"https://slipway.example.test/x\" is not a URL of scheme and host alone"},
		{"plain http provider", "https://id.example.test", "http://id.example.test",
			`oidc.issuer: "http://id.example.test" is not an https URL`},
		{"idle longer than all", "idle: 10m", "idle: 13h", "sessions.idle: 13h0m0s is not between 1m0s and 12h0m0s"},
		{"no network", "10.0.0.0/8", "10.0.0.300", `trustedProxies[0]: "10.0.0.300" is not a network`},
		{"no role", "role: developer", "role: owner", `server.yaml:15:9: roles[0].role: there is no role "owner"`},
		{"no address", "127.0.0.1:8080", "localhost", `server.yaml:2:9: listen: "localhost" is not host:port`},
		{"missing file", "SECRET", "/nowhere/secret", "oidc.clientSecretFile: open /nowhere/secret: no such file"},
		{"empty file", "SECRET", "EMPTY", "EMPTY is empty"},
		{"short key", "KEYS", "SHORT", "a key is 32 random bytes in base64"},
		{"client in a missing file", "clientID: slipway", "clientID: '@/nowhere/id'",
			"oidc.clientID: open /nowhere/id: no such file"},
		{"client in an empty file", "clientID: slipway", "clientID: '@EMPTY'", "EMPTY is empty"},
		{"nothing", goodConfig, "listen: ':1'", "oidc.clientID: is missing"},
		{"no scope", "  clientID: slipway", "  clientID: slipway\n  scopes: [email]", `oidc.scopes: must hold "openid"`},
		{"limits", "dataDir: /data", "dataDir: /data\nlimits: {streams: 0, bodyBytes: 1}",
			"limits.bodyBytes: 1 is not between 1 KiB and 64 MiB"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := inFiles(t, strings.Replace(goodConfig, tt.from, tt.to, 1))
			c, doc, err := DecodeConfig("server.yaml", []byte(text))
			if err == nil {
				_, err = settle(c, doc)
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestConfig_AllMistakesAtOnce(t *testing.T) {
	_, err := settle(Config{}, nil)
	for _, want := range []string{"publicURL", "dataDir", "cookieKeyFile", "oidc.issuer", "oidc.clientID",
		"oidc.clientSecretFile", "listen", "limits.client", "tokens.lifetime"} {
		if err == nil || !strings.Contains(err.Error(), want+": ") {
			t.Errorf("%s is not spoken of: %v", want, err)
		}
	}
}

func TestConfig_LoopbackMayBePlain(t *testing.T) {
	for url, want := range map[string]bool{
		"http://localhost:8080": true, "http://slipway.localhost": true, "http://127.0.0.1": true, "http://[::1]:80": true,
		"http://localhost.example.test": false, "http://10.0.0.1": false, "ftp://localhost": false,
		"https://user@example.test": false,
	} {
		c := &checker{}
		c.home("publicURL", url)
		if (len(c.found) == 0) != want {
			t.Errorf("%s: %v", url, c.found)
		}
	}
}

func FuzzDecodeConfig(f *testing.F) {
	f.Add(goodConfig)
	f.Add("roles: [{group: '{team}'}]")
	f.Add("limits: {client: {perSecond: 1e999}}")
	f.Fuzz(func(_ *testing.T, text string) {
		c, doc, err := DecodeConfig("server.yaml", []byte(text))
		if err == nil {
			c.CookieKeyFile, c.OIDC.ClientSecretFile, c.OIDC.CAFile = "", "", "" // reads no files
			_, _ = settle(c, doc)
		}
	})
}
