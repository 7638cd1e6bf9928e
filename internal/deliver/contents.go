package deliver

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/slipway-dev/slipway/internal/kube"
	"github.com/slipway-dev/slipway/internal/plan"
	"github.com/slipway-dev/slipway/internal/progress"
	"github.com/slipway-dev/slipway/internal/render"
)

const (
	// observeLimit bounds the wait for the engine to look at a package's own application: one that
	// follows another branch never sees the commit, and that is its author's choice.
	observeLimit = time.Minute
	observeEach  = 500 * time.Millisecond
	// insistAfter is how often the engine is asked to look, in multiples of observeEach. A request
	// that comes while it is already looking can be lost, so one is not enough.
	insistAfter = 4
)

// showContents sees to it that the engine looks at what was pushed for packages whose objects hand
// a repository to the engine themselves.
func showContents(ctx context.Context, c *kube.Client, p plan.Plan, tree render.Tree, pushed map[string]string, report progress.Reporter, prefix string) error {
	engine := engineOf(p)
	if engine == nil || engine.Status == nil || len(pushed) == 0 {
		return nil
	}
	behind := followers(tree, pushed)
	if len(behind) == 0 {
		return nil
	}
	task := progress.Start(report, prefix+"/contents", "", 0)
	end := time.Now().Add(observeLimit)
	for round := 0; ; round++ {
		var left []follower
		for _, f := range behind {
			if live, err := c.Get(ctx, f.application); err == nil {
				if status, err := StatusOf(engine, live); err == nil && slices.Contains(status.Revisions, f.revision) {
					continue
				}
			}
			left = append(left, f)
			if round%insistAfter == 0 {
				Refresh(ctx, c, engine, f.application)
			}
		}
		behind = left
		switch {
		case len(behind) == 0:
			return task.End("seen", nil)
		case time.Now().After(end):
			return task.End(fmt.Sprintf("not looked at within %s: %s", observeLimit, names(behind)), nil)
		}
		task.Wait("until the engine has looked at the contents of " + names(behind))
		select {
		case <-ctx.Done():
			return task.End("", fmt.Errorf("the engine has not looked at %s (%w)", names(behind), context.Cause(ctx)))
		case <-time.After(observeEach):
		}
	}
}

// follower is an application of a package's own that takes its manifests from a repository that
// Slipway pushes.
type follower struct {
	application *unstructured.Unstructured
	revision    string
}

func followers(tree render.Tree, pushed map[string]string) []follower {
	root, found := Applications(tree)[render.RepositoryName]
	if !found {
		return nil
	}
	var all []follower
	for _, content := range tree.Contents {
		revision, moved := pushed[content.URL]
		if !moved {
			continue
		}
		for _, f := range tree.Unit(content.Unit).Files {
			if f.Object.GroupVersionKind().GroupKind() == root.GroupVersionKind().GroupKind() &&
				strings.Contains(string(f.Data), content.URL) {
				all = append(all, follower{f.Object, revision})
			}
		}
	}
	return all
}

func names(all []follower) string {
	list := make([]string, 0, len(all))
	for _, f := range all {
		list = append(list, f.application.GetName())
	}
	sort.Strings(list)
	return strings.Join(list, ", ")
}
