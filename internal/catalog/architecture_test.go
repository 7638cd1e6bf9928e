package catalog

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	builtin "github.com/slipway-dev/slipway/catalog"
	"github.com/slipway-dev/slipway/components"
)

// internal is the folder of the engine's sources.
const internal = ".."

// words are names of components that are ordinary words of the engine's own language: the
// system that every platform runs on, a program that waits, files that never change, Slipway itself
// and its portal.
var words = []string{"kubernetes", "pause", "static", "slipway", "console"}

// formats are folders that read a file format which upstream has named after a tool; there is
// no other name for it.
var formats = map[string][]string{
	"internal/render/cnoe": {"argo"}, // CNOE packages are objects of argoproj.io
}

// TestEngine_NamesNoTool walks the engine's sources, tests left out, for names of tools and
// components. They may stand only in a folder that bears the name: an adapter.
func TestEngine_NamesNoTool(t *testing.T) {
	names := toolNames(t)
	all := sources(t, internal)
	for _, file := range slices.Sorted(maps.Keys(all)) {
		text := all[file]
		lower := strings.ToLower(text)
		for _, name := range names {
			if i := strings.Index(lower, name); i >= 0 && !mayName(file, name) {
				t.Errorf("%s:%d names %q; an adapter belongs in a folder of that name, everything else in the catalogue",
					file, 1+strings.Count(text[:i], "\n"), name)
			}
		}
	}
}

// toolNames are the names in the catalogue, also without hyphens, and the first words that
// several tools share.
func toolNames(t *testing.T) []string {
	t.Helper()
	recipes, err := components.FS()
	if err != nil {
		t.Fatal(err)
	}
	c, err := Load(builtin.FS(), recipes, nil)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	firsts := map[string]int{}
	for _, name := range slices.Concat(slices.Collect(maps.Keys(c.Tools)), slices.Collect(maps.Keys(c.Recipes))) {
		if slices.Contains(words, name) {
			continue
		}
		all[name], all[strings.ReplaceAll(name, "-", "")] = true, true
	}
	for name := range c.Tools {
		if first, _, several := strings.Cut(name, "-"); several {
			firsts[first]++
		}
	}
	for first, n := range firsts {
		if n > 1 {
			all[first] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// mayName says whether a file stands in the folder of an adapter, or of a format, of that name.
func mayName(file, name string) bool {
	dir := filepath.ToSlash(filepath.Dir(file))
	for _, folder := range strings.Split(dir, "/") {
		bare := strings.ReplaceAll(folder, "-", "")
		// An adapter may say the first word of its tool's name alone.
		if bare == strings.ReplaceAll(name, "-", "") || strings.HasPrefix(folder, name) {
			return true
		}
	}
	return slices.ContainsFunc(formats[dir], func(format string) bool { return strings.HasPrefix(name, format) })
}

// sources gives the engine's Go files by their path from the repository's root.
func sources(t *testing.T, root string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && entry.Name() == "testdata" {
			return fs.SkipDir
		}
		if entry.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		data, err := os.ReadFile(path)
		relative, relErr := filepath.Rel(internal, path)
		if err == nil {
			err = relErr
		}
		out[filepath.ToSlash(filepath.Join("internal", relative))] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 20 {
		t.Fatalf("only %d sources below %s", len(out), root)
	}
	return out
}

// pure are packages that touch nothing but their arguments, and what they may not import. The
// lock's file is the one exception of plan: it needs os.
var pure = map[string][]string{
	"internal/plan":      {"k8s.io/", "net/http", "net", "os/exec", "time", "math/rand", "syscall"},
	"internal/expr":      {"k8s.io/", "net/http", "net", "os", "os/exec", "time", "math/rand", "syscall"},
	"internal/fieldpath": {"k8s.io/", "net/http", "net", "os", "os/exec", "time"},
	"internal/spec":      {"k8s.io/", "net/http", "os/exec", "time", "math/rand"},
	"internal/catalog":   {"k8s.io/", "net/http", "os/exec", "time", "math/rand"},
	"api/v1alpha1":       {"k8s.io/", "net/http", "net", "os", "time", "github.com/slipway-dev/slipway/internal/"},
}

func TestPurePackages_ImportNeitherClusterNorNetworkNorClock(t *testing.T) {
	for dir, forbidden := range pure {
		files, err := filepath.Glob(filepath.Join("../..", dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatal(dir, len(files), err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			for _, path := range imports(t, file) {
				for _, f := range forbidden {
					if path == f || strings.HasSuffix(f, "/") && strings.HasPrefix(path, f) {
						t.Errorf("%s imports %s", file, path)
					}
				}
			}
		}
	}
}

// Wrapper modules are programs of their own; the engine only ever builds them.
func TestEngine_ImportsNoComponent(t *testing.T) {
	for file := range sources(t, internal) {
		for _, path := range imports(t, filepath.Join("../..", file)) {
			if strings.HasPrefix(path, "github.com/slipway-dev/slipway/components/") {
				t.Errorf("%s imports %s", file, path)
			}
		}
	}
}

func imports(t *testing.T, file string) []string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, i := range parsed.Imports {
		path, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, path)
	}
	return out
}
