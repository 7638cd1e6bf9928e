package portal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/app"
	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/endpoint"
	"github.com/slipway-dev/slipway/internal/kube"
	"github.com/slipway-dev/slipway/internal/portal/config"
	"github.com/slipway-dev/slipway/internal/server/access"
	"github.com/slipway-dev/slipway/internal/server/api"
	"github.com/slipway-dev/slipway/internal/server/index"
	"github.com/slipway-dev/slipway/internal/server/index/backend"
)

// Options are what a portal is made of.
type Options struct {
	Config config.Platform
	// PublicURL is how people, and the Git server, reach the server.
	PublicURL string
	// DataDir outlives the process.
	DataDir string
	// CA are certificates (PEM) that the platform's may come from, besides the system's.
	CA []byte
	// GitServers are the adapters.
	GitServers GitServers
	// Templates are the golden paths, one folder each.
	Templates fs.FS
	// Delivery is how the configured delivery tool takes over; nil where there is none.
	Delivery *v1alpha1.Delivery
	// Tools are the catalogue's, by name.
	Tools map[string]v1alpha1.Tool
	// Engines are the adapters of what builds.
	Engines Engines
	// DeliveryActions are the actions of templates that bear the delivery tool's name.
	DeliveryActions DeliveryActions
	// Roles give roles to groups, as the server's configuration does.
	Roles *access.Mapping
	// Kube is the cluster; nil where the server is in none.
	Kube *kube.Client
	Log  *slog.Logger
	// Now is the clock; nil means the system's.
	Now func() time.Time
}

// Portal is what stands behind the API.
type Portal struct {
	config  config.Platform
	log     *slog.Logger
	now     func() time.Time
	metrics *metrics

	git     GitServer
	account string // Slipway's own on the Git server
	gitURL  string
	hook    webhook

	index *index.Index
	// filled says that the index holds what Git and the log said at the start, or is one from before.
	filled       atomic.Bool
	environments *repository
	events       *events
	catalogue    *catalogue
	templates    *templates
	runs         *runs
	applications *applications
	places       *places
	below        *below     // the platform's tools; nil where nothing is delivered
	delivery     *delivery  // nil where nothing is delivered
	builds       Builds     // nil where nothing is built
	promoting    *promoting // nil without keys

	roles *access.Mapping
	// loops run until the server stops; each ends with its context.
	loops []loop
	// heard wakes who follows Git, pulls who looks at pull requests.
	heard, pulls alarm
	// announced are the previews that pull requests were told of; who follows pull requests alone uses it.
	announced   map[string]bool
	listeners   []func(forge.Event)
	moreSources []index.Source
}

// loop is something that goes on in the background.
type loop struct {
	name string
	run  func(context.Context) error
}

