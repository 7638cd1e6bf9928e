package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"

	config "github.com/cert-manager/cert-manager/internal/apis/config/controller"
	known "github.com/cert-manager/cert-manager/internal/apis/config/controller/v1alpha1"
	features "github.com/cert-manager/cert-manager/internal/controller/feature"
	"github.com/cert-manager/cert-manager/pkg/controller"
	gateways "github.com/cert-manager/cert-manager/pkg/controller/certificate-shim/gateways"
	"github.com/cert-manager/cert-manager/pkg/healthz"
	"github.com/cert-manager/cert-manager/pkg/issuer/acme/dns/util"
	"github.com/cert-manager/cert-manager/pkg/logs"
	"github.com/cert-manager/cert-manager/pkg/util/feature"
)

const leaseName = "cert-manager-controller"

func runController(ctx context.Context, c *config.ControllerConfiguration) error {
	options, err := contextOptions(c)
	if err != nil {
		return err
	}
	factory, err := controller.NewContextFactory(ctx, options)
	if err != nil {
		return fmt.Errorf("set up the controllers: %w", err)
	}
	shared, err := factory.Build()
	if err != nil {
		return fmt.Errorf("set up the controllers: %w", err)
	}
	health := healthz.NewServer(c.LeaderElectionConfig.HealthzTimeout)

	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return serveMetrics(ctx, c, shared) })
	group.Go(func() error {
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.HealthzListenAddress)
		if err != nil {
			return fmt.Errorf("serve /livez: %w", err)
		}
		return health.Start(ctx, listener)
	})
	group.Go(func() error {
		lead := func(ctx context.Context) error { return runControllers(ctx, c, factory, shared) }
		if !c.LeaderElectionConfig.Enabled {
			return lead(ctx)
		}
		return standForElection(ctx, c, shared, health.LeaderHealthzAdaptor, lead)
	})
	return group.Wait()
}

// runControllers runs every enabled controller until ctx ends or one of them fails.
func runControllers(ctx context.Context, c *config.ControllerConfiguration, factory *controller.ContextFactory, shared *controller.Context) error {
	log := logs.FromContext(ctx)
	running := map[string]controller.Interface{}
	constructors := controller.Known()
	for _, name := range enabledControllers(c) {
		construct, ok := constructors[name]
		if !ok {
			return fmt.Errorf("no controller is called %q", name)
		}
		var err error
		if running[name], err = construct(factory); err != nil {
			return fmt.Errorf("set up the controller %s: %w", name, err)
		}
	}
	// Controllers have asked for their informers while they were set up; only now can those start.
	shared.SharedInformerFactory.Start(ctx.Done())
	shared.KubeSharedInformerFactory.Start(ctx.Done())
	shared.HTTP01ResourceMetadataInformersFactory.Start(ctx.Done())
	if shared.GatewaySolverEnabled {
		shared.GWShared.Start(ctx.Done())
	}
	group, ctx := errgroup.WithContext(ctx)
	for name, one := range running {
		group.Go(func() error {
			log.V(logs.InfoLevel).Info("starting controller", "controller", name)
			if err := one.Run(c.NumberOfConcurrentWorkers, ctx); err != nil {
				return fmt.Errorf("controller %s: %w", name, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// enabledControllers expands --controllers: "*" is every default one, "-name" takes one out.
func enabledControllers(c *config.ControllerConfiguration) []string {
	var enabled []string
	taken := map[string]bool{}
	for _, name := range c.Controllers {
		switch {
		case name == "*":
			enabled = append(enabled, known.DefaultEnabledControllers...)
		case strings.HasPrefix(name, "-"):
			taken[name[1:]] = true
		default:
			enabled = append(enabled, name)
		}
	}
	if feature.DefaultFeatureGate.Enabled(features.ExperimentalCertificateSigningRequestControllers) {
		enabled = append(enabled, known.ExperimentalCertificateSigningRequestControllers...)
	}
	if feature.DefaultFeatureGate.Enabled(features.ExperimentalGatewayAPISupport) && c.EnableGatewayAPI {
		enabled = append(enabled, gateways.ControllerName)
	}
	if c.Namespace != "" {
		for _, name := range known.ClusterScopedControllers {
			taken[name] = true
		}
	}
	slices.Sort(enabled)
	return slices.DeleteFunc(slices.Compact(enabled), func(name string) bool { return taken[name] })
}

// standForElection runs lead once this replica holds the lease and gives the lease back at the end,
// so that the next replica need not wait for it to expire.
func standForElection(ctx context.Context, c *config.ControllerConfiguration, shared *controller.Context, watchdog *leaderelection.HealthzAdaptor, lead func(context.Context) error) error {
	host, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("name this replica: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: &resourcelock.LeaseLock{
			LeaseMeta:  meta.ObjectMeta{Name: leaseName, Namespace: c.LeaderElectionConfig.Namespace},
			Client:     shared.Client.CoordinationV1(),
			LockConfig: resourcelock.ResourceLockConfig{Identity: host + "-external-" + leaseName, EventRecorder: shared.Recorder},
		},
		LeaseDuration:   c.LeaderElectionConfig.LeaseDuration,
		RenewDeadline:   c.LeaderElectionConfig.RenewDeadline,
		RetryPeriod:     c.LeaderElectionConfig.RetryPeriod,
		ReleaseOnCancel: true,
		WatchDog:        watchdog,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(ctx context.Context) {
				done <- lead(ctx)
				cancel()
			},
			OnStoppedLeading: func() { logs.FromContext(ctx).V(logs.InfoLevel).Info("stopped leading") },
		},
	})
	if err != nil {
		return fmt.Errorf("set up leader election: %w", err)
	}
	elector.Run(ctx)
	stopped := ctx.Err() != nil
	select {
	case err := <-done:
		return err
	default:
	}
	if stopped {
		return nil
	}
	return errors.New("lost the lease " + leaseName)
}

func serveMetrics(ctx context.Context, c *config.ControllerConfiguration, shared *controller.Context) error {
	if c.MetricsListenAddress == "0" {
		return nil
	}
	informers := shared.SharedInformerFactory
	shared.Metrics.SetupACMECollector(informers.Acme().V1().Challenges().Lister())
	shared.Metrics.SetupCertificateCollector(informers.Certmanager().V1().Certificates().Lister())
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.MetricsListenAddress)
	if err != nil {
		return fmt.Errorf("serve metrics: %w", err)
	}
	server := shared.Metrics.NewServer(listener)
	context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = server.Shutdown(grace)
	})
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve metrics: %w", err)
	}
	return nil
}

