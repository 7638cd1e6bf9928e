package embedded

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/slipway-dev/slipway/internal/cluster/embedded/nodeconf"
	"github.com/slipway-dev/slipway/internal/fault"
)

// administrators is the group of the administrator's kubeconfig; kubeadm gives it its rights in
// a phase of its own, here Slipway does. Unlike system:masters it can lose them.
const administrators = "kubeadm:cluster-admins"

// verifyPatience bounds the question whether a running node is well.
const verifyPatience = 2 * time.Second

// verify asks the API, as the administrator, whether the node is Ready.
func (n *Node) verify(ctx context.Context, s nodeconf.Spec) error {
	ctx, cancel := context.WithTimeout(ctx, verifyPatience)
	defer cancel()
	client, err := clientOf(s.Dir.Kubeconfig("admin"))
	if err != nil {
		return err
	}
	return nodeReady(ctx, client, s.Name)
}

// settle gives the administrators and who enforces NetworkPolicies their rights, and waits until the node is Ready and what the API
// says of its pods is true again: until the kubelet has looked, pods of before since seem to run.
func (n *Node) settle(ctx context.Context, s nodeconf.Spec, since time.Time) error {
	root, err := clientOf(s.Dir.Kubeconfig("super-admin"))
	if err != nil {
		return err
	}
	steps := []func(context.Context) error{
		func(ctx context.Context) error { return allowAdministrators(ctx, root) },
		func(ctx context.Context) error { return allowNetworkPolicies(ctx, root) },
		func(ctx context.Context) error { return nodeReady(ctx, root, s.Name) },
		func(ctx context.Context) error { return podsSeen(ctx, root, s.Name, since) },
	}
	ctx, cancel := context.WithTimeout(ctx, nodePatience)
	defer cancel()
	for _, step := range steps {
		for {
			err := step(ctx)
			if err == nil {
				break
			}
			select {
			case <-time.After(100 * time.Millisecond):
			case <-ctx.Done():
				return fault.Hint(fmt.Errorf("the node is not Ready: %w%s", err, lastLines(s.Dir.Logs("kubelet.log"), 8)), "see "+s.Dir.Logs("kubelet.log"))
			}
		}
	}
	return nil
}

// podsSeen is nil when no pod of the node is said to run in a container that began before since.
func podsSeen(ctx context.Context, client kubernetes.Interface, node string, since time.Time) error {
	pods, err := client.CoreV1().Pods("").List(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName=" + node})
	if err != nil {
		return err
	}
	for _, pod := range pods.Items {
		for _, c := range pod.Status.ContainerStatuses {
			// The API keeps whole seconds.
			if c.State.Running != nil && c.State.Running.StartedAt.Add(time.Second).Before(since) {
				return fmt.Errorf("the kubelet has not looked after pod %s/%s yet", pod.Namespace, pod.Name)
			}
		}
	}
	return nil
}

// nodePatience is how long the kubelet may take to report once all parts are ready.
const nodePatience = 2 * time.Minute

func allowAdministrators(ctx context.Context, client kubernetes.Interface) error {
	if err := grant(ctx, client, "cluster-admin", rbacv1.GroupKind, administrators); err != nil {
		return fmt.Errorf("give the administrators their rights: %w", err)
	}
	return nil
}

// grant gives a user or group a ClusterRole, by a binding of its name.
func grant(ctx context.Context, client kubernetes.Interface, role, kind, name string) error {
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: kind, Name: name}},
	}
	_, err := client.RbacV1().ClusterRoleBindings().Create(ctx, binding, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// networkPolicies is the user, and the role, that reads what NetworkPolicies are about.
const networkPolicies = "slipway:network-policies"

func allowNetworkPolicies(ctx context.Context, client kubernetes.Interface) error {
	read := []string{"get", "list", "watch"}
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: networkPolicies}, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"nodes", "namespaces", "pods"}, Verbs: read},
		{APIGroups: []string{"networking.k8s.io"}, Resources: []string{"networkpolicies"}, Verbs: read},
	}}
	_, err := client.RbacV1().ClusterRoles().Create(ctx, role, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) { // an older version's may read something else
		_, err = client.RbacV1().ClusterRoles().Update(ctx, role, metav1.UpdateOptions{})
	}
	if err == nil {
		err = grant(ctx, client, networkPolicies, rbacv1.UserKind, networkPolicies)
	}
	if err != nil {
		return fmt.Errorf("let NetworkPolicies be read: %w", err)
	}
	return nil
}

// nodeReady is nil when the node's Ready condition is fresh and true.
func nodeReady(ctx context.Context, client kubernetes.Interface, name string) error {
	node, err := client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	for _, c := range node.Status.Conditions {
		if c.Type == corev1.NodeReady {
			if c.Status == corev1.ConditionTrue {
				return nil
			}
			return errors.New(c.Message)
		}
	}
	return errors.New("the kubelet has not reported yet")
}

func clientOf(kubeconfig string) (kubernetes.Interface, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", kubeconfig, err)
	}
	return kubernetes.NewForConfig(config)
}
