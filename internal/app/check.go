package app

import (
	"maps"
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/fieldpath"
	"github.com/slipway-dev/slipway/internal/spec"
)

const (
	nameRule       = "must be 1 to 63 lower-case letters, digits and hyphens, with no hyphen at either end"
	repositoryRule = "must be owner/name, each of letters, digits and any of - _ ."
	commitRule     = "must be a whole commit, 40 hexadecimal digits"
	imageRule      = "is not an image by digest, without a tag: registry/name@sha256:<64 hexadecimal digits>"
)

var (
	repositoryFormat = regexp.MustCompile(`^[A-Za-z0-9][-A-Za-z0-9_.]{0,99}/[A-Za-z0-9][-A-Za-z0-9_.]{0,99}$`)
	commitFormat     = regexp.MustCompile(`^[0-9a-f]{40}$`)
	branchFormat     = regexp.MustCompile(`^[A-Za-z0-9][-A-Za-z0-9_./]{0,199}$`)
	// imageFormat is an image by digest, without a tag: a tag could come to mean another image.
	imageFormat = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?(:[0-9]{1,5})?` +
		`(/[a-z0-9]+([._-]+[a-z0-9]+)*)+@sha256:[0-9a-f]{64}$`)
	imageNameFormat = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?(:[0-9]{1,5}/)?([a-z0-9._/-]*[a-z0-9])?$`)
)

// checker says what is wrong with a document's fields, by [spec.Report].
type checker struct{ report spec.Report }

func (c checker) name(at, s string) {
	if s == "" {
		c.report(at, "", "required, but empty")
	} else if !spec.IsName(s) {
		c.report(at, spec.AsName(s), "%q "+nameRule, s)
	}
}

func (c checker) optionalName(at, s string) {
	if s != "" {
		c.name(at, s)
	}
}

func (c checker) matches(at, s string, format *regexp.Regexp, rule string) {
	if s == "" {
		c.report(at, "", "required, but empty")
	} else if !format.MatchString(s) {
		c.report(at, "", "%q "+rule, s)
	}
}

func checkApplication(a *v1alpha1.Application, report spec.Report) {
	c := checker{report}
	c.name("metadata.name", a.Metadata.Name)
	c.name("spec.team", a.Spec.Team)
	c.matches("spec.repository", a.Spec.Repository, repositoryFormat, repositoryRule)
	c.matches("spec.branch", a.Spec.Branch, branchFormat, "is not a branch's name")
	if clean := path.Clean(a.Spec.Deploy); path.IsAbs(a.Spec.Deploy) || clean == ".." ||
		strings.HasPrefix(clean, "../") {
		report("spec.deploy", "", "%q leads out of the repository", a.Spec.Deploy)
	}
	if a.Spec.Image != a.Metadata.Name { // else the name is at fault
		c.matches("spec.image", a.Spec.Image, imageNameFormat, "is not an image's name, without tag and digest")
	}
	for i, name := range a.Spec.Environments {
		at := fieldpath.Item("spec.environments", i)
		c.name(at, name)
		if slices.Index(a.Spec.Environments, name) < i {
			report(at, "", "%q is listed twice", name)
		}
	}
	c.ttl("spec.previews.ttl", a.Spec.Previews.TTL)
}

func (c checker) ttl(at, s string) {
	if s == "" {
		return
	}
	if _, err := ParseTTL(s); err != nil {
		c.report(at, "", "%s", err)
	}
}

func checkEnvironment(e *v1alpha1.Environment, report spec.Report) {
	c := checker{report}
	c.name("metadata.name", e.Metadata.Name)
	c.optionalName("spec.team", e.Spec.Team)
	c.optionalName("spec.namespace", e.Spec.Namespace)
	if e.Spec.Team == "" && e.Spec.Namespace != "" {
		report("spec.namespace", "", "an environment for all teams has a namespace for each application; "+
			"name a team, or leave this out")
	}
	if IsReserved(e.Spec.Namespace) {
		report("spec.namespace", "", "%s belongs to Kubernetes", e.Spec.Namespace)
	}
	c.optionalName("spec.policy", e.Spec.Policy)
	if e.Spec.Policy != "" && !Governed(*e) {
		report("spec.policy", "", "the environment is not governed; set governed: true, or leave the policy out")
	}
	if Governed(*e) && e.Spec.Access == v1alpha1.AccessEdit {
		report("spec.access", v1alpha1.AccessView, "a governed environment changes by promotions alone")
	}
	c.life(e)
	c.quantities("spec.quota", e.Spec.Quota, true)
	c.quantities("spec.limits.requests", e.Spec.Limits.Requests, false)
	c.quantities("spec.limits.limits", e.Spec.Limits.Limits, false)
	c.requestsFit(e.Spec.Limits)
	c.network(e.Spec.Network)
	c.preview(e)
}

