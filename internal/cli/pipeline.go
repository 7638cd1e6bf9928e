package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/slipway-dev/slipway/internal/ci/pipeline"
)

// newPipelineCommand is what runs in the containers of a build; nobody types it.
func newPipelineCommand(env *Env) *cobra.Command {
	steps := slices.Sorted(maps.Keys(pipeline.Steps))
	return &cobra.Command{
		Use:       "pipeline " + strings.Join(steps, "|"),
		Short:     "Run one step of a build, as the environment describes it",
		Hidden:    true,
		Args:      usage(cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs)),
		ValidArgs: steps,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runPipeline(cmd.Context(), pipeline.Steps[args[0]], env.Out, os.Getenv)
		},
	}
}

// terminationLog is where Kubernetes reads why a container ended.
const terminationLog = "/dev/termination-log"

func runPipeline(ctx context.Context, run func(pipeline.Job, context.Context) error, out io.Writer, getenv func(string) string) error {
	get := func(name string) string { return getenv("SLIPWAY_CI_" + name) }
	err := run(pipeline.Job{
		CloneURL: get("REPOSITORY"), Commit: get("COMMIT"), Branch: get("BRANCH"), Image: get("IMAGE"), Run: get("RUN"), RunURL: get("RUN_URL"),
		Builder: get("BUILDER"), Work: get("WORK"), Cache: get("CACHE"), Folder: get("FOLDER"), GitLogin: get("GIT_LOGIN"), RegistryLogin: get("REGISTRY_LOGIN"),
		Key: get("KEY"), Digest: get("DIGEST"), Tests: get("TESTS"), Inputs: get("INPUTS"), Out: out,
	}, ctx)
	if err == nil {
		return nil
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	// Where there is no such file, nobody reads it.
	if file, openErr := os.OpenFile(terminationLog, os.O_WRONLY|os.O_TRUNC, 0); openErr == nil {
		_, writeErr := fmt.Fprint(file, line)
		err = errors.Join(err, writeErr, file.Close())
	}
	return err
}
