package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"

	argo "github.com/argoproj/argo-workflows/v3"
	"github.com/argoproj/argo-workflows/v3/pkg/client/clientset/versioned"
	"github.com/argoproj/argo-workflows/v3/util/cmd"
	"github.com/argoproj/argo-workflows/v3/util/env"
	"github.com/argoproj/argo-workflows/v3/util/kube/cli"
	"github.com/argoproj/argo-workflows/v3/util/logs"
	"github.com/argoproj/argo-workflows/v3/workflow/common"
	"github.com/argoproj/argo-workflows/v3/workflow/controller"
	"github.com/argoproj/argo-workflows/v3/workflow/events"
	"github.com/argoproj/argo-workflows/v3/workflow/metrics"
)

// controllerName names the command and the lease its replicas elect their leader by.
const controllerName = "workflow-controller"

// controllerOptions are the flags of upstream's cmd/workflow-controller, whose command lives in a
// package main and so can't be imported. Names and defaults must stay upstream's: manifests use them.
type controllerOptions struct {
	configMap          string
	executorImage      string
	executorPullPolicy string
	executorPlugins    bool
	namespaced         bool
	managedNamespace   string
	logLevel           string
	logFormat          string
	glogLevel          int
	burst              int
	qps                float32
	workers            workers
	client             clientcmd.ClientConfig
}

// workers says how many of each kind of work run at once.
type workers struct{ workflow, ttl, podCleanup, cron, archive int }

func newControllerCommand() *cobra.Command {
	o := &controllerOptions{}
	command := &cobra.Command{
		Use:           controllerName,
		Short:         "Run the workflows that stand in the cluster",
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          func(c *cobra.Command, _ []string) error { return o.run(c.Context()) },
	}
	o.client = cli.AddKubectlFlagsToCmd(command)
	o.addFlags(command.Flags())
	command.AddCommand(cmd.NewVersionCmd(controllerName))
	return command
}

func (o *controllerOptions) addFlags(f *pflag.FlagSet) {
	f.StringVar(&o.configMap, "configmap", common.ConfigMapName, "ConfigMap that holds the controller's configuration")
	f.StringVar(&o.executorImage, "executor-image", "", "executor image, in place of the configured one")
	f.StringVar(&o.executorPullPolicy, "executor-image-pull-policy", "", "pull policy of the executor image, in place of the configured one")
	f.BoolVar(&o.executorPlugins, "executor-plugins", false, "let executor plugins run")
	f.BoolVar(&o.namespaced, "namespaced", false, "watch one namespace only")
	f.StringVar(&o.managedNamespace, "managed-namespace", "", "the namespace to watch with --namespaced; the controller's own where empty")
	f.StringVar(&o.logLevel, "loglevel", "info", "debug, info, warn or error")
	f.StringVar(&o.logFormat, "log-format", "text", "text or json")
	f.IntVar(&o.glogLevel, "gloglevel", 0, "verbosity of the Kubernetes client's log")
	f.IntVar(&o.burst, "burst", 30, "requests to the API server that may come at once")
	f.Float32Var(&o.qps, "qps", 20, "requests to the API server per second")
	f.IntVar(&o.workers.workflow, "workflow-workers", 32, "workflows handled at once")
	f.IntVar(&o.workers.ttl, "workflow-ttl-workers", 4, "expired workflows removed at once")
	f.IntVar(&o.workers.podCleanup, "pod-cleanup-workers", 4, "pods cleaned up at once")
	f.IntVar(&o.workers.cron, "cron-workflow-workers", 8, "scheduled workflows handled at once")
	f.IntVar(&o.workers.archive, "workflow-archive-workers", 8, "workflows archived at once")
	setFromEnvironment(f)
}

// setFromEnvironment lets ARGO_<FLAG> give a flag's default, as upstream's command does.
func setFromEnvironment(f *pflag.FlagSet) {
	f.VisitAll(func(flag *pflag.Flag) {
		name := "ARGO_" + strings.ToUpper(strings.ReplaceAll(flag.Name, "-", "_"))
		value := os.Getenv(name)
		if value == "" {
			return
		}
		if err := f.Set(flag.Name, value); err != nil {
			logrus.WithError(err).Fatalf("environment variable %s", name)
		}
	})
}

