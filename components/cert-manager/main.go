// Command cert-manager is cert-manager's programs in one: the name it is called by, controller,
// webhook, cainjector or acmesolver, says which. Upstream's own mains live in nested modules that
// are not published; these are written anew over the packages they call.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/pflag"

	"github.com/cert-manager/cert-manager/pkg/logs"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	logs.InitLogs()
	defer logs.FlushLogs()

	name := filepath.Base(os.Args[0])
	ctx = logs.NewContext(ctx, logs.Log, name)
	err := run(ctx, name, os.Args[1:])
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, pflag.ErrHelp):
	default:
		logs.FlushLogs()
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, name string, args []string) error {
	switch name {
	case "controller":
		return controllerProgram.run(ctx, args)
	case "webhook":
		return webhookProgram.run(ctx, args)
	case "cainjector":
		return injectorProgram.run(ctx, args)
	case "acmesolver":
		return runSolver(ctx, args)
	default:
		return fmt.Errorf("called as %q; cert-manager must be called as controller, webhook, cainjector or acmesolver", name)
	}
}
