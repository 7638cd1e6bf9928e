//go:build integration

package deliver_test

import (
	"sort"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/deliver"
	"github.com/slipway-dev/slipway/internal/render"
)

func boats(name string) string {
	return `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: ` + name + `s.gone.test, labels: {slipway.dev/platform: gone}}
spec:
  group: gone.test
  names: {kind: ` + strings.ToUpper(name[:1]) + name[1:] + `, plural: ` + name + `s}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
`
}

func TestUninstall_RemovesThePlatformAndNothingElse(t *testing.T) {
	c, ctx := client(t), within(t)
	// Before: a namespace with a ConfigMap that the platform will take over, and one it won't.
	before := objects(t, `
apiVersion: v1
kind: Namespace
metadata: {name: before}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: taken, namespace: before}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: theirs, namespace: before}`)
	for _, obj := range before {
		resource, err := c.Resource(obj)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := resource.Create(ctx, obj, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	delivered := strings.Join([]string{boats("boat"), boats("raft"), boats("application"), `
apiVersion: v1
kind: Namespace
metadata: {name: before, labels: {slipway.dev/platform: gone}}`, `
apiVersion: v1
kind: Namespace
metadata: {name: gone, labels: {slipway.dev/platform: gone}}`, `
apiVersion: v1
kind: ConfigMap
metadata: {name: taken, namespace: before, labels: {slipway.dev/platform: gone}}`, `
apiVersion: v1
kind: ConfigMap
metadata: {name: ours, namespace: before, labels: {slipway.dev/platform: gone}}`, `
apiVersion: v1
kind: ConfigMap
metadata: {name: inside, namespace: gone, labels: {slipway.dev/platform: gone}}`, `
apiVersion: gone.test/v1
kind: Boat
metadata: {name: ours, namespace: before, labels: {slipway.dev/platform: gone}}`, `
apiVersion: gone.test/v1
kind: Application
metadata: {name: platform, namespace: gone, labels: {slipway.dev/platform: gone}, finalizers: [gone.test/engine]}`,
	}, "\n---\n")
	if err := deliver.Apply(ctx, c, "gone", objects(t, delivered), nil); err != nil {
		t.Fatal(err)
	}
	// Somebody else has an object of one of the platform's kinds.
	if err := deliver.Apply(ctx, c, "other", objects(t, `{apiVersion: gone.test/v1, kind: Raft, metadata: {name: theirs, namespace: before}}`), nil); err != nil {
		t.Fatal(err)
	}
	secrets := []v1alpha1.RuntimeObject{{Kind: "Secret", Name: "made", Namespace: "before", Data: map[string]v1alpha1.RuntimeValue{"k": {Random: 8}}}}
	if err := (deliver.Runtime{Client: c, Platform: "gone"}).Ensure(ctx, "gone", secrets, nil); err != nil {
		t.Fatal(err)
	}
	applications := deliver.Applications(render.Tree{Files: []render.File{{Path: "applications/platform.yaml",
		Object: objects(t, "{apiVersion: gone.test/v1, kind: Application, metadata: {name: platform, namespace: gone}}")[0]}}})

	kept, err := deliver.Uninstall(ctx, c, "gone", applications, nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, k := range kept {
		names = append(names, k.Object.String()+": "+k.Reason)
	}
	sort.Strings(names)
	want := []string{
		"ConfigMap before/taken: it was in the cluster before",
		"CustomResourceDefinition rafts.gone.test: of its kind are objects that Slipway did not make: Raft before/theirs",
		"Namespace before: it was in the cluster before",
	}
	if got := strings.Join(names, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("kept:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
	}
	for manifest, there := range map[string]bool{
		"{apiVersion: v1, kind: Namespace, metadata: {name: before}}":                                                     true,
		"{apiVersion: v1, kind: ConfigMap, metadata: {name: taken, namespace: before}}":                                   true,
		"{apiVersion: v1, kind: ConfigMap, metadata: {name: theirs, namespace: before}}":                                  true,
		"{apiVersion: gone.test/v1, kind: Raft, metadata: {name: theirs, namespace: before}}":                             true,
		"{apiVersion: v1, kind: ConfigMap, metadata: {name: ours, namespace: before}}":                                    false,
		"{apiVersion: v1, kind: Secret, metadata: {name: made, namespace: before}}":                                       false,
		"{apiVersion: v1, kind: Namespace, metadata: {name: gone}}":                                                       false,
		"{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: boats.gone.test}}":        false,
		"{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: applications.gone.test}}": false,
	} {
		_, err := c.Get(ctx, objects(t, manifest)[0])
		if there && err != nil || !there && !apierrors.IsNotFound(err) {
			t.Errorf("%s: there should be %v, got %v", manifest, there, err)
		}
	}
	// Again: there is nothing left to do.
	if _, err := deliver.Uninstall(ctx, c, "gone", applications, nil); err != nil {
		t.Errorf("second time: %v", err)
	}
}
