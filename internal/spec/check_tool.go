package spec

import (
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/expr"
	"github.com/slipway-dev/slipway/internal/fieldpath"
)

func checkTool(c *checker, t *v1alpha1.Tool) {
	s := t.Spec
	c.name("metadata.name", t.Metadata.Name)
	if t.Metadata.Name == ToolNone || t.Metadata.Name == rootUnit {
		c.add("metadata.name", "", "the name %q has a meaning of its own", t.Metadata.Name)
	}
	c.required("spec.description", s.Description)
	c.version("spec.version", s.Version)
	c.name("spec.namespace", s.Namespace)
	if len(s.Provides) == 0 {
		c.add("spec.provides", "", "a tool provides at least one capability")
	}
	for _, capability := range slices.Sorted(maps.Keys(s.Provides)) {
		c.name(fieldpath.Child("spec.provides", capability), capability)
	}
	c.requirements(s)
	for i, provider := range s.Providers {
		known := []string{v1alpha1.ProviderEmbedded, v1alpha1.ProviderKubeconfig}
		if !slices.Contains(known, provider) {
			c.add(fieldpath.Item("spec.providers", i), Nearest(provider, known), "must be one of %s; is %q", strings.Join(known, ", "), provider)
		}
	}
	for i, source := range s.Sources {
		c.source(fieldpath.Item("spec.sources", i), source)
	}
	for i, patch := range s.Patches {
		checkOverride(c, fieldpath.Item("spec.patches", i), patch, true)
	}
	for i, target := range s.Drop {
		at := fieldpath.Item("spec.drop", i)
		if target == (v1alpha1.Target{}) {
			c.add(at, "", "selects every object; name at least one field")
		}
		checkTarget(c, at, target)
	}
	for i, object := range s.Runtime {
		c.runtime(fieldpath.Item("spec.runtime", i), object)
	}
	for i, probe := range s.Probes {
		c.probe(fieldpath.Item("spec.probes", i), probe, s)
	}
	for i, ready := range s.Ready {
		at := fieldpath.Item("spec.ready", i)
		checkTarget(c, at+".target", ready.Target)
		c.condition(at+".condition", ready.Condition, "object")
	}
	for i, credential := range s.Credentials {
		c.secret(fieldpath.Item("spec.credentials", i)+".secret", credential.Secret, 2)
	}
	_, delivers := s.Provides["delivery"]
	switch {
	case delivers && s.Delivery == nil:
		c.add("spec.provides.delivery", "", "a tool that provides delivery needs spec.delivery")
	case !delivers && s.Delivery != nil:
		c.add("spec.delivery", "", "only a tool that provides delivery has this")
	}
	if s.Delivery != nil {
		c.condition("spec.delivery.condition", s.Delivery.Condition, "object", "revision")
		c.deliveryStatus(s.Delivery)
		for _, key := range slices.Sorted(maps.Keys(s.Delivery.Tracking)) {
			if err := expr.CheckString(s.Delivery.Tracking[key], []string{"object", "unit"}); err != nil {
				c.add(fieldpath.Child("spec.delivery.tracking", key), "", "%s", err)
			}
		}
		if s.Delivery.WebhookSecret != "" {
			c.secret("spec.delivery.webhookSecret", s.Delivery.WebhookSecret, 3)
		}
	}
	c.expressions()
}

// version checks an upstream's version.
func (c *checker) version(at, s string) {
	c.required(at, s)
	if len(s) > 1 && s[0] == 'v' && s[1] >= '0' && s[1] <= '9' {
		c.add(at, s[1:], "%q must have no leading v", s)
	}
}

func (c *checker) requirements(s v1alpha1.ToolSpec) {
	seen := map[string]bool{}
	for i, r := range s.Requires {
		at := fieldpath.Item("spec.requires", i) + ".capability"
		c.name(at, r.Capability)
		if seen[r.Capability] {
			c.add(at, "", "%s is required twice", r.Capability)
		}
		seen[r.Capability] = true
		// An optional one is for where another tool is chosen for the capability.
		if _, itself := s.Provides[r.Capability]; itself && !r.Optional {
			c.add(at, "", "the tool provides %s itself", r.Capability)
		}
	}
	listed := map[string]bool{}
	for i, name := range s.Components {
		at := fieldpath.Item("spec.components", i)
		c.name(at, name)
		if listed[name] {
			c.add(at, "", "%s is listed twice", name)
		}
		listed[name] = true
	}
	published := map[string]bool{}
	for i, image := range s.Publish {
		at := fieldpath.Item("spec.publish", i)
		c.name(at+".component", image.Component)
		if !publishedName.MatchString(image.Name) {
			c.add(at+".name", "", "%q is not a repository with a tag, \"owner/name:tag\"", image.Name)
		}
		if published[image.Name] {
			c.add(at+".name", "", "%s is published twice", image.Name)
		}
		published[image.Name] = true
	}
}

