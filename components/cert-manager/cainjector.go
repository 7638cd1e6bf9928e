package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/pflag"
	core "k8s.io/api/core/v1"
	extensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	kube "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	logsapi "k8s.io/component-base/logs/api/v1"
	aggregation "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	config "github.com/cert-manager/cert-manager/internal/apis/config/cainjector"
	"github.com/cert-manager/cert-manager/internal/apis/config/cainjector/scheme"
	"github.com/cert-manager/cert-manager/internal/apis/config/cainjector/validation"
	_ "github.com/cert-manager/cert-manager/internal/cainjector/feature" // registers its feature gates
	kubeconfig "github.com/cert-manager/cert-manager/internal/kube"
	"github.com/cert-manager/cert-manager/pkg/apis/config/cainjector/v1alpha1"
	"github.com/cert-manager/cert-manager/pkg/cainjector/configfile"
	certmanager "github.com/cert-manager/cert-manager/pkg/client/clientset/versioned/scheme"
	"github.com/cert-manager/cert-manager/pkg/controller/cainjector"
	"github.com/cert-manager/cert-manager/pkg/logs"
	"github.com/cert-manager/cert-manager/pkg/util"
)

var injectorProgram = program[config.CAInjectorConfiguration]{
	name: "cainjector",
	defaults: func() (*config.CAInjectorConfiguration, error) {
		s, _, err := scheme.NewSchemeAndCodecs()
		if err != nil {
			return nil, err
		}
		published, own := &v1alpha1.CAInjectorConfiguration{}, &config.CAInjectorConfiguration{}
		s.Default(published)
		return own, s.Convert(published, own, nil)
	},
	addFlags: addInjectorFlags,
	load: func(path string) (*config.CAInjectorConfiguration, error) {
		file := configfile.New()
		err := loadFile(path, file)
		return file.Config, err
	},
	validate: validation.ValidateCAInjectorConfiguration,
	logging:  func(c *config.CAInjectorConfiguration) *logsapi.LoggingConfiguration { return &c.Logging },
	features: func(c *config.CAInjectorConfiguration) *map[string]bool { return &c.FeatureGates },
	start:    runInjector,
}

func addInjectorFlags(f *pflag.FlagSet, c *config.CAInjectorConfiguration) {
	f.StringVar(&c.KubeConfig, "kubeconfig", c.KubeConfig, "kubeconfig file, where it does not run in the cluster")
	f.StringVar(&c.Namespace, "namespace", c.Namespace, "the one namespace to work in; all where empty")
	addLeaderElectionFlags(f, &c.LeaderElectionConfig)
	f.BoolVar(&c.EnableDataSourceConfig.Certificates, "enable-certificates-data-source", c.EnableDataSourceConfig.Certificates, "take authorities from Certificates too")
	inject := &c.EnableInjectableConfig
	f.BoolVar(&inject.ValidatingWebhookConfigurations, "enable-validatingwebhookconfigurations-injectable", inject.ValidatingWebhookConfigurations, "inject into ValidatingWebhookConfigurations")
	f.BoolVar(&inject.MutatingWebhookConfigurations, "enable-mutatingwebhookconfigurations-injectable", inject.MutatingWebhookConfigurations, "inject into MutatingWebhookConfigurations")
	f.BoolVar(&inject.CustomResourceDefinitions, "enable-customresourcedefinitions-injectable", inject.CustomResourceDefinitions, "inject into CustomResourceDefinitions")
	f.BoolVar(&inject.APIServices, "enable-apiservices-injectable", inject.APIServices, "inject into APIServices")
	f.StringVar(&c.MetricsListenAddress, "metrics-listen-address", c.MetricsListenAddress, `address to serve metrics on, "0" for none`)
	addFeatureFlag(f, &c.FeatureGates)
	logs.AddFlags(&c.Logging, f)
}