// contextOptions is the configuration as the controllers want it.
func contextOptions(c *config.ControllerConfiguration) (controller.ContextOptions, error) {
	http, dns, shim := c.ACMEHTTP01Config, c.ACMEDNS01Config, c.IngressShimConfig
	quantities := map[string]resource.Quantity{}
	for _, value := range []string{http.SolverResourceRequestCPU, http.SolverResourceRequestMemory, http.SolverResourceLimitsCPU, http.SolverResourceLimitsMemory} {
		quantity, err := resource.ParseQuantity(value)
		if err != nil {
			return controller.ContextOptions{}, fmt.Errorf("resources of the HTTP-01 solver, %q: %w", value, err)
		}
		quantities[value] = quantity
	}
	nameservers := dns.RecursiveNameservers
	if len(nameservers) == 0 {
		nameservers = util.RecursiveNameservers
	}
	return controller.ContextOptions{
		APIServerHost:      c.APIServerHost,
		Kubeconfig:         c.KubeConfig,
		KubernetesAPIQPS:   c.KubernetesAPIQPS,
		KubernetesAPIBurst: c.KubernetesAPIBurst,
		Namespace:          c.Namespace,
		ACMEOptions: controller.ACMEOptions{
			HTTP01SolverImage:                 http.SolverImage,
			HTTP01SolverResourceRequestCPU:    quantities[http.SolverResourceRequestCPU],
			HTTP01SolverResourceRequestMemory: quantities[http.SolverResourceRequestMemory],
			HTTP01SolverResourceLimitsCPU:     quantities[http.SolverResourceLimitsCPU],
			HTTP01SolverResourceLimitsMemory:  quantities[http.SolverResourceLimitsMemory],
			ACMEHTTP01SolverRunAsNonRoot:      http.SolverRunAsNonRoot,
			HTTP01SolverNameservers:           http.SolverNameservers,
			DNS01Nameservers:                  nameservers,
			DNS01CheckRetryPeriod:             dns.CheckRetryPeriod,
			DNS01CheckAuthoritative:           !dns.RecursiveNameserversOnly,
		},
		IssuerOptions: controller.IssuerOptions{
			ClusterResourceNamespace:        c.ClusterResourceNamespace,
			ClusterIssuerAmbientCredentials: c.ClusterIssuerAmbientCredentials,
			IssuerAmbientCredentials:        c.IssuerAmbientCredentials,
		},
		IngressShimOptions: controller.IngressShimOptions{
			DefaultIssuerName:                 shim.DefaultIssuerName,
			DefaultIssuerKind:                 shim.DefaultIssuerKind,
			DefaultIssuerGroup:                shim.DefaultIssuerGroup,
			DefaultAutoCertificateAnnotations: shim.DefaultAutoCertificateAnnotations,
			ExtraCertificateAnnotations:       shim.ExtraCertificateAnnotations,
		},
		CertificateOptions: controller.CertificateOptions{
			EnableOwnerRef:           c.EnableCertificateOwnerRef,
			CopiedAnnotationPrefixes: c.CopiedAnnotationPrefixes,
		},
		SchedulerOptions: controller.SchedulerOptions{MaxConcurrentChallenges: c.MaxConcurrentChallenges},
		ConfigOptions:    controller.ConfigOptions{EnableGatewayAPI: c.EnableGatewayAPI},
	}, nil
}
