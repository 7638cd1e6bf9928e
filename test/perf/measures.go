package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/slipway-dev/slipway/internal/kube"
	"github.com/slipway-dev/slipway/internal/progress"
)

const (
	// idle is how long the platform is left alone before its memory is measured.
	idle = time.Minute
	// applyLimit is how long a commit may take; it ends what would hang.
	applyLimit = 6 * time.Minute
)

// cold brings the platform up with empty caches, Go's included, and removes it again.
func (b *bench) cold(ctx context.Context) ([]number, error) {
	caches := filepath.Join(filepath.Dir(b.home), "caches")
	b.env = []string{"SLIPWAY_CACHE=" + caches + "/slipway", "GOCACHE=" + caches + "/go-build", "GOMODCACHE=" + caches + "/go-mod", "GOFLAGS=-modcacherw"}
	defer func() { b.env = nil; _ = os.RemoveAll(caches) }()
	var api float64
	whole, err := b.up(ctx, func(e progress.Event, at float64) {
		if e.Task == "cluster" && e.State == progress.Done {
			api = at
		}
	})
	if err != nil {
		return nil, err
	}
	if _, err := b.output(ctx, "down", "--purge", "--yes", "--name", b.name); err != nil {
		return nil, err
	}
	return []number{
		{"cold up: the Kubernetes API answers", "s", 11 * 60, api},
		{"cold up: the whole platform", "s", 25 * 60, whole},
	}, nil
}

// warm brings the platform up with the images in the store. It is done once before, where the
// caches are empty, so that there are images.
func (b *bench) warm(ctx context.Context) ([]number, error) {
	built := false
	whole, err := b.up(ctx, func(e progress.Event, _ float64) {
		built = built || strings.HasPrefix(e.Task, "images/") && e.State == progress.Done
	})
	if err == nil && built {
		fmt.Println("  images were built first; the platform is removed and brought up again")
		if _, err = b.output(ctx, "down", "--purge", "--yes", "--name", b.name); err == nil {
			whole, err = b.up(ctx, func(progress.Event, float64) {})
		}
	}
	return []number{{"warm up: images in the store, no cluster", "s", 90, whole}}, err
}

func (b *bench) firstOutput(ctx context.Context) ([]number, error) {
	c := b.command(ctx, "up", "--name", b.name)
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	if err := c.Start(); err != nil {
		return nil, err
	}
	if _, err = out.Read(make([]byte, 1)); err != nil {
		return nil, err
	}
	first := time.Since(begun).Seconds()
	for buffer := make([]byte, 4096); err == nil; {
		_, err = out.Read(buffer)
	}
	return []number{{"first output of up", "s", 1, first}}, c.Wait()
}

func (b *bench) unchanged(ctx context.Context) ([]number, error) {
	s, err := b.median(ctx, 3, "up", "--name", b.name)
	return []number{{"up again with nothing changed", "s", 3, s}}, err
}

// plan is measured with the cluster running, so that drift is looked for as well.
func (b *bench) plan(ctx context.Context) ([]number, error) {
	s, err := b.median(ctx, 5, "plan", "--name", b.name)
	return []number{{"plan", "s", 0.5, s}}, err
}

// commit pushes a manifest to the platform's repository, into one tool's folder after the other,
// and waits each time until it is in the cluster.
func (b *bench) commit(ctx context.Context) ([]number, error) {
	remote, ca, err := b.repository(ctx)
	if err != nil {
		return nil, err
	}
	clone := filepath.Join(b.dir, "platform")
	git := func(args ...string) error {
		c := exec.CommandContext(ctx, "git", append([]string{"-c", "user.name=Bench", "-c", "user.email=bench@example.com"}, args...)...)
		c.Dir = clone
		c.Env = append(os.Environ(), "GIT_SSL_CAINFO="+ca) // it counts for more than git's configuration
		if out, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("git %s: %w: %s", args[0], err, out)
		}
		return nil
	}
	if err := os.MkdirAll(clone, 0o755); err != nil {
		return nil, err
	}
	if err := git("clone", "-q", "--depth", "1", remote, "."); err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(clone, "tools/*/namespace-*.yaml"))
	if err != nil || len(files) == 0 {
		return nil, errors.New("the platform's repository holds no tool with a namespace")
	}
	var took []float64
	done := map[string]bool{}
	for _, file := range files {
		dir := filepath.Dir(file)
		if done[dir] {
			continue
		}
		done[dir] = true
		namespace := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "namespace-"), ".yaml")
		manifest := fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: bench\n  namespace: %s\n", namespace)
		if err := os.WriteFile(filepath.Join(dir, "configmap-bench.yaml"), []byte(manifest), 0o644); err != nil {
			return nil, err
		}
		for _, args := range [][]string{{"add", "."}, {"commit", "-qm", "Bench"}, {"push", "-q", "origin", "HEAD:main"}} {
			if err := git(args...); err != nil {
				return nil, err
			}
		}
		begun := time.Now()
		if err := b.appears(ctx, namespace, "bench"); err != nil {
			return nil, err
		}
		took = append(took, time.Since(begun).Seconds())
	}
	slices.Sort(took)
	return []number{
		{"a manifest commit is applied in the cluster (median of all tools)", "s", 5, took[len(took)/2]},
		{"the same, the slowest tool", "s", 5, took[len(took)-1]},
	}, nil
}

