package deliver

import (
	"errors"
	"net"
	"net/url"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func TestPhaseOf(t *testing.T) {
	tests := []struct {
		apiVersion, kind string
		want             phase
	}{
		{"v1", "Namespace", phaseNamespaces},
		{"apiextensions.k8s.io/v1", "CustomResourceDefinition", phaseDefinitions},
		{"v1", "ServiceAccount", phaseSupport},
		{"rbac.authorization.k8s.io/v1", "ClusterRole", phaseSupport},
		{"networking.k8s.io/v1", "NetworkPolicy", phaseSupport},
		{"policy/v1", "PodDisruptionBudget", phaseSupport},
		{"v1", "Pod", phaseWorkloads},
		{"apps/v1", "Deployment", phaseWorkloads},
		{"batch/v1", "Job", phaseWorkloads},
		{"admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", phaseAdmission},
		{"gateway.networking.k8s.io/v1", "HTTPRoute", phaseCustom},
		{"example.com/v1", "Anything", phaseCustom},
	}
	for _, tt := range tests {
		obj := &unstructured.Unstructured{}
		obj.SetAPIVersion(tt.apiVersion)
		obj.SetKind(tt.kind)
		if got := phaseOf(obj); got != tt.want {
			t.Errorf("%s %s: phase %d, want %d", tt.apiVersion, tt.kind, got, tt.want)
		}
	}
}

func TestSettling(t *testing.T) {
	pods := schema.GroupResource{Resource: "pods"}
	tests := []struct {
		name   string
		err    error
		reason string // "" means the error stays
	}{
		{"unknown kind", &meta.NoKindMatchError{GroupKind: schema.GroupKind{Group: "a.b", Kind: "C"}}, "the kind C (a.b) is not defined yet"},
		{"namespace that is not there", apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, "x"), "the namespace x does not exist yet"},
		{"webhook that does not answer", apierrors.NewInternalError(errors.New(`failed calling webhook "hook.example.com": refused`)), "the admission webhook hook.example.com does not answer yet"},
		{"conflict", apierrors.NewConflict(pods, "x", errors.New("changed")), "somebody else changed it meanwhile"},
		{"API server that restarts", &url.Error{Err: &net.OpError{Op: "dial", Err: errors.New("refused")}}, "the API server does not answer"},
		{"too many requests", apierrors.NewTooManyRequests("later", 1), "the API server is busy"},
		{"invalid object", apierrors.NewInvalid(schema.GroupKind{Kind: "Pod"}, "x", nil), ""},
		{"address of an interrupted request", apierrors.NewInvalid(schema.GroupKind{Kind: "Service"}, "x", field.ErrorList{
			field.Invalid(field.NewPath("spec", "clusterIPs"), "10.96.0.10", "failed to allocate IP 10.96.0.10: provided IP is already allocated")}),
			"its address is still held by a request that was cut off"},
		{"forbidden", apierrors.NewForbidden(pods, "x", errors.New("no")), ""},
		{"other internal error", apierrors.NewInternalError(errors.New("bug")), ""},
		{"namespace that is being deleted", namespaceTerminating(), "its namespace is still being deleted"},
		{"no error", nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			reason, ok := settling(tt.err)
			if ok != (tt.reason != "") || reason != tt.reason {
				t.Errorf("settling = %q, %v; want %q", reason, ok, tt.reason)
			}
		})
	}
}

func namespaceTerminating() error {
	err := apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "x", errors.New("being terminated"))
	err.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: "NamespaceTerminating"}}
	return err
}

func TestMessage_NamesUnitsAndCountsFiles(t *testing.T) {
	got := message(Pushed{Added: []string{"tools/a/x", "tools/a/y", "applications/a.yaml"}, Changed: []string{"packages/b/z"}, Removed: []string{"tools/c/x"}})
	want := "Deliver a, b, c\n\na: 3 added\nb: 1 changed\nc: 1 removed\n"
	if got != want {
		t.Errorf("message = %q, want %q", got, want)
	}
	many := message(Pushed{Added: strings.Fields("tools/a/x tools/b/x tools/c/x tools/d/x tools/e/x tools/f/x")})
	if want := "Deliver a, b, c, d and 2 more\n"; !strings.HasPrefix(many, want) {
		t.Errorf("message = %q, want it to begin with %q", many, want)
	}
}

func TestParseKeyRef(t *testing.T) {
	if ref, err := ParseKeyRef("ns/name/a/b"); err != nil || ref.Key != "a/b" {
		t.Errorf("ParseKeyRef = %+v, %v", ref, err)
	}
	for _, bad := range []string{"", "ns/name", "ns//key", "/name/key"} {
		if _, err := ParseKeyRef(bad); err == nil {
			t.Errorf("ParseKeyRef(%q) gives no error", bad)
		}
	}
}
