// Command argo is Argo Workflows' server, command line and controller in one program: called as
// workflow-controller it is the last, else the others. One link step and one image layer serve both.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	// Schedules name time zones; the images need not carry the database.
	_ "time/tzdata"

	// Kubeconfig credentials of the public clouds.
	_ "k8s.io/client-go/plugin/pkg/client/auth"

	"github.com/argoproj/argo-workflows/v3/cmd/argo/commands"
)

func main() {
	if filepath.Base(os.Args[0]) == controllerName {
		os.Exit(runController())
	}
	// The server has no orderly end; it is left to the signal's own effect.
	if err := commands.NewCommand().Execute(); err != nil {
		os.Exit(1)
	}
}

func runController() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := newControllerCommand().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