// New opens what lasts. It makes no call to the Git server or the cluster: those may come later.
func New(ctx context.Context, o Options) (p *Portal, err error) {
	p = &Portal{config: o.Config, log: o.Log, now: o.Now, metrics: newMetrics(), roles: o.Roles, gitURL: strings.TrimRight(o.Config.Git.URL, "/")}
	p.log = cmp.Or(p.log, slog.New(slog.DiscardHandler))
	if p.now == nil {
		p.now = time.Now
	}
	client := &http.Client{Transport: endpoint.Transport("", "", o.CA), Timeout: gitPatience}
	git, account, err := o.GitServers.Open(o.Config.Git, client)
	if err != nil {
		return nil, err
	}
	p.git, p.account = git, account.Username
	p.hook = webhook{url: strings.TrimRight(o.PublicURL, "/") + api.Prefix + "/webhooks/" + webhookSource}
	if file := o.Config.Git.WebhookSecretFile; file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("platform.git.webhookSecretFile: %w", err)
		}
		p.hook.secret = strings.TrimSpace(string(text))
	}
	fresh := false
	if p.index, fresh, err = index.Open(ctx, o.DataDir); err != nil {
		return nil, fmt.Errorf("open the index: %w", err)
	}
	p.filled.Store(!fresh)
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close())
		}
	}()
	p.events, p.heard, p.pulls, p.announced = newEvents(p.now), newAlarm(), newAlarm(), map[string]bool{}
	p.environments = &repository{forge: git.Forge, log: p.log,
		name:     forge.Repository{Owner: app.RepositoryOwner, Name: app.RepositoryName},
		platform: app.Platform{GatewayNamespace: o.Config.Gateway.Namespace, TeamGroups: o.Config.TeamGroups}}
	if t := o.Config.Templates; t != nil {
		p.environments.platform.TemplateRole, p.environments.platform.TemplateAccount = t.Role, t.ServiceAccount
	}
	p.catalogue = &catalogue{Catalog: backend.Catalog{Index: p.index, Source: p.sourceOf}, portal: p}
	if p.templates, err = newTemplates(p, o); err != nil {
		return nil, err
	}
	if p.runs, err = newRuns(p, filepath.Join(o.DataDir, "runs")); err != nil {
		return nil, err
	}
	p.applications, p.places = &applications{Portal: p, kube: o.Kube}, &places{Portal: p}
	if o.Kube != nil && o.Delivery != nil && o.Config.Delivery != nil {
		if p.delivery, err = newDelivery(p, o); err != nil {
			return nil, err
		}
		if p.below, err = newBelow(p.delivery, o); err != nil {
			return nil, err
		}
	}
	p.compose()
	if c := o.Config.CI; c != nil && o.Kube != nil {
		if err := p.openBuilds(o, *c); err != nil {
			return nil, err
		}
	}
	if o.Config.KeysDir != "" {
		if err := p.openPromotions(ctx, o, account, client); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// gitPatience is how long one call to the Git server may take.
const gitPatience = 60 * time.Second

// compose lists what goes on in the background.
func (p *Portal) compose() {
	p.loops = []loop{
		{"catch up with Git", p.followGit},
		{"end environments", p.expire},
		{"preview pull requests", p.followPulls},
	}
	if p.delivery != nil {
		p.loops = append(p.loops, loop{"deliver", p.delivery.run}, loop{"watch health", p.delivery.watchHealth})
	}
}

// Backends are what the API serves.
func (p *Portal) Backends() api.Backends {
	all := api.Backends{
		Catalog: p.catalogue, CatalogFiles: p.catalogue, Templates: p.templates, Runs: p.runs,
		Applications: p.applications, Environments: p.places,
		Events: p.events, Webhooks: p,
	}
	if p.below != nil {
		all.Platform = p.below
	}
	if p.promoting != nil {
		made := p.promoting.Promotions
		all.Promotions, all.Exceptions, all.Audit, all.Policies = made, made.Exceptions(), made.Audit(), made.Policies()
	}
	return all
}

// Collectors are metrics.
func (p *Portal) Collectors() []prometheus.Collector {
	all := p.metrics.collectors()
	if p.promoting != nil {
		all = append(all, p.promoting.Collectors()...)
	}
	return all
}

// Ready are things that must be well before the server takes requests.
func (p *Portal) Ready() map[string]func(context.Context) error {
	return map[string]func(context.Context) error{"index": func(ctx context.Context) error {
		if !p.filled.Load() {
			return errors.New("it was begun anew, and is being read from Git and the log")
		}
		_, err := p.index.Sources(ctx)
		return err
	}}
}

// Run sets the portal up on the Git server, goes on with what was interrupted, and keeps everything
// going until ctx ends.
func (p *Portal) Run(ctx context.Context) error {
	for _, first := range []loop{{"set up the environments' repository", p.setUp}, {"read Git", p.catchUp}} {
		if err := p.untilDone(ctx, first.name, first.run); err != nil {
			return nil // the server stops
		}
	}
	p.filled.Store(true)
	p.log.InfoContext(ctx, "the portal is set up")
	var all sync.WaitGroup
	all.Go(func() { p.runs.resume(ctx) })
	for _, l := range p.loops {
		all.Go(func() { p.keep(ctx, l) })
	}
	all.Wait()
	return nil
}

// keep runs a loop again where it fails, until ctx ends.
func (p *Portal) keep(ctx context.Context, l loop) {
	_ = p.untilDone(ctx, l.name, func(ctx context.Context) error {
		if err := l.run(ctx); err != nil {
			return err
		}
		return ctx.Err()
	})
}

// Waits between attempts.
const (
	firstWait = time.Second
	longWait  = 30 * time.Second
)

// untilDone repeats what fails, ever more slowly; the error is why ctx ended.
func (p *Portal) untilDone(ctx context.Context, what string, do func(context.Context) error) error {
	for wait := firstWait; ; wait = min(2*wait, longWait) {
		err := do(ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err == nil {
			return nil
		}
		p.metrics.failures.WithLabelValues(what).Inc()
		p.log.WarnContext(ctx, "not done yet", "what", what, "cause", err.Error(), "again", wait.String())
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(wait):
		}
	}
}

// farewell is how long the log of decisions may take to close.
const farewell = 10 * time.Second

// Close gives back what New took; nothing may run any more.
func (p *Portal) Close() error {
	var errs []error
	if p.promoting != nil {
		ctx, cancel := context.WithTimeout(context.Background(), farewell)
		defer cancel()
		errs = append(errs, p.promoting.log.Close(ctx))
	}
	if p.runs != nil {
		errs = append(errs, p.runs.store.Close())
	}
	if p.index != nil {
		errs = append(errs, p.index.Close())
	}
	return errors.Join(errs...)
}
