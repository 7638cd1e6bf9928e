package health

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/slipway-dev/slipway/internal/kube"
)

// logLines is how much of an ended container's log is shown.
const logLines = 8

// pod explains a pod that is not ready: it cannot be placed, its volumes are missing, an image
// cannot be had, or a container ends or does not get ready.
func (w *walk) pod(ctx context.Context, pod *corev1.Pod) (*Step, []*unstructured.Unstructured) {
	if podTrouble(pod) == "" {
		return nil, nil
	}
	step := &Step{Subject: kube.ID{Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name}.String()}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			step.Finding = "no node takes it: " + c.Message
			return step, append(claims(pod), w.nodes(ctx)...)
		}
	}
	statuses := append(slices.Clone(pod.Status.InitContainerStatuses), pod.Status.ContainerStatuses...)
	for _, s := range statuses {
		if w.container(ctx, pod, s, step) {
			return step, mounted(pod, step)
		}
	}
	step.Finding = podTrouble(pod)
	step.Evidence = warnings(ctx, w.Kube, pod.Namespace, pod.UID)
	if step.Finding == starting && len(step.Evidence) > 0 {
		step.Finding = "is not ready"
	}
	return step, append(append(claims(pod), mounted(pod, step)...), onNode(pod)...)
}

// container explains one container; it says whether that is where the trouble is.
func (w *walk) container(ctx context.Context, pod *corev1.Pod, s corev1.ContainerStatus, step *Step) bool {
	waiting := s.State.Waiting
	last := s.LastTerminationState.Terminated
	if s.State.Terminated != nil {
		last = s.State.Terminated
	}
	switch {
	case waiting != nil && slices.Contains(pullReasons, waiting.Reason):
		step.Finding = fmt.Sprintf("the image %s cannot be had: %s", s.Image, w.pull(ctx, pod, s, step))
	case last != nil && last.Reason == "OOMKilled":
		step.Finding = fmt.Sprintf("container %s was ended because it needed more memory than its limit of %s", s.Name, memoryLimit(pod, s.Name))
		w.log(ctx, pod, s, step)
	case last != nil && last.ExitCode != 0 && !s.Ready:
		step.Finding = fmt.Sprintf("container %s ended %s", s.Name, ended(last))
		if s.RestartCount > 0 {
			step.Finding = fmt.Sprintf("container %s ended %d times, last %s", s.Name, s.RestartCount, ended(last))
		}
		w.log(ctx, pod, s, step)
	case waiting != nil && waiting.Message != "":
		step.Finding = fmt.Sprintf("container %s does not start: %s: %s", s.Name, waiting.Reason, waiting.Message)
	case s.State.Running != nil && !s.Ready:
		events := warnings(ctx, w.Kube, pod.Namespace, pod.UID)
		if !slices.ContainsFunc(events, func(e string) bool { return strings.Contains(e, "probe failed") }) {
			return false
		}
		step.Finding = fmt.Sprintf("container %s runs but its check fails", s.Name)
		step.Evidence = events
		w.log(ctx, pod, s, step)
	default:
		return false
	}
	return true
}

// pullReasons are what the kubelet calls an image that it cannot get.
var pullReasons = []string{"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable"}

// pullCauses say in plain words what a container runtime's message means.
var pullCauses = []struct {
	message *regexp.Regexp
	cause   string
}{
	{regexp.MustCompile(`(?i)not found|manifest unknown|does not exist`), "the registry does not have it"},
	{regexp.MustCompile(`(?i)unauthorized|denied|forbidden|authentication`), "the registry refuses access"},
	{regexp.MustCompile(`(?i)x509|certificate`), "the registry's certificate is not trusted"},
	{regexp.MustCompile(`(?i)no such host|lookup `), "the registry's name cannot be resolved"},
	{regexp.MustCompile(`(?i)refused|timeout|unreachable|deadline|EOF`), "the registry does not answer"},
	{regexp.MustCompile(`(?i)no space left`), "the disk is full"},
	{regexp.MustCompile(`(?i)invalid|parse`), "its name is not valid"},
}

