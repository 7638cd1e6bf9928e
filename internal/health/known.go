package health

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/slipway-dev/slipway/internal/kube"
)

// known explains objects of Kubernetes' own kinds, whose relations are known exactly. step is
// nil for an object that is well; next is what to look at to explain the step further. It is
// not known for all other kinds.
func (w *walk) known(ctx context.Context, live *unstructured.Unstructured) (step *Step, next []*unstructured.Unstructured, known bool) {
	gvk := live.GroupVersionKind()
	switch gvk.Group + "/" + gvk.Kind {
	case "/Pod":
		var pod corev1.Pod
		if runtime.DefaultUnstructuredConverter.FromUnstructured(live.Object, &pod) != nil {
			return nil, nil, false
		}
		step, next = w.pod(ctx, &pod)
		return step, next, true
	case "/PersistentVolumeClaim":
		step, next = w.claim(ctx, live)
		return step, next, true
	case "/Service":
		step, next = w.service(ctx, live)
		return step, next, true
	case "/Node":
		return node(live), nil, true
	case "/ConfigMap", "/Secret", "/ServiceAccount":
		return nil, nil, true
	case "apps/Deployment", "apps/ReplicaSet", "apps/StatefulSet", "apps/DaemonSet", "batch/Job":
		step, next = w.workload(ctx, live)
		return step, next, true
	case "apiregistration.k8s.io/APIService":
		return w.apiService(live)
	}
	return nil, nil, false
}

// workload explains what has pods by the pods, or by why there are none.
func (w *walk) workload(ctx context.Context, live *unstructured.Unstructured) (*Step, []*unstructured.Unstructured) {
	state, reason := Unit{}.state(live)
	if state == Ready {
		return nil, nil
	}
	if detail := workload(ctx, w.Kube, live); detail != "" {
		reason = detail
	}
	step := &Step{Subject: kube.IDOf(live).String(), Finding: orElse(reason, "is "+string(state)), Evidence: warnings(ctx, w.Kube, live.GetNamespace(), live.GetUID())}
	if live.GetKind() == "Deployment" {
		if set := w.newestReplicaSet(ctx, live); set != nil {
			return step, []*unstructured.Unstructured{set}
		}
	}
	pods, _ := podsOf(ctx, w.Kube, live)
	var next []*unstructured.Unstructured
	for i := range pods {
		if podTrouble(&pods[i]) != "" {
			next = append(next, kube.ID{Kind: "Pod", Namespace: pods[i].Namespace, Name: pods[i].Name}.Object())
		}
	}
	if len(pods) == 0 {
		if message := said(live); message != "" && !slices.Contains(step.Evidence, message) {
			step.Evidence = append(step.Evidence, message)
		}
	}
	return step, next
}

// newestReplicaSet is that of the Deployment's current template.
func (w *walk) newestReplicaSet(ctx context.Context, deployment *unstructured.Unstructured) *unstructured.Unstructured {
	list, err := w.Kube.Core.AppsV1().ReplicaSets(deployment.GetNamespace()).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil
	}
	const revision = "deployment.kubernetes.io/revision"
	for _, set := range list.Items {
		owner := metav1.GetControllerOf(&set)
		if owner != nil && owner.UID == deployment.GetUID() && set.Annotations[revision] == deployment.GetAnnotations()[revision] {
			return kube.ID{Group: "apps", Kind: "ReplicaSet", Namespace: set.Namespace, Name: set.Name}.Object()
		}
	}
	return nil
}

// claim explains a volume that is not there yet.
func (w *walk) claim(ctx context.Context, live *unstructured.Unstructured) (*Step, []*unstructured.Unstructured) {
	phase, _, _ := unstructured.NestedString(live.Object, "status", "phase")
	if phase == string(corev1.ClaimBound) {
		return nil, nil
	}
	step := &Step{Subject: kube.IDOf(live).String(), Finding: "has no volume yet (" + orElse(phase, "Pending") + ")", Evidence: warnings(ctx, w.Kube, live.GetNamespace(), live.GetUID())}
	class, found, _ := unstructured.NestedString(live.Object, "spec", "storageClassName")
	if !found {
		step.Finding += "; it names no storage class, and the cluster has no default one"
		return step, nil
	}
	if class == "" {
		return step, nil
	}
	return step, []*unstructured.Unstructured{kube.ID{Group: "storage.k8s.io", Kind: "StorageClass", Name: class}.Object()}
}

// service explains a Service without a ready pod behind it.
func (w *walk) service(ctx context.Context, live *unstructured.Unstructured) (*Step, []*unstructured.Unstructured) {
	selector, _, _ := unstructured.NestedStringMap(live.Object, "spec", "selector")
	if len(selector) == 0 {
		return nil, nil
	}
	pods, err := w.Kube.Core.CoreV1().Pods(live.GetNamespace()).List(ctx, metav1.ListOptions{
		LabelSelector: metav1.FormatLabelSelector(&metav1.LabelSelector{MatchLabels: selector}),
	})
	if err != nil {
		return nil, nil
	}
	var next []*unstructured.Unstructured
	for i := range pods.Items {
		if podTrouble(&pods.Items[i]) == "" {
			return nil, nil
		}
		next = append(next, kube.ID{Kind: "Pod", Namespace: live.GetNamespace(), Name: pods.Items[i].Name}.Object())
	}
	step := &Step{Subject: kube.IDOf(live).String(), Finding: fmt.Sprintf("none of its %d pods is ready", len(pods.Items))}
	if len(pods.Items) == 0 {
		step.Finding = fmt.Sprintf("no pod has its labels %s", metav1.FormatLabelSelector(&metav1.LabelSelector{MatchLabels: selector}))
	}
	return step, next
}

// apiService explains an extension API that does not answer by the Service behind it.
func (w *walk) apiService(live *unstructured.Unstructured) (*Step, []*unstructured.Unstructured, bool) {
	reason, bad := unavailable(live)
	if !bad {
		return nil, nil, true
	}
	step := &Step{Subject: kube.IDOf(live).String(), Finding: reason}
	namespace, _, _ := unstructured.NestedString(live.Object, "spec", "service", "namespace")
	name, _, _ := unstructured.NestedString(live.Object, "spec", "service", "name")
	if name == "" {
		return step, nil, true
	}
	return step, []*unstructured.Unstructured{kube.ID{Kind: "Service", Namespace: namespace, Name: name}.Object()}, true
}

// node explains a node that is not ready or is short of something.
func node(live *unstructured.Unstructured) *Step {
	for _, c := range conditions(live) {
		bad := c["type"] == "Ready" && c["status"] != "True" || c["type"] != "Ready" && c["status"] == "True"
		if bad {
			return &Step{Subject: kube.IDOf(live).String(), Finding: fmt.Sprintf("%v is %v: %v", c["type"], c["status"], c["message"])}
		}
	}
	return nil
}
