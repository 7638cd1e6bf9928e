//go:build integration

package build

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// These use the machine's own package sources.

func TestDebian_UnpacksWithoutThePackageManager(t *testing.T) {
	const spec = `
description: x
version: "1"
layers:
  - debian: {packages: [ca-certificates, tzdata, busybox-static]}
  - links: {/bin/sh: busybox}
`
	dir, image, err := made(t, spec, nil)
	if err != nil {
		t.Fatal(err)
	}
	if target, err := os.Readlink(filepath.Join(dir, "bin")); err != nil || target != "usr/bin" {
		t.Errorf("bin leads to %q, %v", target, err)
	}
	if target, err := os.Readlink(filepath.Join(dir, "usr/bin/sh")); err != nil || target != "busybox" {
		t.Errorf("sh leads to %q, %v", target, err)
	}
	for _, p := range []string{"var/lib/dpkg", "var/lib/apt", "etc/apt", "dev", "etc/resolv.conf", "usr/bin/dpkg", "usr/bin/apt"} {
		if _, err := os.Lstat(filepath.Join(dir, p)); err == nil {
			t.Errorf("%s is in the image", p)
		}
	}
	data, err := os.ReadFile(filepath.Join(dir, bundle))
	if err != nil || strings.Count(string(data), "BEGIN CERTIFICATE") < 50 {
		t.Errorf("the bundle has %d authorities, %v", strings.Count(string(data), "BEGIN CERTIFICATE"), err)
	}
	if got := purls(image); !strings.Contains(got, "/busybox-static@") || !strings.Contains(got, "pkg:deb/") {
		t.Errorf("the packages are %s", got)
	}
	_, again, err := made(t, spec, nil)
	if err != nil {
		t.Fatal(err)
	}
	if again.Descriptor.Digest != image.Descriptor.Digest {
		t.Error("the same recipe gave another image")
	}
}

func TestDebian_AnUnknownPackageIsAnError(t *testing.T) {
	const spec = "description: x\nversion: '1'\nlayers: [{debian: {packages: [no-such-package-anywhere]}}]\n"
	if _, _, err := made(t, spec, nil); err == nil || !strings.Contains(err.Error(), "no-such-package-anywhere") {
		t.Errorf("got %v", err)
	}
}

func TestWheel_AWrongHashIsRefused(t *testing.T) {
	spec := "description: x\nversion: '1'\nlayers: [{wheel: {package: six, version: 1.17.0, sha256: {any: '" + strings.Repeat("0", 64) + "'}, copy: {/six.py: six.py}}}]\n"
	if _, _, err := made(t, spec, nil); err == nil || !strings.Contains(strings.ToLower(err.Error()), "hash") {
		t.Errorf("got %v", err)
	}
}

func TestWheel_IsFetchedByItsHash(t *testing.T) {
	const spec = `
description: x
version: "1"
layers:
  - wheel:
      package: six
      version: 1.17.0
      sha256: {py2.py3-none-any: 4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274}
      copy: {/six.py: six.py}
      mode: "0644"
`
	dir, _, err := made(t, spec, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "six.py")); err != nil {
		t.Error(err)
	}
}
