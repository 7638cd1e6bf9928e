// Package server puts `slipway server` together: configuration, identity, guard, API, web interface,
// metrics and the listeners that serve them. What stands behind the API comes as api.Backends. It
// holds no logic of its own beyond starting, signing in and stopping.
package server

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/slipway-dev/slipway/internal/endpoint"
	"github.com/slipway-dev/slipway/internal/server/api"
	"github.com/slipway-dev/slipway/internal/server/device"
	"github.com/slipway-dev/slipway/internal/server/guard"
	"github.com/slipway-dev/slipway/internal/server/idp"
	"github.com/slipway-dev/slipway/internal/server/observe"
	"github.com/slipway-dev/slipway/internal/server/people"
	"github.com/slipway-dev/slipway/internal/server/session"
	"github.com/slipway-dev/slipway/internal/server/store"
	"github.com/slipway-dev/slipway/internal/server/token"
	"github.com/slipway-dev/slipway/internal/server/webui"
	"github.com/slipway-dev/slipway/internal/server/workload"
	"github.com/slipway-dev/slipway/internal/spec"
)

// Options are what a server is made of.
type Options struct {
	Config Config
	// Document is the file that Config was read from, for the places of mistakes; may be nil.
	Document *spec.Document
	// Backends are what stands behind the API; a nil one answers 501.
	Backends api.Backends
	// Web holds the web interface's files, index.html first among them; nil where there is none.
	Web fs.FS
	// Reviewer judges service accounts' tokens; nil where the server is in no cluster.
	Reviewer workload.Reviewer
	// Collectors are metrics of what stands behind the API.
	Collectors []prometheus.Collector
	// Ready are further things that must be well before the server takes requests, by name.
	Ready   map[string]func(context.Context) error
	Log     *slog.Logger
	Version string
	Getenv  func(string) string
	// Now is the clock of everything that expires; nil means the system's.
	Now func() time.Time
}

// Server is a server that is ready to run.
type Server struct {
	settings settings
	log      *slog.Logger
	now      func() time.Time
	store    *store.Store
	metrics  *observe.Metrics
	traces   *observe.Traces
	provider *idp.Provider
	sessions *session.Sessions
	people   *people.Registry
	mux      *router
	api      *api.API
	handler  http.Handler
	ready    map[string]func(context.Context) error
	// draining is done once the server is to stop.
	draining context.Context
	drain    context.CancelFunc
	// notice is how long it still takes requests after it has said that it is not ready.
	notice time.Duration
}

// New checks the configuration, opens the database and registers every route. It does not listen
// yet. Whoever makes a server must Run or Close it.
func New(ctx context.Context, o Options) (*Server, error) {
	config, err := settle(o.Config, o.Document)
	if err != nil {
		return nil, err
	}
	s := &Server{settings: config, log: o.Log, now: o.Now, metrics: observe.NewMetrics(o.Version),
		ready: map[string]func(context.Context) error{}, notice: notice}
	if s.now == nil {
		s.now = time.Now
	}
	if err := s.metrics.Add(o.Collectors...); err != nil {
		return nil, err
	}
	if s.traces, err = observe.NewTraces(ctx, o.Getenv, o.Version); err != nil {
		return nil, err
	}
	if s.store, err = store.Open(ctx, config.DataDir); err != nil {
		return nil, err
	}
	s.draining, s.drain = context.WithCancel(context.WithoutCancel(ctx))
	for name, check := range o.Ready {
		s.ready[name] = check
	}
	s.ready["database"] = s.store.Ping
	if err := s.assemble(o); err != nil {
		_ = s.store.Close()
		return nil, err
	}
	return s, nil
}

// assemble makes the parts and registers every route.
func (s *Server) assemble(o Options) error {
	c := s.settings
	s.people = people.New(s.store, s.now)
	s.sessions = session.New(s.store, c.keys, session.Lifetimes{
		Idle: time.Duration(c.Sessions.Idle), Absolute: time.Duration(c.Sessions.Absolute)}, c.secure, s.now)
	tokens := token.New(s.store, token.Limits{Lifetime: time.Duration(c.Tokens.Lifetime),
		CommandLine: time.Duration(c.Tokens.CommandLine), Each: c.Tokens.PerPerson}, s.now)
	s.provider = idp.New(idp.Config{
		Issuer: c.OIDC.Issuer, ClientID: c.OIDC.ClientID, ClientSecret: c.secret,
		Redirect: c.public + callbackPath, Home: c.public + "/", Scopes: c.OIDC.Scopes, GroupsClaim: c.OIDC.GroupsClaim,
		Audiences: c.OIDC.Audiences, Now: s.now,
		Client: &http.Client{Transport: endpoint.Transport("", "", c.ca), Timeout: providerPatience},
	})
	credentials := &guard.Credentials{Sessions: s.sessions, Tokens: tokens, People: s.people, Provider: s.provider,
		Roles: c.roles}
	if o.Reviewer != nil && c.Kubernetes.Audience != "" {
		credentials.Workloads = workload.New(o.Reviewer, c.Kubernetes.Audience, s.now)
	}
	gate := &guard.Guard{Credentials: credentials, Metrics: s.metrics, Trusted: c.trusted,
		CrossOrigin: http.NewCrossOriginProtection()}
	gate.SetLimits(c.guardLimits(), s.now)
	if err := gate.CrossOrigin.AddTrustedOrigin(c.public); err != nil {
		return fmt.Errorf("publicURL: %w", err)
	}
	files, err := webui.New(o.Web)
	if err != nil {
		return err
	}
	s.mux = newRouter(gate)
	s.api = api.New(s.mux, o.Backends,
		api.Identity{Sessions: s.sessions, Tokens: tokens, People: s.people, Devices: device.New(s.store, s.now),
			Roles: c.roles, PublicURL: c.public, Log: s.log},
		api.Streams{Each: c.Limits.Streams, Lifetime: streamLifetime, Beat: streamBeat, Draining: s.draining,
			Metrics: s.metrics})
	if err := s.pages(files); err != nil {
		return err
	}
	s.handler = s.traces.Handler(observe.Handler(s.log, s.metrics, webui.Headers(c.secure, s.mux)))
	return s.mux.err()
}

const (
	callbackPath = "/auth/callback"
	// providerPatience is how long one call to the identity provider may take.
	providerPatience = 10 * time.Second
	// streamLifetime is how long a stream lasts before its client must show again that it may.
	streamLifetime = 10 * time.Minute
	streamBeat     = 20 * time.Second
)

// Handler serves everything that the server serves, but for metrics.
func (s *Server) Handler() http.Handler { return s.handler }

// People are those who have signed in.
func (s *Server) People() *people.Registry { return s.people }

// Close gives back what New took, for a server that was not run.
func (s *Server) Close() error {
	s.drain()
	return s.store.Close()
}
