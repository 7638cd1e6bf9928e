//go:build integration

package deliver_test

import (
	"context"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/deliver"
	"github.com/slipway-dev/slipway/internal/kube"
	"github.com/slipway-dev/slipway/internal/plan"
	"github.com/slipway-dev/slipway/internal/progress"
	"github.com/slipway-dev/slipway/internal/render"
)

const handKind = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: hands.hand.test}
spec:
  group: hand.test
  names: {kind: Hand, plural: hands}
  scope: Namespaced
  versions:
  - {name: v1, served: true, storage: true, subresources: {status: {}}, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}`

func handTree(t *testing.T, units ...string) render.Tree {
	t.Helper()
	var tree render.Tree
	for _, name := range append([]string{render.RepositoryName}, units...) {
		tree.Files = append(tree.Files, render.File{Path: "applications/" + name + ".yaml",
			Object: objects(t, "{apiVersion: hand.test/v1, kind: Hand, metadata: {name: "+name+", namespace: default, labels: {slipway.dev/platform: hand}}}")[0]})
	}
	return tree
}

// engine does what a GitOps engine does with applications: it makes those in tree, removes
// others, and says at which revision they are.
func engine(ctx context.Context, t *testing.T, c *kube.Client, tree render.Tree, revision string) {
	t.Helper()
	root := deliver.Applications(tree)[render.RepositoryName]
	for { // as an engine does, wait for the root
		if _, err := c.Get(ctx, root); err == nil {
			break
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
	resource, err := c.Resource(root)
	if err != nil {
		t.Error(err)
		return
	}
	wanted := map[string]bool{}
	for _, a := range deliver.Applications(tree) {
		wanted[a.GetName()] = true
		if err := deliver.Apply(ctx, c, "hand", []*unstructured.Unstructured{a}, nil); err != nil {
			t.Error(err)
			return
		}
		live, err := resource.Get(ctx, a.GetName(), metav1.GetOptions{})
		if err != nil {
			t.Error(err)
			return
		}
		live.Object["status"] = map[string]any{"revision": revision, "phase": "Well"}
		if _, err := resource.UpdateStatus(ctx, live, metav1.UpdateOptions{}); err != nil {
			t.Error(err)
		}
	}
	list, err := resource.List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Error(err)
		return
	}
	for _, live := range list.Items {
		if !wanted[live.GetName()] && live.GetLabels()[render.LabelPlatform] != "" {
			if err := resource.Delete(ctx, live.GetName(), metav1.DeleteOptions{}); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestHandOver_WaitsForTheRevisionAndForWhatHasToGo(t *testing.T) {
	c, ctx := client(t), within(t)
	if err := deliver.Apply(ctx, c, "hand", objects(t, handKind), nil); err != nil {
		t.Fatal(err)
	}
	p := plan.Plan{Name: "hand", Units: []plan.Unit{{Name: "engine", Capabilities: []string{"delivery"}, Bootstrap: true,
		Tool: &v1alpha1.Tool{Spec: v1alpha1.ToolSpec{Delivery: &v1alpha1.Delivery{
			Condition: "object.status.revision == revision && object.status.phase == 'Well'"}}}}}}

	first := handTree(t, "a", "b")
	if ok, reason, err := deliver.HandedOver(ctx, c, p, first); ok || err != nil || reason != "nothing was handed over yet" {
		t.Errorf("before: HandedOver = %v, %q, %v", ok, reason, err)
	}
	go engine(ctx, t, c, first, "r1")
	if err := deliver.HandOver(ctx, c, p, first, deliver.Target{Revision: "r1"}, progress.Discard, "delivery"); err != nil {
		t.Fatal(err)
	}
	if ok, reason, err := deliver.HandedOver(ctx, c, p, first); !ok || err != nil {
		t.Errorf("after: HandedOver = %v, %q, %v", ok, reason, err)
	}

	// Another revision: the old one's health does not count.
	second := handTree(t, "a")
	short, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	err := deliver.HandOver(short, c, p, second, deliver.Target{Revision: "r2"}, progress.Discard, "delivery")
	if err == nil || !strings.Contains(err.Error(), "status.revision is r1") {
		t.Errorf("error while the engine is behind = %v", err)
	}
	go engine(ctx, t, c, second, "r2")
	if err := deliver.HandOver(ctx, c, p, second, deliver.Target{Revision: "r2"}, progress.Discard, "delivery"); err != nil {
		t.Fatal(err)
	}
	gone := objects(t, "{apiVersion: hand.test/v1, kind: Hand, metadata: {name: b, namespace: default}}")[0]
	if _, err := c.Get(ctx, gone); err == nil {
		t.Error("the application that left the tree is still there")
	}
}

func TestHandOver_InsistsThatTheEngineLooksAtContents(t *testing.T) {
	c, ctx := client(t), within(t)
	if err := deliver.Apply(ctx, c, "hand", objects(t, handKind), nil); err != nil {
		t.Fatal(err)
	}
	p := plan.Plan{Name: "hand", Units: []plan.Unit{{Name: "engine", Capabilities: []string{"delivery"}, Bootstrap: true,
		Tool: &v1alpha1.Tool{Spec: v1alpha1.ToolSpec{Delivery: &v1alpha1.Delivery{
			Condition: "object.status.revision == revision", Refresh: map[string]string{"hand.test/look": "now"},
			Status: &v1alpha1.DeliveryStatus{Revisions: "has(object.status) ? [object.status.content] : []", Synced: "true"}}}}}}}
	const url = "https://git.example.com/slipway/page"
	tree := handTree(t, "page")
	own := objects(t, "{apiVersion: hand.test/v1, kind: Hand, metadata: {name: own, namespace: default}, spec: {repo: '"+url+"'}}")[0]
	tree.Files = append(tree.Files, render.File{Path: "packages/page/own.yaml", Unit: "page", Object: own, Data: []byte(url)})
	tree.Contents = []render.Content{{Unit: "page", Repository: "page", URL: url}}
	if err := deliver.Apply(ctx, c, "hand", []*unstructured.Unstructured{own}, nil); err != nil {
		t.Fatal(err)
	}
	resource, err := c.Resource(own)
	if err != nil {
		t.Fatal(err)
	}
	// An engine that has missed the push and loses the first request: it takes the mark away
	// without having looked.
	lost := 0
	go func() {
		for ctx.Err() == nil {
			live, err := resource.Get(ctx, "own", metav1.GetOptions{})
			if err == nil && live.GetAnnotations()["hand.test/look"] != "" {
				live.SetAnnotations(nil)
				if live, err = resource.Update(ctx, live, metav1.UpdateOptions{}); err == nil {
					if lost++; lost > 1 {
						live.Object["status"] = map[string]any{"content": "c2"}
						_, _ = resource.UpdateStatus(ctx, live, metav1.UpdateOptions{})
						return
					}
				}
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	go engine(ctx, t, c, tree, "r1")
	target := deliver.Target{Revision: "r1", Contents: map[string]string{url: "c2"}}
	if err := deliver.HandOver(ctx, c, p, tree, target, progress.Discard, "delivery"); err != nil {
		t.Fatal(err)
	}
	live, err := c.Get(ctx, own)
	if err != nil {
		t.Fatal(err)
	}
	if seen, _, _ := unstructured.NestedString(live.Object, "status", "content"); seen != "c2" {
		t.Errorf("HandOver ended while the engine was at %q", seen)
	}
}
