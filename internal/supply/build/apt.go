package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/supply/command"
)

// release is the machine's distribution (os-release(5)).
type release struct{ id, codename string }

// MarshalText makes a release part of a digest.
func (r release) MarshalText() ([]byte, error) { return []byte(r.id + "/" + r.codename), nil }

func readRelease() (release, error) {
	data, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return release{}, fmt.Errorf("which distribution this is: %w", err)
	}
	values := map[string]string{}
	for line := range strings.Lines(string(data)) {
		k, v, _ := strings.Cut(strings.TrimSpace(line), "=")
		values[k] = strings.Trim(v, `"'`)
	}
	r := release{id: values["ID"], codename: values["VERSION_CODENAME"]}
	if r.codename == "" {
		return r, fault.Hint(errors.New("this machine's distribution has no code name in /etc/os-release"),
			"Debian layers are built on Debian and its relatives; elsewhere use supply mode pull or a bundle")
	}
	return r, nil
}

// aptSources are the machine's own, so that its mirrors are used.
func aptSources() ([]string, error) {
	var found []string
	for _, pattern := range []string{"/etc/apt/sources.list", "/etc/apt/sources.list.d/*.list", "/etc/apt/sources.list.d/*.sources"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			if hasSource(f) {
				found = append(found, f)
			}
		}
	}
	if len(found) == 0 {
		return nil, fault.Hint(errors.New("apt has no package sources on this machine"), "give it some in /etc/apt/sources.list.d (sources.list(5))")
	}
	return found, nil
}

// hasSource says whether a file names a source of binary packages, in either format.
func hasSource(file string) bool {
	data, err := os.ReadFile(file)
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "deb ") || strings.HasPrefix(line, "deb\t") || strings.HasPrefix(line, "Types:") {
			return true
		}
	}
	return false
}

// aptOptions carries over how apt reaches its sources here (proxies, time-outs, certificates): mmdebstrap
// reads the machine's sources, but not its settings.
func aptOptions(ctx context.Context) ([]string, error) {
	out, err := command.Run(ctx, command.Command{Args: []string{"apt-config", "dump", "--no-empty", "Acquire"}})
	if err != nil {
		return nil, fmt.Errorf("read apt's settings: %w", err)
	}
	var options []string
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSpace(line)
		// The lists of languages and index targets are apt's own defaults.
		if line == "" || strings.HasPrefix(line, "Acquire::IndexTargets") || strings.HasPrefix(line, "Acquire::Changelogs") ||
			strings.HasPrefix(line, "Acquire::Languages") || strings.Contains(line, "CompressionTypes") {
			continue
		}
		options = append(options, "--aptopt="+line)
	}
	return options, nil
}
