package entity

import (
	"net/url"
	"regexp"
	"strings"
)

// The formats of fields, as the descriptor format and upstream's CommonValidatorFunctions and
// KubernetesValidatorFunctions (packages/catalog-model/src/validation) have them.
var (
	kindFormat       = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9]*$`)
	nameFormat       = regexp.MustCompile(`^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$`)
	namespaceFormat  = regexp.MustCompile(`^[a-z0-9]+(-+[a-z0-9]+)*$`)
	tagFormat        = regexp.MustCompile(`^[a-z0-9:+#]+(-[a-z0-9:+#]+)*$`)
	apiVersionFormat = regexp.MustCompile(`^[a-zA-Z0-9]+$`)
)

const (
	nameRule      = "must be letters and digits, with any of - _ . between them, at most 63 in all"
	namespaceRule = "must be lower-case letters and digits, with hyphens between them, at most 63 in all"
	tagRule       = "must be lower-case letters, digits and any of : + #, with hyphens between them, at most 63 in all"
	keyRule       = "must be a name, or a DNS name, a slash and a name"
)

func isName(s string) bool      { return len(s) <= 63 && nameFormat.MatchString(s) }
func isNamespace(s string) bool { return len(s) <= 63 && namespaceFormat.MatchString(s) }
func isKind(s string) bool      { return len(s) <= 63 && kindFormat.MatchString(s) }
func isTag(s string) bool       { return len(s) <= 63 && tagFormat.MatchString(s) }

func isAPIVersion(s string) bool {
	return isPrefixed(s, func(s string) bool { return len(s) <= 63 && apiVersionFormat.MatchString(s) })
}

// isKey says whether s can be the key of a label or an annotation.
func isKey(s string) bool { return isPrefixed(s, isName) }

// isPrefixed checks "suffix" or "dns.name/suffix".
func isPrefixed(s string, isSuffix func(string) bool) bool {
	prefix, suffix, found := strings.Cut(s, "/")
	if !found {
		return isSuffix(s)
	}
	if len(prefix) > 253 {
		return false
	}
	for _, label := range strings.Split(prefix, ".") {
		if !isNamespace(label) {
			return false
		}
	}
	return isSuffix(suffix)
}

func isURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme != ""
}

var notTag = regexp.MustCompile(`[^a-z0-9:+#]+`)

// asTag is the nearest valid tag, "" where nothing is left of s.
func asTag(s string) string {
	s = strings.Trim(notTag.ReplaceAllString(strings.ToLower(s), "-"), "-")
	return strings.Trim(s[:min(len(s), 63)], "-")
}
