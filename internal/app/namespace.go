package app

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/render/manifest"
)

// Labels that namespaces, and what is delivered to them, have.
const (
	LabelApplication = "slipway.dev/application"
	LabelEnvironment = "slipway.dev/environment"
	LabelTeam        = "slipway.dev/team"
	LabelKind        = "slipway.dev/environment-kind"
	LabelGoverned    = "slipway.dev/governed"
	// AnnotationRelease names on each object the release that it belongs to.
	AnnotationRelease = "slipway.dev/release"
	labelManagedBy    = "app.kubernetes.io/managed-by"
	managedBy         = "slipway"
	// OwnPrefix begins the names of the environment's own network policies.
	OwnPrefix = "environment-"
)

// Platform is what environments have to know of the platform that they are on.
type Platform struct {
	// GatewayNamespace is where the gateway's pods run, which let requests in.
	GatewayNamespace string
	// TeamGroups are the groups of a team's members as the API server sees them; {team} in them
	// stands for the team's name.
	TeamGroups []string
	// TemplateRole is the ClusterRole of what templates may apply, TemplateAccount the service account
	// ("namespace/name") that applies it; both empty where they apply nothing.
	TemplateRole, TemplateAccount string
}

// NamespaceSpec is a namespace that an environment asks for.
type NamespaceSpec struct {
	Name        string
	Environment v1alpha1.Environment
	Team        string
	// Application is the one that has the namespace for itself; empty where a team's share it.
	Application string
}

// Namespaces are all namespaces that environments ask for, by environment and name.
func (s *State) Namespaces() []NamespaceSpec {
	var out []NamespaceSpec
	for _, e := range sortedEnvironments(s.Environments) {
		if e.Spec.Namespace != "" {
			n := NamespaceSpec{Name: e.Spec.Namespace, Environment: e, Team: e.Spec.Team}
			if e.Spec.Preview != nil {
				n.Application = e.Spec.Preview.Application
			}
			out = append(out, n)
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(s.Applications)) {
			if a := s.Applications[name]; Open(e, a) {
				out = append(out, NamespaceSpec{Name: Namespace(e, a), Environment: e, Team: a.Spec.Team,
					Application: name})
			}
		}
	}
	return out
}

// NamespacesChange gives the change by which the repository holds the namespaces that the
// environments ask for, and no others. Current are the repository's files below namespaces.
func (s *State) NamespacesChange(p Platform, current Files) (Change, error) {
	want := Files{}
	for _, n := range s.Namespaces() {
		files, err := n.Files(p)
		if err != nil {
			return Change{}, err
		}
		maps.Copy(want, files)
	}
	return Replace(NamespacesFolder, want, current), nil
}

// Defaults of quota and limits: room for a few small services, and an end to what runs away.
var (
	defaultQuota = map[string]string{
		"requests.cpu": "2", "requests.memory": "4Gi", "limits.memory": "8Gi", "pods": "40",
		"requests.storage": "20Gi", "persistentvolumeclaims": "10",
		"services.loadbalancers": "0", "services.nodeports": "0",
	}
	defaultRequests = map[string]string{"cpu": "50m", "memory": "128Mi"}
	defaultLimits   = map[string]string{"memory": "256Mi"}
)

// Files renders the namespace: Pod Security at its restricted level, a quota, limits for
// containers that ask for none, a network that is closed but for DNS, the gateway and the
// namespace itself, and the team's role. Paths are those of the repository.
func (n NamespaceSpec) Files(p Platform) (Files, error) {
	objects := []map[string]any{n.namespace(), n.quota(), n.limitRange()}
	objects = append(objects, n.policies(p)...)
	if n.Environment.Spec.Access != v1alpha1.AccessNone {
		objects = append(objects, n.roleBinding(p))
	}
	if p.TemplateRole != "" && n.OpenToTemplates() {
		objects = append(objects, n.templateBinding(p))
	}
	out := Files{}
	for _, o := range objects {
		metadata := o["metadata"].(map[string]any)
		data, err := manifest.Encode(o)
		if err != nil {
			return nil, fmt.Errorf("render namespace %s: %w", n.Name, err)
		}
		kind := strings.ToLower(o["kind"].(string))
		out[path.Join(NamespaceFolder(n.Name), fmt.Sprintf("%s-%s.yaml", kind, metadata["name"]))] = data
	}
	return out, nil
}

func (n NamespaceSpec) labels() map[string]any {
	labels := map[string]any{
		labelManagedBy:   managedBy,
		LabelEnvironment: n.Environment.Metadata.Name,
		LabelKind:        n.Environment.Spec.Kind,
		LabelGoverned:    strconv.FormatBool(Governed(n.Environment)),
		LabelTeam:        n.Team,
	}
	if n.Application != "" {
		labels[LabelApplication] = n.Application
	}
	return labels
}

func (n NamespaceSpec) namespace() map[string]any {
	labels := n.labels()
	for _, mode := range []string{"enforce", "audit", "warn"} {
		labels["pod-security.kubernetes.io/"+mode] = "restricted"
		labels["pod-security.kubernetes.io/"+mode+"-version"] = "latest"
	}
	return map[string]any{"apiVersion": "v1", "kind": "Namespace",
		"metadata": map[string]any{"name": n.Name, "labels": labels}}
}

// object is a namespaced object of this environment.
func (n NamespaceSpec) object(apiVersion, kind, name string, rest map[string]any) map[string]any {
	o := map[string]any{"apiVersion": apiVersion, "kind": kind,
		"metadata": map[string]any{"name": name, "namespace": n.Name, "labels": n.labels()}}
	maps.Copy(o, rest)
	return o
}