// pull says why an image cannot be had, with the runtime's words and the registry's as evidence.
func (w *walk) pull(ctx context.Context, pod *corev1.Pod, s corev1.ContainerStatus, step *Step) string {
	message := s.State.Waiting.Message
	for _, event := range warnings(ctx, w.Kube, pod.Namespace, pod.UID) {
		if strings.Contains(event, "Failed to pull") || strings.Contains(event, "rpc error") {
			message = event
			break
		}
	}
	if message != "" {
		step.Evidence = append(step.Evidence, oneLine(message))
	}
	if w.Image != nil {
		if text := w.Image(ctx, s.Image); text != "" {
			step.Evidence = append(step.Evidence, text)
		}
	}
	for _, c := range pullCauses {
		if c.message.MatchString(message) {
			return c.cause
		}
	}
	return s.State.Waiting.Reason
}

// log adds the end of the log of the container's last run.
func (w *walk) log(ctx context.Context, pod *corev1.Pod, s corev1.ContainerStatus, step *Step) {
	previous := s.State.Terminated == nil && s.State.Running == nil && s.LastTerminationState.Terminated != nil
	step.Next = fmt.Sprintf("kubectl -n %s logs %s -c %s", pod.Namespace, pod.Name, s.Name)
	if previous {
		step.Next += " --previous"
	}
	text, err := w.Kube.Log(ctx, pod.Namespace, pod.Name, s.Name, previous, logLines)
	if text = strings.TrimSpace(text); err == nil && text != "" {
		step.Evidence = append(step.Evidence, "the end of its log:\n"+text)
	}
}

func memoryLimit(pod *corev1.Pod, container string) string {
	for _, c := range append(slices.Clone(pod.Spec.InitContainers), pod.Spec.Containers...) {
		if c.Name == container && !c.Resources.Limits.Memory().IsZero() {
			return c.Resources.Limits.Memory().String()
		}
	}
	return "the node's memory"
}

// claims are the volume claims that a pod mounts.
func claims(pod *corev1.Pod) []*unstructured.Unstructured {
	var all []*unstructured.Unstructured
	for _, v := range pod.Spec.Volumes {
		if v.PersistentVolumeClaim != nil {
			all = append(all, kube.ID{Kind: "PersistentVolumeClaim", Namespace: pod.Namespace, Name: v.PersistentVolumeClaim.ClaimName}.Object())
		}
	}
	return all
}

// mounted are the Secrets and ConfigMaps that a pod needs and that its messages are about.
func mounted(pod *corev1.Pod, step *Step) []*unstructured.Unstructured {
	text := step.Finding + strings.Join(step.Evidence, " ")
	var all []*unstructured.Unstructured
	add := func(kind, name string) {
		if name != "" && strings.Contains(text, `"`+name+`"`) {
			all = append(all, kube.ID{Kind: kind, Namespace: pod.Namespace, Name: name}.Object())
		}
	}
	for _, v := range pod.Spec.Volumes {
		if v.Secret != nil {
			add("Secret", v.Secret.SecretName)
		}
		if v.ConfigMap != nil {
			add("ConfigMap", v.ConfigMap.Name)
		}
	}
	for _, c := range append(slices.Clone(pod.Spec.InitContainers), pod.Spec.Containers...) {
		for _, e := range c.Env {
			if e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil {
				add("Secret", e.ValueFrom.SecretKeyRef.Name)
			}
			if e.ValueFrom != nil && e.ValueFrom.ConfigMapKeyRef != nil {
				add("ConfigMap", e.ValueFrom.ConfigMapKeyRef.Name)
			}
		}
		for _, e := range c.EnvFrom {
			if e.SecretRef != nil {
				add("Secret", e.SecretRef.Name)
			}
			if e.ConfigMapRef != nil {
				add("ConfigMap", e.ConfigMapRef.Name)
			}
		}
	}
	return all
}

func onNode(pod *corev1.Pod) []*unstructured.Unstructured {
	if pod.Spec.NodeName == "" {
		return nil
	}
	return []*unstructured.Unstructured{kube.ID{Kind: "Node", Name: pod.Spec.NodeName}.Object()}
}

// nodes are all nodes, any of which may be why nothing can be placed.
func (w *walk) nodes(ctx context.Context) []*unstructured.Unstructured {
	list, err := w.Kube.Core.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil
	}
	var all []*unstructured.Unstructured
	for _, n := range list.Items {
		all = append(all, kube.ID{Kind: "Node", Name: n.Name}.Object())
	}
	return all
}
