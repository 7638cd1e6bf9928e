package plan

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/catalog"
	"github.com/slipway-dev/slipway/internal/spec"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// testCatalog loads the catalogue of the tests, with more folders over it.
func testCatalog(t testing.TB, extra ...string) *catalog.Catalog {
	t.Helper()
	var dirs []string
	for _, name := range extra {
		dirs = append(dirs, filepath.Join("testdata", "extra", name))
	}
	c, err := catalog.Load(os.DirFS("testdata/catalog"), os.DirFS("testdata/components"), dirs)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const head = "apiVersion: slipway.dev/v1alpha1\nkind: Platform\nmetadata:\n  name: demo\n"

func platform(t testing.TB, text string) v1alpha1.Platform {
	t.Helper()
	p, _, err := spec.Decode("platform.yaml", []byte(head+text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var machine = Environment{Port: 8443, GatewayIP: "10.96.0.20", DNSIP: "10.96.0.10", GatewayNodePort: 30443, Nameservers: []string{"10.0.0.2"}}

func resolve(t testing.TB, text string) Plan {
	t.Helper()
	got, err := Resolve(platform(t, text), testCatalog(t), machine)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func unit(t testing.TB, p Plan, name string) Unit {
	t.Helper()
	for _, u := range p.Units {
		if u.Name == name {
			return u
		}
	}
	t.Fatalf("there is no unit %s in %s", name, names(p))
	return Unit{}
}

func names(p Plan) string {
	var out []string
	for _, u := range p.Units {
		out = append(out, u.Name)
	}
	return strings.Join(out, " ")
}

var catalogueLine = regexp.MustCompile(`^# catalogue: (\S+)\n`)

// TestResolveBroken_ExactMessages resolves every broken platform and compares the whole
// message with the golden file beside it. The first line may name a catalogue below
// testdata/extra.
func TestResolveBroken_ExactMessages(t *testing.T) {
	files, err := filepath.Glob("testdata/broken/*.yaml")
	if err != nil || len(files) < 15 {
		t.Fatal(len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var extra []string
			if m := catalogueLine.FindSubmatch(data); m != nil {
				extra = append(extra, string(m[1]))
			}
			p, _, err := spec.Decode(file, data)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Resolve(p, testCatalog(t, extra...), machine)
			var all Errors
			if !errors.As(err, &all) {
				t.Fatalf("got %v", err)
			}
			golden := strings.TrimSuffix(file, ".yaml") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(err.Error()+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, readErr := os.ReadFile(golden)
			if readErr != nil {
				t.Fatal(readErr)
			}
			if diff := cmp.Diff(string(want), err.Error()+"\n"); diff != "" {
				t.Error(diff)
			}
		})
	}
}
