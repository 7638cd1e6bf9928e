package platform

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/cluster/kubeconfig"
	"github.com/slipway-dev/slipway/internal/deliver"
	"github.com/slipway-dev/slipway/internal/kube"
	"github.com/slipway-dev/slipway/internal/progress"
)

// foreign is the existing cluster that the platform names.
func (l *Line) foreign() *kubeconfig.Cluster { return kubeconfig.New(l.foreignConfig()) }

func (l *Line) foreignConfig() v1alpha1.KubeconfigCluster {
	c := l.record.Platform.Spec.Cluster.Kubeconfig
	if c.Path != "" && !filepath.IsAbs(c.Path) {
		c.Path = filepath.Join(l.record.Base, c.Path)
	}
	return c
}

func (l *Line) connectForeign() (*kube.Client, error) {
	config, err := l.foreign().RESTConfig()
	if err != nil {
		return nil, err
	}
	return kube.New(config)
}

// purgeForeign removes from an existing cluster what Slipway brought there, and nothing else.
func (l *Line) purgeForeign(ctx context.Context, t *progress.Task) (string, error) {
	client, err := l.connect()
	if err != nil {
		return "", err
	}
	tree, _, err := l.deliveredTree()
	if err != nil {
		return "", err
	}
	kept, err := deliver.Uninstall(ctx, client, l.Name(), deliver.Applications(tree), t)
	if err != nil || len(kept) == 0 {
		return "removed from the cluster", err
	}
	var names []string
	for _, k := range kept {
		names = append(names, fmt.Sprintf("%s (%s)", k.Object, k.Reason))
	}
	return "removed from the cluster, but for " + strings.Join(names, ", "), nil
}
