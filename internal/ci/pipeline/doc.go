// Package pipeline is what the steps of a build do, each in a container of its own that has just what the step needs:
// fetch a commit, run its tests, build its image, push it, and say under signature what was built from what. A step
// leaves its results in files for the next one, and where it fails one line that says why. It is called by the
// command line inside these containers; package ci starts them.
package pipeline

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Job says what is built and where the steps find things.
type Job struct {
	// CloneURL, Commit and Branch are the source; Image is the repository that is pushed to.
	CloneURL, Commit, Branch, Image string
	// Run identifies the run; RunURL is the page that shows it, "" where there is none.
	Run, RunURL string
	// Builder identifies this platform as a builder, in provenance.
	Builder string
	// Work is shared by the steps: "source" in it is the source, "out" holds results.
	Work string
	// Cache outlives the run: what builds of the same application can use again.
	Cache string
	// Folder is the one of Cache that Forget removes.
	Folder string
	// GitLogin and RegistryLogin are folders with the files "username" and "password"; Key is the file of the
	// builder's private key. Each is there only for the steps that need it.
	GitLogin, RegistryLogin, Key string
	// Digest, Tests and Inputs are results of earlier steps, for Attest.
	Digest, Tests, Inputs string
	// Out gets the step's log.
	Out io.Writer
}

// Names of results below "out".
const (
	resultTests  = "tests.json"
	resultInputs = "inputs.json"
	resultDigest = "digest"
	resultImage  = "image"
)

// Steps are what can be run, by name.
var Steps = map[string]func(Job, context.Context) error{
	"clone":  Job.Clone,
	"test":   Job.Test,
	"build":  Job.Build,
	"push":   Job.Push,
	"attest": Job.Attest,
	"forget": Job.Forget,
}

func (j Job) source() string            { return filepath.Join(j.Work, "source") }
func (j Job) result(name string) string { return filepath.Join(j.Work, "out", name) }

func (j Job) say(format string, args ...any) { fmt.Fprintf(j.Out, format+"\n", args...) }

func (j Job) write(name string, data []byte) error {
	if err := os.MkdirAll(filepath.Join(j.Work, "out"), 0o777); err != nil {
		return err
	}
	return os.WriteFile(j.result(name), data, 0o644)
}
