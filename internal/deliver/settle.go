package deliver

import (
	"errors"
	"net"
	"net/url"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
)

// settling says why err may pass by itself while a cluster comes up: a kind whose definition
// is still being made, a webhook whose pod starts, an API server that restarts. ok is false
// for an error that trying again will not mend.
func settling(err error) (reason string, ok bool) {
	switch {
	case err == nil:
		return "", false
	case meta.IsNoMatchError(err):
		var kind *meta.NoKindMatchError
		if errors.As(err, &kind) {
			return "the kind " + kindName(kind.GroupKind) + " is not defined yet", true
		}
		return "its kind is not defined yet", true
	case discovery.IsGroupDiscoveryFailedError(err):
		return "an extension API server does not answer yet", true
	case apierrors.IsNotFound(err):
		return notFound(err), true
	case apierrors.IsInternalError(err) && strings.Contains(err.Error(), "failed calling webhook"):
		return "the admission webhook " + quoted(err.Error()) + " does not answer yet", true
	case apierrors.IsConflict(err), apierrors.IsAlreadyExists(err):
		return "somebody else changed it meanwhile", true
	case apierrors.IsServiceUnavailable(err), apierrors.IsTooManyRequests(err),
		apierrors.IsTimeout(err), apierrors.IsServerTimeout(err):
		return "the API server is busy", true
	case allocated(err):
		return "its address is still held by a request that was cut off", true
	case terminating(err):
		return "its namespace is still being deleted", true
	}
	var network *net.OpError
	var address *url.Error
	if errors.As(err, &network) || errors.As(err, &address) && !address.Timeout() {
		return "the API server does not answer", true
	}
	return "", false
}

// allocated says whether a Service's address is taken. An address of an interrupted request is set
// free again by the API server within a minute or so.
func allocated(err error) bool {
	return apierrors.IsInvalid(err) && strings.Contains(err.Error(), "provided IP is already allocated")
}

func terminating(err error) bool {
	return apierrors.IsForbidden(err) && apierrors.HasStatusCause(err, "NamespaceTerminating")
}

func notFound(err error) string {
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		if d := status.Status().Details; d != nil && d.Kind == "namespaces" {
			return "the namespace " + d.Name + " does not exist yet"
		}
	}
	return "its kind is not served yet"
}

func kindName(gk schema.GroupKind) string {
	if gk.Group == "" {
		return gk.Kind
	}
	return gk.Kind + " (" + gk.Group + ")"
}

// quoted is the first text in double quotes in s: how the API server writes names in messages.
func quoted(s string) string {
	if parts := strings.SplitN(s, `"`, 3); len(parts) == 3 {
		return parts[1]
	}
	return s
}
