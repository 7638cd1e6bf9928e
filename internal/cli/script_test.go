package cli_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/slipway-dev/slipway/internal/cli"
	"github.com/slipway-dev/slipway/internal/deliver"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"slipway": func() {
			os.Exit(cli.Main(context.Background(), cli.SystemEnv("test", deliver.Adapters{}), os.Args))
		},
	})
}

// TestScripts runs the commands as a person would; see testdata/script.
func TestScripts(t *testing.T) {
	components, err := filepath.Abs("../../components")
	if err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("SLIPWAY_COMPONENTS", components)
			e.Setenv("SLIPWAY_HOME", filepath.Join(e.WorkDir, "home"))
			e.Setenv("SLIPWAY_CACHE", filepath.Join(e.WorkDir, "cache"))
			// Go's caches are the machine's: modules are not downloaded for each test.
			for _, name := range []string{"GOMODCACHE", "GOPATH", "GOPROXY", "GOFLAGS", "GONOSUMDB", "GOSUMDB"} {
				if v := os.Getenv(name); v != "" {
					e.Setenv(name, v)
				}
			}
			home, err := os.UserHomeDir()
			if err != nil {
				return err
			}
			e.Setenv("HOME", home)
			e.Setenv("XDG_CACHE_HOME", cache)
			return nil
		},
	})
}
