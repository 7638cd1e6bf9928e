package spec

import (
	"maps"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/fieldpath"
)

// ToolNone is the tool that leaves a capability out.
const ToolNone = "none"

// rootUnit is the name under which the whole tree is handed over; no package may take it.
const rootUnit = "platform"

func checkPlatform(c *checker, p *v1alpha1.Platform) {
	c.name("metadata.name", p.Metadata.Name)
	if p.Spec.Domain != p.Metadata.Name+".localhost" || IsName(p.Metadata.Name) { // else the name is at fault
		c.domain("spec.domain", p.Spec.Domain)
	}
	checkCluster(c, p)
	checkMirrors(c, p.Spec.Supply.Mirrors)
	for _, capability := range slices.Sorted(maps.Keys(p.Spec.Capabilities)) {
		at := fieldpath.Child("spec.capabilities", capability)
		c.name(at, capability)
		choice := p.Spec.Capabilities[capability]
		c.optionalName(at+".tool", choice.Tool)
		if choice.Tool == ToolNone && (choice.Version != "" || len(choice.Values) > 0) {
			c.add(at, "", `has a version or values, and yet its tool is "none"`)
		}
	}
	checkPeople(c, p.Spec.People)
	checkPackages(c, p.Spec.Packages)
	checkProxy(c, p.Spec.Proxy)
	for i, o := range p.Spec.Overrides {
		checkOverride(c, fieldpath.Item("spec.overrides", i), o, false)
	}
}

func checkCluster(c *checker, p *v1alpha1.Platform) {
	node := p.Spec.Cluster.Embedded
	at := "spec.cluster.embedded."
	if _, err := netip.ParseAddr(node.Listen); err != nil {
		c.add(at+"listen", "", "%q is not an IP address", node.Listen)
	}
	pods, podsOK := checkCIDR(c, at+"podCIDR", node.PodCIDR, 24)
	services, servicesOK := checkCIDR(c, at+"serviceCIDR", node.ServiceCIDR, 26)
	if servicesOK && services.Bits() < 12 {
		c.add(at+"serviceCIDR", "", "%s is larger than a /12, the most that Kubernetes takes for services", services)
	}
	if podsOK && servicesOK && pods.Overlaps(services) {
		c.add(at+"serviceCIDR", "", "%s overlaps podCIDR %s", services, pods)
	}
}

// checkCIDR checks an IPv4 network that has room for addresses.
func checkCIDR(c *checker, at, s string, longest int) (netip.Prefix, bool) {
	prefix, err := netip.ParsePrefix(s)
	if err != nil {
		c.add(at, "", "%q is not a network in CIDR notation, such as 10.96.0.0/16", s)
		return netip.Prefix{}, false
	}
	switch a := prefix.Addr(); {
	case !a.Is4():
		c.add(at, "", "%s is not an IPv4 network", s)
	case prefix != prefix.Masked():
		c.add(at, prefix.Masked().String(), "%s has bits set beyond its length", s)
	case a.IsLoopback() || a.IsMulticast() || a.IsUnspecified() || a.IsLinkLocalUnicast():
		c.add(at, "", "%s cannot be used for this: it is a loopback, link-local, multicast or unspecified network", s)
	case prefix.Bits() > longest:
		c.add(at, "", "%s is too small; a /%d or larger is needed", s, longest)
	default:
		return prefix, true
	}
	return prefix, false
}

var registryHost = regexp.MustCompile(`^[A-Za-z0-9]([-.A-Za-z0-9]*[A-Za-z0-9])?(:[0-9]{1,5})?$`)

func checkMirrors(c *checker, mirrors map[string]string) {
	for _, from := range slices.Sorted(maps.Keys(mirrors)) {
		at := fieldpath.Child("spec.supply.mirrors", from)
		to := mirrors[from]
		if !registryHost.MatchString(from) {
			c.add(at, "", "%q is not a registry's host", from)
		}
		if _, rest, found := strings.Cut(to, "://"); found {
			c.add(at, rest, "%q: a mirror is a host and an optional path, without a scheme", to)
			continue
		}
		if host, _, _ := strings.Cut(to, "/"); !registryHost.MatchString(host) {
			c.add(at, "", "%q is not a registry's host and optional path", to)
		}
	}
}

