package build

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"sigs.k8s.io/yaml"

	"github.com/slipway-dev/slipway/internal/supply/gomod"
	"github.com/slipway-dev/slipway/internal/supply/gomod/gomodtest"
	"github.com/slipway-dev/slipway/internal/supply/store"
	"github.com/slipway-dev/slipway/internal/supply/unpack"
)

// made builds a recipe and unpacks its image.
func made(t *testing.T, spec string, beside map[string]string) (dir string, image Image, err error) {
	t.Helper()
	r := Recipe{Digest: "sha256:x", FS: fstest.MapFS{}}
	r.Metadata.Name = "test"
	if err := yaml.UnmarshalStrict([]byte(spec), &r.Spec); err != nil {
		t.Fatal(err)
	}
	for p, text := range beside {
		r.FS.(fstest.MapFS)[p] = &fstest.MapFile{Data: []byte(text)}
	}
	s, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b, err := New(s, t.TempDir(), &gomod.Client{})
	if err != nil {
		t.Fatal(err)
	}
	work := Work{Note: func(string) {}}
	if _, err := b.Fetch(t.Context(), r, work); err != nil {
		return "", Image{}, err
	}
	if image, err = b.Build(t.Context(), r, "key", work); err != nil {
		return "", Image{}, err
	}
	v, err := s.ImageByDigest(image.Descriptor.Digest)
	if err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(t.TempDir(), "x")
	if err := unpack.Image(t.Context(), v, image.Descriptor.Digest, dir); err != nil {
		t.Fatal(err)
	}
	return dir, image, nil
}

func purls(i Image) string {
	var all []string
	for _, p := range i.Packages() {
		all = append(all, p.PURL)
	}
	return strings.Join(all, " ")
}

const wrapperMod = "module example.com/wrapper\n\ngo 1.24\n\nrequire example.com/lib v1.2.3\n"

func TestGo_CompilesProgramsOfModulesWithFilesAdded(t *testing.T) {
	// The published module is incomplete, as happens.
	sums, _ := gomodtest.Proxy(t, "example.com/lib", "v1.2.3", map[string]string{
		"cmd/tool/main.go": "package main\n\nimport \"example.com/lib/word\"\n\nfunc main() { println(word.Word) }\n",
		"word/doc.go":      "package word\n",
	})
	const spec = `
description: x
version: "1"
layers:
  - go:
      programs: {/bin/tool: example.com/lib/cmd/tool, /bin/own: ./own}
      patches: [{module: example.com/lib, add: {word/word.go: patches/word.go}}]
`
	dir, image, err := made(t, spec, map[string]string{
		"go.mod": wrapperMod, "go.sum": sums,
		"own/main.go":     "package main\n\nimport _ \"example.com/lib/word\"\n\nfunc main() { println(\"own\") }\n",
		"patches/word.go": "package word\n\nconst Word = \"patched\"\n",
	})
	if err != nil {
		t.Fatal(err)
	}
	for program, want := range map[string]string{"tool": "patched\n", "own": "own\n"} {
		out, err := exec.CommandContext(t.Context(), filepath.Join(dir, "bin", program)).CombinedOutput()
		if err != nil || string(out) != want {
			t.Errorf("%s says %q, %v", program, out, err)
		}
	}
	if program, err := os.ReadFile(filepath.Join(dir, "bin/tool")); err != nil || strings.Contains(string(program), os.TempDir()+"/"+t.Name()) {
		t.Errorf("the program bears the path of a working folder, %v", err)
	}
	if !strings.Contains(purls(image), "pkg:golang/example.com/lib@v1.2.3") {
		t.Errorf("the packages are %s", purls(image))
	}
}

func TestGo_NeverChangesWhatIsPinned(t *testing.T) {
	gomodtest.Proxy(t, "example.com/lib", "v1.2.3", map[string]string{"lib.go": "package lib\n"})
	const spec = "description: x\nversion: '1'\nlayers: [{go: {programs: {/bin/own: .}}}]\n"
	_, _, err := made(t, spec, map[string]string{
		"go.mod": wrapperMod, "go.sum": "", "main.go": "package main\n\nimport _ \"example.com/lib\"\n\nfunc main() {}\n",
	})
	if err == nil || !strings.Contains(err.Error(), "go.sum") {
		t.Errorf("got %v", err)
	}
}

func TestModule_CopiesFilesAndFolders(t *testing.T) {
	sums, _ := gomodtest.Proxy(t, "example.com/lib", "v1.2.3", map[string]string{"public/css/a.css": "a", "public/b": "b", "LICENSE": "l"})
	const spec = "description: x\nversion: '1'\nlayers: [{module: {module: example.com/lib, copy: {/srv: public, /LICENSE: LICENSE}}}]\n"
	beside := map[string]string{"go.mod": wrapperMod, "go.sum": sums}
	dir, image, err := made(t, spec, beside)
	if err != nil {
		t.Fatal(err)
	}
	for p, want := range map[string]string{"srv/css/a.css": "a", "srv/b": "b", "LICENSE": "l"} {
		fi, err := os.Stat(filepath.Join(dir, p))
		if err != nil || fi.Mode().Perm() != 0o644 {
			t.Errorf("%s: %v", p, err)
			continue
		}
		if data, err := os.ReadFile(filepath.Join(dir, p)); err != nil || string(data) != want {
			t.Errorf("%s: got %q, %v", p, data, err)
		}
	}
	if got := purls(image); got != "pkg:golang/example.com/lib@v1.2.3" {
		t.Errorf("the packages are %s", got)
	}
	if _, _, err := made(t, strings.Replace(spec, "/srv: public", "/srv: private", 1), beside); err == nil || !strings.Contains(err.Error(), "private") {
		t.Errorf("a missing path: got %v", err)
	}
}
