//go:build integration

package deliver_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/deliver"
	"github.com/slipway-dev/slipway/internal/kube"
	"github.com/slipway-dev/slipway/internal/progress"
	"github.com/slipway-dev/slipway/internal/render"
	"github.com/slipway-dev/slipway/internal/testcluster"
)

var shared = testcluster.Shared{Controllers: []string{"namespace-controller"}}

func TestMain(m *testing.M) { os.Exit(shared.Run(m)) }

func client(t *testing.T) *kube.Client {
	t.Helper()
	c, err := kube.New(shared.Cluster(t).Config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// within ends a test that would wait for ever, long after it should be done.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func objects(t *testing.T, manifests string) []*unstructured.Unstructured {
	t.Helper()
	var list []*unstructured.Unstructured
	for _, doc := range strings.Split(manifests, "\n---\n") {
		u := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(doc), &u.Object); err != nil {
			t.Fatal(err)
		}
		list = append(list, u)
	}
	return list
}

func TestApply_CustomResourceBeforeItsDefinitionAndNamespace(t *testing.T) {
	c, ctx := client(t), within(t)
	err := deliver.Apply(ctx, c, "test", objects(t, `
apiVersion: apply.test/v1
kind: Boat
metadata: {name: one, namespace: apply-order}
spec: {sails: 2}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: apply-order}
data: {a: "1"}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: boats.apply.test}
spec:
  group: apply.test
  names: {kind: Boat, plural: boats}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
---
apiVersion: v1
kind: Namespace
metadata: {name: apply-order}
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	boat := objects(t, "{apiVersion: apply.test/v1, kind: Boat, metadata: {name: one, namespace: apply-order}}")[0]
	live, err := c.Get(ctx, boat)
	if err != nil {
		t.Fatal(err)
	}
	if sails, _, _ := unstructured.NestedInt64(live.Object, "spec", "sails"); sails != 2 {
		t.Errorf("sails = %d, want 2", sails)
	}
	ns, err := c.Core.CoreV1().Namespaces().Get(ctx, "apply-order", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if ns.Labels[deliver.LabelMadeBy] != "test" {
		t.Errorf("labels of a namespace made by Apply = %v", ns.Labels)
	}
}

func TestApply_NamespaceThatWasThereIsNotMarkedAsOurs(t *testing.T) {
	c, ctx := client(t), within(t)
	if err := deliver.Apply(ctx, c, "test", objects(t, `{apiVersion: v1, kind: Namespace, metadata: {name: default, labels: {x: "yes"}}}`), nil); err != nil {
		t.Fatal(err)
	}
	ns, err := c.Core.CoreV1().Namespaces().Get(ctx, "default", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, ours := ns.Labels[deliver.LabelMadeBy]; ours || ns.Labels["x"] != "yes" {
		t.Errorf("labels = %v", ns.Labels)
	}
}

func TestApply_WaitsForAKindThatComesLater(t *testing.T) {
	c, ctx := client(t), within(t)
	definition := objects(t, `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: lates.late.test}
spec:
  group: late.test
  names: {kind: Late, plural: lates}
  scope: Cluster
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object}}
`)
	waits := make(chan string, 1000)
	task := progress.Start(progress.Func(func(e progress.Event) {
		if e.State == progress.Waiting {
			waits <- e.Message
		}
	}), "test", "", 0)
	done := make(chan error, 1)
	go func() {
		done <- deliver.Apply(ctx, c, "test", objects(t, `{apiVersion: late.test/v1, kind: Late, metadata: {name: x}}`), task)
	}()
	select {
	case message := <-waits:
		if !strings.Contains(message, "Late x") || !strings.Contains(message, "Late (late.test) is not defined yet") {
			t.Errorf("waiting message = %q", message)
		}
	case err := <-done:
		t.Fatalf("Apply ended before the kind was defined: %v", err)
	}
	if err := deliver.Apply(ctx, client(t), "test", definition, nil); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestApply_TellsAllFailuresAtOnce(t *testing.T) {
	c, ctx := client(t), within(t)
	err := deliver.Apply(ctx, c, "test", objects(t, `
