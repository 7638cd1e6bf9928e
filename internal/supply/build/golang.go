package build

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/supply/command"
	"github.com/slipway-dev/slipway/internal/supply/layer"
	"github.com/slipway-dev/slipway/internal/supply/sbom"
)

// golang compiles programs of the wrapper module beside the recipe.
type golang struct{ v1alpha1.GoLayer }

func (g golang) key(ctx context.Context, w *workshop) (any, error) {
	env, err := w.goes.Env(ctx)
	if err != nil {
		return nil, err
	}
	folder, err := folderDigest(w.recipe.FS)
	if err != nil {
		return nil, err
	}
	return []any{g.GoLayer, folder, env.Version, env.Arch}, nil
}

// fetch downloads the modules that the programs need, and no others of the module graph.
func (g golang) fetch(ctx context.Context, w *workshop) error {
	dir, flags, err := g.prepare(ctx, w)
	if err != nil {
		return err
	}
	args := append([]string{"go", "list", "-deps", "-e", "-f", "{{if false}}-{{end}}"}, flags...)
	args = append(args, slices.Sorted(maps.Values(g.Programs))...)
	w.note("downloading Go modules")
	_, err = command.RunRetrying(ctx, command.Command{Args: args, Dir: dir, Env: g.env(ctx, w), Log: w.log, Nice: w.nice}, w.note)
	return err
}

func (g golang) fill(ctx context.Context, w *workshop, t *layer.Tree) ([]sbom.Package, error) {
	dir, flags, err := g.prepare(ctx, w)
	if err != nil {
		return nil, err
	}
	var packages []sbom.Package
	for i, p := range slices.Sorted(maps.Keys(g.Programs)) {
		if len(g.Programs) > 1 {
			w.note(fmt.Sprintf("compiling %s (%d of %d)", filepath.Base(p), i+1, len(g.Programs)))
		} else {
			w.note("compiling " + filepath.Base(p))
		}
		out := filepath.Join(w.dir, "out"+strconv.Itoa(i))
		ldflags := strings.Join(append([]string{"-s", "-w"}, g.LDFlags...), " ")
		args := append([]string{"go", "build", "-o", out, "-ldflags", ldflags}, flags...)
		if _, err := command.Run(ctx, command.Command{
			Args: append(args, g.Programs[p]), Dir: dir, Env: g.env(ctx, w), Log: w.log, Nice: w.nice,
		}); err != nil {
			return nil, fmt.Errorf("compile %s: %w", p, err)
		}
		if err := t.PutFile(w.at(p), 0o755, out); err != nil {
			return nil, err
		}
		linked, err := sbom.FromGoProgram(out)
		if err != nil {
			return nil, err
		}
		packages = append(packages, linked...)
	}
	return packages, nil
}

// env is the machine's own, with what makes a build repeatable. The user's GOPROXY, GOFLAGS and the like stay.
func (g golang) env(ctx context.Context, w *workshop) map[string]string {
	flags := "-mod=readonly -trimpath -buildvcs=false"
	if env, err := w.goes.Env(ctx); err == nil {
		flags = strings.TrimSpace(env.Flags + " " + flags)
	}
	cgo := "0"
	if g.CGO {
		cgo = "1"
	}
	return map[string]string{"GOFLAGS": flags, "GOWORK": "off", "GOOS": "linux", "CGO_ENABLED": cgo}
}

// prepare copies the wrapper module to a folder where the go command may work, with patched
// copies of modules, and gives the flags for it.
func (g golang) prepare(ctx context.Context, w *workshop) (dir string, flags []string, err error) {
	dir = filepath.Join(w.dir, "module")
	if len(g.Tags) > 0 {
		flags = append(flags, "-tags", strings.Join(g.Tags, ","))
	}
	if len(g.Patches) > 0 {
		flags = append(flags, "-modfile", filepath.Join(w.dir, "patched.mod"))
	}
	if _, err := os.Stat(dir); err == nil {
		return dir, flags, nil // this recipe has been prepared already
	}
	if err := copyFolder(w.recipe.FS, dir); err != nil {
		return "", nil, fmt.Errorf("copy the wrapper module: %w", err)
	}
	if len(g.Patches) > 0 {
		if err := g.patch(ctx, w, dir); err != nil {
			return "", nil, err
		}
	}
	return dir, flags, nil
}

func copyFolder(fsys fs.FS, dir string) error {
	if err := os.CopyFS(dir, fsys); err != nil {
		return err
	}
	return filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.Chmod(p, 0o755)
		}
		return os.Chmod(p, 0o644)
	})
}

// patch makes copies of modules with files of the recipe added, and a go.mod that takes them. The
// module cache itself can't be overlaid: the go command refuses that.
func (g golang) patch(ctx context.Context, w *workshop, dir string) error {
	var replaced strings.Builder
	for i, p := range g.Patches {
		m, err := w.goes.Dir(ctx, w.recipe.FS, p.Module, w.note)
		if err != nil {
			return err
		}
		// By a relative path, because the program bears it in its build information.
		relative := "./_patched" + strconv.Itoa(i)
		copied := filepath.Join(dir, relative)
		if err := copyFolder(os.DirFS(m.Dir), copied); err != nil {
			return fmt.Errorf("copy module %s: %w", p.Module, err)
		}
		if err := ensureGoMod(copied, p.Module); err != nil {
			return fmt.Errorf("patch %s: %w", p.Module, err)
		}
		for inside, ours := range p.Add {
			data, err := fs.ReadFile(w.recipe.FS, ours)
			if err != nil {
				return fmt.Errorf("patch %s: %w", p.Module, err)
			}
			to := filepath.Join(copied, filepath.FromSlash(layer.Clean(inside)))
			if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(to, data, 0o644); err != nil {
				return err
			}
		}
		// In place of the required version, whatever go.mod replaced it with before.
		fmt.Fprintf(&replaced, "%s=%s\n", p.Module, relative)
	}
	for from, to := range map[string]string{"go.mod": "patched.mod", "go.sum": "patched.sum"} {
		data, err := os.ReadFile(filepath.Join(dir, from))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(w.dir, to), data, 0o644); err != nil {
			return err
		}
	}
	args := []string{"go", "mod", "edit"}
	for line := range strings.Lines(replaced.String()) {
		args = append(args, "-replace", strings.TrimSpace(line))
	}
	_, err := command.Run(ctx, command.Command{Args: append(args, filepath.Join(w.dir, "patched.mod")), Dir: dir, Env: g.env(ctx, w)})
	return err
}

// ensureGoMod gives a module from before Go had go.mod the one that a folder must have.
func ensureGoMod(dir, module string) error {
	file := filepath.Join(dir, "go.mod")
	if _, err := os.Stat(file); err == nil {
		return nil
	}
	return os.WriteFile(file, []byte("module "+module+"\n"), 0o644)
}
