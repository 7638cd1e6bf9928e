// Package config is the section `platform` of the server's configuration: what the portal has to know
// of the platform that it stands on. It reads no file; package portal does.
package config

import (
	"net/url"
	"strings"

	"github.com/slipway-dev/slipway/internal/spec"
)

// Platform is the platform below the server. Secrets stand in files, never here.
type Platform struct {
	// Name and Domain are the platform's, Scheme and PortSuffix ("" or ":8443") those of its URLs.
	Name       string `json:"name"`
	Domain     string `json:"domain"`
	Scheme     string `json:"scheme,omitempty"`
	PortSuffix string `json:"portSuffix,omitempty"`
	Git        Git    `json:"git"`
	// Registry is the platform's registry as it stands in image references.
	Registry string  `json:"registry,omitempty"`
	Gateway  Gateway `json:"gateway"`
	// Delivery hands applications over; absent where the server delivers nothing.
	Delivery *Tool `json:"delivery,omitempty"`
	// CI builds applications; absent where nothing does.
	CI *CI `json:"ci,omitempty"`
	// TeamGroups are the groups of a team's members as the cluster sees them; {team} stands for its name.
	TeamGroups []string `json:"teamGroups,omitempty"`
	// Templates is what templates may apply to the cluster by themselves; absent where that is nothing.
	Templates *Templates `json:"templates,omitempty"`
	// KeysDir holds the portal's own keys, one a file.
	KeysDir string `json:"keysDir,omitempty"`
}

// Git is the Git server.
type Git struct {
	// Adapter names the adapter that speaks to it, URL is its root.
	Adapter string `json:"adapter"`
	URL     string `json:"url"`
	// Credentials is a folder with the files username and password.
	Credentials string `json:"credentials"`
	// FollowGroups has teams there follow the groups of the identity provider, where that is another
	// tool than the Git server.
	FollowGroups bool `json:"followGroups,omitempty"`
	// WebhookSecretFile holds the secret by which the Git server signs its calls; without one there
	// are no calls.
	WebhookSecretFile string `json:"webhookSecretFile,omitempty"`
}

// Gateway is where routes of applications are attached.
type Gateway struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
	Section   string `json:"section,omitempty"`
}

// Tool is a tool of the catalogue and the namespace that it works in.
type Tool struct {
	Tool      string `json:"tool"`
	Namespace string `json:"namespace"`
}

// Templates is how templates apply objects: as the server's own service account, with a role that each environment
// binds in its namespace if templates may apply anything there.
type Templates struct {
	// Role is the ClusterRole, ServiceAccount the server's own ("namespace/name").
	Role           string `json:"role"`
	ServiceAccount string `json:"serviceAccount"`
}

// CI is what builds applications.
type CI struct {
	// Adapter names the adapter that starts and watches builds, Namespace is where they run.
	Adapter   string `json:"adapter"`
	Namespace string `json:"namespace"`
	// Builder is what provenance calls the builder.
	Builder string `json:"builder,omitempty"`
	// Account is the one on the Git server that builds read sources and push images by; "" where it needs to be
	// given nothing.
	Account string `json:"account,omitempty"`
}

// Files of [Platform.KeysDir].
const (
	// BuilderKey is the public key that images and evidence are signed with (PEM, PKIX).
	BuilderKey = "builder.pem"
)

// Check reports what is missing or does not fit; paths are below the section.
func (p Platform) Check(report spec.Report) {
	for path, value := range map[string]string{"name": p.Name, "domain": p.Domain, "git.adapter": p.Git.Adapter,
		"git.url": p.Git.URL, "git.credentials": p.Git.Credentials,
		"gateway.name": p.Gateway.Name, "gateway.namespace": p.Gateway.Namespace} {
		if value == "" {
			report(path, "", "required, but empty")
		}
	}
	if u, err := url.Parse(p.Git.URL); p.Git.URL != "" && (err != nil || u.Scheme != "https" || u.Host == "") {
		report("git.url", "", "%q is not an https URL", p.Git.URL)
	}
	if t := p.Delivery; t != nil && (t.Tool == "" || t.Namespace == "") {
		report("delivery", "", "needs tool and namespace")
	}
	if t := p.Templates; t != nil && (t.Role == "" || !strings.Contains(t.ServiceAccount, "/")) {
		report("templates", "", "needs role and serviceAccount (namespace/name)")
	}
	if c := p.CI; c != nil && (c.Adapter == "" || c.Namespace == "") {
		report("ci", "", "needs adapter and namespace")
	}
}

// Host is the host name of what is called name on the platform, with its port.
func (p Platform) Host(name string) string { return name + "." + p.Domain + p.PortSuffix }

// URL is the address of a host below the platform's domain.
func (p Platform) URL(host string) string {
	scheme := p.Scheme
	if scheme == "" {
		scheme = "https"
	}
	return scheme + "://" + host + p.PortSuffix
}
