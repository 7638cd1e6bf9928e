package health

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/slipway-dev/slipway/internal/kube"
)

// workload says how the pods of a Deployment, StatefulSet, DaemonSet, ReplicaSet or Job are
// doing: "0 of 1 pods ready: ImagePullBackOff ...". It is empty for other kinds.
func workload(ctx context.Context, c *kube.Client, live *unstructured.Unstructured) string {
	pods, ok := podsOf(ctx, c, live)
	if !ok {
		return ""
	}
	wanted := int64(1)
	for _, path := range [][]string{{"spec", "replicas"}, {"spec", "completions"}, {"status", "desiredNumberScheduled"}} {
		if n, found, _ := unstructured.NestedInt64(live.Object, path...); found {
			wanted = n
			break
		}
	}
	ready, trouble := 0, ""
	for i := range pods {
		t := podTrouble(&pods[i])
		if t == starting {
			if warned := warnings(ctx, c, pods[i].Namespace, pods[i].UID); len(warned) > 0 {
				t = warned[0]
			}
		}
		switch {
		case t == "":
			ready++
		case trouble == "" || trouble == starting:
			trouble = t
		}
	}
	if ready >= int(wanted) {
		return ""
	}
	text := fmt.Sprintf("%d of %d pods ready", ready, wanted)
	switch {
	case trouble != "":
		text += ": " + trouble
	case len(pods) == 0:
		text += ": no pod yet"
	}
	return oneLine(text)
}

// podsOf lists the pods that a workload's selector selects; ok is false for other kinds.
func podsOf(ctx context.Context, c *kube.Client, live *unstructured.Unstructured) ([]corev1.Pod, bool) {
	group := live.GroupVersionKind().Group
	if group != "apps" && group != "batch" {
		return nil, false
	}
	raw, found, _ := unstructured.NestedMap(live.Object, "spec", "selector")
	if !found {
		return nil, false
	}
	labels, _, _ := unstructured.NestedStringMap(raw, "matchLabels")
	list, err := c.Core.CoreV1().Pods(live.GetNamespace()).List(ctx, metav1.ListOptions{
		LabelSelector: metav1.FormatLabelSelector(&metav1.LabelSelector{MatchLabels: labels}),
	})
	if err != nil || len(labels) == 0 {
		return nil, err == nil && len(labels) > 0
	}
	return list.Items, true
}

// starting is what is said of a pod that has no trouble but time to take.
const starting = "starting"

// podTrouble is what keeps a pod from being ready, empty for one that is (or that has done its work).
func podTrouble(pod *corev1.Pod) string {
	if pod.Status.Phase == corev1.PodSucceeded {
		return ""
	}
	for _, c := range pod.Status.Conditions {
		switch {
		case c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue:
			return ""
		case c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse:
			return "not scheduled: " + c.Message
		}
	}
	if pod.DeletionTimestamp != nil {
		return "ending"
	}
	for _, s := range append(append([]corev1.ContainerStatus{}, pod.Status.InitContainerStatuses...), pod.Status.ContainerStatuses...) {
		if t := containerTrouble(s); t != "" {
			return t
		}
	}
	if pod.Status.Message != "" {
		return pod.Status.Reason + ": " + pod.Status.Message
	}
	return starting
}

// containerTrouble is what keeps a container from running and being ready.
func containerTrouble(s corev1.ContainerStatus) string {
	switch {
	case s.State.Waiting != nil && s.State.Waiting.Reason == "CrashLoopBackOff" && s.LastTerminationState.Terminated != nil:
		return fmt.Sprintf("container %s ended %d times, last %s", s.Name, s.RestartCount, ended(s.LastTerminationState.Terminated))
	case s.State.Waiting != nil && s.State.Waiting.Reason != "PodInitializing" && s.State.Waiting.Reason != "ContainerCreating":
		return strings.TrimSuffix(s.State.Waiting.Reason+": "+s.State.Waiting.Message, ": ")
	case s.State.Terminated != nil && s.State.Terminated.ExitCode != 0:
		return fmt.Sprintf("container %s %s", s.Name, ended(s.State.Terminated))
	case s.State.Running != nil && !s.Ready && s.RestartCount > 0:
		return fmt.Sprintf("container %s runs again after %d ends but is not ready", s.Name, s.RestartCount)
	}
	return ""
}

// ended says how a container's run ended.
func ended(t *corev1.ContainerStateTerminated) string {
	text := fmt.Sprintf("with exit code %d", t.ExitCode)
	if t.Reason != "" && t.Reason != "Error" {
		text += " (" + t.Reason + ")"
	}
	if t.Message != "" {
		text += ": " + t.Message
	}
	return text
}
