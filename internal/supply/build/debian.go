package build

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/supply/command"
	"github.com/slipway-dev/slipway/internal/supply/layer"
	"github.com/slipway-dev/slipway/internal/supply/sbom"
)

// debian unpacks Debian packages and what they depend on, running none of their scripts.
type debian struct{ v1alpha1.DebianLayer }

func arch() string { return runtime.GOARCH }

func (d debian) key(context.Context, *workshop) (any, error) {
	release, err := readRelease()
	if err != nil {
		return nil, err
	}
	return []any{d.DebianLayer, release, arch()}, nil
}

// mergedUsr is mmdebstrap's own hook that makes /bin, /lib and /sbin links into /usr.
const mergedUsr = "/usr/share/mmdebstrap/hooks/merged-usr"

func (d debian) fill(ctx context.Context, w *workshop, t *layer.Tree) ([]sbom.Package, error) {
	release, err := readRelease()
	if err != nil {
		return nil, err
	}
	aptSources, err := aptSources()
	if err != nil {
		return nil, err
	}
	options, err := aptOptions(ctx)
	if err != nil {
		return nil, err
	}
	list, archive := filepath.Join(w.dir, "packages"), filepath.Join(w.dir, "debian.tar")
	hook := filepath.Join(w.dir, "list-packages")
	script := "#!/bin/sh\nset -eu\nfor deb in \"$1\"/var/cache/apt/archives/*.deb; do\n" +
		"\tdpkg-deb --show --showformat '${Package} ${Version} ${Architecture}\\n' \"$deb\"\ndone >'" + list + "'\n"
	if err := os.WriteFile(hook, []byte(script), 0o700); err != nil {
		return nil, err
	}
	args := []string{"mmdebstrap", "--variant=extract", "--format=tar", "--include=" + strings.Join(d.Packages, ","),
		"--hook-dir=" + mergedUsr, "--extract-hook=" + hook}
	args = append(append(args, options...), release.codename, archive)
	w.note("unpacking " + strings.Join(d.Packages, ", "))
	if _, err := command.RunRetrying(ctx, command.Command{
		Args: append(args, aptSources...), Dir: w.dir, Log: w.log, Nice: w.nice,
		Env: map[string]string{"TMPDIR": w.dir, "SOURCE_DATE_EPOCH": "0"},
	}, func(s string) {
		_ = os.Remove(archive)
		w.note(s)
	}); err != nil {
		return nil, err
	}
	keep, err := d.filter()
	if err != nil {
		return nil, err
	}
	if err := t.Import(archive, keep); err != nil {
		return nil, err
	}
	dropLooseLinks(t)
	if err := writeBundle(t); err != nil {
		return nil, err
	}
	unpacked, err := os.ReadFile(list)
	if err != nil {
		return nil, fmt.Errorf("list Debian packages: %w", err)
	}
	var packages []sbom.Package
	for line := range strings.Lines(string(unpacked)) {
		f := strings.Fields(line)
		if len(f) != 3 {
			continue
		}
		packages = append(packages, sbom.Debian(release.id, f[0], f[1], f[2]))
		if d.Record {
			record(t, f[0], f[1], f[2])
		}
	}
	return packages, nil
}

// record writes what scanners read of a package.
func record(t *layer.Tree, name, version, architecture string) {
	t.PutBytes("var/lib/dpkg/status.d/"+name, 0o644, fmt.Appendf(nil,
		"Package: %s\nStatus: install ok installed\nArchitecture: %s\nVersion: %s\n", name, architecture, version))
}

// never is what no image needs: devices and mounts, the package manager's own files, and what
// the build host wrote for the time of unpacking.
var never = []string{
	"/dev/*", "/proc/*", "/sys/*", "/run/*", "/boot/*", "/etc/apt/*", "/etc/apt", "/etc/dpkg/*", "/etc/dpkg", "/etc/fstab", "/etc/hostname",
	"/etc/resolv.conf", "/etc/machine-id", "/var/lib/apt/*", "/var/lib/apt", "/var/lib/dpkg/*", "/var/lib/dpkg", "/var/cache/*", "/var/log/*",
	"/dev", "/proc", "/sys", "/boot",
}

// unread is documentation, which is left out unless the recipe includes it. Licences stay.
var unread = []string{
	"/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/lintian/*", "/usr/share/bug/*", "/usr/share/doc-base/*",
}

const licences = "/usr/share/doc/*/copyright"

func (d debian) filter() (func(string, byte) bool, error) {
	out, err1 := globs(never)
	exclude, err2 := globs(append(slices.Clone(unread), d.Exclude...))
	always := d.Include
	if len(d.Exclude) == 0 {
		always = append(slices.Clone(always), licences)
	}
	include, err3 := globs(always)
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	return func(p string, _ byte) bool {
		names := []string{p}
		if unmerged, ok := strings.CutPrefix(p, "usr/"); ok && slices.Contains(merged, strings.SplitN(unmerged, "/", 2)[0]) {
			names = append(names, unmerged) // as the package itself calls it
		}
		if slices.Contains(merged, p) {
			return true // dropped again if nothing lies there
		}
		return !matches(out, names...) && (!matches(exclude, names...) || matches(include, names...))
	}, nil
}

// globs reads path globs.
func globs(patterns []string) ([]layer.Glob, error) {
	var globs []layer.Glob
	for _, p := range patterns {
		g, err := layer.ParseGlob(p)
		if err != nil {
			return nil, err
		}
		globs = append(globs, g)
	}
	return globs, nil
}

// matches says whether any glob matches any of a file's names.
func matches(globs []layer.Glob, names ...string) bool {
	return slices.ContainsFunc(globs, func(g layer.Glob) bool { return slices.ContainsFunc(names, g.Match) })
}

// merged are the directories that are links into /usr.
var merged = []string{"bin", "sbin", "lib", "lib32", "lib64", "libx32"}

// dropLooseLinks removes the links into /usr that lead nowhere in this layer.
func dropLooseLinks(t *layer.Tree) {
	paths := t.Paths()
	for _, link := range merged {
		i, _ := slices.BinarySearch(paths, "usr/"+link+"/")
		if i == len(paths) || !strings.HasPrefix(paths[i], "usr/"+link+"/") {
			t.Remove(link)
			t.Remove("usr/" + link)
		}
	}
}

func (debian) links(t *layer.Tree) map[string]string {
	links := map[string]string{}
	for p, target := range t.Links() {
		if !strings.Contains(p, "/") || slices.Contains([]string{"var/run", "var/lock"}, p) {
			links[p] = target
		}
	}
	return links
}

const (
	authorities = "usr/share/ca-certificates/"
	bundle      = "etc/ssl/certs/ca-certificates.crt"
)

// writeBundle does what the script of the package ca-certificates does: it joins the
// authorities into one file.
func writeBundle(t *layer.Tree) error {
	if _, ok := t.Get(bundle); ok {
		return nil
	}
	var all []byte
	for _, p := range t.Paths() {
		if !strings.HasPrefix(p, authorities) || !strings.HasSuffix(p, ".crt") {
			continue
		}
		e, _ := t.Get(p)
		r, err := e.Open()
		if err != nil {
			return fmt.Errorf("certificate bundle: %w", err)
		}
		data, err := io.ReadAll(r)
		_ = r.Close()
		if err != nil {
			return fmt.Errorf("certificate bundle: %w", err)
		}
		all = append(append(all, strings.TrimSpace(string(data))...), '\n')
	}
	if len(all) > 0 {
		t.PutBytes(bundle, 0o644, all)
	}
	return nil
}
