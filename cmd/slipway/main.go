// Command slipway turns one declarative file into a running internal developer platform.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/slipway-dev/slipway/internal/ci"
	"github.com/slipway-dev/slipway/internal/ci/argoworkflows"
	"github.com/slipway-dev/slipway/internal/cli"
	"github.com/slipway-dev/slipway/internal/deliver"
	"github.com/slipway-dev/slipway/internal/deliver/gitea"
	"github.com/slipway-dev/slipway/internal/deliver/keycloak"
	"github.com/slipway-dev/slipway/internal/kube"
	"github.com/slipway-dev/slipway/internal/portal"
	portalargocd "github.com/slipway-dev/slipway/internal/portal/argocd"
	portalgitea "github.com/slipway-dev/slipway/internal/portal/gitea"
)

// version is set by the linker (see Makefile).
var version string

// adapters are what this program is built with; everything else knows them by name only.
var adapters = deliver.Adapters{
	Git:      deliver.GitServers{gitea.Name: gitea.New},
	Identity: deliver.IdentityProviders{gitea.Name: gitea.NewIdentity, keycloak.Name: keycloak.New},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// After the first signal the next one ends the program at once.
	context.AfterFunc(ctx, stop)
	env := cli.SystemEnv(version, adapters)
	env.GitServers = portal.GitServers{portalgitea.Name: portalgitea.New}
	env.DeliveryActions = portal.DeliveryActions{portalargocd.Name: portalargocd.Actions}
	env.Engines = portal.Engines{"argo-workflows": func(c *kube.Client, namespace string, runURL func(ci.Run) string) ci.Engine {
		return argoworkflows.New(argoworkflows.Options{Dynamic: c.Dynamic, Core: c.Core, Namespace: namespace, RunURL: runURL})
	}}
	os.Exit(cli.Main(ctx, env, os.Args))
}
