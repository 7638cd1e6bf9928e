package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/server/oidctest"
)

// testEnv is a command's world in a test.
func testEnv(t *testing.T, vars map[string]string) (*Env, *strings.Builder) {
	t.Helper()
	var out strings.Builder
	dir := t.TempDir()
	getenv := func(name string) string {
		if value, ok := vars[name]; ok || name != "SLIPWAY_HOME" {
			return value
		}
		return filepath.Join(dir, "home") // not that of this machine's own platforms
	}
	return &Env{In: strings.NewReader(""), Out: &out, Err: io.Discard, Dir: dir, Version: "test", Getenv: getenv}, &out
}

func TestServer_FlagsWinOverEnvironmentOverFile(t *testing.T) {
	env, _ := testEnv(t, map[string]string{"SLIPWAY_SERVER_LISTEN": "env:1",
		"SLIPWAY_SERVER_ISSUER": "https://env.example.test"})
	file := filepath.Join(env.Dir, "server.yaml")
	if err := os.WriteFile(file,
		[]byte("listen: file:1\npublicURL: https://file.example.test\ndataDir: /file\noidc: {issuer: https://file.example.test}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var got []string
	cmd := newServerCommand(env, func(_ context.Context, o *serverOptions) error {
		c, _, err := o.config()
		got = []string{c.Listen, c.OIDC.Issuer, c.PublicURL, c.DataDir, c.MetricsListen}
		return err
	})
	cmd.SetArgs([]string{"--config", "server.yaml", "--listen", "flag:1", "--metrics-listen", ""})
	if err := cmd.Execute(); err != nil {
		t.Fatal(err)
	}
	want := []string{"flag:1", "https://env.example.test", "https://file.example.test", "/file", ""}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestServer_MistakesAreInvalidInput(t *testing.T) {
	for name, args := range map[string][]string{
		"no settings": {}, "no such file": {"--config", "nowhere.yaml"}, "no such level": {"--log-level", "loud"},
		"surplus": {"x"},
	} {
		env, _ := testEnv(t, nil)
		cmd := newServerCommand(env, runServer)
		cmd.SilenceErrors, cmd.SilenceUsage = true, true
		cmd.SetArgs(args)
		err := cmd.Execute()
		if _, code := fault.Of(err); code != fault.ExitInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestServer_RunsUntilItIsTold runs the whole command.
func TestServer_RunsUntilItIsTold(t *testing.T) {
	provider := oidctest.New(t, "http://127.0.0.1/auth/callback")
	env, _ := testEnv(t, nil)
	write := func(name, text string) string {
		path := filepath.Join(env.Dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	log, to := io.Pipe()
	env.Err = to
	cmd := newServerCommand(env, runServer)
	cmd.SetArgs([]string{"--listen", "127.0.0.1:0", "--metrics-listen", "", "--public-url", "http://127.0.0.1",
		"--data-dir", filepath.Join(env.Dir, "data"),
		"--cookie-key-file", write("keys", "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="), "--issuer", provider.Issuer,
		"--client-id", oidctest.ClientID, "--client-secret-file", write("secret", oidctest.ClientSecret)})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- cmd.ExecuteContext(ctx)
		_ = to.Close()
	}()
	lines := bufio.NewScanner(log)
	address := ""
	for address == "" && lines.Scan() {
		var line struct{ Msg, Address string }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatalf("no JSON line: %s", lines.Text())
		}
		if line.Msg == "listening" {
			address = line.Address
		}
	}
	go func() { _, _ = io.Copy(io.Discard, log) }()
	response, err := http.Get("http://" + address + "/readyz")
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatal(response, err)
	}
	_ = response.Body.Close()
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