// repository gives the URL, login included, of the platform's repository, and the file of its CA.
func (b *bench) repository(ctx context.Context) (remote, ca string, err error) {
	text, err := b.output(ctx, "get", "ca", "--name", b.name)
	if err != nil {
		return "", "", err
	}
	ca = filepath.Join(b.dir, "ca.crt")
	if err := os.WriteFile(ca, text, 0o644); err != nil {
		return "", "", err
	}
	text, err = b.output(ctx, "status", "--name", b.name, "-o", "json")
	if err != nil {
		return "", "", err
	}
	var status struct {
		Capabilities []struct{ Capability, Tool, URL string }
	}
	if err := json.Unmarshal(text, &status); err != nil {
		return "", "", err
	}
	for _, c := range status.Capabilities {
		if c.Capability != "git" {
			continue
		}
		text, err := b.output(ctx, "get", "credentials", c.Tool, "--name", b.name, "-o", "json")
		if err != nil {
			return "", "", err
		}
		var logins []struct{ Username, Password string }
		if err := json.Unmarshal(text, &logins); err != nil || len(logins) == 0 {
			return "", "", fmt.Errorf("credentials of %s: %w", c.Tool, err)
		}
		u, err := url.Parse(c.URL + "/slipway/platform.git")
		if err != nil {
			return "", "", err
		}
		u.User = url.UserPassword(logins[0].Username, logins[0].Password)
		return u.String(), ca, nil
	}
	return "", "", errors.New("the platform has no Git server")
}

// appears waits until a ConfigMap is there.
func (b *bench) appears(ctx context.Context, namespace, name string) error {
	path, err := b.output(ctx, "get", "kubeconfig", "--path", "--name", b.name)
	if err != nil {
		return err
	}
	client, err := kube.FromKubeconfig(strings.TrimSpace(string(path)), "")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, applyLimit)
	defer cancel()
	for {
		_, err := client.Core.CoreV1().ConfigMaps(namespace).Get(ctx, name, metav1.GetOptions{})
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("ConfigMap %s/%s does not appear: %w", namespace, name, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// memory is measured after the platform has been left alone for a while.
func (b *bench) memory(ctx context.Context) ([]number, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(idle):
	}
	text, err := b.output(ctx, "status", "--name", b.name, "-o", "json")
	if err != nil {
		return nil, err
	}
	var status struct {
		Memory struct{ Total, Slipway int64 }
	}
	if err := json.Unmarshal(text, &status); err != nil {
		return nil, err
	}
	const mib = 1 << 20
	return []number{
		{"memory of the idle platform, Kubernetes included", "MiB", 2.5 * 1024, float64(status.Memory.Total) / mib},
		{"memory of Slipway's own processes", "MiB", 100, float64(status.Memory.Slipway) / mib},
	}, nil
}

// restart stops the platform and brings it back; the design sets no bar, that of a warm up is
// taken.
func (b *bench) restart(ctx context.Context) ([]number, error) {
	stop, err := b.timed(ctx, "down", "--name", b.name)
	if err != nil {
		return nil, err
	}
	start, err := b.timed(ctx, "up", "--name", b.name)
	return []number{{"down", "s", 15, stop}, {"up after down", "s", 90, start}}, err
}

func (b *bench) purge(ctx context.Context) ([]number, error) {
	s, err := b.timed(ctx, "down", "--purge", "--yes", "--name", b.name)
	return []number{{"down --purge", "s", 15, s}}, err
}
