package platform

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/catalog"
	"github.com/slipway-dev/slipway/internal/cluster/embedded"
	"github.com/slipway-dev/slipway/internal/deliver"
	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/host"
	"github.com/slipway-dev/slipway/internal/plan"
	"github.com/slipway-dev/slipway/internal/progress"
	"github.com/slipway-dev/slipway/internal/render/kustomize"
	"github.com/slipway-dev/slipway/internal/render/source"
	"github.com/slipway-dev/slipway/internal/spec"
	"github.com/slipway-dev/slipway/internal/supply/gomod"
)

// Line is one platform with its resolved plan: what the operations work on.
type Line struct {
	home    Home
	dir     Dir
	record  record
	catalog *catalog.Catalog
	plan    plan.Plan
	// modules and packages find what is rendered.
	modules  *gomod.Client
	packages *source.Packages
	adapters deliver.Adapters
}

// Open loads and resolves the selected platform: stages load and resolve. It changes nothing.
// dir is the working directory.
func Open(ctx context.Context, h Home, dir string, s Selection) (*Line, error) {
	go kustomize.Warm() // plan and up render next; begun then, it would come too late to help
	r, err := s.read(ctx, h, dir)
	if err != nil {
		return nil, err
	}
	return resolve(ctx, h, r)
}

// Find gives a platform that has been brought up on this machine, as it was then.
func Find(ctx context.Context, h Home, dir string, s Selection) (*Line, error) {
	r, err := s.find(ctx, h, dir)
	if err != nil {
		return nil, err
	}
	return resolve(ctx, h, r)
}

func resolve(ctx context.Context, h Home, r record) (*Line, error) {
	c, err := LoadCatalog(r.Catalogs)
	if err != nil {
		return nil, err
	}
	l := &Line{home: h, dir: h.Platform(r.Platform.Metadata.Name), record: r, catalog: c,
		modules: &gomod.Client{}, adapters: h.Adapters,
		packages: &source.Packages{Dir: r.Base, CacheDir: filepath.Join(h.Cache, "packages")}}
	dir := string(l.dir)
	if _, err := os.Stat(l.dir.record()); err != nil {
		// Not brought up yet: the node's choices are made where they are forgotten again.
		if dir, err = os.MkdirTemp("", "slipway-look-"); err != nil {
			return nil, fmt.Errorf("resolve the platform: %w", err)
		}
		defer os.RemoveAll(dir)
	}
	return l, l.resolve(ctx, dir)
}

// resolve asks the cluster's side what it contributes, and resolves the plan with that. The
// embedded node's choices of ports and addresses are kept in dir.
func (l *Line) resolve(ctx context.Context, dir string) (err error) {
	if l.embedded() {
		l.record.Environment, err = l.nodeIn(dir, progress.Discard).Environment(ctx)
	} else {
		l.record.Environment, err = l.foreign().Environment(ctx)
	}
	if err != nil {
		return err
	}
	l.plan, err = plan.Resolve(l.record.Platform, l.catalog, l.record.Environment)
	return l.record.locate(err)
}

// Resolved is the platform's plan.
func (l *Line) Resolved() plan.Plan { return l.plan }

// Name is the platform's name.
func (l *Line) Name() string { return l.plan.Name }

// Warnings are what is valid in the Platform file and yet probably not meant.
func (l *Line) Warnings() []spec.Finding { return l.record.warnings }

func (l *Line) embedded() bool {
	return l.record.Platform.Spec.Cluster.Provider == v1alpha1.ProviderEmbedded
}

func (l *Line) node(report progress.Reporter) *embedded.Node {
	return l.nodeIn(string(l.dir), report)
}

func (l *Line) nodeIn(dir string, report progress.Reporter) *embedded.Node {
	p := l.record.Platform
	return embedded.New(embedded.Options{
		Name: p.Metadata.Name, Domain: p.Spec.Domain, StateDir: dir, BinDir: filepath.Join(l.dir.programs(), "usr/bin"), Store: l.home.Store(),
		Cluster: p.Spec.Cluster.Embedded, Proxy: p.Spec.Proxy, Mirrors: p.Spec.Supply.Mirrors, Report: report,
	})
}

// Kubeconfig is the path of the administrator's kubeconfig.
func (l *Line) Kubeconfig() string {
	if l.embedded() {
		return l.node(progress.Discard).Kubeconfig()
	}
	if path := l.foreignConfig().Path; path != "" {
		return path
	}
	return clientcmd.NewDefaultClientConfigLoadingRules().GetDefaultFilename()
}

// CA is the platform's CA certificate in PEM.
func (l *Line) CA() ([]byte, error) {
	pem, err := os.ReadFile(filepath.Join(l.dir.ca(), "ca.crt"))
	if err != nil {
		return nil, fault.Hint(fmt.Errorf("read the platform's CA: %w", err), "run `slipway up`")
	}
	return pem, nil
}

// components are the recipes that the platform needs, in the order in which they are needed. An
// existing cluster pulls its images itself and needs none.
func (l *Line) components() []string {
	if !l.embedded() {
		return nil
	}
	var all []string
	seen := map[string]bool{}
	add := func(names ...string) {
		for _, n := range names {
			if !seen[n] {
				seen[n] = true
				all = append(all, n)
			}
		}
	}
	add(nodeComponents...)
	for _, bootstrap := range []bool{true, false} {
		for _, u := range l.plan.Units {
			if u.Bootstrap == bootstrap {
				add(u.Components...)
			}
		}
	}
	for _, image := range l.published() {
		add(image.Component)
	}
	return all
}

// nodeComponents are the images that the embedded node itself runs from.
var nodeComponents = []string{"kubernetes", "pause"}

// runNeeds lists the distribution packages that are needed to run the cluster.
func (l *Line) runNeeds() host.Needs {
	needs := host.Needs{}
	if l.embedded() {
		for command, pkg := range embedded.HostPackages() {
			needs.AddCommand("the node", command, pkg)
		}
	}
	return needs
}

// Endpoint is a page that a person opens.
type Endpoint struct {
	Name       string `json:"name,omitempty"`
	Capability string `json:"capability,omitempty"`
	Tool       string `json:"tool,omitempty"`
	Version    string `json:"version,omitempty"`
	URL        string `json:"url,omitempty"`
}

// URLs lists the units that have a page.
func (l *Line) URLs() []Endpoint {
	var out []Endpoint
	for _, u := range l.plan.Units {
		if u.URL != "" {
			out = append(out, Endpoint{Name: u.Name, Version: u.Version, URL: u.URL})
		}
	}
	return out
}

// capabilities lists every capability with the tool that gives it.
func (l *Line) capabilities() []Endpoint {
	var out []Endpoint
	for _, u := range l.plan.Units {
		for _, c := range u.Capabilities {
			out = append(out, Endpoint{Name: c, Capability: c, Tool: u.Name, Version: u.Version, URL: u.URL})
		}
	}
	return out
}

// provider is the unit that gives a capability; nil where none does.
func (l *Line) provider(capability string) *plan.Unit {
	for i, u := range l.plan.Units {
		for _, c := range u.Capabilities {
			if c == capability {
				return &l.plan.Units[i]
			}
		}
	}
	return nil
}

// unit finds a unit by its name or by a capability it gives.
func (l *Line) unit(name string) *plan.Unit {
	for i, u := range l.plan.Units {
		if strings.EqualFold(u.Name, name) {
			return &l.plan.Units[i]
		}
	}
	return l.provider(name)
}
