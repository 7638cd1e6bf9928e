//go:build integration

package health_test

import (
	"context"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/health"
)

// why asks and checks that the findings and evidence come in this order, each in a step of its own.
func (w *world) why(e health.Explorer, thing string, want ...string) {
	w.t.Helper()
	e.Kube = w.kube
	causes, err := e.Why(w.ctx, thing)
	if err != nil {
		w.t.Fatal(err)
	}
	if len(causes) != 1 {
		w.t.Fatalf("got %d causes, want 1: %v", len(causes), causes)
	}
	cause := causes[0]
	if len(cause) != len(want) {
		w.t.Fatalf("got %d steps, want %d:\n%s", len(cause), len(want), cause)
	}
	for i, part := range want {
		s := cause[i]
		if got := s.Subject + ": " + s.Finding + "\n" + strings.Join(s.Evidence, "\n"); !strings.Contains(got, part) {
			w.t.Errorf("step %d = %q\nwant %q in it", i, got, part)
		}
	}
}

func TestWhy_ImageThatDoesNotExist(t *testing.T) {
	w := newWorld(t)
	d := w.shop("", pulling)
	w.event("Pod", "shop-1-x", "Failed", `Failed to pull image "example.com/shop:v9": rpc error: code = NotFound desc = example.com/shop:v9: not found`)
	e := health.Explorer{Units: []health.Unit{{Name: "shop-unit", Objects: d}}, Image: func(_ context.Context, ref string) string { return "the store has no " + ref }}
	w.why(e, "shop-unit",
		"shop-unit: 1 of 1 objects are not ready",
		"Deployment "+w.ns+"/shop: 0 of 1 pods ready",
		"ReplicaSet "+w.ns+"/shop-1: 0 of 1 pods ready",
		"Pod "+w.ns+"/shop-1-x: the image example.com/shop:v9 cannot be had: the registry does not have it")
	w.why(e, "deploy/"+w.ns+"/shop", "Deployment", "ReplicaSet", "the store has no example.com/shop:v9")
	w.why(e, "", "shop-unit", "Deployment", "ReplicaSet", "rpc error: code = NotFound")
}

func TestWhy_ContainerThatNeedsMoreMemoryThanItMay(t *testing.T) {
	w := newWorld(t)
	w.shop("", `{phase: Running, containerStatuses: [{name: web, image: i, imageID: "", ready: false, restartCount: 4,
  lastState: {terminated: {exitCode: 137, reason: OOMKilled}}, state: {waiting: {reason: CrashLoopBackOff}}}]}`)
	w.why(health.Explorer{}, "pod/"+w.ns+"/shop-1-x", "more memory than its limit of 64Mi")
}

func TestWhy_ContainerThatEnds(t *testing.T) {
	w := newWorld(t)
	w.shop("", `{phase: Running, containerStatuses: [{name: web, image: i, imageID: "", ready: false, restartCount: 3,
  lastState: {terminated: {exitCode: 2, reason: Error, message: "no configuration"}}, state: {waiting: {reason: CrashLoopBackOff}}}]}`)
	w.why(health.Explorer{}, "pod/"+w.ns+"/shop-1-x", "container web ended 3 times, last with exit code 2: no configuration")
}

func TestWhy_SecretThatIsMissing(t *testing.T) {
	w := newWorld(t)
	w.shop("", `{phase: Pending, containerStatuses: [{name: web, image: i, imageID: "", ready: false, restartCount: 0,
  state: {waiting: {reason: CreateContainerConfigError, message: "secret \"login\" not found"}}}]}`)
	w.why(health.Explorer{}, "pod/"+w.ns+"/shop-1-x", `container web does not start: CreateContainerConfigError: secret "login" not found`,
		"Secret "+w.ns+"/login: does not exist")
}

func TestWhy_CheckThatFails(t *testing.T) {
	w := newWorld(t)
	w.shop("", `{phase: Running, containerStatuses: [{name: web, image: i, imageID: "", ready: false, restartCount: 0, state: {running: {}}}]}`)
	w.event("Pod", "shop-1-x", "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 500")
	w.why(health.Explorer{}, "pod/"+w.ns+"/shop-1-x", "Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 500")
}

func TestWhy_VolumeWithoutItsStorageClass(t *testing.T) {
	w := newWorld(t)
	w.make(`
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], storageClassName: none-such, resources: {requests: {storage: 1Gi}}}
status: {phase: Pending}`)
	w.shop("  volumes: [{name: d, persistentVolumeClaim: {claimName: data}}]",
		`{phase: Pending, conditions: [{type: PodScheduled, status: "False", reason: Unschedulable, message: "pod has unbound immediate PersistentVolumeClaims"}]}`)
	w.why(health.Explorer{}, "pod/"+w.ns+"/shop-1-x", "no node takes it: pod has unbound", "data: has no volume yet (Pending)", "StorageClass none-such: does not exist")
}

