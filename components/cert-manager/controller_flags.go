package main

import (
	"github.com/spf13/pflag"
	logsapi "k8s.io/component-base/logs/api/v1"

	config "github.com/cert-manager/cert-manager/internal/apis/config/controller"
	"github.com/cert-manager/cert-manager/internal/apis/config/controller/scheme"
	"github.com/cert-manager/cert-manager/internal/apis/config/controller/validation"
	"github.com/cert-manager/cert-manager/internal/apis/config/shared"
	"github.com/cert-manager/cert-manager/pkg/apis/config/controller/v1alpha1"
	"github.com/cert-manager/cert-manager/pkg/controller/configfile"
	"github.com/cert-manager/cert-manager/pkg/logs"
)

var controllerProgram = program[config.ControllerConfiguration]{
	name: "controller",
	defaults: func() (*config.ControllerConfiguration, error) {
		s, _, err := scheme.NewSchemeAndCodecs()
		if err != nil {
			return nil, err
		}
		published, own := &v1alpha1.ControllerConfiguration{}, &config.ControllerConfiguration{}
		s.Default(published)
		return own, s.Convert(published, own, nil)
	},
	addFlags: addControllerFlags,
	load: func(path string) (*config.ControllerConfiguration, error) {
		file := configfile.New()
		err := loadFile(path, file)
		return file.Config, err
	},
	validate: validation.ValidateControllerConfiguration,
	logging:  func(c *config.ControllerConfiguration) *logsapi.LoggingConfiguration { return &c.Logging },
	features: func(c *config.ControllerConfiguration) *map[string]bool { return &c.FeatureGates },
	start:    runController,
}

