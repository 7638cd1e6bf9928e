package kube

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
)

// Resource is a kind that the server serves.
type Resource struct {
	Kind       schema.GroupVersionKind
	Resource   schema.GroupVersionResource
	Namespaced bool
	names      []string // lower case
}

// Resources lists every kind that can be listed, in the version that the server prefers.
func (c *Client) Resources() ([]Resource, error) {
	lists, err := c.Discovery.ServerPreferredResources()
	var partly *discovery.ErrGroupDiscoveryFailed
	if err != nil && !errors.As(err, &partly) { // an extension API that is down hides only its own kinds
		return nil, fmt.Errorf("ask the API server what it serves: %w", err)
	}
	var all []Resource
	for _, list := range lists {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			continue
		}
		for _, r := range list.APIResources {
			if strings.Contains(r.Name, "/") || !slices.Contains(r.Verbs, "list") {
				continue
			}
			all = append(all, Resource{
				Kind: gv.WithKind(r.Kind), Resource: gv.WithResource(r.Name), Namespaced: r.Namespaced, names: names(r),
			})
		}
	}
	return all, nil
}

func names(r metav1.APIResource) []string {
	all := append([]string{r.Name, r.SingularName, r.Kind}, r.ShortNames...)
	for i := range all {
		all[i] = strings.ToLower(all[i])
	}
	return all
}

// FindResource finds a kind by any of its names ("Deployment", "deployments", "deploy"), or by
// name and group ("deployments.apps").
func (c *Client) FindResource(name string) (Resource, error) {
	all, err := c.Resources()
	if err != nil {
		return Resource{}, err
	}
	short, group, qualified := strings.Cut(strings.ToLower(name), ".")
	for _, r := range all {
		if slices.Contains(r.names, short) && (!qualified || r.Kind.Group == group) {
			return r, nil
		}
	}
	return Resource{}, fmt.Errorf("the cluster knows no kind %q", name)
}
