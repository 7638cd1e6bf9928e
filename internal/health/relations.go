package health

import (
	"context"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/slipway-dev/slipway/internal/kube"
)

// related gives what an object of any kind may depend on: what its status lists, what it owns,
// and what its spec refers to.
func (w *walk) related(ctx context.Context, live *unstructured.Unstructured) []*unstructured.Unstructured {
	var all []*unstructured.Unstructured
	status, _, _ := unstructured.NestedMap(live.Object, "status")
	all = append(all, listed(status, live.GetNamespace())...)
	all = append(all, w.owned(ctx, live)...)
	spec, _, _ := unstructured.NestedMap(live.Object, "spec")
	return append(all, references(spec, live.GetNamespace())...)
}

// listed finds lists of objects, items with a kind and a name, below a status. Those whose item
// says that they are well are left out.
func listed(value any, namespace string) []*unstructured.Unstructured {
	var found []*unstructured.Unstructured
	switch v := value.(type) {
	case map[string]any:
		for _, key := range sortedKeys(v) {
			found = append(found, listed(v[key], namespace)...)
		}
	case []any:
		for _, item := range v {
			m, ok := item.(map[string]any)
			if !ok {
				continue
			}
			if obj := mentioned(m, namespace); obj != nil && !saysWell(m) {
				found = append(found, obj)
			}
		}
	}
	return found
}

// saysWell reads an item's own word on its health.
func saysWell(item map[string]any) bool {
	health, _, _ := unstructured.NestedString(item, "health", "status")
	return strings.EqualFold(health, "healthy")
}

// references finds what a spec refers to by kind and name: issuers, gateways, services.
func references(value any, namespace string) []*unstructured.Unstructured {
	var found []*unstructured.Unstructured
	switch v := value.(type) {
	case map[string]any:
		if obj := mentioned(v, namespace); obj != nil {
			return []*unstructured.Unstructured{obj}
		}
		for _, key := range sortedKeys(v) {
			if strings.HasSuffix(key, "Refs") {
				found = append(found, defaulted(v[key], key, namespace)...)
				continue
			}
			found = append(found, references(v[key], namespace)...)
		}
	case []any:
		for _, item := range v {
			found = append(found, references(item, namespace)...)
		}
	}
	return found
}

// defaulted reads references of the Gateway API, whose kind may be left out.
func defaulted(value any, key, namespace string) []*unstructured.Unstructured {
	kinds := map[string]schema.GroupKind{
		"backendRefs": {Kind: "Service"},
		"parentRefs":  {Group: "gateway.networking.k8s.io", Kind: "Gateway"},
	}
	items, _ := value.([]any)
	var found []*unstructured.Unstructured
	for _, item := range items {
		m, ok := item.(map[string]any)
		if !ok {
			continue
		}
		if gk, known := kinds[key]; known && m["kind"] == nil {
			m["kind"], m["group"] = gk.Kind, gk.Group
		}
		if obj := mentioned(m, namespace); obj != nil {
			found = append(found, obj)
		}
	}
	return found
}

// mentioned reads a map with kind and name as an object.
func mentioned(m map[string]any, namespace string) *unstructured.Unstructured {
	kind, _ := m["kind"].(string)
	name, _ := m["name"].(string)
	if kind == "" || name == "" {
		return nil
	}
	group, _ := m["group"].(string)
	if version, ok := m["apiVersion"].(string); ok && group == "" {
		gv, _ := schema.ParseGroupVersion(version)
		group = gv.Group
	}
	if ns, ok := m["namespace"].(string); ok && ns != "" {
		namespace = ns
	}
	return kube.ID{Group: group, Kind: kind, Namespace: namespace, Name: name}.Object()
}

// owned lists the objects that live owns, of any kind, in its namespace.
func (w *walk) owned(ctx context.Context, live *unstructured.Unstructured) []*unstructured.Unstructured {
	if live.GetNamespace() == "" {
		return nil
	}
	var found []*unstructured.Unstructured
	for _, obj := range w.inNamespace(ctx, live.GetNamespace()) {
		if ownedBy(obj, live) {
			found = append(found, obj)
		}
	}
	return found
}

// inNamespace lists the owned objects of a namespace, read once a walk, sorted.
func (w *walk) inNamespace(ctx context.Context, namespace string) []*unstructured.Unstructured {
	if known, ok := w.namespaces[namespace]; ok {
		return known
	}
	resources, err := w.Kube.Resources()
	if err != nil {
		return nil
	}
	var (
		mu    sync.Mutex
		found []*unstructured.Unstructured
		group errgroup.Group
	)
	group.SetLimit(checkWidth)
	for _, r := range resources {
		if !r.Namespaced || r.Kind.Kind == "Event" {
			continue
		}
		group.Go(func() error {
			list, err := w.Kube.Dynamic.Resource(r.Resource).Namespace(namespace).List(ctx, metav1.ListOptions{})
			if err != nil {
				return nil // a kind that cannot be read explains nothing
			}
			mu.Lock()
			defer mu.Unlock()
			for i := range list.Items {
				if len(list.Items[i].GetOwnerReferences()) > 0 {
					found = append(found, &list.Items[i])
				}
			}
			return nil
		})
	}
	_ = group.Wait()
	slices.SortFunc(found, func(a, b *unstructured.Unstructured) int {
		return strings.Compare(kube.IDOf(a).String(), kube.IDOf(b).String())
	})
	w.namespaces[namespace] = found
	return found
}

func ownedBy(obj, owner *unstructured.Unstructured) bool {
	return slices.ContainsFunc(obj.GetOwnerReferences(), func(r metav1.OwnerReference) bool { return r.UID == owner.GetUID() })
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
