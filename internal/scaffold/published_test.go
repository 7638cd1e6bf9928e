package scaffold_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-dev/slipway/internal/scaffold"
	"github.com/slipway-dev/slipway/internal/scaffold/actions"
	"github.com/slipway-dev/slipway/internal/scaffold/argocd"
	"github.com/slipway-dev/slipway/internal/scaffold/gitea"
	"github.com/slipway-dev/slipway/internal/spec"
)

// outside is all that published templates reach, in memory.
type outside struct {
	forge     *gitea.MemoryForge
	delivery  *argocd.MemoryDelivery
	cluster   *actions.MemoryCluster
	catalogue *actions.MemoryCatalogue
}

func newOutside() *outside {
	o := &outside{forge: &gitea.MemoryForge{URL: "https://git.local"}, delivery: &argocd.MemoryDelivery{},
		cluster: &actions.MemoryCluster{Name: "local", Kinds: []string{"example.io/v1/Bucket"},
			Running: []actions.Pod{{Namespace: "system", Name: "operator-0", Phase: "Running"}}}}
	o.catalogue = &actions.MemoryCatalogue{Read: func(address string) ([]map[string]any, error) {
		text, err := o.forge.File(address)
		if err != nil {
			return nil, errors.Join(actions.ErrNoEntity, err)
		}
		documents, found := spec.ParseAll(address, text)
		if err := spec.AsError(found); err != nil {
			return nil, err
		}
		var out []map[string]any
		for _, d := range documents {
			out = append(out, d.Tree.(map[string]any))
		}
		return out, nil
	}}
	return o
}

func (o *outside) runner(t *testing.T) *scaffold.Runner {
	t.Helper()
	sleep := func(context.Context, time.Duration) error { return nil }
	registry, err := scaffold.NewRegistry(slices.Concat(actions.Fetch(nil), actions.Files(), actions.Wait(sleep),
		actions.Catalog(o.catalogue), actions.Kubernetes(o.cluster), gitea.Actions(o.forge, gitea.Options{}),
		argocd.Actions(o.delivery))...)
	if err != nil {
		t.Fatal(err)
	}
	return &scaffold.Runner{Registry: registry, Store: scaffold.NewMemoryStore(), Now: func() time.Time { return time.Unix(0, 0) }}
}

// state is what is outside, in lines.
func (o *outside) state() string {
	var lines []string
	for r, repo := range o.forge.Repositories {
		for _, f := range repo.Commits[0].Files {
			lines = append(lines, fmt.Sprintf("%s %s:\n%s", r, f.Path, f.Data))
		}
	}
	for _, a := range o.delivery.Applications {
		lines = append(lines, fmt.Sprintf("application %+v", a))
	}
	for object, manifest := range o.cluster.Objects {
		lines = append(lines, fmt.Sprintf("%s %v", object, manifest))
	}
	for _, l := range o.catalogue.Locations {
		lines = append(lines, "registered "+l)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n") + "\n"
}

// TestPublished_RunUnchanged runs templates of the same make as those that CNOE has published: the same actions, inputs
// and expressions, with the hosts that only CNOE's demonstration has. What they leave behind is in golden files.
func TestPublished_RunUnchanged(t *testing.T) {
	folders, err := filepath.Glob("testdata/cnoe/*/template.yaml")
	if err != nil || len(folders) < 6 {
		t.Fatal(folders, err)
	}
	for _, file := range folders {
		dir := filepath.Dir(file)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			got := publishedState(t, dir)
			golden := filepath.Join(dir, "state.golden")
			if *scaffold.Update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func publishedState(t *testing.T, dir string) string {
	t.Helper()
	template, err := scaffold.Load(os.DirFS(dir), "template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "values.json"))
	if err != nil {
		t.Fatal(err)
	}
	documents, found := spec.ParseAll("values.json", text)
	if len(found) > 0 {
		t.Fatal(found)
	}
	o := newOutside()
	runner := o.runner(t)
	request := scaffold.Request{ID: "run", Template: template, Values: documents[0].Tree.(map[string]any),
		User: scaffold.User{Ref: "user:default/ada"}, Owner: "group:default/team"}
	before := o.state()
	if _, err := runner.Preview(context.Background(), request); err != nil || o.state() != before {
		t.Fatalf("preview: %v\n%s", err, o.state())
	}
	run, err := runner.New(context.Background(), request)
	if err != nil {
		t.Fatal(err)
	}
	if err := runner.Execute(context.Background(), run, template, nil); err != nil {
		t.Fatal(err)
	}
	if run.Phase != scaffold.Done {
		t.Fatalf("%s: %s", run.Phase, run.Error)
	}
	return fmt.Sprintf("%soutput %v\n", o.state(), run.Output)
}
