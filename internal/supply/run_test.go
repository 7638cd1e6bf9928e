package supply

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-dev/slipway/internal/progress"
	"github.com/slipway-dev/slipway/internal/supply/sbom"
)

const plainBase = `
description: a base
version: "1"
layers:
  - directories: [{path: /data, mode: "0700", owner: "7:8"}, {path: /usr/bin}]
  - links: {/bin: usr/bin}
  - files: [{path: /etc/motd, content: below}]
config: {env: {A: base, B: base}}
`

const plainApp = `
description: an app
version: 1.2.3
source: https://example.com/app
license: MIT
images: [example.com/app:v1.2.3, example.com/app:latest]
buildOnly: true
layers:
  - base: base
  - files: [{path: /etc/motd, content: above}, {path: /bin/run, mode: "0755", content: "#!/bin/sh\n"}]
config: {entrypoint: [/bin/run], env: {B: app}}
`

func TestRun_BuildsAnImageOnItsBase(t *testing.T) {
	s, e := newSupplier(t, t.TempDir(), "", recipe(t, "base", plainBase, nil), recipe(t, "app", plainApp, nil))
	if got := decide(t, s, "app"); got != "base:build app:build" {
		t.Errorf("decided %s", got)
	}
	if err := bring(t, s, "app"); err != nil {
		t.Fatal(err)
	}
	for _, ref := range []string{"example.com/app:v1.2.3", "example.com/app:latest", "slipway.dev/recipes/base:1"} {
		if !s.Store.Has(ref) {
			t.Errorf("%s is not in the store", ref)
		}
	}
	image, err := s.Store.Image("example.com/app:v1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(config.Config.User, config.Config.Entrypoint, config.Config.Env); got != "65532:65532[/bin/run] [A=base B=app]" {
		t.Errorf("configured as %s", got)
	}
	for label, want := range map[string]string{"version": "1.2.3", "source": "https://example.com/app", "licenses": "MIT", "title": "app"} {
		if got := config.Config.Labels["org.opencontainers.image."+label]; got != want {
			t.Errorf("label %s is %q", label, got)
		}
	}
	if !strings.HasPrefix(config.Config.Labels["dev.slipway.recipe.digest"], "sha256:") {
		t.Error("no label tells the recipe's digest")
	}
	for task, state := range map[string]progress.State{"images/base": progress.Done, "images/app": progress.Done} {
		if got := e.states()[task]; got != state {
			t.Errorf("%s ended %s", task, got)
		}
	}
}

func TestExtract_FlattensTheImage(t *testing.T) {
	s, _ := newSupplier(t, t.TempDir(), "", recipe(t, "base", plainBase, nil), recipe(t, "app", plainApp, nil))
	dir := filepath.Join(t.TempDir(), "root")
	if err := s.Extract(t.Context(), "app", dir); err == nil {
		t.Fatal("unpacked what is not there")
	}
	if err := bring(t, s, "app"); err != nil {
		t.Fatal(err)
	}
	if err := s.Extract(t.Context(), "app", dir); err != nil {
		t.Fatal(err)
	}
	if motd, err := os.ReadFile(filepath.Join(dir, "etc/motd")); err != nil || string(motd) != "above" {
		t.Errorf("motd is %q, %v", motd, err)
	}
	// The file went where the link below leads, and the link is still one.
	if target, err := os.Readlink(filepath.Join(dir, "bin")); err != nil || target != "usr/bin" {
		t.Errorf("bin leads to %q, %v", target, err)
	}
	if fi, err := os.Stat(filepath.Join(dir, "usr/bin/run")); err != nil || fi.Mode().Perm() != 0o755 {
		t.Errorf("run: %v", err)
	}
}