func TestWhy_ObjectOfAnyKindLeadsToWhatItsStatusLists(t *testing.T) {
	w := newWorld(t)
	crd := `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: bundles.why.test}
spec:
  group: why.test
  names: {kind: Bundle, plural: bundles}
  scope: Namespaced
  versions:
  - {name: v1, served: true, storage: true, subresources: {status: {}}, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}`
	u := w.decode(crd)[0]
	u.SetNamespace("")
	definitions, err := w.kube.Resource(u)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := definitions.Create(w.ctx, u, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	bundle := "{apiVersion: why.test/v1, kind: Bundle, metadata: {name: all}, status: {health: {status: Degraded, message: something is wrong}, " +
		"resources: [{kind: ConfigMap, name: fine}, {group: apps, kind: Deployment, name: shop, health: {status: Degraded}}]}}"
	w.make("{apiVersion: v1, kind: ConfigMap, metadata: {name: fine}}")
	w.shop("", pulling)
	deadline(t, func() bool { _, err := w.kube.Mapping(w.decode(bundle)[0].GroupVersionKind()); return err == nil })
	made := w.make(bundle)
	unit := health.Unit{Name: "bundle", Objects: made, Ready: []v1alpha1.ReadyCheck{{Condition: "object.status.health.status == 'Healthy'"}}}
	w.why(health.Explorer{Units: []health.Unit{unit}}, "bundle",
		"bundle: 1 of 1", "Bundle "+w.ns+"/all: something is wrong", "Deployment", "ReplicaSet", "the image example.com/shop:v9 cannot be had")
}

func TestWhy_AddressThatDoesNotAnswer(t *testing.T) {
	w := newWorld(t)
	w.make("{apiVersion: v1, kind: Service, metadata: {name: shop}, spec: {ports: [{port: 80}], selector: {app: shop}}}")
	w.shop("", pulling)
	service := w.decode("{apiVersion: v1, kind: Service, metadata: {name: shop}}")
	unit := health.Unit{Name: "shop-unit", Objects: service}
	e := health.Explorer{Units: []health.Unit{unit}, Probes: []health.ProbeResult{{Unit: "shop-unit", Probe: "answers", URL: "https://shop.example.com/", Reason: "answers 503, not 200"}}}
	w.why(e, "shop-unit", "its objects are ready, but it does not answer as it must", "answers: https://shop.example.com/: answers 503, not 200")
	w.why(e, "service/"+w.ns+"/shop", "none of its 1 pods is ready", "the image example.com/shop:v9 cannot be had")
}

func TestWhy_HealthyThing(t *testing.T) {
	w := newWorld(t)
	objects := w.make("{apiVersion: v1, kind: ConfigMap, metadata: {name: fine}}")
	e := health.Explorer{Kube: w.kube, Units: []health.Unit{{Name: "good", Objects: objects}}}
	for _, thing := range []string{"good", "", "configmap/" + w.ns + "/fine"} {
		if causes, err := e.Why(w.ctx, thing); err != nil || len(causes) != 0 {
			t.Errorf("why %q = %v, %v", thing, causes, err)
		}
	}
	for _, thing := range []string{"nothing", "blob/x/y", "configmap/" + w.ns + "/none"} {
		if causes, err := e.Why(w.ctx, thing); err == nil {
			t.Errorf("why %q = %v, want an error", thing, causes)
		}
	}
}

// deadline waits for a condition that the API server is about to meet.
func deadline(t *testing.T, met func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !met(); {
		if time.Now().After(end) {
			t.Fatal("the condition was not met within 20 s")
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func TestWhy_UnitsThatSufferFromTheSameAreToldOnce(t *testing.T) {
	w := newWorld(t)
	d := w.shop("", pulling)
	other := w.decode("{apiVersion: v1, kind: ConfigMap, metadata: {name: gone}}")
	e := health.Explorer{Kube: w.kube, Units: []health.Unit{{Name: "first", Objects: d}, {Name: "second", Objects: d}, {Name: "third", Objects: other}}}
	causes, err := e.Why(w.ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	if len(causes) != 2 || causes[0][0].Subject != "first" || causes[1][0].Subject != "third" {
		t.Errorf("causes = %v", causes)
	}
}