func (n NamespaceSpec) quota() map[string]any {
	return n.object("v1", "ResourceQuota", "environment", map[string]any{
		"spec": map[string]any{"hard": merged(defaultQuota, n.Environment.Spec.Quota)}})
}

func (n NamespaceSpec) limitRange() map[string]any {
	return n.object("v1", "LimitRange", "environment", map[string]any{
		"spec": map[string]any{"limits": []any{map[string]any{
			"type":           "Container",
			"defaultRequest": merged(defaultRequests, n.Environment.Spec.Limits.Requests),
			"default":        merged(defaultLimits, n.Environment.Spec.Limits.Limits),
		}}}})
}

// merged puts own entries over defaults; an empty one takes a default away.
func merged(defaults, own map[string]string) map[string]any {
	out := map[string]any{}
	for name, value := range defaults {
		out[name] = value
	}
	for name, value := range own {
		if out[name] = value; value == "" {
			delete(out, name)
		}
	}
	return out
}

// policies are the network policies of the namespace. They add up: the first closes it, and each
// of the others opens it for one purpose.
func (n NamespaceSpec) policies(p Platform) []map[string]any {
	everything := map[string]any{}
	out := []map[string]any{
		n.policy(OwnPrefix+"default-deny", []any{"Ingress", "Egress"}, nil),
		n.policy(OwnPrefix+"allow-dns", []any{"Egress"},
			map[string]any{"egress": []any{map[string]any{"to": []any{map[string]any{
				// The label by which every distribution's DNS is found (Kubernetes, "DNS for Services and
				// Pods"). Without ports: policies see the pod's, which need not be 53.
				"namespaceSelector": named("kube-system"),
				"podSelector":       map[string]any{"matchLabels": map[string]any{"k8s-app": "kube-dns"}},
			}}}}}),
		n.policy(OwnPrefix+"allow-gateway", []any{"Ingress"}, map[string]any{"ingress": []any{map[string]any{
			"from": []any{map[string]any{"namespaceSelector": named(p.GatewayNamespace)}}}}}),
		n.policy(OwnPrefix+"allow-same-namespace", []any{"Ingress", "Egress"}, map[string]any{
			"ingress": []any{map[string]any{"from": []any{map[string]any{"podSelector": everything}}}},
			"egress":  []any{map[string]any{"to": []any{map[string]any{"podSelector": everything}}}},
		}),
	}
	network := n.Environment.Spec.Network
	if len(network.From) > 0 {
		from := map[string]any{"namespaceSelector": named(network.From...)}
		out = append(out, n.policy(OwnPrefix+"allow-from", []any{"Ingress"}, map[string]any{
			"ingress": []any{map[string]any{"from": []any{from}}}}))
	}
	if len(network.To) > 0 {
		rules := make([]any, len(network.To))
		for i, to := range network.To {
			rules[i] = egress(to)
		}
		out = append(out, n.policy(OwnPrefix+"allow-to", []any{"Egress"}, map[string]any{"egress": rules}))
	}
	return out
}

func (n NamespaceSpec) policy(name string, types []any, rules map[string]any) map[string]any {
	spec := map[string]any{"podSelector": map[string]any{}, "policyTypes": types}
	maps.Copy(spec, rules)
	return n.object("networking.k8s.io/v1", "NetworkPolicy", name, map[string]any{"spec": spec})
}

// named selects namespaces by the label that the API server gives each of them.
func named(namespaces ...string) map[string]any {
	values := make([]any, len(namespaces))
	for i, name := range namespaces {
		values[i] = name
	}
	return map[string]any{"matchExpressions": []any{map[string]any{
		"key": "kubernetes.io/metadata.name", "operator": "In", "values": values}}}
}

func egress(to v1alpha1.Destination) map[string]any {
	peer := map[string]any{"namespaceSelector": named(to.Namespace)}
	if to.CIDR != "" {
		peer = map[string]any{"ipBlock": map[string]any{"cidr": to.CIDR}}
	}
	rule := map[string]any{"to": []any{peer}}
	if len(to.Ports) > 0 {
		ports := make([]any, len(to.Ports))
		for i, port := range to.Ports {
			ports[i] = map[string]any{"protocol": "TCP", "port": port}
		}
		rule["ports"] = ports
	}
	return rule
}

// roleBinding gives the team's groups one of Kubernetes' own roles in the namespace.
func (n NamespaceSpec) roleBinding(p Platform) map[string]any {
	subjects := make([]any, len(p.TeamGroups))
	for i, group := range p.TeamGroups {
		subjects[i] = map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group",
			"name": strings.ReplaceAll(group, "{team}", n.Team)}
	}
	return n.object("rbac.authorization.k8s.io/v1", "RoleBinding", "team", map[string]any{
		"roleRef": map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole",
			"name": n.Environment.Spec.Access},
		"subjects": subjects,
	})
}

// OpenToTemplates says whether the team's templates may apply objects to the namespace: where the team's people may
// do so by hand, and nothing is governed.
func (n NamespaceSpec) OpenToTemplates() bool {
	return n.Team != "" && !Governed(n.Environment) && n.Environment.Spec.Access == v1alpha1.AccessEdit
}

// templateBinding lets the portal apply what templates hold, here and nowhere else.
func (n NamespaceSpec) templateBinding(p Platform) map[string]any {
	namespace, name, _ := strings.Cut(p.TemplateAccount, "/")
	return n.object("rbac.authorization.k8s.io/v1", "RoleBinding", "templates", map[string]any{
		"roleRef":  map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": p.TemplateRole},
		"subjects": []any{map[string]any{"kind": "ServiceAccount", "name": name, "namespace": namespace}},
	})
}