func (o *controllerOptions) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd.SetLogLevel(o.logLevel)
	cmd.SetGLogLevel(o.glogLevel)
	cmd.SetLogFormatter(o.logFormat)

	config, err := o.clientConfig(ctx)
	if err != nil {
		return err
	}
	namespace, _, err := o.client.Namespace()
	if err != nil {
		return fmt.Errorf("find the controller's namespace: %w", err)
	}
	kube, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("make the Kubernetes client: %w", err)
	}
	argoClient, err := versioned.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("make the workflow client: %w", err)
	}
	c, err := controller.NewWorkflowController(ctx, config, kube, argoClient, namespace, o.watched(namespace),
		o.executorImage, o.executorPullPolicy, o.logFormat, o.configMap, o.executorPlugins)
	if err != nil {
		return fmt.Errorf("set up the controller: %w", err)
	}
	go serveHealth(c)

	if os.Getenv("LEADER_ELECTION_DISABLE") == "true" {
		o.lead(ctx, c)
		return nil
	}
	identity := os.Getenv("LEADER_ELECTION_IDENTITY")
	if identity == "" {
		return errors.New("LEADER_ELECTION_IDENTITY must name this replica; set it to the pod's name, or LEADER_ELECTION_DISABLE=true for a single replica")
	}
	return o.standForElection(ctx, c, kube, namespace, identity)
}

func (o *controllerOptions) clientConfig(ctx context.Context) (*rest.Config, error) {
	config, err := o.client.ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("read the cluster's address: %w", err)
	}
	config = rest.AddUserAgent(config, "argo-workflows/"+argo.GetVersion().Version+" argo-controller")
	config.Burst = o.burst
	config.QPS = o.qps
	logs.AddK8SLogTransportWrapper(config)
	metrics.AddMetricsTransportWrapper(ctx, config)
	return config, nil
}

// watched returns the namespace to watch, "" for all.
func (o *controllerOptions) watched(own string) string {
	switch {
	case !o.namespaced:
		return ""
	case o.managedNamespace == "":
		return own
	default:
		return o.managedNamespace
	}
}

// lead runs the controller until ctx ends.
func (o *controllerOptions) lead(ctx context.Context, c *controller.WorkflowController) {
	go c.Run(ctx, o.workers.workflow, o.workers.ttl, o.workers.podCleanup, o.workers.cron, o.workers.archive)
	c.RunPrometheusServer(ctx, false)
	<-ctx.Done()
}

// standForElection leads once this replica holds the lease, and ends the process when it loses it:
// the controller's caches can't be handed over.
func (o *controllerOptions) standForElection(ctx context.Context, c *controller.WorkflowController, kube kubernetes.Interface, namespace, identity string) error {
	name := controllerName
	if id := c.Config.InstanceID; id != "" {
		name += "-" + id
	}
	// While it waits, a replica answers on the metrics port without any metrics.
	waiting, stopWaiting := context.WithCancel(ctx)
	defer stopWaiting()
	portFree := make(chan struct{})
	go func() {
		defer close(portFree)
		c.RunPrometheusServer(waiting, true)
	}()
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: &resourcelock.LeaseLock{
			LeaseMeta: metav1.ObjectMeta{Name: name, Namespace: namespace},
			Client:    kube.CoordinationV1(),
			LockConfig: resourcelock.ResourceLockConfig{
				Identity:      identity,
				EventRecorder: events.NewEventRecorderManager(kube).Get(namespace),
			},
		},
		LeaseDuration: env.LookupEnvDurationOr("LEADER_ELECTION_LEASE_DURATION", 15*time.Second),
		RenewDeadline: env.LookupEnvDurationOr("LEADER_ELECTION_RENEW_DEADLINE", 10*time.Second),
		RetryPeriod:   env.LookupEnvDurationOr("LEADER_ELECTION_RETRY_PERIOD", 5*time.Second),
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(ctx context.Context) {
				stopWaiting()
				<-portFree
				o.lead(ctx, c)
			},
			OnStoppedLeading: func() { logrus.WithField("id", identity).Info("stopped leading") },
			OnNewLeader:      func(leader string) { logrus.WithField("leader", leader).Info("new leader") },
		},
	})
	if err != nil {
		return fmt.Errorf("set up leader election: %w", err)
	}
	elector.Run(ctx)
	if ctx.Err() == nil {
		return fmt.Errorf("lost the lease %s/%s", namespace, name)
	}
	return nil
}

// serveHealth answers the liveness probe of upstream's manifests.
func serveHealth(c *controller.WorkflowController) {
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", c.Healthz)
	server := &http.Server{Addr: ":6060", Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	if err := server.ListenAndServe(); err != nil {
		logrus.WithError(err).Error("serve /healthz on port 6060")
	}
}
