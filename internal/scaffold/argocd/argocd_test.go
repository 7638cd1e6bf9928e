package argocd

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-dev/slipway/internal/scaffold"
	"github.com/slipway-dev/slipway/internal/scaffold/actions"
)

const text = `apiVersion: scaffolder.backstage.io/v1beta3
kind: Template
metadata: {name: t}
spec:
  type: service
  steps:
    - id: repository
      action: test:repository
    - id: app
      action: cnoe:create-argocd-app
      input: {appName: shop, appNamespace: shop-dev, argoInstance: in-cluster, projectName: default, path: manifests, repoUrl: "https://demo.localtest.me:8443/gitea/giteaAdmin/%s"}
`

func run(t *testing.T, delivery Delivery, repoURL, more string) *scaffold.Run {
	t.Helper()
	repository := scaffold.Action{ID: "test:repository", Run: func(ctx context.Context, c *scaffold.Call) (map[string]any, error) {
		i, err := c.Making(ctx, "repository", map[string]string{"repository": "shop", "remote": "https://git.local/team/shop.git"})
		return nil, errors.Join(err, c.Certain(ctx, i))
	}, Undo: func(context.Context, scaffold.Made) error { return nil }}
	registry, err := scaffold.NewRegistry(append(append(Actions(delivery), repository), actions.Files()...)...)
	if err != nil {
		t.Fatal(err)
	}
	file := []byte(fmt.Sprintf(text, repoURL) + more)
	template, err := scaffold.Load(fstest.MapFS{"t.yaml": {Data: file}}, "t.yaml")
	if err != nil {
		t.Fatal(err)
	}
	r := &scaffold.Runner{Registry: registry, Store: scaffold.NewMemoryStore(), Now: func() time.Time { return time.Unix(0, 0) }}
	run, err := r.New(context.Background(), scaffold.Request{ID: "run", Template: template})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Execute(context.Background(), run, template, nil); err != nil {
		t.Fatal(err)
	}
	return run
}

func TestCreate(t *testing.T) {
	for name, tc := range map[string]struct{ url, want string }{
		"the repository of the run": {"shop", "https://git.local/team/shop.git"},
		"with the usual ending":     {"shop.git", "https://git.local/team/shop.git"},
		"a repository of others":    {"other", "https://demo.localtest.me:8443/gitea/giteaAdmin/other"},
	} {
		t.Run(name, func(t *testing.T) {
			delivery := &MemoryDelivery{}
			if run := run(t, delivery, tc.url, ""); run.Error != "" {
				t.Fatal(run.Error)
			}
			want := map[string]Application{"shop": {Name: "shop", Project: "default", Namespace: "shop-dev", RepoURL: tc.want, Path: "manifests", Label: "shop"}}
			if diff := cmp.Diff(want, delivery.Applications); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCreate_IsTakenBackButOthersStay(t *testing.T) {
	delivery := &MemoryDelivery{}
	failing := "    - {action: fs:rename, input: {files: [{from: a, to: b}]}}\n"
	if run := run(t, delivery, "shop", failing); run.Phase != scaffold.Failed || len(delivery.Applications)+len(run.Remains) > 0 {
		t.Errorf("%s %v %v", run.Phase, delivery.Applications, run.Remains)
	}
	delivery.Applications = map[string]Application{"shop": {Name: "shop", Path: "theirs"}}
	if run := run(t, delivery, "shop", ""); run.Phase != scaffold.Failed || delivery.Applications["shop"].Path != "theirs" {
		t.Errorf("%s %v", run.Phase, delivery.Applications)
	}
}