// publishedName is a repository of two parts or more and a tag (OCI distribution specification, "Pulling manifests").
var publishedName = regexp.MustCompile(`^[a-z0-9]+([._-][a-z0-9]+)*(/[a-z0-9]+([._-][a-z0-9]+)*)+:[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`)

// deliveryStatus checks the expressions that are evaluated while the platform runs.
func (c *checker) deliveryStatus(d *v1alpha1.Delivery) {
	if d.Status == nil {
		return
	}
	const at = "spec.delivery.status"
	if err := expr.Check("${"+d.Status.Revisions+"}", []string{"object"}); err != nil {
		c.add(at+".revisions", "", "%s", err)
	}
	c.condition(at+".synced", d.Status.Synced, "object")
	if d.Status.Message != "" {
		if err := expr.CheckString(d.Status.Message, []string{"object"}); err != nil {
			c.add(at+".message", "", "%s", err)
		}
	}
}

// source checks one source of manifests.
func (c *checker) source(at string, s v1alpha1.Source) {
	c.exactlyOne(at, map[string]bool{"manifests": s.Manifests != "", "files": s.Files != nil, "kustomize": s.Kustomize != nil, "helm": s.Helm != nil})
	inside := func(at, path string) {
		if !fs.ValidPath(path) {
			c.add(at, "", "%q must be a path inside the folder: relative, without . and ..", path)
		}
	}
	switch {
	case s.Manifests != "":
		inside(at+".manifests", s.Manifests)
	case s.Files != nil:
		c.name(at+".files.component", s.Files.Component)
		if len(s.Files.Paths) == 0 {
			c.add(at+".files.paths", "", "required, but empty")
		}
		for i, path := range s.Files.Paths {
			inside(fieldpath.Item(at+".files.paths", i), path)
		}
	case s.Kustomize != nil:
		c.name(at+".kustomize.component", s.Kustomize.Component)
		inside(at+".kustomize.path", s.Kustomize.Path)
	case s.Helm != nil:
		c.name(at+".helm.component", s.Helm.Component)
		inside(at+".helm.path", s.Helm.Path)
	}
}

// exactlyOne checks a choice between fields.
func (c *checker) exactlyOne(at string, set map[string]bool) {
	names := slices.Sorted(maps.Keys(set))
	given := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !set[name] })
	switch len(given) {
	case 1:
	case 0:
		c.add(at, "", "needs exactly one of %s", strings.Join(names, ", "))
	default:
		c.add(at, "", "has %s; exactly one is wanted", strings.Join(given, " and "))
	}
}

func (c *checker) runtime(at string, o v1alpha1.RuntimeObject) {
	c.required(at+".name", o.Name)
	if len(o.Data) == 0 && o.Client == nil && o.Account == nil {
		c.add(at+".data", "", "required, but empty")
	}
	if o.Client != nil {
		c.oidcClient(at+".client", o)
	}
	if o.Account != nil {
		c.account(at+".account", o)
	}
	for _, key := range slices.Sorted(maps.Keys(o.Data)) {
		v, below := o.Data[key], fieldpath.Child(at+".data", key)
		c.exactlyOne(below, map[string]bool{"value": v.Value != "", "random": v.Random != 0, "bytes": v.Bytes != 0, "key": v.Key != "",
			"from": v.From != "", "publicOf": v.PublicOf != "", "ca": v.CA != ""})
		if v.Random < 0 || v.Random > 4096 {
			c.add(below+".random", "", "must be a length from 1 to 4096, is %d", v.Random)
		}
		if v.Bytes < 0 || v.Bytes > 4096 {
			c.add(below+".bytes", "", "must be a number from 1 to 4096, is %d", v.Bytes)
		}
		if v.From != "" {
			c.secret(below+".from", v.From, 3)
		}
		if v.PublicOf != "" {
			c.secret(below+".publicOf", v.PublicOf, 3)
		}
		if (v.Random != 0 || v.Bytes != 0 || v.Key != "") && v.Follow {
			c.add(below+".follow", "", "a random value has no source to follow")
		}
		if v.CA == "key" && o.Kind == "ConfigMap" {
			c.add(below+".ca", "", "a private key does not belong in a ConfigMap")
		}
		if v.Key != "" && o.Kind == "ConfigMap" {
			c.add(below+".key", "", "a private key does not belong in a ConfigMap")
		}
	}
}

