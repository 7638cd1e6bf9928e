package sbom

import (
	"bytes"
	"encoding/json"
	"os"
	"runtime"
	"strings"
	"testing"
)

func TestPackages_AreNamedByTheirURL(t *testing.T) {
	for want, got := range map[string]Package{
		"pkg:golang/k8s.io/api@v0.34.3":                     GoModule("k8s.io/api", "v0.34.3"),
		"pkg:deb/debian/libc6@2.36-9%2Bdeb12u13?arch=amd64": Debian("debian", "libc6", "2.36-9+deb12u13", "amd64"),
		"pkg:pypi/a-program@3.6.15":                         PyPI("A_Program", "3.6.15", ""),
		"pkg:npm/%40swc/core@1.0.0":                         NPM("@swc/core", "1.0.0"),
		"pkg:maven/org.example/dist@26.0.0":                 Maven("org.example", "dist", "26.0.0", ""),
	} {
		if got.PURL != want {
			t.Errorf("got %s, want %s", got.PURL, want)
		}
	}
}

func TestDocument_IsSortedOnceAndRepeatable(t *testing.T) {
	a, b := GoModule("a", "v1"), Debian("debian", "b", "1", "all")
	subject := Subject{Name: "x", Version: "1", License: "MIT", Source: "https://example.com", Digest: "00"}
	first, err := Document(subject, []Package{a, b, a})
	if err != nil {
		t.Fatal(err)
	}
	second, err := Document(subject, []Package{b, a})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, second) {
		t.Error("the order of packages matters")
	}
	var bom struct {
		Components []struct{ PURL string }
	}
	if err := json.Unmarshal(first, &bom); err != nil || len(bom.Components) != 2 || bom.Components[0].PURL != b.PURL {
		t.Errorf("got %s, %v", first, err)
	}
}

func TestFromGoProgram_ListsGosOwnLibrary(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	packages, err := FromGoProgram(self)
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.TrimPrefix(runtime.Version(), "go"); len(packages) == 0 || packages[0].Name != "stdlib" || packages[0].Version != want {
		t.Errorf("got %v, want Go's own library %s", packages, want)
	}
}

func TestFromGoProgram_AnotherFileIsAnError(t *testing.T) {
	if _, err := FromGoProgram("/etc/hostname"); err == nil {
		t.Error("no error")
	}
}
