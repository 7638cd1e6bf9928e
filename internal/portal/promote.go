package portal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"golang.org/x/mod/sumdb/note"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/app"
	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/audit/tlog"
	"github.com/slipway-dev/slipway/internal/evidence"
	"github.com/slipway-dev/slipway/internal/evidence/registry"
	"github.com/slipway-dev/slipway/internal/portal/config"
	"github.com/slipway-dev/slipway/internal/portal/promotions"
	"github.com/slipway-dev/slipway/internal/promotion"
	"github.com/slipway-dev/slipway/internal/promotion/gate"
	"github.com/slipway-dev/slipway/internal/server/api"
	"github.com/slipway-dev/slipway/internal/server/index/sources"
)

// promoting is what moves releases to governed environments.
type promoting struct {
	*promotions.Promotions
	log *tlog.Log
}

// openPromotions opens the log of decisions and what writes to it.
func (p *Portal) openPromotions(ctx context.Context, o Options, account GitAccess, client *http.Client) error {
	origin := strings.TrimRight(o.PublicURL, "/")
	if u, err := url.Parse(origin); err == nil {
		origin = u.Host
	}
	keys, err := promotions.ReadKeys(o.Config.KeysDir, origin+"/audit")
	if err != nil {
		return err
	}
	trust := keys.Trust
	if trust.Keys, err = withBuilder(trust.Keys, o.Config); err != nil {
		return err
	}
	ring, err := evidence.NewKeyring(trust.Keys...)
	if err != nil {
		return fmt.Errorf("the keys that are trusted: %w", err)
	}
	log, err := tlog.Open(ctx, tlog.Options{Dir: filepath.Join(o.DataDir, "audit"), Signer: keys.Log,
		Verifiers: []note.Verifier{keys.Verifier}, Keys: ring, Publisher: promotions.Publisher{Git: p.git.Forge}, Logger: p.log})
	if err != nil {
		return fmt.Errorf("open the log of decisions: %w", err)
	}
	options := promotions.Options{Platform: o.Config.Name, Account: p.account, Git: p.gitURL, Console: strings.TrimRight(o.PublicURL, "/"),
		Forge: p.git.Forge, People: promotions.Accounts{Users: p.git.Forge, Mapping: o.Roles}, Manifests: renderer{p},
		Evidence: images{options: []remote.Option{remote.WithTransport(client.Transport),
			remote.WithAuth(&authn.Basic{Username: account.Username, Password: account.Password})}},
		Log: log, Signer: keys.Decisions, Trust: trust, Now: p.now, OnEvent: p.events.tell,
		OnMain: func(string) { p.heard.ring() }, Logger: p.log}
	if o.Config.CI != nil && o.Config.CI.Builder != "" {
		options.Builders = []string{o.Config.CI.Builder}
	}
	if p.delivery != nil {
		options.Health, options.Running = observer{p}, observer{p}
	}
	made, err := promotions.New(options)
	if err != nil {
		return errors.Join(err, log.Close(ctx))
	}
	p.promoting = &promoting{made, log}
	p.moreSources = append(p.moreSources, sources.Decisions{Log: log})
	p.OnGitEvent(func(forge.Event) { made.Notify() })
	if p.delivery != nil {
		p.delivery.health.moved = made.Notify
	}
	p.loops = append(p.loops, loop{"promote", func(ctx context.Context) error {
		if err := made.Prepare(ctx); err != nil {
			return err
		}
		return made.Run(ctx)
	}})
	return nil
}

// withBuilder adds the key of the platform's builder, where it has one.
func withBuilder(keys []evidence.Key, c config.Platform) ([]evidence.Key, error) {
	text, err := os.ReadFile(filepath.Join(c.KeysDir, config.BuilderKey))
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(text) == 0 {
		return keys, nil
	}
	if err != nil {
		return nil, err
	}
	name := "builder"
	if c.CI != nil && c.CI.Builder != "" {
		name = c.CI.Builder
	}
	return append(slices.Clone(keys), evidence.Key{Name: name, Role: evidence.Builder, PublicKey: string(text)}), nil
}

// renderer renders releases for promotions.
type renderer struct{ *Portal }

// Render implements promotions.Manifests.
func (r renderer) Render(ctx context.Context, a v1alpha1.Application, e v1alpha1.Environment, release v1alpha1.Release) (app.Files, error) {
	rendered, err := r.Portal.Render(ctx, a, e, release)
	return rendered.Files, err
}

// images finds evidence beside images in the platform's registry.
type images struct{ options []remote.Option }

// Of implements promotions.Evidence.
func (i images) Of(repository string) (evidence.Source, error) {
	r, err := name.NewRepository(repository)
	if err != nil {
		return nil, err
	}
	return registry.New(r, i.options...), nil
}

// observer is the cluster as promotions see it.
type observer struct{ *Portal }

var gateHealths = map[api.HealthState]gate.Health{api.Healthy: gate.Healthy, api.Progressing: gate.HealthProgressing,
	api.Degraded: gate.HealthDegraded, api.Missing: gate.HealthDegraded, api.Unknown: gate.HealthUnknown}

// Observe implements promotions.Health.
func (o observer) Observe(_ context.Context, environment, application string) (promotions.Observation, error) {
	h := o.Health(environment, application)
	out := promotions.Observation{Release: h.Release, Health: gateHealths[h.State], Since: h.Since, Reason: h.Reason}
	if h.State == api.Healthy {
		_, out.Digest = app.Image(h.Image)
	}
	return out, nil
}

// Running implements promotions.Running.
func (o observer) Running(ctx context.Context, environments []string) ([]promotion.Running, error) {
	all, err := o.Portal.Running(ctx, environments)
	if err != nil {
		return nil, err
	}
	var out []promotion.Running
	for _, one := range all {
		h := o.Health(one.Environment, one.Application)
		_, digest := app.Image(one.Asked)
		out = append(out, promotion.Running{Environment: one.Environment, Application: one.Application,
			Workload: "Pod/" + one.Pod, Digest: digest, Settled: h.State != api.Progressing && h.State != api.Unknown})
	}
	return out, nil
}
