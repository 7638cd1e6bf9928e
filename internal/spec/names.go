package spec

import (
	"regexp"
	"strings"
)

var (
	dnsLabel = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)
	notLabel = regexp.MustCompile(`[^a-z0-9]+`)
)

// IsName says whether s is a DNS label (RFC 1123), as every name must be.
func IsName(s string) bool { return dnsLabel.MatchString(s) }

const nameRule = "must be 1 to 63 lower-case letters, digits and hyphens, with no hyphen at either end"

// asName is the nearest valid name, "" where nothing is left of s.
func asName(s string) string {
	s = strings.Trim(notLabel.ReplaceAllString(strings.ToLower(s), "-"), "-")
	return strings.Trim(s[:min(len(s), 63)], "-")
}

// name checks a required name.
func (c *checker) name(path, s string) {
	if s == "" {
		c.add(path, "", "required, but empty")
	} else if !IsName(s) {
		c.add(path, asName(s), "%q "+nameRule, s)
	}
}

// optionalName checks a name that may be left out.
func (c *checker) optionalName(path, s string) {
	if s != "" {
		c.name(path, s)
	}
}

// required checks that text is there.
func (c *checker) required(path, s string) {
	if strings.TrimSpace(s) == "" {
		c.add(path, "", "required, but empty")
	}
}

// domain checks a DNS name of two labels or more.
func (c *checker) domain(path, s string) {
	if s == "" {
		return // there is no name to make it from, which is said elsewhere
	}
	if len(s) > 200 {
		c.add(path, "", "is longer than 200 characters, which leaves no room for the tools' names")
		return
	}
	labels := strings.Split(s, ".")
	for _, label := range labels {
		if !IsName(label) {
			fixed := make([]string, 0, len(labels))
			for _, l := range labels {
				if l = asName(l); l != "" {
					fixed = append(fixed, l)
				}
			}
			c.add(path, strings.Join(fixed, "."), "%q is not a DNS name: each part %s", s, nameRule)
			return
		}
	}
	if len(labels) < 2 {
		suggestion := s + ".localhost"
		if s == "localhost" {
			suggestion = ""
		}
		c.add(path, suggestion, "%q is a single label; a domain has two or more", s)
		return
	}
	if last := labels[len(labels)-1]; strings.Trim(last, "0123456789") == "" {
		c.add(path, "", "%q is an address, not a DNS name", s)
	}
}
