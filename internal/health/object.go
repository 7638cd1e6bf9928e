package health

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/kube"
)

// object looks at one live object: kstatus first, then the unit's conditions.
func (u Unit) object(ctx context.Context, c *kube.Client, want *unstructured.Unstructured) ObjectHealth {
	h := ObjectHealth{Object: kube.IDOf(want)}
	live, err := c.Get(ctx, want)
	switch {
	case meta.IsNoMatchError(err):
		h.State, h.Reason = Missing, "its kind is not defined"
		return h
	case apierrors.IsNotFound(err):
		h.State, h.Reason = Missing, "it does not exist"
		return h
	case err != nil:
		h.State, h.Reason = Progressing, oneLine("cannot be read: "+err.Error())
		return h
	}
	h.State, h.Reason = u.state(live)
	if h.State == Ready {
		return h
	}
	if awaitsConsumer(ctx, c, live) {
		return ObjectHealth{Object: h.Object, State: Ready}
	}
	if detail := workload(ctx, c, live); detail != "" {
		h.Reason = detail
	} else if warned := warnings(ctx, c, live.GetNamespace(), live.GetUID()); len(warned) > 0 {
		h.Reason = oneLine(strings.TrimSuffix(h.Reason, ".") + "; " + warned[0])
	}
	return h
}

// awaitsConsumer says whether a claim is pending only because no pod uses it yet: its class binds
// volumes where the first one is to run (https://kubernetes.io/docs/concepts/storage/storage-classes/#volume-binding-mode).
func awaitsConsumer(ctx context.Context, c *kube.Client, live *unstructured.Unstructured) bool {
	if live.GroupVersionKind().GroupKind() != (schema.GroupKind{Kind: "PersistentVolumeClaim"}) ||
		live.GetAnnotations()["volume.kubernetes.io/selected-node"] != "" {
		return false
	}
	phase, _, _ := unstructured.NestedString(live.Object, "status", "phase")
	name, _, _ := unstructured.NestedString(live.Object, "spec", "storageClassName")
	if phase != string(corev1.ClaimPending) || name == "" {
		return false
	}
	class, err := c.Core.StorageV1().StorageClasses().Get(ctx, name, metav1.GetOptions{})
	return err == nil && class.VolumeBindingMode != nil && *class.VolumeBindingMode == storagev1.VolumeBindingWaitForFirstConsumer
}

// state computes the state of a live object.
func (u Unit) state(live *unstructured.Unstructured) (State, string) {
	result, err := status.Compute(live)
	if err != nil {
		return Progressing, oneLine(err.Error())
	}
	switch result.Status {
	case status.FailedStatus:
		return Failed, oneLine(result.Message)
	case status.CurrentStatus:
	default:
		return Progressing, oneLine(result.Message)
	}
	if reason, ok := unavailable(live); ok {
		return Progressing, reason
	}
	for _, check := range u.Ready {
		if !Matches(check.Target, u.Name, live) {
			continue
		}
		if reason, ok := u.holds(check.Condition, live); !ok {
			return Progressing, reason
		}
	}
	return Ready, ""
}

// unavailable knows the one built-in kind whose readiness kstatus passes over.
func unavailable(live *unstructured.Unstructured) (reason string, ok bool) {
	if live.GroupVersionKind().GroupKind() != (schema.GroupKind{Group: "apiregistration.k8s.io", Kind: "APIService"}) {
		return "", false
	}
	for _, c := range conditions(live) {
		if c["type"] == "Available" && c["status"] == "True" {
			return "", false
		}
	}
	return "its API does not answer: " + said(live), true
}

// said is what the object's status says of itself, whatever the kind: the conditions that are
// not as wanted, else a message or a phase.
func said(live *unstructured.Unstructured) string {
	for _, c := range conditions(live) {
		text, _ := c["message"].(string)
		if c["status"] == "True" && !abnormal(c["type"]) || text == "" {
			continue
		}
		return oneLine(fmt.Sprintf("%v: %s", c["type"], text))
	}
	status, _, _ := unstructured.NestedMap(live.Object, "status")
	for _, part := range []string{"", "health", "operationState"} {
		m := status
		if part != "" {
			m, _, _ = unstructured.NestedMap(status, part)
		}
		text, _ := m["message"].(string)
		if text == "" {
			text, _ = m["reason"].(string)
		}
		if phase, _ := m["phase"].(string); text != "" && phase != "Succeeded" {
			return oneLine(text)
		}
	}
	return ""
}

// abnormalTypes end the names of conditions that are bad news when true.
var abnormalTypes = regexp.MustCompile(`(Error|Failure|Failed|Warning|Stalled|Degraded|Pressure|Unavailable)$`)

func abnormal(conditionType any) bool {
	name, _ := conditionType.(string)
	return abnormalTypes.MatchString(name)
}

func conditions(live *unstructured.Unstructured) []map[string]any {
	list, _, _ := unstructured.NestedSlice(live.Object, "status", "conditions")
	var found []map[string]any
	for _, item := range list {
		// Some kinds' conditions have no status: a message alone is then the news.
		if c, ok := item.(map[string]any); ok {
			found = append(found, c)
		}
	}
	return found
}

// Matches says whether target selects obj of the unit.
func Matches(target v1alpha1.Target, unit string, obj *unstructured.Unstructured) bool {
	gvk := obj.GroupVersionKind()
	for _, pair := range [][2]string{
		{target.Unit, unit}, {target.Group, gvk.Group}, {target.Version, gvk.Version}, {target.Kind, gvk.Kind},
		{target.Namespace, obj.GetNamespace()}, {target.Name, obj.GetName()},
	} {
		if pair[0] == "" {
			continue
		}
		matched, err := regexp.MatchString("^(?:"+pair[0]+")$", pair[1])
		if err != nil || !matched {
			return false
		}
	}
	return true
}
