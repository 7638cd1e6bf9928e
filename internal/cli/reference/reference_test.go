package reference_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-dev/slipway/internal/cli"
	"github.com/slipway-dev/slipway/internal/cli/reference"
	"github.com/slipway-dev/slipway/internal/deliver"
)

func TestPages_AreUpToDate(t *testing.T) {
	const dir = "../../../docs/reference/cli"
	got := map[string]string{}
	files, err := filepath.Glob(filepath.Join(dir, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		got[filepath.Base(f)] = string(text)
	}
	want := reference.Pages(cli.NewCommand(cli.SystemEnv("", deliver.Adapters{})))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("docs/reference/cli differs from the commands; run `make generate`:\n%s", diff)
	}
}