func checkPackages(c *checker, packages []v1alpha1.Package) {
	first := map[string]int{}
	for i, p := range packages {
		at := fieldpath.Item("spec.packages", i)
		c.name(at+".name", p.Name)
		if p.Name == rootUnit {
			c.add(at+".name", "", `the name "platform" is taken by the platform itself`)
		}
		if j, twice := first[p.Name]; twice && p.Name != "" {
			c.add(at+".name", "", "%q is the name of spec.packages[%d] already", p.Name, j)
		} else {
			first[p.Name] = i
		}
		if p.Namespace != p.Name { // else it is the default
			c.optionalName(at+".namespace", p.Namespace)
		}
		if p.Git == nil {
			if p.Path == "" {
				c.add(at, "", "needs a path or git")
			}
			continue
		}
		checkGitURL(c, at+".git.url", p.Git.URL)
		if clean := path.Clean(p.Path); path.IsAbs(p.Path) || clean == ".." || strings.HasPrefix(clean, "../") {
			c.add(at+".path", "", "%q leads out of the Git repository", p.Path)
		}
	}
}

var scpURL = regexp.MustCompile(`^[\w.-]+@[\w.-]+:[^:]+$`)

func checkGitURL(c *checker, at, s string) {
	if scpURL.MatchString(s) {
		return
	}
	u, err := url.Parse(s)
	switch {
	case s == "":
		c.add(at, "", "required, but empty")
	case err != nil || u.Scheme == "":
		c.add(at, "", "%q is not a URL", s)
	case !slices.Contains([]string{"https", "http", "ssh", "git", "file"}, u.Scheme):
		c.add(at, "", "%q: Git does not speak %q", s, u.Scheme)
	case u.Host == "" && u.Scheme != "file":
		c.add(at, "", "%q names no host", s)
	default:
		if _, secret := u.User.Password(); secret {
			c.add(at, "", "holds a password; keep it in Git's credential store")
		}
	}
}

func checkProxy(c *checker, p v1alpha1.Proxy) {
	check := func(at, s string) {
		if s == "" {
			return
		}
		if u, err := url.Parse(s); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			suggestion := ""
			if !strings.Contains(s, "://") {
				suggestion = "http://" + s
			}
			c.add(at, suggestion, "%q is not an http or https URL", s)
		}
	}
	check("spec.proxy.http", p.HTTP)
	check("spec.proxy.https", p.HTTPS)
	for i, s := range p.No {
		if s == "" || strings.ContainsAny(s, " ,/") && !isCIDR(s) {
			c.add(fieldpath.Item("spec.proxy.no", i), "", "%q is not a host, domain or network", s)
		}
	}
}

func isCIDR(s string) bool { _, err := netip.ParsePrefix(s); return err == nil }

// checkOverride checks a patch and what it aims at. Those of tools may hold expressions, which
// are checked elsewhere.
func checkOverride(c *checker, at string, o v1alpha1.Override, expressions bool) {
	if o.Target == (v1alpha1.Target{}) {
		c.add(at+".target", "", "selects every object; name at least one field")
	}
	checkTarget(c, at+".target", o.Target)
	if strings.TrimSpace(o.Patch) == "" {
		c.add(at+".patch", "", "required, but empty")
		return
	}
	var patch any
	if err := yaml.Unmarshal([]byte(o.Patch), &patch); err != nil {
		if !expressions || !strings.Contains(o.Patch, "${") {
			c.add(at+".patch", "", "not valid YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
		}
		return
	}
	switch patch := patch.(type) {
	case map[string]any:
	case []any:
		checkOperations(c, at+".patch", patch)
	default:
		if !expressions || !strings.Contains(o.Patch, "${") {
			c.add(at+".patch", "", "must be a map (strategic merge) or a list (RFC 6902)")
		}
	}
}

var operations = []string{"add", "remove", "replace", "move", "copy", "test"}

func checkOperations(c *checker, at string, patch []any) {
	for i, item := range patch {
		operation, _ := item.(map[string]any)
		op, _ := operation["op"].(string)
		pointer, hasPath := operation["path"].(string)
		switch {
		case !slices.Contains(operations, op):
			c.add(at, Nearest(op, operations), "operation %d: op must be one of %s; is %q", i, strings.Join(operations, ", "), op)
		case !hasPath || pointer != "" && pointer[0] != '/':
			c.add(at, "", "operation %d: path must begin with a slash; is %q", i, pointer)
		}
	}
}

func checkTarget(c *checker, at string, t v1alpha1.Target) {
	for _, f := range []struct{ name, value string }{
		{"unit", t.Unit}, {"group", t.Group}, {"version", t.Version}, {"kind", t.Kind}, {"namespace", t.Namespace}, {"name", t.Name},
	} {
		if strings.Contains(f.value, "${") {
			continue
		}
		if _, err := regexp.Compile(f.value); err != nil {
			c.add(at+"."+f.name, "", "%q is not a regular expression: %s", f.value, strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		}
	}
}
