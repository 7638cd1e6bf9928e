package manifests

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/slipway-dev/slipway/internal/app"
	"github.com/slipway-dev/slipway/internal/render/manifest"
	"github.com/slipway-dev/slipway/internal/spec"
)

// prepare checks an object and makes it one of the environment's.
func (in Input) prepare(o manifest.Object) error {
	if err := in.allowed(o); err != nil {
		return err
	}
	namespace := app.Namespace(in.Environment, in.Application)
	if own := o.GetNamespace(); own != "" && own != namespace {
		return fmt.Errorf("is in namespace %s; leave the namespace out, the environment's is %s", own, namespace)
	}
	o.SetNamespace(namespace)
	if !isFileName(o.GetName()) {
		return errors.New("is not a name that an object can have")
	}
	if o.GetKind() == "NetworkPolicy" && strings.HasPrefix(o.GetName(), app.OwnPrefix) {
		return fmt.Errorf("begins with %s, as the environment's own do; choose another name", app.OwnPrefix)
	}
	in.label(o)
	if isRoute(o) {
		return in.route(o)
	}
	if o.GetKind() == "Service" {
		return service(o)
	}
	return nil
}

// isFileName says whether a name can be part of a file's: it is an object's (RFC 1123 subdomain).
func isFileName(name string) bool {
	for _, label := range strings.Split(name, ".") {
		if !spec.IsName(label) {
			return false
		}
	}
	return len(name) <= 200
}

func (in Input) allowed(o manifest.Object) error {
	kind := kindOf(o)
	if slices.Contains(Kinds, kind) || slices.Contains(in.More, kind) {
		return nil
	}
	if reason := reasons[kind]; reason != "" {
		return fmt.Errorf("is not delivered with applications: %s", reason)
	}
	if kind.Group != "" {
		return fmt.Errorf("is of kind %s in %s, which is not among what applications may have", kind.Kind, kind.Group)
	}
	return fmt.Errorf("is of kind %s, which is not among what applications may have", kind.Kind)
}

// label marks the object, and the pods that it makes, as the application's in the environment.
func (in Input) label(o manifest.Object) {
	labels := map[string]string{
		app.LabelApplication: in.Application.Metadata.Name,
		app.LabelEnvironment: in.Environment.Metadata.Name,
	}
	all := o.GetLabels()
	if all == nil {
		all = map[string]string{}
	}
	for key, value := range labels {
		all[key] = value
	}
	o.SetLabels(all)
	annotations := o.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[app.AnnotationRelease] = in.Release.Metadata.Name
	o.SetAnnotations(annotations)
	for _, path := range [][]string{{"spec", "template"}, {"spec", "jobTemplate", "spec", "template"}} {
		if _, isPod, _ := unstructured.NestedMap(o.Object, append(path, "spec")...); !isPod {
			continue
		}
		for key, value := range labels {
			// it fails only where metadata is no map, which the API server will refuse
			_ = unstructured.SetNestedField(o.Object, value, append(slices.Clone(path), "metadata", "labels", key)...)
		}
	}
}

// route gives a route the application's host and the platform's gateway where it names none. It
// may name that host, hosts below it, and that gateway; others would be somebody else's.
func (in Input) route(o manifest.Object) error {
	host := app.Host(in.Environment, in.Application, in.Domain)
	hosts, _, err := unstructured.NestedStringSlice(o.Object, "spec", "hostnames")
	if err != nil {
		return fmt.Errorf("spec.hostnames: %w", err)
	}
	if len(hosts) == 0 {
		if err := unstructured.SetNestedStringSlice(o.Object, []string{host}, "spec", "hostnames"); err != nil {
			return err
		}
	}
	for _, h := range hosts {
		if h != host && !strings.HasSuffix(h, "."+host) {
			return fmt.Errorf("spec.hostnames: %s is not the application's; "+
				"leave hostnames out, or use %s and names below it", h, host)
		}
	}
	parents, _, err := unstructured.NestedSlice(o.Object, "spec", "parentRefs")
	if err != nil {
		return fmt.Errorf("spec.parentRefs: %w", err)
	}
	for _, p := range parents {
		parent, _ := p.(map[string]any)
		if parent["name"] != in.Gateway.Name || parent["namespace"] != in.Gateway.Namespace {
			return fmt.Errorf("spec.parentRefs: must be the platform's gateway %s in %s; leave parentRefs out",
				in.Gateway.Name, in.Gateway.Namespace)
		}
	}
	if len(parents) > 0 {
		return nil
	}
	gateway := map[string]any{"name": in.Gateway.Name, "namespace": in.Gateway.Namespace}
	if in.Gateway.Section != "" {
		gateway["sectionName"] = in.Gateway.Section
	}
	return unstructured.SetNestedSlice(o.Object, []any{gateway}, "spec", "parentRefs")
}

// service refuses services that take traffic which is not theirs, or lead out past the gateway.
func service(o manifest.Object) error {
	kind, _, err := unstructured.NestedString(o.Object, "spec", "type")
	if err != nil {
		return fmt.Errorf("spec.type: %w", err)
	}
	if kind != "" && kind != "ClusterIP" {
		return fmt.Errorf("spec.type: %s is not for applications; requests come in through an HTTPRoute", kind)
	}
	for _, field := range []string{"externalIPs", "externalName"} {
		if _, there, _ := unstructured.NestedFieldNoCopy(o.Object, "spec", field); there {
			return fmt.Errorf("spec.%s: not for applications", field)
		}
	}
	return nil
}

// imagesOf lists the images in an object's containers.
func imagesOf(o manifest.Object) []string {
	var out []string
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for key, value := range v {
				list, ok := value.([]any)
				if ok && (key == "containers" || key == "initContainers") {
					for _, c := range list {
						container, _ := c.(map[string]any)
						if image, ok := container["image"].(string); ok && image != "" {
							out = append(out, image)
						}
					}
				}
				walk(value)
			}
		case []any:
			for _, value := range v {
				walk(value)
			}
		}
	}
	walk(o.Object)
	slices.Sort(out)
	return out
}
