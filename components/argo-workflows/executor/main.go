// Command argoexec is Argo Workflows' executor. It stays a program of its own: it is copied into
// every workflow pod, and the controller's packages would write to the log of every step.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	// Kubeconfig credentials of the public clouds.
	_ "k8s.io/client-go/plugin/pkg/client/auth"

	"github.com/argoproj/argo-workflows/v3/cmd/argoexec/commands"
	"github.com/argoproj/argo-workflows/v3/util"
	argoerrors "github.com/argoproj/argo-workflows/v3/util/errors"
)

func main() { os.Exit(run()) }

// run returns the exit codes the controller expects of an executor: the user's process's own, 137
// where a signal ended it, and 64 for a failure of the executor itself, which then also stands in
// the container's termination message.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	err := commands.NewRootCommand().ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	var exited argoerrors.Exited
	if errors.As(err, &exited) {
		if code := exited.ExitCode(); code >= 0 {
			return code
		}
		return 137
	}
	util.WriteTerminateMessage(err.Error())
	fmt.Fprintln(os.Stderr, err)
	return 64
}
