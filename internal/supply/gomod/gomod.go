// Package gomod finds the source of Go modules in the module cache, downloading what is missing
// with the machine's own go command, and always checked against the go.sum of whoever asks.
package gomod

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"

	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/supply/command"
)

// Client asks the go command and remembers its answers.
type Client struct {
	mu  sync.Mutex
	env *Env
}

// Env is what matters of `go env`.
type Env struct {
	Version  string `json:"GOVERSION"`
	Arch     string `json:"GOARCH"`
	ModCache string `json:"GOMODCACHE"`
	Flags    string `json:"GOFLAGS"`
}

// Module is a module's source on disk, read-only.
type Module struct {
	Path    string
	Version string
	Dir     string
}

// Env asks the go command for its settings, once.
func (c *Client) Env(ctx context.Context) (Env, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.env != nil {
		return *c.env, nil
	}
	out, err := command.Run(ctx, command.Command{
		Args: []string{"go", "env", "-json", "GOVERSION", "GOARCH", "GOMODCACHE", "GOFLAGS"},
		Dir:  "/", Env: map[string]string{"GOWORK": "off", "GOOS": "linux"},
	})
	if err != nil {
		return Env{}, err
	}
	var env Env
	if err := json.Unmarshal(out, &env); err != nil {
		return Env{}, fmt.Errorf("go env: %w", err)
	}
	c.env = &env
	return env, nil
}

// Find gives a required module's source if it is in the module cache already, checked against
// go.sum; ok is false where it must be downloaded first. fsys holds go.mod and go.sum.
func (c *Client) Find(ctx context.Context, fsys fs.FS, path string) (m Module, ok bool, err error) {
	want, sum, err := required(fsys, path)
	if err != nil {
		return m, false, err
	}
	env, err := c.Env(ctx)
	if err != nil {
		return m, false, err
	}
	m = Module{Path: want.Path, Version: want.Version}
	escaped, err := module.EscapePath(want.Path)
	if err != nil {
		return m, false, err
	}
	version, err := module.EscapeVersion(want.Version)
	if err != nil {
		return m, false, err
	}
	m.Dir = filepath.Join(env.ModCache, escaped+"@"+version)
	cached := filepath.Join(env.ModCache, "cache", "download", escaped, "@v", version)
	hash, err := os.ReadFile(cached + ".ziphash")
	if err != nil || strings.TrimSpace(string(hash)) != sum {
		return m, false, nil
	}
	if _, err := os.Stat(cached + ".partial"); err == nil { // the go command marks unpacking that was cut short
		return m, false, nil
	}
	_, err = os.Stat(m.Dir)
	return m, err == nil, nil
}

// Dir gives a required module's source, downloading it if need be. note, which may be nil, is told what goes on.
func (c *Client) Dir(ctx context.Context, fsys fs.FS, path string, note func(string)) (Module, error) {
	m, ok, err := c.Find(ctx, fsys, path)
	if err != nil || ok {
		return m, err
	}
	if note != nil {
		note("downloading module " + m.Path + " " + m.Version)
	}
	dir, err := os.MkdirTemp("", "slipway-gomod-*")
	if err != nil {
		return m, fmt.Errorf("download module %s: %w", m.Path, err)
	}
	defer os.RemoveAll(dir)
	for _, name := range []string{"go.mod", "go.sum"} {
		data, err := fs.ReadFile(fsys, name)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), data, 0o600)
		}
		if err != nil {
			return m, fmt.Errorf("download module %s: %w", m.Path, err)
		}
	}
	// By its path alone: so the go command takes version and replacement from go.mod, and the sum from go.sum.
	out, err := command.RunRetrying(ctx, command.Command{
		Args: []string{"go", "mod", "download", "-json", path}, Dir: dir, Env: map[string]string{"GOWORK": "off"},
	}, note)
	if err != nil {
		return m, fmt.Errorf("download module %s %s: %w", m.Path, m.Version, downloadError(out, err))
	}
	if m, ok, err = c.Find(ctx, fsys, path); err != nil {
		return m, err
	}
	if !ok {
		return m, fmt.Errorf("download module %s %s: the go command took another version or sum than go.mod and go.sum name", m.Path, m.Version)
	}
	return m, nil
}

// downloadError finds the message that `go mod download -json` prints to its standard output.
func downloadError(_ []byte, err error) error {
	var failed *command.Error
	if !errors.As(err, &failed) {
		return err
	}
	var result struct{ Error string }
	if json.Unmarshal([]byte(failed.Output), &result) == nil && result.Error != "" {
		return errors.New(result.Error)
	}
	return err
}

// required finds in go.mod and go.sum the version that is built and the sum of its zip.
func required(fsys fs.FS, path string) (module.Version, string, error) {
	data, err := fs.ReadFile(fsys, "go.mod")
	if err != nil {
		return module.Version{}, "", fmt.Errorf("module %s: %w", path, err)
	}
	mod, err := modfile.ParseLax("go.mod", data, nil)
	if err != nil {
		return module.Version{}, "", err
	}
	var found module.Version
	for _, r := range mod.Require {
		if r.Mod.Path == path {
			found = r.Mod
		}
	}
	if found.Path == "" {
		return found, "", fault.Hint(fmt.Errorf("module %s is not required in go.mod", path), "go get "+path+"@VERSION in the component's folder")
	}
	// ParseLax leaves replacements out: they are read strictly.
	strict, err := modfile.Parse("go.mod", data, nil)
	if err != nil {
		return found, "", err
	}
	for _, r := range strict.Replace {
		if r.Old.Path == path && (r.Old.Version == "" || r.Old.Version == found.Version) {
			found = r.New
		}
	}
	if found.Version == "" {
		return found, "", fmt.Errorf("module %s is replaced by a folder", path)
	}
	sums, err := fs.ReadFile(fsys, "go.sum")
	if err != nil {
		return found, "", fmt.Errorf("module %s: %w", path, err)
	}
	for line := range strings.Lines(string(sums)) {
		f := strings.Fields(line)
		if len(f) == 3 && f[0] == found.Path && f[1] == found.Version {
			return found, f[2], nil
		}
	}
	return found, "", fault.Hint(fmt.Errorf("module %s %s has no checksum in go.sum", found.Path, found.Version),
		"go mod download "+found.Path+" in the component's folder")
}
