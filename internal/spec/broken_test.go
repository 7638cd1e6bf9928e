package spec

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const broken = "testdata/broken"

// TestBroken_ExactMessages reads every broken file and compares the whole message with the
// golden file beside it. The kind stands at the beginning of the file's name.
func TestBroken_ExactMessages(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(broken, "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 50 {
		t.Fatalf("only %d broken files in %s", len(files), broken)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) {
			message := decodeBroken(t, name, file)
			golden := filepath.Join(broken, name+".golden")
			if *update {
				if err := os.WriteFile(golden, []byte(message), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), message); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// decodeBroken gives the error of a file, with the folder taken out.
func decodeBroken(t *testing.T, name, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	switch kind, _, _ := strings.Cut(name, "-"); kind {
	case "platform":
		_, _, err = Load(context.Background(), file)
	case "tool":
		_, _, err = DecodeTool(file, data)
	case "recipe":
		_, _, err = DecodeRecipe(file, data)
	case "capability":
		_, _, err = DecodeCapability(file, data)
	default:
		t.Fatalf("%s: no kind is called %s", file, kind)
	}
	if err == nil {
		t.Fatalf("%s is accepted", file)
	}
	return strings.ReplaceAll(err.Error(), broken+"/", "") + "\n"
}
