package spec

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/fieldpath"
)

// checkFiles looks at the files and directories that a platform in dir names.
func checkFiles(c *checker, p *v1alpha1.Platform, dir string) {
	for i, bundle := range p.Spec.Trust.CABundles {
		checkBundle(c, fieldpath.Item("spec.trust.caBundles", i), dir, bundle)
	}
	for i, pkg := range p.Spec.Packages {
		if pkg.Git != nil || pkg.Path == "" {
			continue
		}
		at := fieldpath.Item("spec.packages", i) + ".path"
		info, err := os.Stat(resolve(dir, pkg.Path))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			c.add(at, similarFile(dir, pkg.Path), "%s does not exist (paths are relative to the Platform file)", pkg.Path)
		case err != nil:
			c.add(at, "", "cannot be read: %s", reason(err))
		case !info.IsDir():
			c.add(at, "", "%s is a file; a package is a directory", pkg.Path)
		}
	}
}

func checkBundle(c *checker, at, dir, name string) {
	data, err := readFile(resolve(dir, name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.add(at, similarFile(dir, name), "%s does not exist (paths are relative to the Platform file)", name)
		return
	case err != nil:
		c.add(at, "", "cannot be read: %s", reason(err))
		return
	}
	certificates := 0
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			c.add(at, "", "%s holds a %s; a CA bundle holds certificates only", name, block.Type)
			return
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			c.add(at, "", "%s: certificate %d cannot be read: %s", name, certificates+1, err)
			return
		}
		certificates++
	}
	if certificates == 0 {
		c.add(at, "", "%s holds no certificate in PEM form", name)
	}
}

func resolve(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// similarFile finds a file of a similar name in the same folder.
func similarFile(dir, path string) string {
	full := resolve(dir, path)
	entries, err := os.ReadDir(filepath.Dir(full))
	if err != nil {
		return ""
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	near := Nearest(filepath.Base(full), names)
	if near == "" {
		return ""
	}
	return filepath.Join(filepath.Dir(path), near)
}

// reason is an error without the path, which is in the message already.
func reason(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
