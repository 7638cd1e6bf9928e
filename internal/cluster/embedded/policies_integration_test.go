//go:build integration

package embedded

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// policiesHold tries to get past NetworkPolicies, from pods that they let through and from pods that they do not.
func policiesHold(t *testing.T, n *Node) {
	ctx := context.Background()
	role := func(name string) func(*corev1.Pod) {
		return func(p *corev1.Pod) { p.Labels["role"] = name }
	}
	pod(t, n, "guarded", nil, "serve", ":8080")
	pod(t, n, "friend", role("friend"), "pause")
	pod(t, n, "stranger", role("stranger"), "pause")
	pod(t, n, "caged", role("friend"), "pause")
	guarded, err := client(t, n).CoreV1().Pods("default").Get(ctx, "guarded", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	server, api := "http://"+guarded.Status.PodIP+":8080/x", "http://"+nthIP(specOf(t, n))+":443/"
	reaches := func(pod, url string) func(context.Context) error {
		return func(ctx context.Context) error {
			out, err := exec.CommandContext(ctx, filepath.Join(n.opts.BinDir, "kubectl"), "--kubeconfig", n.Kubeconfig(),
				"exec", pod, "--", "/payload", "get", url).CombinedOutput()
			if err != nil {
				return fmt.Errorf("%w: %s", err, out)
			}
			return nil
		}
	}
	isRefused := func(pod, url string) func(context.Context) error {
		return func(ctx context.Context) error {
			if reaches(pod, url)(ctx) == nil {
				return errors.New("it is let through")
			}
			return nil
		}
	}
	eventually(t, "a stranger, where there is no policy", reaches("stranger", server))
	eventually(t, "the API, where there is no policy", reaches("caged", api))

	policies := client(t, n).NetworkingV1().NetworkPolicies("default")
	policy := func(name, pod string, spec networkingv1.NetworkPolicySpec) {
		t.Helper()
		spec.PodSelector.MatchLabels = map[string]string{"app": pod}
		p := &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: spec}
		if _, err := policies.Create(ctx, p, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = policies.Delete(ctx, name, metav1.DeleteOptions{}) })
	}
	port := intstr.FromInt32(8080)
	policy("friends", "guarded", networkingv1.NetworkPolicySpec{PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress},
		Ingress: []networkingv1.NetworkPolicyIngressRule{{
			Ports: []networkingv1.NetworkPolicyPort{{Port: &port}},
			From:  []networkingv1.NetworkPolicyPeer{{PodSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"role": "friend"}}}},
		}}})
	eventually(t, "a stranger is refused", isRefused("stranger", server))
	eventually(t, "a friend is let through", reaches("friend", server))
	eventually(t, "and whoever is nobody's friend may call others", reaches("stranger", api))

	policy("cage", "caged", networkingv1.NetworkPolicySpec{PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeEgress}})
	eventually(t, "what may call nobody does not reach a pod", isRefused("caged", server))
	eventually(t, "nor the node", isRefused("caged", api))

	if err := policies.Delete(ctx, "friends", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a stranger, when the policy is gone", reaches("stranger", server))
}