func (c *checker) oidcClient(at string, o v1alpha1.RuntimeObject) {
	c.required(at+".name", o.Client.Name)
	if o.Kind != "Secret" {
		c.add(at, "", "only a Secret can hold a client's secret")
	}
	if len(o.Client.RedirectURIs) == 0 {
		c.add(at+".redirectURIs", "", "required, but empty")
	}
	for _, key := range []string{"client-id", "client-secret"} {
		if _, ok := o.Data[key]; ok {
			c.add(fieldpath.Child(at+".data", key), "", "comes from the client")
		}
	}
}

var rights = []string{v1alpha1.RightReadCode, v1alpha1.RightWriteCode, v1alpha1.RightReadPackages, v1alpha1.RightWritePackages, v1alpha1.RightEverything}

func (c *checker) account(at string, o v1alpha1.RuntimeObject) {
	c.required(at+".name", o.Account.Name)
	if o.Account.At != "git" && o.Account.At != "registry" {
		c.add(at+".at", "", "must be git or registry, is %q", o.Account.At)
	}
	if o.Kind != "Secret" {
		c.add(at, "", "only a Secret can hold an account's password")
	}
	if len(o.Account.Rights) == 0 {
		c.add(at+".rights", "", "required, but empty")
	}
	for i, right := range o.Account.Rights {
		if !slices.Contains(rights, right) {
			c.add(fmt.Sprintf("%s.rights[%d]", at, i), Nearest(right, rights), "unknown right %q", right)
		}
	}
	for _, key := range []string{"username", "password"} {
		if _, ok := o.Data[key]; ok {
			c.add(fieldpath.Child(at+".data", key), "", "comes from the account")
		}
	}
}

// secret checks "namespace/name" (two parts) or "namespace/name/key" (three).
func (c *checker) secret(at, s string, parts int) {
	form := "namespace/name"
	if parts == 3 {
		form += "/key"
	}
	flat := expressionIn.ReplaceAllString(s, "x/x")
	if n := strings.Count(flat, "/") + 1; flat == s && n != parts || strings.Contains(s, "//") || strings.HasSuffix(s, "/") || s == "" {
		c.add(at, "", "%q must be %s", s, form)
	}
}

var expressionIn = regexp.MustCompile(`\$\{[^}]*\}`)

var methods = []string{"", "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"}

func (c *checker) probe(at string, p v1alpha1.Probe, s v1alpha1.ToolSpec) {
	c.required(at+".name", p.Name)
	if _, ok := s.Provides[p.Capability]; !ok {
		provided := slices.Collect(maps.Keys(s.Provides))
		c.add(at+".capability", Nearest(p.Capability, provided), "the tool does not provide %q", p.Capability)
	}
	if !strings.HasPrefix(p.URL, "https://") && !strings.HasPrefix(p.URL, "http://") && !strings.HasPrefix(p.URL, "${") {
		c.add(at+".url", "", "%q is not an absolute http or https URL", p.URL)
	}
	if !slices.Contains(methods, p.Method) {
		c.add(at+".method", Nearest(p.Method, methods), "%q is not an HTTP method", p.Method)
	}
	if p.Status != 0 && (p.Status < 100 || p.Status > 599) {
		c.add(at+".status", "", "%d is not an HTTP status", p.Status)
	}
	if p.BasicAuth != "" {
		c.secret(at+".basicAuth", p.BasicAuth, 2)
	}
	if p.Condition != "" {
		c.condition(at+".condition", p.Condition, "status", "headers", "body")
	}
}
