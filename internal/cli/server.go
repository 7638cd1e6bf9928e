package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	builtin "github.com/slipway-dev/slipway/catalog"
	"github.com/slipway-dev/slipway/catalog/templates"
	"github.com/slipway-dev/slipway/internal/catalog"
	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/footprint"
	"github.com/slipway-dev/slipway/internal/kube"
	"github.com/slipway-dev/slipway/internal/portal"
	"github.com/slipway-dev/slipway/internal/server"
	"github.com/slipway-dev/slipway/internal/server/access"
	"github.com/slipway-dev/slipway/internal/server/observe"
	"github.com/slipway-dev/slipway/internal/server/workload"
	"github.com/slipway-dev/slipway/internal/server/workload/tokenreview"
	"github.com/slipway-dev/slipway/internal/spec"
	"github.com/slipway-dev/slipway/web"
)

type serverOptions struct {
	Env *Env
	// File is the configuration; Level is how much is logged.
	File, Level string
	// Given are the settings that flags or the environment gave, by flag.
	Given map[string]string
}

// serverSettings are the settings that have a flag, and an environment variable of the same name
// (SLIPWAY_SERVER_PUBLIC_URL); the flag wins over the variable, and both over the file.
var serverSettings = []struct {
	flag, help string
	field      func(*server.Config) *string
}{
	{"listen", "answer at `HOST:PORT`", func(c *server.Config) *string { return &c.Listen }},
	{"metrics-listen", "serve metrics at `HOST:PORT`; \"\" for nowhere",
		func(c *server.Config) *string { return &c.MetricsListen }},
	{"public-url", "the `URL` at which people reach the server", func(c *server.Config) *string { return &c.PublicURL }},
	{"data-dir", "keep people, sessions and tokens in `DIR`", func(c *server.Config) *string { return &c.DataDir }},
	{"cookie-key-file", "`FILE` with 32 random bytes in base64, the newest key first",
		func(c *server.Config) *string { return &c.CookieKeyFile }},
	{"issuer", "the identity provider's `URL`", func(c *server.Config) *string { return &c.OIDC.Issuer }},
	{"client-id", "`NAME` under which the provider knows the server",
		func(c *server.Config) *string { return &c.OIDC.ClientID }},
	{"client-secret-file", "`FILE` with the client's secret",
		func(c *server.Config) *string { return &c.OIDC.ClientSecretFile }},
	{"ca-file", "`FILE` of certificates that the provider's may come from",
		func(c *server.Config) *string { return &c.OIDC.CAFile }},
}

func newServerCommand(env *Env, run func(context.Context, *serverOptions) error) *cobra.Command {
	o := &serverOptions{Env: env, Given: map[string]string{}}
	cmd := &cobra.Command{
		Use:   "server",
		Short: "Serve the API and the web interface",
		Long: `Serve the API and the web interface.

Settings come from the configuration file, from environment variables named after the flags
(SLIPWAY_SERVER_PUBLIC_URL for --public-url), and from flags; the later ones win. Limits,
lifetimes and roles stand in the file only. Traces are sent where OTEL_EXPORTER_OTLP_ENDPOINT says.`,
		Example: `  slipway server --config server.yaml

  # server.yaml
  publicURL: https://slipway.example.com
  dataDir: /var/lib/slipway-server
  cookieKeyFile: /etc/slipway/cookie-keys   # openssl rand -base64 32
  oidc:
    issuer: https://id.example.com
    clientID: slipway
    clientSecretFile: /etc/slipway/client-secret
  roles:
  - {group: platform-admins, role: platform-admin}
  - {group: "{team}:developers", role: developer}
  - {serviceAccount: ci/robot, role: developer, team: payments}`,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.collect(cmd)
			return run(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.File, "config", "", "configuration `FILE` (YAML)")
	cmd.Flags().StringVar(&o.Level, "log-level", "info", "log `debug|info|warn|error` and what is worse")
	for _, s := range serverSettings {
		cmd.Flags().String(s.flag, "", s.help)
	}
	_ = cmd.MarkFlagFilename("config", "yaml", "yml")
	return cmd
}

// collect notes what flags and environment say.
func (o *serverOptions) collect(cmd *cobra.Command) {
	for _, s := range serverSettings {
		variable := "SLIPWAY_SERVER_" + strings.ToUpper(strings.ReplaceAll(s.flag, "-", "_"))
		if value := o.Env.Getenv(variable); value != "" {
			o.Given[s.flag] = value
		}
		if f := cmd.Flags().Lookup(s.flag); f.Changed {
			o.Given[s.flag] = f.Value.String()
		}
	}
}

func runServer(ctx context.Context, o *serverOptions) error {
	level, err := o.level()
	if err != nil {
		return err
	}
	config, doc, err := o.config()
	if err != nil {
		return err
	}
	reviewer, err := reviewer(config)
	if err != nil {
		return err
	}
	pages, err := web.FS()
	if err != nil {
		return err
	}
	options := server.Options{
		Config: config, Document: doc, Web: pages, Reviewer: reviewer, Version: o.Env.Version, Getenv: o.Env.Getenv,
		Log: observe.NewLogger(o.Env.Err, level),
	}
	behind, err := o.portal(ctx, config, options.Log)
	if err != nil {
		return err
	}
	if behind != nil {
		options.Backends, options.Collectors, options.Ready = behind.Backends(), behind.Collectors(), behind.Ready()
	}
	s, err := server.New(ctx, options)
	if err != nil {
		if behind == nil {
			return invalidConfig(err)
		}
		return errors.Join(invalidConfig(err), behind.Close())
	}
	if behind != nil && config.Platform.Git.FollowGroups {
		behind.FollowGroups(config.OIDC.Issuer, s.People())
	}
	listeners, err := s.Listen()
	if err != nil {
		err = errors.Join(err, s.Close())
		if behind != nil {
			err = errors.Join(err, behind.Close())
		}
		return err
	}
	go footprint.Keep(ctx, options.Log)
	return serveWith(ctx, s, listeners, behind)
}

// serveWith serves while the portal's background work goes on, and ends that once nobody is served any more.
func serveWith(ctx context.Context, s *server.Server, listeners server.Listeners, behind *portal.Portal) error {
	if behind == nil {
		return s.Run(ctx, listeners)
	}
	working, end := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- behind.Run(working) }()
	err := s.Run(ctx, listeners)
	end()
	return errors.Join(err, <-done, behind.Close())
}

