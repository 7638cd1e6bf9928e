//go:build integration

package pipeline

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/slipway-dev/slipway/internal/evidence"
)

// envSyft names the program of the component ci-syft.
const envSyft = "SLIPWAY_TEST_SYFT"

func TestListing_FindsWhatIsInstalled(t *testing.T) {
	program := os.Getenv(envSyft)
	if program == "" {
		t.Fatalf("this test needs Syft: run it by make integration, or set %s to the program of the component ci-syft", envSyft)
	}
	t.Setenv("PATH", filepath.Dir(program))
	image := put(t, map[string]string{
		"/app/node_modules/left/package.json":                   `{"name":"left","version":"1.2.3","license":"MIT"}`,
		"/app/node_modules/broken/package.json":                 `{`,
		"/usr/lib/python3/site-packages/x-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: x\nVersion: 1.0\nLicense: BSD-3-Clause\n\nLong text\n",
		"/etc/os-release":      "ID=debian\nVERSION_ID=\"12\"\n",
		"/var/lib/dpkg/status": "Package: libc6\nStatus: install ok installed\nVersion: 2.36-9\nArchitecture: amd64\n\n",
	})
	const name = "registry.example.com/team/shop"
	digest, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	document, err := Job{Out: io.Discard}.listing(t.Context(), image, name+"@"+digest.String())
	if err != nil {
		t.Fatal(err)
	}
	statement, err := evidence.NewSBOM(evidence.NewSubject(name, evidence.Digest(digest.String())), document)
	if err != nil {
		t.Fatal(err)
	}
	facts, err := evidence.DecodeSBOM(statement)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.Join(facts.Tools, " "), "syft-") || facts.Format != "SPDX-2.3" {
		t.Errorf("it was made by %q, in %s", facts.Tools, facts.Format)
	}
	held := map[string]string{}
	for _, p := range facts.Packages {
		held[p.PURL] = p.License
	}
	for purl, license := range map[string]string{"pkg:npm/left@1.2.3": "MIT", "pkg:pypi/x@1.0": "BSD-3-Clause",
		"pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12": "", "pkg:golang/stdlib@" + strings.TrimPrefix(runtime.Version(), "go"): "BSD-3-Clause"} {
		if got, there := held[purl]; !there || got != license {
			t.Errorf("%s: %t %q of %v", purl, there, got, held)
		}
	}
}

// put makes an image of one layer with files, and with this very program, which is a Go program.
func put(t *testing.T, files map[string]string) v1.Image {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	binary, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	write := func(p string, mode int64, data []byte) {
		err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: strings.TrimPrefix(p, "/"), Mode: mode, Size: int64(len(data))})
		if err == nil {
			_, err = w.Write(data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for p, text := range files {
		write(p, 0o644, []byte(text))
	}
	write("/service", 0o755, binary)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive.Bytes())), nil })
	if err != nil {
		t.Fatal(err)
	}
	image, err := mutate.AppendLayers(empty.Image, l)
	if err != nil {
		t.Fatal(err)
	}
	return image
}
