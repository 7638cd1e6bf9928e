package deliver

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// phase is a group of objects that can be applied together, after all earlier groups.
type phase int

const (
	phaseNamespaces  phase = iota
	phaseDefinitions       // CustomResourceDefinitions: kinds that later objects may have
	phaseSupport           // what workloads refer to
	phaseWorkloads
	phaseAdmission // webhooks and policies, which need the workloads that answer them
	phaseCustom    // everything else, which may need both its definition and its webhook
	phaseCount
)

var (
	namespaceKind  = schema.GroupKind{Kind: "Namespace"}
	definitionKind = schema.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}
)

func phaseOf(obj *unstructured.Unstructured) phase {
	gk := obj.GroupVersionKind().GroupKind()
	switch {
	case gk == namespaceKind:
		return phaseNamespaces
	case gk == definitionKind:
		return phaseDefinitions
	case gk.Group == "apps" || gk.Group == "batch" || gk.Group == "" && gk.Kind == "Pod":
		return phaseWorkloads
	case gk.Group == "admissionregistration.k8s.io":
		return phaseAdmission
	case gk.Group == "apiregistration.k8s.io":
		return phaseSupport
	case !strings.Contains(gk.Group, "."), slices.Contains(supportGroups, gk.Group):
		return phaseSupport
	default:
		return phaseCustom
	}
}

// supportGroups are Kubernetes' own groups with a dot whose objects need nothing but the API server.
var supportGroups = []string{
	"rbac.authorization.k8s.io", "storage.k8s.io", "scheduling.k8s.io", "networking.k8s.io",
	"node.k8s.io", "coordination.k8s.io", "discovery.k8s.io", "flowcontrol.apiserver.k8s.io",
}

// phases groups objects, keeping their order inside each group.
func phases(objects []*unstructured.Unstructured) [phaseCount][]*unstructured.Unstructured {
	var groups [phaseCount][]*unstructured.Unstructured
	for _, obj := range objects {
		p := phaseOf(obj)
		groups[p] = append(groups[p], obj)
	}
	return groups
}