// addControllerFlags adds the flags of upstream's program by the same names, so that its chart and
// manifests work. Left out are profiling and metrics over TLS: this controller serves neither.
func addControllerFlags(f *pflag.FlagSet, c *config.ControllerConfiguration) {
	f.StringVar(&c.APIServerHost, "master", c.APIServerHost, "address of the API server, where it is not the kubeconfig's")
	f.StringVar(&c.KubeConfig, "kubeconfig", c.KubeConfig, "kubeconfig file, where it does not run in the cluster")
	f.Float32Var(&c.KubernetesAPIQPS, "kube-api-qps", c.KubernetesAPIQPS, "requests to the API server per second")
	f.IntVar(&c.KubernetesAPIBurst, "kube-api-burst", c.KubernetesAPIBurst, "requests to the API server that may come at once")
	f.StringVar(&c.Namespace, "namespace", c.Namespace, "the one namespace to work in, without ClusterIssuers; all where empty")
	f.StringVar(&c.ClusterResourceNamespace, "cluster-resource-namespace", c.ClusterResourceNamespace, "namespace of what ClusterIssuers own and refer to")
	addLeaderElectionFlags(f, &c.LeaderElectionConfig.LeaderElectionConfig)
	f.DurationVar(&c.LeaderElectionConfig.HealthzTimeout, "internal-healthz-leader-election-timeout", c.LeaderElectionConfig.HealthzTimeout, "time without a renewed lease after which a leader is unhealthy")

	f.StringSliceVar(&c.Controllers, "controllers", c.Controllers, `controllers to run; "*" is every default one, "-name" takes one out`)
	f.IntVar(&c.NumberOfConcurrentWorkers, "concurrent-workers", c.NumberOfConcurrentWorkers, "workers of each controller")
	f.IntVar(&c.MaxConcurrentChallenges, "max-concurrent-challenges", c.MaxConcurrentChallenges, "ACME challenges handled at once")
	f.BoolVar(&c.IssuerAmbientCredentials, "issuer-ambient-credentials", c.IssuerAmbientCredentials, "let Issuers use credentials of the machine")
	f.BoolVar(&c.ClusterIssuerAmbientCredentials, "cluster-issuer-ambient-credentials", c.ClusterIssuerAmbientCredentials, "let ClusterIssuers use credentials of the machine")
	f.BoolVar(&c.EnableCertificateOwnerRef, "enable-certificate-owner-ref", c.EnableCertificateOwnerRef, "remove a certificate's Secret together with the Certificate")
	f.BoolVar(&c.EnableGatewayAPI, "enable-gateway-api", c.EnableGatewayAPI, "issue certificates for Gateways too")
	f.StringSliceVar(&c.CopiedAnnotationPrefixes, "copied-annotation-prefixes", c.CopiedAnnotationPrefixes, `annotations to copy to requests; "-prefix" takes some out`)

	http := &c.ACMEHTTP01Config
	f.StringVar(&http.SolverImage, "acme-http01-solver-image", http.SolverImage, "image that answers HTTP-01 challenges")
	f.StringVar(&http.SolverResourceRequestCPU, "acme-http01-solver-resource-request-cpu", http.SolverResourceRequestCPU, "CPU the solver asks for")
	f.StringVar(&http.SolverResourceRequestMemory, "acme-http01-solver-resource-request-memory", http.SolverResourceRequestMemory, "memory the solver asks for")
	f.StringVar(&http.SolverResourceLimitsCPU, "acme-http01-solver-resource-limits-cpu", http.SolverResourceLimitsCPU, "CPU the solver may use")
	f.StringVar(&http.SolverResourceLimitsMemory, "acme-http01-solver-resource-limits-memory", http.SolverResourceLimitsMemory, "memory the solver may use")
	f.BoolVar(&http.SolverRunAsNonRoot, "acme-http01-solver-run-as-non-root", http.SolverRunAsNonRoot, "run the solver as a user other than root")
	f.StringSliceVar(&http.SolverNameservers, "acme-http01-solver-nameservers", http.SolverNameservers, "name servers, as host:port, for the check before an HTTP-01 challenge")
	dns := &c.ACMEDNS01Config
	f.StringSliceVar(&dns.RecursiveNameservers, "dns01-recursive-nameservers", dns.RecursiveNameservers, "name servers, as host:port or a DNS-over-HTTPS address, for the check before a DNS-01 challenge")
	f.BoolVar(&dns.RecursiveNameserversOnly, "dns01-recursive-nameservers-only", dns.RecursiveNameserversOnly, "ask only these name servers, never the zone's own")
	f.DurationVar(&dns.CheckRetryPeriod, "dns01-check-retry-period", dns.CheckRetryPeriod, "time between two checks before a challenge")

	shim := &c.IngressShimConfig
	f.StringVar(&shim.DefaultIssuerName, "default-issuer-name", shim.DefaultIssuerName, "issuer for Ingresses that name none")
	f.StringVar(&shim.DefaultIssuerKind, "default-issuer-kind", shim.DefaultIssuerKind, "kind of that issuer")
	f.StringVar(&shim.DefaultIssuerGroup, "default-issuer-group", shim.DefaultIssuerGroup, "API group of that issuer")
	f.StringSliceVar(&shim.DefaultAutoCertificateAnnotations, "auto-certificate-annotations", shim.DefaultAutoCertificateAnnotations, "annotations by which an Ingress asks for a certificate")
	f.StringSliceVar(&shim.ExtraCertificateAnnotations, "extra-certificate-annotations", shim.ExtraCertificateAnnotations, "annotations to copy from an Ingress to its Certificate")

	f.StringVar(&c.MetricsListenAddress, "metrics-listen-address", c.MetricsListenAddress, `address to serve metrics on, "0" for none`)
	f.StringVar(&c.HealthzListenAddress, "internal-healthz-listen-address", c.HealthzListenAddress, "address to serve /livez on")
	addFeatureFlag(f, &c.FeatureGates)
	logs.AddFlags(&c.Logging, f)
}

func addLeaderElectionFlags(f *pflag.FlagSet, c *shared.LeaderElectionConfig) {
	f.BoolVar(&c.Enabled, "leader-elect", c.Enabled, "let only one of several replicas work")
	f.StringVar(&c.Namespace, "leader-election-namespace", c.Namespace, "namespace of the lease")
	f.DurationVar(&c.LeaseDuration, "leader-election-lease-duration", c.LeaseDuration, "time a lease holds without being renewed")
	f.DurationVar(&c.RenewDeadline, "leader-election-renew-deadline", c.RenewDeadline, "time a leader tries to renew before it stops")
	f.DurationVar(&c.RetryPeriod, "leader-election-retry-period", c.RetryPeriod, "time between two tries")
}
