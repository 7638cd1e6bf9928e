package portal

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/slipway-dev/slipway/internal/portal/config"
)

func TestOpen_TakesALoginThatWasMadeAnew(t *testing.T) {
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, password, _ := r.BasicAuth()
		got = append(got, password)
	}))
	t.Cleanup(server.Close)
	dir := t.TempDir()
	write := func(password string) {
		t.Helper()
		for name, text := range map[string]string{"username": "portal\n", "password": password + "\n"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	write("one")
	client := &http.Client{}
	_, access, err := GitServers{"x": func(GitAccess) GitServer { return GitServer{} }}.Open(config.Git{Adapter: "x", URL: server.URL, Credentials: dir}, client)
	if err != nil || access.Username != "portal" || access.Password != "one" {
		t.Fatal(access, err)
	}
	call := func(user string) {
		t.Helper()
		req, err := http.NewRequest(http.MethodGet, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth(user, "one")
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
	}
	call("portal")
	write("two")
	client.Transport.(*login).read = time.Now().Add(-loginAgain)
	call("portal")
	call("somebody")
	if len(got) != 3 || got[0] != "one" || got[1] != "two" || got[2] != "one" {
		t.Errorf("the passwords were %q, want one, two, and somebody else's as it was", got)
	}
}