// portal opens what stands behind the API on a platform; nil where the configuration names none.
func (o *serverOptions) portal(ctx context.Context, config server.Config, log *slog.Logger) (*portal.Portal, error) {
	if config.Platform == nil || config.DataDir == "" {
		return nil, nil // a missing directory is for the server to say
	}
	if err := config.CheckPlatform(); err != nil {
		return nil, invalidConfig(err)
	}
	options := portal.Options{Config: *config.Platform, PublicURL: config.PublicURL, DataDir: config.DataDir,
		GitServers: o.Env.GitServers, Engines: o.Env.Engines, DeliveryActions: o.Env.DeliveryActions, Templates: templates.FS(), Log: log}
	var err error
	var wrong []spec.Finding
	if options.Roles, wrong = access.NewMapping("roles", config.Roles); len(wrong) > 0 {
		return nil, invalidConfig(spec.AsError(wrong))
	}
	if config.OIDC.CAFile != "" {
		if options.CA, err = os.ReadFile(config.OIDC.CAFile); err != nil {
			return nil, fault.Invalid(fmt.Errorf("oidc.caFile: %w", err), "")
		}
	}
	cluster, err := rest.InClusterConfig()
	switch {
	case err == nil:
		cluster.QPS, cluster.Burst = 50, 100
		if options.Kube, err = kube.New(cluster); err != nil {
			return nil, err
		}
	case !errors.Is(err, rest.ErrNotInCluster):
		return nil, fmt.Errorf("set up the cluster's client: %w", err)
	}
	all, err := catalog.Load(builtin.FS(), nil, nil)
	if err != nil {
		return nil, err
	}
	options.Tools = map[string]v1alpha1.Tool{}
	for name, tool := range all.Tools {
		options.Tools[name] = tool.Tool
	}
	if d := config.Platform.Delivery; d != nil {
		if options.Delivery = options.Tools[d.Tool].Spec.Delivery; options.Delivery == nil {
			return nil, fault.Invalid(fmt.Errorf("platform.delivery.tool: the catalogue has no delivery tool %q", d.Tool), "")
		}
	}
	return portal.New(ctx, options)
}

func (o *serverOptions) level() (slog.Level, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(o.Level)); err != nil {
		return level, fault.Invalid(fmt.Errorf("--log-level: %q is not one of debug, info, warn, error", o.Level), "")
	}
	return level, nil
}

// config reads the file, if there is one, and lays over it what was given besides.
func (o *serverOptions) config() (server.Config, *spec.Document, error) {
	config := server.Defaults()
	var doc *spec.Document
	if o.File != "" {
		file := o.File
		if !filepath.IsAbs(file) {
			file = filepath.Join(o.Env.Dir, file)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return config, nil, fault.Invalid(fmt.Errorf("read the configuration: %w", err), "")
		}
		if config, doc, err = server.DecodeConfig(o.File, text); err != nil {
			return config, doc, invalidConfig(err)
		}
	}
	for _, s := range serverSettings {
		if value, ok := o.Given[s.flag]; ok {
			*s.field(&config) = value
		}
	}
	return config, doc, nil
}

func invalidConfig(err error) error {
	var found spec.Errors
	if errors.As(err, &found) {
		return fault.Invalid(err, "correct the configuration; `slipway server --help` shows one")
	}
	return err
}

// reviewer asks the cluster that the server runs in about service accounts; nil where none may call.
func reviewer(config server.Config) (workload.Reviewer, error) {
	if config.Kubernetes.Audience == "" {
		return nil, nil
	}
	cluster, err := rest.InClusterConfig()
	if err != nil {
		return nil, fault.Invalid(fmt.Errorf("kubernetes.audience is set: %w", err),
			"leave it out where the server does not run in a cluster")
	}
	client, err := kubernetes.NewForConfig(cluster)
	if err != nil {
		return nil, fmt.Errorf("set up the cluster's client: %w", err)
	}
	return tokenreview.New(client.AuthenticationV1().TokenReviews()), nil
}
