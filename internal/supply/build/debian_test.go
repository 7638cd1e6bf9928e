package build

import (
	"io"
	"strings"
	"testing"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/supply/layer"
)

func TestDebian_LeavesOutWhatNoImageNeeds(t *testing.T) {
	for name, c := range map[string]struct {
		exclude, include []string
		kept, dropped    []string
	}{
		"by itself": {
			kept: []string{"usr/bin/x", "etc/x", "usr/share/doc/x/copyright", "var/lib/x"},
			dropped: []string{"dev/null", "etc/apt/sources.list", "etc/resolv.conf", "var/lib/dpkg/status", "var/lib/apt/lists/x",
				"var/cache/apt/x", "usr/share/doc/x/README", "usr/share/man/man1/x.1.gz"},
		},
		"with excludes": {
			exclude: []string{"/usr/lib/*/perl*"},
			kept:    []string{"usr/bin/x", "usr/lib/x86/libc.so"},
			dropped: []string{"usr/lib/x86/perl5/x"},
		},
		"only what is included": {
			exclude: []string{"/*"}, include: []string{"/bin/bash", "/usr/lib/*/libm.so*", "/usr/share/doc/*/copyright", "/var/lib/dpkg/*"},
			kept:    []string{"usr/bin/bash", "usr/lib/x86/libm.so.6", "usr/share/doc/x/copyright"},
			dropped: []string{"usr/bin/x", "etc/x", "usr/lib/x86/libc.so", "var/lib/dpkg/status"},
		},
		"by the packages' own names": {
			exclude: []string{"/sbin/*"}, kept: []string{"usr/bin/x"}, dropped: []string{"usr/sbin/x"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			keep, err := debian{v1alpha1.DebianLayer{Exclude: c.exclude, Include: c.include}}.filter()
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range c.kept {
				if !keep(p, '0') {
					t.Errorf("%s is left out", p)
				}
			}
			for _, p := range c.dropped {
				if keep(p, '0') {
					t.Errorf("%s is kept", p)
				}
			}
		})
	}
	if _, err := (debian{v1alpha1.DebianLayer{Exclude: []string{"/a[b"}}}).filter(); err == nil {
		t.Error("a broken pattern is accepted")
	}
}

func TestDebian_LinksIntoUsrStayOnlyWhereTheyLeadSomewhere(t *testing.T) {
	tree := layer.New()
	for _, l := range []string{"bin", "lib", "lib64"} {
		tree.PutLink(l, "usr/"+l)
	}
	tree.PutDir("usr/lib", 0o755, 0, 0)
	tree.PutBytes("usr/bin/x", 0o755, nil)
	tree.PutBytes("usr/lib64x", 0o644, nil)
	dropLooseLinks(tree)
	if got := strings.Join(tree.Paths(), " "); got != "bin usr/bin/x usr/lib64x" {
		t.Errorf("left %s", got)
	}
	if got := (debian{}).links(tree); len(got) != 1 || got["bin"] != "usr/bin" {
		t.Errorf("links %v", got)
	}
}

func TestDebian_JoinsTheAuthorities(t *testing.T) {
	tree := layer.New()
	tree.PutBytes("usr/share/ca-certificates/mozilla/b.crt", 0o644, []byte("B"))
	tree.PutBytes("usr/share/ca-certificates/mozilla/a.crt", 0o644, []byte("A\n"))
	tree.PutBytes("usr/share/ca-certificates/readme", 0o644, []byte("no"))
	if err := writeBundle(tree); err != nil {
		t.Fatal(err)
	}
	e, ok := tree.Get(bundle)
	if !ok || e.Size != int64(len("A\nB\n")) {
		t.Errorf("the bundle has %d bytes", e.Size)
	}
	none := layer.New()
	if err := writeBundle(none); err != nil || none.Len() != 0 {
		t.Errorf("a bundle of nothing: %v, %v", none.Paths(), err)
	}
}

func TestDebian_RecordIsWhatScannersRead(t *testing.T) {
	tree := layer.New()
	record(tree, "libc6", "2.36-9+deb12u13", "amd64")
	e, ok := tree.Get("var/lib/dpkg/status.d/libc6")
	if !ok {
		t.Fatal(tree.Paths())
	}
	r, err := e.Open()
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if want := "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.36-9+deb12u13\n"; err != nil || string(text) != want {
		t.Errorf("%q, %v", text, err)
	}
}
