package app

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/slipway-dev/slipway/api/v1alpha1"
)

// maxLabel is the length of a DNS label (RFC 1123), and with it of a namespace's name.
const maxLabel = 63

// Namespace is the namespace in which an application runs in an environment.
func Namespace(e v1alpha1.Environment, a v1alpha1.Application) string {
	if e.Spec.Namespace != "" {
		return e.Spec.Namespace
	}
	return join(a.Metadata.Name, e.Metadata.Name)
}

// PreviewName is the name of the environment for a pull request: <application>-pr-<number>. It
// is at most 63 characters long, and so is its namespace, which is called the same.
func PreviewName(application string, pullRequest int) string {
	return join(application, fmt.Sprintf("pr-%d", pullRequest))
}

// HostLabel is the first label of an application's host name in an environment:
// <application>-<environment>, and a preview's own name.
func HostLabel(e v1alpha1.Environment, a v1alpha1.Application) string {
	if e.Spec.Kind == v1alpha1.EnvironmentPreview {
		return e.Metadata.Name
	}
	return join(a.Metadata.Name, e.Metadata.Name)
}

// Host is the application's host name in an environment, below the platform's domain.
func Host(e v1alpha1.Environment, a v1alpha1.Application, domain string) string {
	return HostLabel(e, a) + "." + domain
}

// join makes one DNS label of two. Where it would be too long, the first is cut short, and a
// hash of the whole keeps apart what would become the same.
func join(first, second string) string {
	whole := first + "-" + second
	if len(whole) <= maxLabel {
		return whole
	}
	sum := sha256.Sum256([]byte(whole))
	mark := "-" + hex.EncodeToString(sum[:4])
	if len(mark)+len(second) < maxLabel/2 { // a long second goes into the hash
		mark += "-" + second
	}
	return strings.TrimRight(first[:min(len(first), maxLabel-len(mark))], "-") + mark
}
