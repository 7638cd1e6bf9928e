package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/slipway-dev/slipway/internal/evidence"
)

// dockerfile is where an application says how it is built.
const dockerfile = "Dockerfile"

// Tests are the results of the step that runs them.
type Tests struct {
	// Ran says that the Dockerfile has a stage of tests, and that it succeeded.
	Ran    bool     `json:"ran"`
	Passed []string `json:"passed,omitempty"`
	// Dockerfile is the digest of the file that says what the tests are.
	Dockerfile string `json:"dockerfile,omitempty"`
}

func (j Job) dockerfile() (string, error) {
	data, err := os.ReadFile(filepath.Join(j.source(), dockerfile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", errors.New("the repository has no Dockerfile at its root")
	}
	if err != nil {
		return "", err
	}
	return string(data), check(string(data))
}

// Test runs the Dockerfile's stage "test".
func (j Job) Test(ctx context.Context) error {
	text, err := j.dockerfile()
	if err != nil {
		return err
	}
	part, ok := forTests(text)
	if !ok {
		j.say("The Dockerfile has no stage called test: nothing is tested.")
		return j.writeJSON(resultTests, Tests{})
	}
	output, err := j.bud(ctx, part, "--target", testStage)
	if err != nil {
		return err
	}
	return j.writeJSON(resultTests, Tests{Ran: true, Passed: passed(output), Dockerfile: string(evidence.DigestOf([]byte(text)))})
}

// passedLines are how common test runners report what passed: Go's packages and tests, Node's and Python's tests.
var passedLines = regexp.MustCompile(`(?m)^\s*(?:ok  \t(\S+)|--- PASS: (\S+)|✔ (.+?) \([\d.]+ms\)|(\w+ \([\w.]+\))(?:\n.*)? \.\.\. ok)\b?.*$`)

// maxPassed is how many names of tests are kept.
const maxPassed = 100

// passed finds the names of tests that a runner reported; the stage itself where it reported none.
func passed(output string) []string {
	var names []string
	for _, m := range passedLines.FindAllStringSubmatch(output, -1) {
		for _, name := range m[1:] {
			if name != "" {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) == 0 {
		names = []string{"stage " + testStage}
	}
	return names[:min(len(names), maxPassed)]
}

// Build builds the image and leaves it as an OCI layout.
func (j Job) Build(ctx context.Context) error {
	text, err := j.dockerfile()
	if err != nil {
		return err
	}
	name := "localhost/built:" + j.Commit
	labels := []string{"--label", "org.opencontainers.image.source=" + strings.TrimSuffix(j.CloneURL, ".git"),
		"--label", "org.opencontainers.image.revision=" + j.Commit}
	if _, err := j.bud(ctx, withoutTests(text), append(labels, "--tag", name)...); err != nil {
		return err
	}
	var inputs []evidence.Input
	for _, base := range bases(text) {
		digest, err := j.quiet().buildah(ctx, "inspect", "--type", "image", "--format", "{{.FromImageDigest}}", base)
		if d, parseErr := evidence.ParseDigest(strings.TrimSpace(digest)); err == nil && parseErr == nil {
			inputs = append(inputs, evidence.Input{URI: "oci://" + base, Digest: map[string]string{"sha256": d.Hex()}})
		}
	}
	if err := j.writeJSON(resultInputs, inputs); err != nil {
		return err
	}
	if err := os.RemoveAll(j.result(resultImage)); err != nil {
		return err
	}
	if _, err := j.buildah(ctx, "push", "--quiet", "--format", "oci", name, "oci:"+j.result(resultImage)+":built"); err != nil {
		return err
	}
	// What this build made is gone from the cache; the images that it stands on stay.
	_, err = j.quiet().buildah(ctx, "rm", "--all")
	if err == nil {
		_, err = j.quiet().buildah(ctx, "rmi", "--force", name)
	}
	if err == nil {
		_, err = j.quiet().buildah(ctx, "rmi", "--prune")
	}
	if err != nil {
		j.say("cleaning up: %v", err)
	}
	return nil
}

// kept are folders of build containers that outlive the run: where the usual tools keep what they can use again.
var kept = map[string]string{"go-build": "/root/.cache/go-build", "go-mod": "/go/pkg/mod", "npm": "/root/.npm", "pip": "/root/.cache/pip"}

// bud builds a Dockerfile's text over the source.
func (j Job) bud(ctx context.Context, text string, args ...string) (string, error) {
	file, err := os.CreateTemp("", "Dockerfile-*")
	if err != nil {
		return "", err
	}
	defer os.Remove(file.Name())
	_, err = file.WriteString(text)
	if err := errors.Join(err, file.Close()); err != nil {
		return "", err
	}
	all := []string{"bud", "--isolation", "chroot", "--format", "oci", "--file", file.Name()}
	for _, name := range slices.Sorted(maps.Keys(kept)) {
		dir := filepath.Join(j.Cache, name)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return "", fmt.Errorf("prepare the cache: %w", err)
		}
		all = append(all, "--volume", dir+":"+kept[name])
	}
	if bundle := os.Getenv("SSL_CERT_FILE"); bundle != "" { // what fetches from outside, or through a proxy, trusts what the platform does
		all = append(all, "--volume", bundle+":"+trusted+":ro")
	}
	return j.buildah(ctx, append(append(all, args...), j.source())...)
}

// trusted is where the programs of the platform's builder images look for certificate authorities.
const trusted = "/etc/ssl/certs/ca-certificates.crt"

// buildah runs Buildah with its storage in the cache, so that the images it stands on are there the next time.
func (j Job) buildah(ctx context.Context, args ...string) (string, error) {
	storage := filepath.Join(j.Cache, "storage")
	run := filepath.Join(os.TempDir(), "containers")
	for _, dir := range []string{storage, run} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return "", fmt.Errorf("prepare the cache: %w", err)
		}
	}
	all := append([]string{"buildah", "--root", storage, "--runroot", run, "--storage-driver", j.driver(ctx)}, args...)
	return j.run(ctx, command{args: all, dir: j.source()})
}

// driver is how Buildah stores images: "overlay" where the kernel allows it in a user namespace, else "vfs", which copies.
func (j Job) driver(ctx context.Context) string {
	const marker = "driver"
	if chosen, err := os.ReadFile(filepath.Join(j.Cache, marker)); err == nil {
		return string(chosen)
	}
	chosen := "overlay"
	probe, err := os.MkdirTemp(j.Cache, "probe-*")
	if err == nil {
		defer os.RemoveAll(probe)
		_, err = j.quiet().run(ctx, command{args: []string{"buildah", "--root", filepath.Join(probe, "root"), "--runroot",
			filepath.Join(probe, "run"), "--storage-driver", chosen, "from", "scratch"}})
	}
	if err != nil {
		chosen = "vfs"
	}
	if err := os.WriteFile(filepath.Join(j.Cache, marker), []byte(chosen), 0o644); err != nil {
		j.say("remember the storage driver: %v", err)
	}
	return chosen
}

// quiet is the job without a log.
func (j Job) quiet() Job {
	j.Out = io.Discard
	return j
}

func (j Job) writeJSON(name string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return j.write(name, data)
}
