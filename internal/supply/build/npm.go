package build

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/supply/command"
	"github.com/slipway-dev/slipway/internal/supply/layer"
	"github.com/slipway-dev/slipway/internal/supply/sbom"
)

// npm runs a JavaScript build in a copy of its project.
type npm struct{ v1alpha1.NPMLayer }

func (n npm) key(_ context.Context, w *workshop) (any, error) {
	folder, err := folderDigest(w.recipe.FS)
	if err != nil {
		return nil, err
	}
	if n.Module != "" {
		folder = map[string]string{"go.mod": folder["go.mod"], "go.sum": folder["go.sum"]}
	}
	return []any{n.NPMLayer, folder, arch()}, nil
}

func (n npm) fetch(ctx context.Context, w *workshop) error {
	if n.Module == "" {
		return nil
	}
	_, err := w.goes.Dir(ctx, w.recipe.FS, n.Module, w.note)
	return err
}

func (n npm) fill(ctx context.Context, w *workshop, t *layer.Tree) ([]sbom.Package, error) {
	project := filepath.Join(w.dir, "project")
	var packages []sbom.Package
	if n.Module == "" {
		if err := copyFolder(w.recipe.FS, project); err != nil {
			return nil, fmt.Errorf("copy the project: %w", err)
		}
	} else {
		m, err := w.goes.Dir(ctx, w.recipe.FS, n.Module, w.note)
		if err != nil {
			return nil, err
		}
		if err := copyFolder(os.DirFS(m.Dir), project); err != nil {
			return nil, fmt.Errorf("copy module %s: %w", n.Module, err)
		}
		packages = append(packages, sbom.GoModule(m.Path, m.Version))
	}
	env, err := n.tools(ctx, w)
	if err != nil {
		return nil, err
	}
	for _, run := range n.Run {
		w.note("running " + filepath.Base(run[0]))
		if len(run) > 1 {
			w.note("running " + filepath.Base(run[0]) + " " + run[1])
		}
		if _, err := command.RunRetrying(ctx, command.Command{Args: run, Dir: project, Env: env, Log: w.log, Nice: w.nice}, w.note); err != nil {
			return nil, err
		}
	}
	if err := w.copyAll(t, n.Copy, project, ""); err != nil {
		return nil, fmt.Errorf("the build's result: %w", err)
	}
	return packages, nil
}

// tools installs what the build runs on and gives the environment in which it is first on PATH.
func (n npm) tools(ctx context.Context, w *workshop) (map[string]string, error) {
	env := map[string]string{"CI": "true", "PATH": os.Getenv("PATH")}
	maps.Copy(env, n.Env)
	if len(n.Tools) == 0 {
		return env, nil
	}
	prefix := filepath.Join(w.dir, "tools")
	if err := os.MkdirAll(prefix, 0o755); err != nil {
		return nil, err
	}
	args := []string{"npm", "install", "--prefix", prefix, "--no-audit", "--no-fund", "--no-update-notifier", "--save-exact"}
	for _, name := range slices.Sorted(maps.Keys(n.Tools)) {
		args = append(args, name+"@"+n.Tools[name])
	}
	w.note("installing build tools")
	if _, err := command.RunRetrying(ctx, command.Command{Args: args, Dir: prefix, Log: w.log}, w.note); err != nil {
		return nil, err
	}
	env["PATH"] = filepath.Join(prefix, "node_modules", ".bin") + ":" + env["PATH"]
	return env, nil
}
