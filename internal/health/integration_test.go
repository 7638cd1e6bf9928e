//go:build integration

package health_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/health"
	"github.com/slipway-dev/slipway/internal/kube"
	"github.com/slipway-dev/slipway/internal/progress"
	"github.com/slipway-dev/slipway/internal/testcluster"
)

var shared testcluster.Shared

func TestMain(m *testing.M) { os.Exit(shared.Run(m)) }

// world makes objects, with their status, in a namespace of its own: there are no controllers
// that would set it.
type world struct {
	t    *testing.T
	ctx  context.Context
	kube *kube.Client
	ns   string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	c, err := kube.New(shared.Cluster(t).Config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	ns := strings.ToLower(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '-'
	}, t.Name()))
	ns = strings.Trim(ns[max(0, len(ns)-50):], "-")
	w := &world{t, ctx, c, ns}
	w.make("{apiVersion: v1, kind: Namespace, metadata: {name: " + ns + "}}")
	return w
}

// decode reads manifests, separated by "---", into the world's namespace.
func (w *world) decode(manifests string) []*unstructured.Unstructured {
	w.t.Helper()
	var all []*unstructured.Unstructured
	for _, doc := range strings.Split(manifests, "\n---\n") {
		u := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(doc), &u.Object); err != nil {
			w.t.Fatal(err)
		}
		if u.GetKind() != "Namespace" {
			u.SetNamespace(w.ns)
		}
		all = append(all, u)
	}
	return all
}

// make creates objects and sets their status; owner may name one made before.
func (w *world) make(manifests string, owner ...*unstructured.Unstructured) []*unstructured.Unstructured {
	w.t.Helper()
	all := w.decode(manifests)
	for i, u := range all {
		for _, o := range owner {
			yes := true
			u.SetOwnerReferences([]metav1.OwnerReference{{APIVersion: o.GetAPIVersion(), Kind: o.GetKind(), Name: o.GetName(), UID: o.GetUID(), Controller: &yes}})
		}
		status := u.Object["status"]
		resource, err := w.kube.Resource(u)
		if err != nil {
			w.t.Fatal(err)
		}
		live, err := resource.Create(w.ctx, u, metav1.CreateOptions{})
		if err != nil {
			w.t.Fatal(err)
		}
		if status != nil {
			live.Object["status"] = status
			if live, err = resource.UpdateStatus(w.ctx, live, metav1.UpdateOptions{}); err != nil {
				w.t.Fatal(err)
			}
		}
		all[i] = live
	}
	return all
}

const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop
  annotations: {deployment.kubernetes.io/revision: "1"}
spec:
  replicas: 1
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec: {containers: [{name: web, image: example.com/shop:v9}]}
status: {observedGeneration: 1, replicas: 1, unavailableReplicas: 1, conditions: [{type: Available, status: "False", reason: MinimumReplicasUnavailable, message: unavailable}]}
`

const replicaSet = `
apiVersion: apps/v1
kind: ReplicaSet
metadata:
  name: shop-1
  labels: {app: shop}
  annotations: {deployment.kubernetes.io/revision: "1"}
spec:
  replicas: 1
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec: {containers: [{name: web, image: example.com/shop:v9}]}
status: {observedGeneration: 1, replicas: 1, readyReplicas: 0}
`

// shopPod is the Deployment's pod with the given rest of its spec and status.
func shopPod(spec, status string) string {
	return `
apiVersion: v1
kind: Pod
metadata: {name: shop-1-x, labels: {app: shop}}
spec:
  containers: [{name: web, image: "example.com/shop:v9", resources: {limits: {memory: 64Mi}}, env: [{name: P, valueFrom: {secretKeyRef: {name: login, key: p}}}]}]
