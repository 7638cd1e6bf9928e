//go:build integration

package app

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/render/manifest"
	"github.com/slipway-dev/slipway/internal/testcluster"
)

var shared testcluster.Shared

func TestMain(m *testing.M) { os.Exit(shared.Run(m)) }

// resources are where the kinds that namespaces are made of are served.
var resources = map[string]schema.GroupVersionResource{
	"Namespace":     {Version: "v1", Resource: "namespaces"},
	"ResourceQuota": {Version: "v1", Resource: "resourcequotas"},
	"LimitRange":    {Version: "v1", Resource: "limitranges"},
	"NetworkPolicy": {Group: "networking.k8s.io", Version: "v1", Resource: "networkpolicies"},
	"RoleBinding":   {Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "rolebindings"},
}

// deliver applies a namespace's files to a real API server, strictly.
func deliver(t *testing.T, n NamespaceSpec) *testcluster.Cluster {
	t.Helper()
	cluster := shared.Cluster(t)
	client, err := dynamic.NewForConfig(cluster.Config)
	if err != nil {
		t.Fatal(err)
	}
	files, err := n.Files(platform)
	if err != nil {
		t.Fatal(err)
	}
	names := slices.SortedFunc(maps.Keys(files), func(a, b string) int { // the namespace first
		if isA, isB := strings.Contains(a, "/namespace-"), strings.Contains(b, "/namespace-"); isA != isB {
			return map[bool]int{true: -1, false: 1}[isA]
		}
		return strings.Compare(a, b)
	})
	for _, name := range names {
		objects, err := manifest.Decode(name, files[name])
		if err != nil || len(objects) != 1 {
			t.Fatal(objects, err)
		}
		var at dynamic.ResourceInterface = client.Resource(resources[objects[0].GetKind()])
		if namespace := objects[0].GetNamespace(); namespace != "" {
			at = client.Resource(resources[objects[0].GetKind()]).Namespace(namespace)
		}
		if _, err := at.Create(t.Context(), objects[0].Unstructured,
			metav1.CreateOptions{FieldValidation: metav1.FieldValidationStrict}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	return cluster
}

func pod(change func(*corev1.Pod)) *corev1.Pod {
	yes, no := true, false
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{GenerateName: "pod-"}, Spec: corev1.PodSpec{
		SecurityContext: &corev1.PodSecurityContext{RunAsNonRoot: &yes,
			SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}},
		Containers: []corev1.Container{{Name: "main", Image: "registry.example.com/shop",
			SecurityContext: &corev1.SecurityContext{
				AllowPrivilegeEscalation: &no, Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}}}},
	}}
	change(p)
	return p
}

func TestNamespace_IsWhatTheAPIServerTakes(t *testing.T) {
	shop := application(t, "shop", "")
	for i, spec := range []string{"", "kind: prod", "kind: test, quota: {pods: '1'}, " +
		"network: {from: [gateway], to: [{namespace: db, ports: [5432]}, {cidr: 0.0.0.0/0}]}"} {
		s := State{Applications: map[string]v1alpha1.Application{"shop": shop}}
		name := []string{"dev", "prod", "small"}[i]
		s.Environments = map[string]v1alpha1.Environment{name: environment(t, name, spec)}
		namespace := s.Namespaces()[0]
		client, err := kubernetes.NewForConfig(deliver(t, namespace).Config)
		if err != nil {
			t.Fatal(err)
		}
		pods := client.CoreV1().Pods(namespace.Name)
		serviceAccount(t, client, namespace.Name)
		made, err := pods.Create(t.Context(), pod(func(*corev1.Pod) {}), metav1.CreateOptions{})
		if err != nil {
			t.Fatalf("%s: an ordinary pod: %v", name, err)
		}
		got := made.Spec.Containers[0].Resources
		if got.Requests.Cpu().String() != "50m" || got.Limits.Memory().String() != "256Mi" ||
			!got.Limits.Cpu().IsZero() {
			t.Errorf("%s: a container that asks for nothing gets %+v", name, got)
		}
		for what, change := range map[string]func(*corev1.Pod){
			"that may gain privileges": func(p *corev1.Pod) {
				p.Spec.Containers[0].SecurityContext.AllowPrivilegeEscalation = nil
			},
			"with the host's files": func(p *corev1.Pod) {
				p.Spec.Volumes = []corev1.Volume{{Name: "host", VolumeSource: corev1.VolumeSource{
					HostPath: &corev1.HostPathVolumeSource{Path: "/"}}}}
			},
			"with the host's network": func(p *corev1.Pod) { p.Spec.HostNetwork = true },
			"as root":                 func(p *corev1.Pod) { p.Spec.SecurityContext.RunAsNonRoot = nil },
		} {
			if _, err := pods.Create(t.Context(), pod(change),
				metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}); !apierrors.IsForbidden(err) {
				t.Errorf("%s: a pod %s: %v", name, what, err)
			}
		}
	}
}

// serviceAccount makes the account that pods have, which is a controller's work elsewhere.
func serviceAccount(t *testing.T, client kubernetes.Interface, namespace string) {
	t.Helper()
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default"}}
	if _, err := client.CoreV1().ServiceAccounts(namespace).Create(t.Context(), account,
		metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
}

func TestNamespace_GivesTheTeamItsRoleThereAndNoMore(t *testing.T) {
	shop := application(t, "shop", "")
	s := State{Applications: map[string]v1alpha1.Application{"shop": shop},
		Environments: map[string]v1alpha1.Environment{
			"lab": environment(t, "lab", "order: 1"), "live": environment(t, "live", "order: 2, governed: true")}}
	var cluster *testcluster.Cluster
	for _, n := range s.Namespaces() {
		cluster = deliver(t, n)
	}
	admin, err := kubernetes.NewForConfig(cluster.Config)
	if err != nil {
		t.Fatal(err)
	}
	// aggregation is a controller's work: the API server alone has the roles empty
	for name, verbs := range map[string][]string{"view": {"get", "list"}, "edit": {"get", "list", "create", "update"}} {
		role, err := admin.RbacV1().ClusterRoles().Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		role.AggregationRule = nil
		role.Rules = []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"configmaps"}, Verbs: verbs}}
		if _, err := admin.RbacV1().ClusterRoles().Update(t.Context(), role, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	config := rest.CopyConfig(cluster.Config)
	config.Impersonate = rest.ImpersonationConfig{UserName: "ada",
		Groups: []string{"payments:developers", "system:authenticated"}}
	ada, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	create := func(namespace string) error {
		_, err := ada.CoreV1().ConfigMaps(namespace).Create(t.Context(),
			&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{GenerateName: "x-"}}, metav1.CreateOptions{})
		return err
	}
	list := func(namespace string) error {
		_, err := ada.CoreV1().ConfigMaps(namespace).List(t.Context(), metav1.ListOptions{})
		return err
	}
	if err := create("shop-lab"); err != nil {
		t.Errorf("edit where it may: %v", err)
	}
	if err := list("shop-live"); err != nil {
		t.Errorf("view in a governed environment: %v", err)
	}
	for what, err := range map[string]error{"edit in a governed environment": create("shop-live"),
		"look elsewhere": list("kube-system")} {
		if !apierrors.IsForbidden(err) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
