//go:build e2e

package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// chromiumFlags are those of a browser without a screen, run by root, that talks to nobody else.
// None of them weakens how certificates are verified.
var chromiumFlags = []string{
	"--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-proxy-server", "--disable-quic",
	"--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
}

// browse opens a page in a headless Chromium whose profile trusts the platform's CA, reads it,
// and keeps a picture in the test's output. Without the CA the same browser must refuse the page.
func browse(t *testing.T, p *platform, page, want, picture string) {
	t.Helper()
	for _, program := range []string{"chromium", "certutil"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("%v; `make e2e` installs the packages chromium and libnss3-tools", err)
		}
	}
	home := t.TempDir()
	database := "sql:" + filepath.Join(home, ".pki/nssdb")
	if err := os.MkdirAll(filepath.Join(home, ".pki/nssdb"), 0o700); err != nil {
		t.Fatal(err)
	}
	p.write(t, "ca.crt", p.run(t, "get", "ca", "--name", p.name))
	run := func(name string, args ...string) string {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		c := exec.CommandContext(ctx, name, args...)
		c.Env = append(os.Environ(), "HOME="+home)
		c.Dir = home
		var stderr strings.Builder
		c.Stderr = &stderr
		out, err := c.Output()
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, tail(stderr.String(), 30))
		}
		return string(out)
	}
	browser := func(profile string, args ...string) string {
		flags := append(chromiumFlags, "--user-data-dir="+filepath.Join(home, profile))
		return run("chromium", append(flags, args...)...)
	}
	run("certutil", "-d", database, "-N", "--empty-password")
	if dom := browser("stranger", "--dump-dom", page); strings.Contains(dom, want) {
		t.Error("the browser shows the page although it does not know the platform's CA")
	}
	run("certutil", "-d", database, "-A", "-t", "C,,", "-n", "slipway", "-i", filepath.Join(p.dir, "ca.crt"))
	if dom := browser("profile", "--dump-dom", page); !strings.Contains(dom, want) {
		t.Fatalf("the browser shows, instead of %q:\n%s", want, tail(dom, 20))
	}
	if err := os.MkdirAll(p.out, 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(p.out, picture)
	_ = os.Remove(file)
	browser("profile", "--hide-scrollbars", "--window-size=800,320", "--screenshot="+file, page)
	if info, err := os.Stat(file); err != nil || info.Size() == 0 {
		t.Errorf("no picture of the page: %v", err)
		return
	}
	t.Logf("a picture of the page is in %s", file)
}