func (c checker) life(e *v1alpha1.Environment) {
	c.ttl("spec.ttl", e.Spec.TTL)
	if e.Spec.Created != "" {
		if _, err := time.Parse(time.RFC3339, e.Spec.Created); err != nil {
			c.report("spec.created", "", "%q is not a time in RFC 3339, such as 2026-01-02T15:04:05Z", e.Spec.Created)
		}
	}
	if e.Spec.TTL != "" && e.Spec.Created == "" {
		c.report("spec.created", "", "required with a ttl: the time from which it counts")
	}
	if e.Spec.TTL != "" && Governed(*e) {
		c.report("spec.ttl", "", "a governed environment has no end by itself")
	}
}

func (c checker) quantities(at string, quantities map[string]string, removable bool) {
	for _, name := range slices.Sorted(maps.Keys(quantities)) {
		below, s := fieldpath.Child(at, name), quantities[name]
		if s == "" && removable {
			continue
		}
		if q, err := resource.ParseQuantity(s); err != nil || q.Sign() < 0 {
			c.report(below, "", `%q is not a quantity, such as "500m", "2" or "4Gi"`, s)
		}
	}
}

// requestsFit checks what the API server would refuse: a default request above the default limit.
func (c checker) requestsFit(l v1alpha1.Limits) {
	requests, limits := merged(defaultRequests, l.Requests), merged(defaultLimits, l.Limits)
	for _, name := range slices.Sorted(maps.Keys(requests)) {
		request, err := resource.ParseQuantity(requests[name].(string))
		limitText, there := limits[name].(string)
		if err != nil || !there {
			continue // no limit, or said already
		}
		if limit, err := resource.ParseQuantity(limitText); err == nil && request.Cmp(limit) > 0 {
			c.report(fieldpath.Child("spec.limits.requests", name), "", "%s is more than the limit, %s",
				request.String(), limitText)
		}
	}
}

func (c checker) network(n v1alpha1.Network) {
	for i, name := range n.From {
		c.name(fieldpath.Item("spec.network.from", i), name)
	}
	for i, to := range n.To {
		at := fieldpath.Item("spec.network.to", i)
		if (to.Namespace == "") == (to.CIDR == "") {
			c.report(at, "", "needs a namespace or a cidr, and not both")
			continue
		}
		c.optionalName(at+".namespace", to.Namespace)
		if prefix, err := netip.ParsePrefix(to.CIDR); to.CIDR != "" && err != nil {
			c.report(at+".cidr", "", "%q is not a network in CIDR notation, such as 10.0.0.0/8", to.CIDR)
		} else if to.CIDR != "" && prefix != prefix.Masked() {
			c.report(at+".cidr", prefix.Masked().String(), "%s has bits set beyond its length", to.CIDR)
		}
		for j, port := range to.Ports {
			if port < 1 || port > 65535 {
				c.report(fieldpath.Item(at+".ports", j), "", "%d is not a port", port)
			}
		}
	}
}

func (c checker) preview(e *v1alpha1.Environment) {
	p := e.Spec.Preview
	isPreview := e.Spec.Kind == v1alpha1.EnvironmentPreview
	switch {
	case p == nil && isPreview:
		c.report("spec.preview", "", "required for a preview: its application and pull request")
	case p != nil && !isPreview:
		c.report("spec.preview", "", "only an environment of kind preview is for a pull request")
	case isPreview:
		c.name("spec.preview.application", p.Application)
		if p.Commit != "" {
			c.matches("spec.preview.commit", p.Commit, commitFormat, commitRule)
		}
		if e.Spec.Team == "" {
			c.report("spec.team", "", "required for a preview: the application's team")
		}
		if e.Spec.Order != 0 {
			c.report("spec.order", "", "a preview is not part of the pipeline")
		}
	}
	if isPreview && Governed(*e) {
		c.report("spec.governed", "", "a preview is not governed")
	}
}

func checkRelease(r *v1alpha1.Release, report spec.Report) {
	c := checker{report}
	c.name("spec.application", r.Spec.Application)
	c.matches("spec.image", r.Spec.Image, imageFormat, imageRule)
	c.matches("spec.source.repository", r.Spec.Source.Repository, repositoryFormat, repositoryRule)
	c.matches("spec.source.commit", r.Spec.Source.Commit, commitFormat, commitRule)
	c.matches("spec.manifests", r.Spec.Manifests, commitFormat, commitRule)
	if id := ReleaseName(r.Spec); r.Metadata.Name != id && imageFormat.MatchString(r.Spec.Image) &&
		commitFormat.MatchString(r.Spec.Manifests) {
		report("metadata.name", id, "%q is not the name of this image and these manifests", r.Metadata.Name)
	}
}

// IsReserved says whether a namespace is one of Kubernetes' own.
func IsReserved(namespace string) bool {
	return namespace == "default" || strings.HasPrefix(namespace, "kube-")
}
