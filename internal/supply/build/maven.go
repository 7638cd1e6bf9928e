package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/supply/command"
	"github.com/slipway-dev/slipway/internal/supply/layer"
	"github.com/slipway-dev/slipway/internal/supply/sbom"
)

// maven copies files out of a Maven artifact.
type maven struct{ v1alpha1.MavenLayer }

func (m maven) key(context.Context, *workshop) (any, error) { return m.MavenLayer, nil }

func (m maven) fill(ctx context.Context, w *workshop, t *layer.Tree) ([]sbom.Package, error) {
	part := strings.Split(m.Artifact, ":")
	if len(part) != 4 {
		return nil, fmt.Errorf("artifact %q is not group:artifact:packaging:version", m.Artifact)
	}
	group, artifact, packaging, version := part[0], part[1], part[2], part[3]
	out := filepath.Join(w.dir, "maven")
	w.note("downloading " + artifact + " " + version)
	if _, err := command.RunRetrying(ctx, command.Command{
		// Maven names coordinates in another order: group:artifact:version:packaging.
		Args: []string{"mvn", "--batch-mode", "--quiet", "dependency:copy",
			"-Dartifact=" + strings.Join([]string{group, artifact, version, packaging}, ":"), "-DoutputDirectory=" + out},
		Dir: w.dir, Log: w.log,
	}, w.note); err != nil {
		return nil, err
	}
	file := filepath.Join(out, artifact+"-"+version+"."+packaging)
	if err := checkFile(file, m.SHA256); err != nil {
		return nil, fmt.Errorf("artifact %s: %w", m.Artifact, err)
	}
	unpacked := filepath.Join(w.dir, "unpacked")
	if err := unzip(file, unpacked); err != nil {
		return nil, fmt.Errorf("artifact %s: %w", m.Artifact, err)
	}
	if err := w.copyAll(t, m.Copy, unpacked, ""); err != nil {
		return nil, fmt.Errorf("artifact %s: %w", m.Artifact, err)
	}
	return []sbom.Package{sbom.Maven(group, artifact, version, m.SHA256)}, nil
}

// checkFile verifies a file's SHA-256, given in hex.
func checkFile(file, want string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != want {
		return fmt.Errorf("SHA-256 is %s, the recipe demands %s", got, want)
	}
	return nil
}
