package manifests

import (
	"slices"

	"github.com/slipway-dev/slipway/internal/render/manifest"
)

// Kind is a kind of object, in any version.
type Kind struct{ Group, Kind string }

// Kinds are what every application may have: kinds whose objects live in a namespace and give
// nobody power beyond it. Roles, quotas, Secrets and everything of the whole cluster are missing.
var Kinds = []Kind{
	{"", "ConfigMap"}, {"", "PersistentVolumeClaim"}, {"", "Service"}, {"", "ServiceAccount"},
	{"apps", "Deployment"}, {"apps", "StatefulSet"}, {"apps", "DaemonSet"},
	{"autoscaling", "HorizontalPodAutoscaler"},
	{"batch", "CronJob"}, {"batch", "Job"},
	{"gateway.networking.k8s.io", "GRPCRoute"}, {"gateway.networking.k8s.io", "HTTPRoute"},
	{"networking.k8s.io", "NetworkPolicy"},
	{"policy", "PodDisruptionBudget"},
}

// reasons say why kinds that people try are not among them.
var reasons = map[Kind]string{
	{"", "Secret"}:                                      "secrets are made in the cluster, never written to Git",
	{"", "Namespace"}:                                   "the environment makes the namespace",
	{"", "ResourceQuota"}:                               "the environment sets the quota",
	{"", "LimitRange"}:                                  "the environment sets the limits",
	{"", "Pod"}:                                         "use a Deployment or a Job",
	{"networking.k8s.io", "Ingress"}:                    "use an HTTPRoute",
	{"rbac.authorization.k8s.io", "Role"}:               "the environment gives the roles",
	{"rbac.authorization.k8s.io", "RoleBinding"}:        "the environment gives the roles",
	{"rbac.authorization.k8s.io", "ClusterRole"}:        "it holds for the whole cluster",
	{"rbac.authorization.k8s.io", "ClusterRoleBinding"}: "it holds for the whole cluster",
}

func kindOf(o manifest.Object) Kind {
	gvk := o.GroupVersionKind()
	return Kind{gvk.Group, gvk.Kind}
}

func isRoute(o manifest.Object) bool {
	k := kindOf(o)
	return k.Group == "gateway.networking.k8s.io" && slices.Contains([]string{"HTTPRoute", "GRPCRoute"}, k.Kind)
}
