//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"testing"
)

// TestPlatform brings a platform up and puts it through what its users and their machines do to
// it. The parts follow each other on the same platform; the first that fails ends the test.
func TestPlatform(t *testing.T) {
	// A name of its own, so that two runs on one machine do not meet.
	p := newPlatform(t, fmt.Sprintf("e2e-%d", os.Getpid()))
	before := takeSnapshot(t, p.name, p.home)
	p.write(t, "platform.yaml", p.platformFile(""))
	p.up(t)

	for _, part := range []struct {
		name string
		run  func(*testing.T, *platform)
	}{
		{"everything-is-healthy", testHealthy},
		{"up-without-changes-does-nothing", testUnchanged},
		{"git-push-is-served-over-https", testGitPush},
		{"people-sign-in-to-the-portal", testSignIn},
		{"kubectl-logs-exec-port-forward-top", testKubectl},
		{"names-mean-the-same-inside-pods", testNames},
		{"hardened", testHardened},
		{"packages-are-delivered-changed-and-pruned", testPackages},
		{"two-ups-at-once", testTwoUps},
		{"second-platform-beside", testBeside},
		{"dead-parts-are-restarted", testRestarted},
		{"up-killed-at-any-moment-converges", testInterrupted},
		{"all-processes-killed", testKilled},
		{"purge-leaves-nothing", func(t *testing.T, p *platform) { testPurge(t, p, before) }},
	} {
		if !t.Run(part.name, func(t *testing.T) { part.run(t, p) }) {
			t.FailNow()
		}
	}
}

// platformFile is the starter blueprint under the test's name, with packages (YAML list items, indented by four).
func (p *platform) platformFile(packages string) string {
	if packages == "" {
		return p.header()
	}
	return p.header() + "spec:\n  packages:\n" + packages
}

// header is the beginning of a Platform file, with the test's name.
func (p *platform) header() string {
	return "apiVersion: slipway.dev/v1alpha1\nkind: Platform\nmetadata:\n  name: " + p.name + "\n"
}