apiVersion: v1
kind: Service
metadata: {name: good, namespace: default}
spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: bad-port, namespace: default}
spec: {ports: [{port: 99999}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: Bad_Name, namespace: default}
`), nil)
	var first *deliver.ObjectError
	if !errors.As(err, &first) {
		t.Fatalf("error = %v, want object errors", err)
	}
	for _, want := range []string{"Service default/bad-port", "ConfigMap default/Bad_Name"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q lacks %q", err, want)
		}
	}
	if _, err := c.Core.CoreV1().Services("default").Get(ctx, "good", metav1.GetOptions{}); err != nil {
		t.Errorf("the good object was not applied: %v", err)
	}
}

func TestApply_LeavesAloneWhatBelongsToAnotherPlatform(t *testing.T) {
	c, ctx := client(t), within(t)
	const manifest = `{apiVersion: v1, kind: ConfigMap, metadata: {name: owned, namespace: default, labels: {slipway.dev/platform: NAME}}}`
	if err := deliver.Apply(ctx, c, "first", objects(t, strings.ReplaceAll(manifest, "NAME", "first")), nil); err != nil {
		t.Fatal(err)
	}
	err := deliver.Apply(ctx, c, "second", objects(t, strings.ReplaceAll(manifest, "NAME", "second")), nil)
	if err == nil || !strings.Contains(err.Error(), "ConfigMap default/owned: it belongs to the platform first") {
		t.Errorf("error = %v", err)
	}
}

func TestApply_SaysWhatWasMissingWhenItsTimeEnds(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	c := client(t)
	err := deliver.Apply(ctx, c, "test", objects(t, `{apiVersion: never.test/v1, kind: Never, metadata: {name: x}}`), nil)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "Never (never.test) is not defined yet") {
		t.Errorf("error = %v", err)
	}
}

func TestRuntime_KeepsWhatExistsAndAddsWhatIsMissing(t *testing.T) {
	c, ctx := client(t), within(t)
	r := deliver.Runtime{Client: c, Platform: "test", CA: deliver.CA{
		Certificate: []byte("CERT\n"), Key: []byte("KEY"), Trusted: []byte("TRUSTED"), Public: []byte("PUBLIC\n")}}
	wanted := []v1alpha1.RuntimeObject{
		{Kind: "ConfigMap", Name: "trust", Data: map[string]v1alpha1.RuntimeValue{
			"ca.crt": {CA: "bundle", Follow: true}, "once": {CA: "certificate"}}},
		{Kind: "Secret", Name: "copy", Data: map[string]v1alpha1.RuntimeValue{
			"password": {From: "runtime/admin/password", Follow: true}}},
		{Kind: "Secret", Name: "admin", Type: "Opaque", Labels: map[string]string{"l": "1"},
			Data: map[string]v1alpha1.RuntimeValue{"username": {Value: "root"}, "password": {Random: 32}}},
	}
	if err := r.Ensure(ctx, "runtime", wanted, nil); err != nil {
		t.Fatal(err)
	}
	first, err := deliver.ReadSecret(ctx, c, "runtime", "admin")
	if err != nil {
		t.Fatal(err)
	}
	if len(first["password"]) != 32 || string(first["username"]) != "root" {
		t.Errorf("secret = %q", first)
	}
	trust, err := c.Core.CoreV1().ConfigMaps("runtime").Get(ctx, "trust", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := trust.Data["ca.crt"]; got != "CERT\nTRUSTED\nPUBLIC\n" {
		t.Errorf("bundle = %q", got)
	}

	// A second run with another CA, another user name and one more key.
	r.CA.Certificate = []byte("CERT2")
	wanted[2].Data["username"] = v1alpha1.RuntimeValue{Value: "other"}
	wanted[2].Data["token"] = v1alpha1.RuntimeValue{Random: 10}
	if err := r.Ensure(ctx, "runtime", wanted, nil); err != nil {
		t.Fatal(err)
	}
	second, err := deliver.ReadSecret(ctx, c, "runtime", "admin")
	if err != nil {
		t.Fatal(err)
	}
	if string(second["password"]) != string(first["password"]) || string(second["username"]) != "root" {
		t.Errorf("existing keys changed from %q to %q", first, second)
	}
	if len(second["token"]) != 10 {
		t.Errorf("the missing key was not added: %q", second)
	}
	copied, err := deliver.ReadSecret(ctx, c, "runtime", "copy")
	if err != nil {
		t.Fatal(err)
	}
	if string(copied["password"]) != string(first["password"]) {
		t.Errorf("copy = %q, want %q", copied["password"], first["password"])
	}
	trust, err = c.Core.CoreV1().ConfigMaps("runtime").Get(ctx, "trust", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if trust.Data["ca.crt"] != "CERT2\nTRUSTED\nPUBLIC\n" || trust.Data["once"] != "CERT\n" {
		t.Errorf("followed and kept keys = %q", trust.Data)
	}
	if trust.Labels[deliver.LabelManagedBy] != "slipway" || trust.Labels[deliver.LabelMadeBy] != "test" {
		t.Errorf("labels = %v", trust.Labels)
	}
}

func TestRuntime_WaitsForTheSecretItCopies(t *testing.T) {
	c, ctx := client(t), within(t)
	r := deliver.Runtime{Client: c, Platform: "test"}
	waits := make(chan string, 1000)
	task := progress.Start(progress.Func(func(e progress.Event) {
		if e.State == progress.Waiting {
			waits <- e.Message
		}
	}), "test", "", 0)
	done := make(chan error, 1)
	go func() {
		done <- r.Ensure(ctx, "runtime-wait", []v1alpha1.RuntimeObject{{Kind: "Secret", Name: "copy",
			Data: map[string]v1alpha1.RuntimeValue{"k": {From: "runtime-wait/later/k"}}}}, task)
	}()
	if message := <-waits; !strings.Contains(message, "runtime-wait/later/k") {
		t.Errorf("waiting message = %q", message)
	}
	if _, err := c.Core.CoreV1().Secrets("runtime-wait").Get(ctx, "copy", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("the copy exists before its source: %v", err)
	}
	later := []v1alpha1.RuntimeObject{{Kind: "Secret", Name: "later", Data: map[string]v1alpha1.RuntimeValue{"k": {Value: "v"}}}}
	if err := r.Ensure(ctx, "runtime-wait", later, nil); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func treeOf(t *testing.T, manifests string) render.Tree {
	t.Helper()
	var tree render.Tree
	for _, obj := range objects(t, manifests) {
		tree.Files = append(tree.Files, render.File{Unit: "unit", Object: obj})
	}
	return tree
}

func TestFindDrift(t *testing.T) {
	const manifests = `
apiVersion: v1
kind: Service
metadata: {name: drift, namespace: default}
spec: {ports: [{port: 80, name: http}], selector: {app: x}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: drift, namespace: default}
spec:
  replicas: 1
  selector: {matchLabels: {app: x}}
  template:
    metadata: {labels: {app: x}}
    spec:
      containers:
      - name: c
        image: example.com/c:1
        env: [{name: A, value: "1"}]
        resources: {requests: {cpu: 0.5, memory: 1024Mi}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: drift, namespace: default}
data: {a: "1"}
`
	c, ctx := client(t), within(t)
	tree := treeOf(t, manifests)
	if err := deliver.Apply(ctx, c, "test", objects(t, manifests), nil); err != nil {
		t.Fatal(err)
	}
	var known deliver.Same
	find := func() string {
		t.Helper()
		drifts, now, err := deliver.FindDrift(ctx, c, tree, known)
		known = now
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, d := range drifts {
			all = append(all, d.String())
		}
		return strings.Join(all, "\n")
	}
	if got := find(); got != "" {
		t.Errorf("drift right after delivery (other ways to write the same are none): %s", got)
	}
	if len(known) == 0 {
		t.Error("nothing is remembered of other ways to write the same")
	}
	if got := find(); got != "" {
		t.Errorf("drift by what is remembered: %s", got)
	}

	// What others add beside ours is not drift; what they change or delete is.
	deployment, err := c.Core.AppsV1().Deployments("default").Get(ctx, "drift", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	container := &deployment.Spec.Template.Spec.Containers[0]
	container.Env = append(container.Env, corev1.EnvVar{Name: "B", Value: "2"})
	if deployment, err = c.Core.AppsV1().Deployments("default").Update(ctx, deployment, metav1.UpdateOptions{FieldManager: "other"}); err != nil {
		t.Fatal(err)
	}
	if got := find(); got != "" {
		t.Errorf("drift after somebody added an environment variable: %s", got)
	}
	three := int32(3)
	deployment.Spec.Replicas = &three
	if _, err := c.Core.AppsV1().Deployments("default").Update(ctx, deployment, metav1.UpdateOptions{FieldManager: "other"}); err != nil {
		t.Fatal(err)
	}
	if err := c.Core.CoreV1().ConfigMaps("default").Delete(ctx, "drift", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	want := "ConfigMap default/drift: is missing\nDeployment default/drift: .spec.replicas"
	if got := find(); got != want {
		t.Errorf("drift =\n%s\nwant\n%s", got, want)
	}
}