func runInjector(ctx context.Context, c *config.CAInjectorConfiguration) error {
	ctrl.SetLogger(logs.FromContext(ctx))
	kubeConfig, err := kubeconfig.BuildClientConfig("", c.KubeConfig)
	if err != nil {
		return fmt.Errorf("read the cluster's address: %w", err)
	}
	manager, err := newInjectorManager(util.RestConfigWithUserAgent(kubeConfig, "cainjector"), c)
	if err != nil {
		return err
	}
	if c.EnableDataSourceConfig.Certificates {
		if err := waitForCertificates(ctx, manager); err != nil {
			return err
		}
	}
	err = cainjector.RegisterAllInjectors(ctx, manager, cainjector.SetupOptions{
		Namespace:                    c.Namespace,
		EnableCertificatesDataSource: c.EnableDataSourceConfig.Certificates,
		EnabledReconcilersFor: map[string]bool{
			cainjector.MutatingWebhookConfigurationName:   c.EnableInjectableConfig.MutatingWebhookConfigurations,
			cainjector.ValidatingWebhookConfigurationName: c.EnableInjectableConfig.ValidatingWebhookConfigurations,
			cainjector.APIServiceName:                     c.EnableInjectableConfig.APIServices,
			cainjector.CustomResourceDefinitionName:       c.EnableInjectableConfig.CustomResourceDefinitions,
		},
	})
	if err != nil {
		return fmt.Errorf("set up the injectors: %w", err)
	}
	return manager.Start(ctx)
}

func newInjectorManager(kubeConfig *rest.Config, c *config.CAInjectorConfiguration) (ctrl.Manager, error) {
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{kube.AddToScheme, certmanager.AddToScheme, extensions.AddToScheme, aggregation.AddToScheme} {
		if err := add(s); err != nil {
			return nil, fmt.Errorf("register types: %w", err)
		}
	}
	var namespaces map[string]cache.Config
	if c.Namespace != "" {
		namespaces = map[string]cache.Config{c.Namespace: {}}
	}
	election := &c.LeaderElectionConfig
	manager, err := ctrl.NewManager(kubeConfig, ctrl.Options{
		Scheme: s,
		Cache:  cache.Options{DefaultNamespaces: namespaces, ReaderFailOnMissingInformer: true},
		// Secrets are read one by one when needed, never held: a cluster may have a great many.
		Client:                        client.Options{Cache: &client.CacheOptions{DisableFor: []client.Object{&core.Secret{}}}},
		LeaderElection:                election.Enabled,
		LeaderElectionNamespace:       election.Namespace,
		LeaderElectionID:              "cert-manager-cainjector-leader-election",
		LeaderElectionReleaseOnCancel: true,
		LeaderElectionResourceLock:    resourcelock.LeasesResourceLock,
		LeaseDuration:                 &election.LeaseDuration,
		RenewDeadline:                 &election.RenewDeadline,
		RetryPeriod:                   &election.RetryPeriod,
		Metrics:                       server.Options{BindAddress: c.MetricsListenAddress},
	})
	if err != nil {
		return nil, fmt.Errorf("set up the injector: %w", err)
	}
	return manager, nil
}

// waitForCertificates waits until the cluster knows Certificates, which may be installed after this.
func waitForCertificates(ctx context.Context, manager ctrl.Manager) error {
	const definition = "certificates.cert-manager.io"
	direct, err := client.New(manager.GetConfig(), client.Options{Scheme: manager.GetScheme(), Mapper: manager.GetRESTMapper()})
	if err != nil {
		return fmt.Errorf("make a client: %w", err)
	}
	err = wait.PollUntilContextTimeout(ctx, time.Second, 5*time.Minute, true, func(ctx context.Context) (bool, error) {
		err := direct.Get(ctx, types.NamespacedName{Name: definition}, &extensions.CustomResourceDefinition{})
		if errors.IsNotFound(err) {
			logs.FromContext(ctx).Info("waiting for a custom resource definition", "name", definition)
			return false, nil
		}
		return err == nil, err
	})
	if err != nil {
		return fmt.Errorf("wait for the custom resource definition %s: %w", definition, err)
	}
	return nil
}
