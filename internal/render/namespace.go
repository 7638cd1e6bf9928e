package render

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/slipway-dev/slipway/internal/render/manifest"
)

// ownedByKubernetes are namespaces that every cluster has and nobody else's manifests own.
var ownedByKubernetes = []string{"default", "kube-system", "kube-public", "kube-node-lease"}

// placeInNamespaces gives namespaced objects without a namespace their unit's. An object of a kind that neither Kubernetes nor the tree defines is left
// as it is: only the cluster knows its scope.
func (r *renderer) placeInNamespaces(context.Context) error {
	scopes := r.scopes()
	for _, u := range r.units {
		for _, o := range u.objects {
			namespaced, known := scopes[o.GroupVersionKind().GroupKind()]
			switch {
			case known && namespaced && o.GetNamespace() == "":
				o.SetNamespace(u.Namespace)
			case known && !namespaced:
				o.SetNamespace("")
			}
		}
	}
	return nil
}

// addNamespaces makes each unit's Namespace where an object needs it. A namespace that several
// units use belongs to the first; the others can add labels to it, and change none.
func (r *renderer) addNamespaces(context.Context) error {
	have := map[string]manifest.Object{}
	for _, u := range r.units {
		kept := u.objects[:0:0]
		for _, o := range u.objects {
			if o.GetKind() == "Namespace" && o.GroupVersionKind().Group == "" {
				if first, twice := have[o.GetName()]; twice {
					addMissingLabels(first, o.GetLabels())
					continue
				}
				have[o.GetName()] = o
			}
			kept = append(kept, o)
		}
		u.objects = kept
		if err := r.ownNamespace(u, have); err != nil {
			return err
		}
	}
	return nil
}

func (r *renderer) ownNamespace(u *unit, have map[string]manifest.Object) error {
	var labels map[string]string
	if u.Tool != nil {
		labels = u.Tool.Spec.NamespaceLabels
	}
	used := u.Tool != nil || slices.ContainsFunc(u.objects, func(o manifest.Object) bool { return o.GetNamespace() == u.Namespace })
	if u.Namespace == "" || !used {
		return nil
	}
	if slices.Contains(ownedByKubernetes, u.Namespace) {
		if len(labels) > 0 {
			return fmt.Errorf("render %s: namespaceLabels on %s: that namespace is Kubernetes' own", u.Name, u.Namespace)
		}
		return nil
	}
	if first, ok := have[u.Namespace]; ok {
		addMissingLabels(first, labels)
		return nil
	}
	o := manifest.Object{Source: "namespace of " + u.Name, Unstructured: &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": u.Namespace}}}}
	addLabels(o, labels)
	have[u.Namespace] = o
	u.objects = append([]manifest.Object{o}, u.objects...)
	return nil
}

func addMissingLabels(o manifest.Object, labels map[string]string) {
	missing := map[string]string{}
	for k, v := range labels {
		if _, has := o.GetLabels()[k]; !has {
			missing[k] = v
		}
	}
	addLabels(o, missing)
}

func addLabels(o manifest.Object, labels map[string]string) {
	if len(labels) == 0 {
		return
	}
	all := o.GetLabels()
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, labels)
	o.SetLabels(all)
}

// scopes says of each kind whether its objects live in namespaces: Kubernetes' own, and those
// that the tree defines.
func (r *renderer) scopes() map[schema.GroupKind]bool {
	out := maps.Clone(builtinScopes)
	for _, u := range r.units {
		for _, o := range u.objects {
			if !isDefinition(o) {
				continue
			}
			group, _, _ := unstructured.NestedString(o.Object, "spec", "group")
			kind, _, _ := unstructured.NestedString(o.Object, "spec", "names", "kind")
			scope, _, _ := unstructured.NestedString(o.Object, "spec", "scope")
			out[schema.GroupKind{Group: group, Kind: kind}] = scope != "Cluster"
		}
	}
	return out
}

func isDefinition(o manifest.Object) bool {
	return o.GetKind() == "CustomResourceDefinition" && o.GroupVersionKind().Group == "apiextensions.k8s.io"
}

// definedVersions lists "group/version" and "group/version/Kind" of the kinds that objects
// define, as charts ask for them.
func definedVersions(objects []manifest.Object) []string {
	var out []string
	for _, o := range objects {
		if !isDefinition(o) {
			continue
		}
		group, _, _ := unstructured.NestedString(o.Object, "spec", "group")
		kind, _, _ := unstructured.NestedString(o.Object, "spec", "names", "kind")
		versions, _, _ := unstructured.NestedSlice(o.Object, "spec", "versions")
		for _, v := range versions {
			m, _ := v.(map[string]any)
			name, _ := m["name"].(string)
			if served, isBool := m["served"].(bool); name == "" || isBool && !served {
				continue
			}
			out = append(out, group+"/"+name, strings.Join([]string{group, name, kind}, "/"))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