func TestRun_WhatIsThereIsNotMadeAgain(t *testing.T) {
	cache := t.TempDir()
	base, app := recipe(t, "base", plainBase, nil), recipe(t, "app", plainApp, nil)
	first, _ := newSupplier(t, cache, "", base, app)
	if err := bring(t, first, "app"); err != nil {
		t.Fatal(err)
	}
	before, _ := first.Store.Resolve("example.com/app:v1.2.3")

	t.Run("unchanged", func(t *testing.T) {
		s, e := newSupplier(t, cache, "", base, app)
		if got := decide(t, s, "app"); got != "app:present" {
			t.Errorf("decided %s", got)
		}
		if err := bring(t, s, "app"); err != nil || e.states()["images/app"] != progress.Skipped {
			t.Errorf("%v, ended %s", err, e.states()["images/app"])
		}
	})
	t.Run("a changed base", func(t *testing.T) {
		s, _ := newSupplier(t, cache, "", recipe(t, "base", strings.Replace(plainBase, "below", "other", 1), nil), app)
		if got := decide(t, s, "app"); got != "base:build app:build" {
			t.Errorf("decided %s", got)
		}
		if err := bring(t, s, "app"); err != nil {
			t.Fatal(err)
		}
		if after, _ := s.Store.Resolve("example.com/app:v1.2.3"); after.Digest == before.Digest {
			t.Error("the reference still points at the old image")
		}
	})
	t.Run("and back again", func(t *testing.T) {
		s, _ := newSupplier(t, cache, "", base, app)
		if err := bring(t, s, "app"); err != nil {
			t.Fatal(err)
		}
		if after, _ := s.Store.Resolve("example.com/app:v1.2.3"); after.Digest != before.Digest {
			t.Error("the reference does not point at the first image")
		}
	})
	t.Run("a lost blob", func(t *testing.T) {
		image, err := first.Store.Image("example.com/app:v1.2.3")
		if err != nil {
			t.Fatal(err)
		}
		m, err := image.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		lost := m.Layers[len(m.Layers)-1].Digest.Hex
		if err := os.Remove(filepath.Join(cache, "store", "blobs", "sha256", lost)); err != nil {
			t.Fatal(err)
		}
		s, _ := newSupplier(t, cache, "", base, app)
		if got := decide(t, s, "app"); got != "base:present app:build" {
			t.Errorf("decided %s", got)
		}
		if err := bring(t, s, "app"); err != nil || !s.Store.Has("example.com/app:v1.2.3") {
			t.Errorf("not brought back: %v", err)
		}
	})
}

func TestRun_BuildsAreRepeatable(t *testing.T) {
	digests := map[string]bool{}
	for range 2 {
		s, _ := newSupplier(t, t.TempDir(), "", recipe(t, "base", plainBase, nil), recipe(t, "app", plainApp, nil))
		if err := bring(t, s, "app"); err != nil {
			t.Fatal(err)
		}
		d, _ := s.Store.Resolve("example.com/app:v1.2.3")
		digests[d.Digest.String()] = true
	}
	if len(digests) != 1 {
		t.Errorf("got %v", digests)
	}
}

const goApp = `
description: a program
version: "1"
images: [example.com/hello:v1]
buildOnly: true
layers:
  - go: {programs: {/usr/bin/hello: .}, ldflags: ["-X main.word=hello"]}
`

var goFiles = map[string]string{
	"go.mod":  "module example.com/hello\n\ngo 1.24\n",
	"main.go": "package main\n\nvar word = \"?\"\n\nfunc main() { println(word) }\n",
}

func TestRun_CompilesGo(t *testing.T) {
	s, _ := newSupplier(t, t.TempDir(), "", recipe(t, "hello", goApp, goFiles))
	if err := bring(t, s, "hello"); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "x")
	if err := s.Extract(t.Context(), "hello", dir); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), filepath.Join(dir, "usr/bin/hello")).CombinedOutput(); err != nil || string(out) != "hello\n" {
		t.Errorf("it says %q, %v", out, err)
	}
	d, _ := s.Store.Resolve("example.com/hello:v1")
	document, err := s.Store.Attached(d.Digest, sbom.MediaType)
	if err != nil {
		t.Fatal(err)
	}
	var bom struct {
		BOMFormat  string
		Components []struct{ PURL string }
	}
	if err := json.Unmarshal(document, &bom); err != nil || bom.BOMFormat != "CycloneDX" || len(bom.Components) != 1 ||
		!strings.HasPrefix(bom.Components[0].PURL, "pkg:golang/stdlib@") {
		t.Errorf("the SBOM is %s, %v", document, err)
	}
	if left, err := os.ReadDir(filepath.Join(s.CacheDir, "work")); err != nil || len(left) != 0 {
		t.Errorf("left in the working folder: %v, %v", left, err)
	}
}

func TestRun_ABrokenProgramIsAnErrorThatShowsTheCompilersWords(t *testing.T) {
	files := map[string]string{"go.mod": goFiles["go.mod"], "main.go": "package main\n\nfunc main() { undefinedName() }\n"}
	s, e := newSupplier(t, t.TempDir(), "", recipe(t, "hello", goApp, files), recipe(t, "base", plainBase, nil),
		recipe(t, "app", plainApp, nil))
	err := bring(t, s, "hello", "app")
	if err == nil || !strings.Contains(err.Error(), "undefinedName") {
		t.Fatalf("got %v", err)
	}
	if !s.Store.Has("example.com/app:v1.2.3") {
		t.Error("another image was held up")
	}
	if s.Store.Has("example.com/hello:v1") || e.states()["images/hello"] != progress.Failed {
		t.Error("the broken image counts as built")
	}
}

func TestRun_ABrokenBaseFailsWhatStandsOnIt(t *testing.T) {
	s, _ := newSupplier(t, t.TempDir(), "", recipe(t, "base", strings.Replace(plainBase, `"0700"`, `"rwx"`, 1), nil), recipe(t, "app", plainApp, nil))
	if err := bring(t, s, "app"); err == nil || !strings.Contains(err.Error(), "its base base") || !strings.Contains(err.Error(), "rwx") {
		t.Errorf("got %v", err)
	}
}
