// Package kube is the one way Slipway speaks to a Kubernetes API: any kind of object through
// the dynamic client, with a mapping that learns kinds whose definitions were just made. It
// holds no knowledge of what is delivered. Used by delivery and health.
package kube

import (
	"context"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
)

// FieldManager owns the fields that Slipway applies, where nothing else is said.
const FieldManager = "slipway"

// Client speaks to one cluster. It is safe for concurrent use.
type Client struct {
	Config    *rest.Config
	Dynamic   dynamic.Interface
	Core      kubernetes.Interface
	Discovery discovery.DiscoveryInterface
	Mapper    meta.ResettableRESTMapper
	// Manager owns the fields that are applied with this client.
	Manager string
}

// As is the same client whose fields manager owns.
func (c *Client) As(manager string) *Client {
	other := *c
	other.Manager = manager
	return &other
}

// New makes a client for config. It makes no call yet.
func New(config *rest.Config) (*Client, error) {
	config = rest.CopyConfig(config)
	config.QPS = -1 // the API server's own priority and fairness limits what comes in
	config.UserAgent = FieldManager
	config.WarningHandler = rest.NoWarnings{}
	httpClient, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("set up the connection to %s: %w", config.Host, err)
	}
	dyn, err := dynamic.NewForConfigAndClient(config, httpClient)
	if err != nil {
		return nil, fmt.Errorf("set up the client of %s: %w", config.Host, err)
	}
	core, err := kubernetes.NewForConfigAndClient(config, httpClient)
	if err != nil {
		return nil, fmt.Errorf("set up the client of %s: %w", config.Host, err)
	}
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(core.Discovery()))
	return &Client{Config: config, Dynamic: dyn, Core: core, Discovery: core.Discovery(), Mapper: mapper, Manager: FieldManager}, nil
}

// FromKubeconfig makes a client from a kubeconfig file; an empty path means $KUBECONFIG or
// ~/.kube/config, an empty kubeContext the file's current one.
func FromKubeconfig(path, kubeContext string) (*Client, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = path
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules,
		&clientcmd.ConfigOverrides{CurrentContext: kubeContext}).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("read kubeconfig %s: %w", path, err)
	}
	return New(config)
}

// Mapping finds the resource of a kind, asking the server anew once where it is not known yet.
func (c *Client) Mapping(gvk schema.GroupVersionKind) (*meta.RESTMapping, error) {
	mapping, err := c.Mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if meta.IsNoMatchError(err) {
		c.Mapper.Reset()
		mapping, err = c.Mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	}
	return mapping, err
}

// Resource gives the interface for objects like obj, in its namespace where the kind has one
// ("default" where obj names none).
func (c *Client) Resource(obj *unstructured.Unstructured) (dynamic.ResourceInterface, error) {
	mapping, err := c.Mapping(obj.GroupVersionKind())
	if err != nil {
		return nil, err
	}
	if mapping.Scope.Name() != meta.RESTScopeNameNamespace {
		return c.Dynamic.Resource(mapping.Resource), nil
	}
	ns := obj.GetNamespace()
	if ns == "" {
		ns = metav1.NamespaceDefault
	}
	return c.Dynamic.Resource(mapping.Resource).Namespace(ns), nil
}

// Get reads the live object that has obj's kind, namespace and name.
func (c *Client) Get(ctx context.Context, obj *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	resource, err := c.Resource(obj)
	if err != nil {
		return nil, err
	}
	return resource.Get(ctx, obj.GetName(), metav1.GetOptions{})
}

// Log reads the last lines of a container's log; previous means its last ended run.
func (c *Client) Log(ctx context.Context, namespace, pod, container string, previous bool, lines int64) (string, error) {
	stream, err := c.Core.CoreV1().Pods(namespace).GetLogs(pod, &corev1.PodLogOptions{
		Container: container, Previous: previous, TailLines: &lines,
	}).Stream(ctx)
	if err != nil {
		return "", fmt.Errorf("read log of %s/%s %s: %w", namespace, pod, container, err)
	}
	defer func() { _ = stream.Close() }()
	text, err := io.ReadAll(io.LimitReader(stream, 64<<10))
	return string(text), err
}
