package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"

	"golang.org/x/term"

	"github.com/slipway-dev/slipway/internal/deliver"
	"github.com/slipway-dev/slipway/internal/platform"
	"github.com/slipway-dev/slipway/internal/portal"
)

// Env is what a command has of the world.
type Env struct {
	In       io.Reader
	Out, Err io.Writer
	// Terminal says that Out is a terminal, InTerminal that In is one, and Colour that Out's
	// text may be coloured (https://no-color.org).
	Terminal, InTerminal, Colour bool
	Getenv                       func(string) string
	// Dir is the working directory.
	Dir     string
	Version string
	// Adapters speak to the tools' own APIs.
	Adapters deliver.Adapters
	// GitServers are the adapters by which the server uses the platform's Git server.
	GitServers portal.GitServers
	// DeliveryActions are actions of templates that bear a delivery tool's name.
	DeliveryActions portal.DeliveryActions
	// Engines are the adapters by which the server has applications built.
	Engines portal.Engines
}

// SystemEnv is the process's own environment; version may be empty.
func SystemEnv(version string, adapters deliver.Adapters) *Env {
	dir, err := os.Getwd()
	if err != nil {
		dir = "."
	}
	terminal := term.IsTerminal(int(os.Stdout.Fd())) && os.Getenv("TERM") != "dumb"
	return &Env{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		Terminal:   terminal,
		Colour:     terminal && os.Getenv("NO_COLOR") == "",
		InTerminal: term.IsTerminal(int(os.Stdin.Fd())),
		Getenv:     os.Getenv,
		Dir:        dir,
		Version:    versionOr(version),
		Adapters:   adapters,
	}
}

// versionOr gives the version that Go recorded where the linker was given none.
func versionOr(version string) string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "development"
}

// home says where state and caches are: SLIPWAY_HOME and SLIPWAY_CACHE, else the usual places.
func (e *Env) home() (platform.Home, error) {
	h := platform.Home{State: e.Getenv("SLIPWAY_HOME"), Cache: e.Getenv("SLIPWAY_CACHE"), Adapters: e.Adapters}
	if h.State == "" {
		h.State = "/var/lib/slipway"
	}
	if h.Cache == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return h, fmt.Errorf("find the cache directory (set SLIPWAY_CACHE): %w", err)
		}
		h.Cache = filepath.Join(cache, "slipway")
	}
	for _, p := range []*string{&h.State, &h.Cache} {
		if !filepath.IsAbs(*p) {
			*p = filepath.Join(e.Dir, *p)
		}
	}
	return h, nil
}

func (e *Env) printf(format string, args ...any) { fmt.Fprintf(e.Out, format, args...) }