` + spec + `
status: ` + status
}

// shop makes the Deployment down to its pod.
func (w *world) shop(podSpec, podStatus string) []*unstructured.Unstructured {
	w.t.Helper()
	d := w.make(deployment)
	rs := w.make(replicaSet, d[0])
	w.make(shopPod(podSpec, podStatus), rs[0])
	return d
}

func (w *world) event(kind, name, reason, message string) {
	w.t.Helper()
	obj := w.decode("{apiVersion: v1, kind: " + kind + ", metadata: {name: " + name + "}}")[0]
	live, err := w.kube.Get(w.ctx, obj)
	if err != nil {
		w.t.Fatal(err)
	}
	event := w.decode("{apiVersion: v1, kind: Event, metadata: {generateName: e-}, type: Warning}")[0]
	event.Object["reason"], event.Object["message"] = reason, message
	event.Object["involvedObject"] = map[string]any{"kind": kind, "namespace": w.ns, "name": name, "uid": string(live.GetUID())}
	resource, err := w.kube.Resource(event)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := resource.Create(w.ctx, event, metav1.CreateOptions{}); err != nil {
		w.t.Fatal(err)
	}
}

const pulling = `{phase: Pending, containerStatuses: [{name: web, image: "example.com/shop:v9", imageID: "", ready: false, restartCount: 0,
  state: {waiting: {reason: ImagePullBackOff, message: "Back-off pulling image \"example.com/shop:v9\""}}}]}`

func TestCheck_SaysWhatEachUnitWaitsFor(t *testing.T) {
	w := newWorld(t)
	d := w.shop("", pulling)
	w.make("{apiVersion: v1, kind: ConfigMap, metadata: {name: there}, data: {mode: fast}}")
	w.make("{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}, status: {phase: Pending}}")
	w.event("PersistentVolumeClaim", "data", "ProvisioningFailed", "no room")
	w.make("{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: later}, provisioner: example.com/none, volumeBindingMode: WaitForFirstConsumer}")
	w.make("{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: unused}, spec: {storageClassName: later, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}, status: {phase: Pending}}")
	object := func(manifest string) health.Unit {
		return health.Unit{Name: "unit", Objects: w.decode(manifest)}
	}
	with := func(u health.Unit, checks ...v1alpha1.ReadyCheck) health.Unit {
		u.Ready = checks
		return u
	}
	there := "{apiVersion: v1, kind: ConfigMap, metadata: {name: there}}"
	tests := []struct {
		name   string
		unit   health.Unit
		state  health.State
		reason string
	}{
		{"an object that is there", object(there), health.Ready, ""},
		{"an object that is not", object("{apiVersion: v1, kind: ConfigMap, metadata: {name: other}}"), health.Missing, "other: it does not exist"},
		{"a kind that is not", object("{apiVersion: none.test/v1, kind: Nothing, metadata: {name: x}}"), health.Missing, "its kind is not defined"},
		{"a workload whose image cannot be had", health.Unit{Name: "unit", Objects: d}, health.Progressing, "0 of 1 pods ready: ImagePullBackOff: Back-off"},
		{"what events warn of", object("{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data}}"), health.Progressing, "phase: Pending; ProvisioningFailed: no room"},
		{"a volume that waits for the first pod", object("{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: unused}}"), health.Ready, ""},
		{"a condition that holds", with(object(there), v1alpha1.ReadyCheck{Condition: "object.data.mode == 'fast'"}), health.Ready, ""},
		{"a condition that does not", with(object(there), v1alpha1.ReadyCheck{Condition: "object.data.mode == 'slow'"}), health.Progressing, "there: data.mode is fast"},
		{"a condition over what is not there yet", with(object(there), v1alpha1.ReadyCheck{Condition: "object.status.ready"}), health.Progressing, "there: status.ready is not set"},
		{"a condition for other objects", with(object(there), v1alpha1.ReadyCheck{Target: v1alpha1.Target{Kind: "Secret"}, Condition: "false"}), health.Ready, ""},
		{"a condition on an object that the unit does not hold", with(health.Unit{Name: "unit"},
			v1alpha1.ReadyCheck{Target: v1alpha1.Target{Kind: "ConfigMap", Namespace: w.ns, Name: "made-later"}, Condition: "true"}), health.Missing, "made-later: it does not exist"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := health.Check(w.ctx, w.kube, []health.Unit{tt.unit})[0]
			if got.State != tt.state || !strings.Contains(got.Reason, tt.reason) {
				t.Errorf("%s: %s; want %s: %s", got.State, got.Reason, tt.state, tt.reason)
			}
		})
	}
}

func TestWait_EndsWhenAllIsReady(t *testing.T) {
	w := newWorld(t)
	d := w.make(deployment)
	waited := make(chan string, 1000)
	report := progress.Func(func(e progress.Event) {
		if e.State == progress.Waiting {
			waited <- e.Message
		}
	})
	done := make(chan error, 1)
	go func() {
		done <- health.Wait(w.ctx, w.kube, []health.Unit{{Name: "shop", Objects: d}}, report, "ready")
	}()
	if message := <-waited; !strings.Contains(message, "0 of 1 objects ready; Deployment "+w.ns+"/shop: 0 of 1 pods ready: no pod yet") {
		t.Errorf("said to wait for %q", message)
	}
	resource, err := w.kube.Resource(d[0])
	if err != nil {
		t.Fatal(err)
	}
	status := `{observedGeneration: 1, replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1,
  conditions: [{type: Available, status: "True"}, {type: Progressing, status: "True", reason: NewReplicaSetAvailable}]}`
	var value map[string]any
	if err := yaml.Unmarshal([]byte(status), &value); err != nil {
		t.Fatal(err)
	}
	d[0].Object["status"] = value
	if _, err := resource.UpdateStatus(w.ctx, d[0], metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestWait_SaysWhatWasMissingWhenItsTimeEnds(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithTimeoutCause(w.ctx, 700*time.Millisecond, errors.New("not within the time"))
	defer cancel()
	units := []health.Unit{{Name: "a", Objects: w.decode("{apiVersion: v1, kind: ConfigMap, metadata: {name: never}}")}, {Name: "b"}}
	err := health.Wait(ctx, w.kube, units, progress.Discard, "ready")
	var notReady *health.NotReadyError
	if !errors.As(err, &notReady) || len(notReady.Units) != 1 || notReady.Units[0].Unit != "a" {
		t.Fatalf("error = %v", err)
	}
	if want := "not ready (not within the time): a: ConfigMap " + w.ns + "/never: it does not exist"; err.Error() != want {
		t.Errorf("error = %q, want %q", err, want)
	}
}
