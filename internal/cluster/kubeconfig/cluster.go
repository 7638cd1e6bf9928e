// Package kubeconfig is the cluster provider for clusters that exist already: it finds the
// kubeconfig as kubectl would, and proves that the cluster answers, is new enough and allows what
// Slipway does there, before anything is changed. The line's first stage calls it.
package kubeconfig

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/plan"
)

// oldest is the oldest Kubernetes that has all that the tools use: ValidatingAdmissionPolicy and
// CRDs' selectable fields among them.
var oldest = version.MustParseGeneric("1.31.0")

// gatewayPort is the gateway's port where the cluster publishes it itself.
const gatewayPort = 443

// patience bounds each question to the cluster.
const patience = 10 * time.Second

// Cluster is an existing cluster.
type Cluster struct {
	rules     *clientcmd.ClientConfigLoadingRules
	overrides *clientcmd.ConfigOverrides
}

// New names a cluster; it reads nothing. An empty path means what kubectl means: $KUBECONFIG,
// which may list several files, else ~/.kube/config.
func New(c v1alpha1.KubeconfigCluster) *Cluster {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = c.Path
	return &Cluster{rules: rules, overrides: &clientcmd.ConfigOverrides{CurrentContext: c.Context}}
}

// RESTConfig reads the kubeconfig.
func (c *Cluster) RESTConfig() (*rest.Config, error) {
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(c.rules, c.overrides).ClientConfig()
	if err == nil {
		return config, nil
	}
	// Without any file the library falls back to a Pod's ServiceAccount, and says so: not what is meant here.
	hint := "set spec.cluster.kubeconfig.path and .context, or KUBECONFIG; `kubectl config get-contexts` lists what there is"
	if clientcmd.IsEmptyConfig(err) || errors.Is(err, rest.ErrNotInCluster) {
		return nil, fault.Invalid(fmt.Errorf("no cluster is configured in %s", strings.Join(c.files(), ", ")), hint)
	}
	return nil, fault.Invalid(fmt.Errorf("read the kubeconfig: %w", err), hint)
}

func (c *Cluster) files() []string {
	if c.rules.ExplicitPath != "" {
		return []string{c.rules.ExplicitPath}
	}
	return c.rules.Precedence
}

// Environment tells what the cluster contributes to expressions. It asks the cluster for the
// address of its DNS, and leaves it out where that can't be found.
func (c *Cluster) Environment(ctx context.Context) (plan.Environment, error) {
	environment := plan.Environment{Provider: v1alpha1.ProviderKubeconfig, Port: gatewayPort}
	client, err := c.client()
	if err != nil {
		return environment, err
	}
	dns, err := client.CoreV1().Services(metav1.NamespaceSystem).Get(ctx, "kube-dns", metav1.GetOptions{})
	switch {
	case err == nil:
		environment.DNSIP = dns.Spec.ClusterIP
	case !apierrors.IsNotFound(err) && !apierrors.IsForbidden(err):
		return environment, unreachable(err)
	}
	return environment, nil
}

// Check proves that the platform can be delivered to the cluster.
func (c *Cluster) Check(ctx context.Context) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	found, err := client.Discovery().ServerVersion()
	if err != nil {
		return unreachable(err)
	}
	running, err := version.ParseGeneric(found.GitVersion)
	if err != nil {
		return fmt.Errorf("the cluster's version %q: %w", found.GitVersion, err)
	}
	if running.LessThan(oldest) {
		return fault.Hint(fmt.Errorf("the cluster runs Kubernetes %s; the platform needs %s or newer", running, oldest),
			"upgrade the cluster, or run the platform on this machine: slipway up --provider embedded")
	}
	return allowed(ctx, client)
}

// needed is what delivery does that only administrators may.
var needed = []authorizationv1.ResourceAttributes{
	{Verb: "create", Resource: "namespaces"},
	{Verb: "patch", Group: "apiextensions.k8s.io", Resource: "customresourcedefinitions"},
	{Verb: "patch", Group: "rbac.authorization.k8s.io", Resource: "clusterrolebindings"},
	{Verb: "bind", Group: "rbac.authorization.k8s.io", Resource: "clusterroles"},
	{Verb: "escalate", Group: "rbac.authorization.k8s.io", Resource: "clusterroles"},
	{Verb: "patch", Group: "admissionregistration.k8s.io", Resource: "validatingwebhookconfigurations"},
	{Verb: "create", Resource: "secrets"},
	{Verb: "patch", Group: "apps", Resource: "deployments"},
}

// allowed names every right that is missing, at once.
func allowed(ctx context.Context, client kubernetes.Interface) error {
	var missing []string
	for _, attributes := range needed {
		review, err := client.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, &authorizationv1.SelfSubjectAccessReview{
			Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &attributes},
		}, metav1.CreateOptions{})
		if err != nil {
			return unreachable(err)
		}
		if !review.Status.Allowed {
			missing = append(missing, attributes.Verb+" "+strings.Trim(attributes.Resource+"."+attributes.Group, "."))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fault.Hint(fmt.Errorf("the cluster does not allow you to %s", strings.Join(missing, ", ")),
		"use a context with the rights of the ClusterRole cluster-admin")
}

func (c *Cluster) client() (kubernetes.Interface, error) {
	config, err := c.RESTConfig()
	if err != nil {
		return nil, err
	}
	config = rest.CopyConfig(config)
	config.Timeout = patience
	return kubernetes.NewForConfig(config)
}

func unreachable(err error) error {
	if apierrors.IsUnauthorized(err) {
		return fault.Hint(fmt.Errorf("the cluster does not know you: %w", err), "log in to it again, and try: kubectl get namespaces")
	}
	return fault.Hint(fmt.Errorf("ask the cluster: %w", err), "see whether it answers you: kubectl version")
}
