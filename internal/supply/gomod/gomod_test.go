package gomod

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/supply/gomod/gomodtest"
)

const goMod = "module example.com/wrapper\n\ngo 1.24\n\nrequire example.com/lib v1.2.3\n"

func wrapper(mod, sum string) fstest.MapFS {
	return fstest.MapFS{"go.mod": {Data: []byte(mod)}, "go.sum": {Data: []byte(sum)}}
}

func TestDir_DownloadsOnceAndIsFoundThen(t *testing.T) {
	sums, proxy := gomodtest.Proxy(t, "example.com/lib", "v1.2.3", map[string]string{"manifests/a.yaml": "a: 1\n"})
	fsys := wrapper(goMod, sums)
	c := &Client{}
	if _, ok, err := c.Find(t.Context(), fsys, "example.com/lib"); ok || err != nil {
		t.Fatalf("found before it was downloaded, or %v", err)
	}
	m, err := c.Dir(t.Context(), fsys, "example.com/lib", nil)
	if err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(filepath.Join(m.Dir, "manifests", "a.yaml")); err != nil || string(data) != "a: 1\n" || m.Version != "v1.2.3" {
		t.Errorf("got %q of %s, %v", data, m.Version, err)
	}
	if err := os.RemoveAll(proxy); err != nil { // from here on there is no network
		t.Fatal(err)
	}
	if again, err := (&Client{}).Dir(t.Context(), fsys, "example.com/lib", nil); err != nil || again.Dir != m.Dir {
		t.Errorf("got %s, %v", again.Dir, err)
	}
}

func TestDir_FollowsReplacements(t *testing.T) {
	sums, _ := gomodtest.Proxy(t, "example.com/fork", "v0.0.1", map[string]string{"x": "x"})
	mod := goMod + "\nreplace example.com/lib => example.com/fork v0.0.1\n"
	// go.mod of a replacement keeps the original's path.
	m, ok, err := (&Client{}).Find(t.Context(), wrapper(mod, sums), "example.com/lib")
	if err != nil || ok || m.Path != "example.com/fork" || m.Version != "v0.0.1" {
		t.Errorf("got %+v, %v, %v", m, ok, err)
	}
}

func TestDir_RefusesWhatItsSumDoesNotProve(t *testing.T) {
	sums, _ := gomodtest.Proxy(t, "example.com/lib", "v1.2.3", map[string]string{"x": "x"})
	zip, mod, _ := strings.Cut(sums, "\n")
	other := zip[:strings.Index(zip, "h1:")] + "h1:" + strings.Repeat("A", 43) + "=\n" + mod
	if _, err := (&Client{}).Dir(t.Context(), wrapper(goMod, other), "example.com/lib", nil); err == nil || !strings.Contains(err.Error(), "checksum mismatch") {
		t.Errorf("got %v", err)
	}
}

func TestDir_SaysWhatIsMissing(t *testing.T) {
	sums, _ := gomodtest.Proxy(t, "example.com/lib", "v1.2.3", map[string]string{"x": "x"})
	for name, c := range map[string]struct {
		fsys   fstest.MapFS
		module string
		want   string
	}{
		"not required":    {wrapper(goMod, sums), "example.com/other", "is not required in go.mod"},
		"without a sum":   {wrapper(goMod, ""), "example.com/lib", "has no checksum in go.sum"},
		"replaced folder": {wrapper(goMod+"\nreplace example.com/lib => ../lib\n", sums), "example.com/lib", "replaced by a folder"},
		"no go.mod":       {fstest.MapFS{}, "example.com/lib", "go.mod"},
		"broken go.mod":   {wrapper("require (", sums), "example.com/lib", "go.mod"},
	} {
		_, err := (&Client{}).Dir(t.Context(), c.fsys, c.module, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v", name, err)
		}
		if hint, _ := fault.Of(err); strings.Contains(name, "required") && hint == "" {
			t.Errorf("%s: no hint", name)
		}
	}
}
