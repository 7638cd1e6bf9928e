package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloudnativelabs/kube-router/v2/pkg/controllers/netpol"
	"github.com/cloudnativelabs/kube-router/v2/pkg/healthcheck"
	"github.com/cloudnativelabs/kube-router/v2/pkg/options"
	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apiserver/pkg/server"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
)

// newNetworkPolicyCommand enforces NetworkPolicies on the node that it runs on: kube-router's firewall, without its
// routing and its service proxy, and with a health endpoint on loopback: kube-router's own answers on every address.
func newNetworkPolicyCommand() *cobra.Command {
	config := options.NewKubeRouterConfig()
	config.EnableIPv4 = true
	var healthz string
	command := &cobra.Command{
		Use:          "kube-network-policy",
		Short:        "Enforce NetworkPolicies on this node by iptables and ipset",
		SilenceUsage: true,
		Args:         cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return enforce(server.SetupSignalContext(), config, healthz)
		},
	}
	flags := command.Flags()
	flags.StringVar(&config.Kubeconfig, "kubeconfig", "", "FILE with which to reach the API server")
	flags.StringVar(&config.HostnameOverride, "hostname-override", "", "NAME of the node, as the API has it")
	flags.StringSliceVar(&config.ClusterIPCIDRs, "service-cluster-ip-range", config.ClusterIPCIDRs, "RANGE of services' addresses")
	flags.StringVar(&healthz, "healthz-bind-address", "127.0.0.1:20244", "ADDRESS that answers /healthz")
	return command
}

// enforce runs until ctx ends.
func enforce(ctx context.Context, config *options.KubeRouterConfig, healthz string) error {
	beats := make(chan *healthcheck.ControllerHeartbeat, 1)
	failed := make(chan error, 1)
	answers := &http.Server{Addr: healthz, ReadHeaderTimeout: 5 * time.Second, Handler: health(beats, 2*config.IPTablesSyncPeriod)}
	go func() { failed <- answers.ListenAndServe() }()
	defer answers.Close()
	controller, err := newController(ctx, config)
	if err != nil {
		return err
	}
	var running sync.WaitGroup
	running.Add(1)
	go controller.Run(beats, ctx.Done(), &running)
	select {
	case err = <-failed:
		return fmt.Errorf("answer for health: %w", err)
	case <-ctx.Done():
		running.Wait()
		return nil
	}
}

// health answers /healthz for as long as there are beats. The controller beats with each pass, at least once in its
// period; the first one comes when the API lets this program read, which is after the node is up.
func health(beats <-chan *healthcheck.ControllerHeartbeat, patience time.Duration) http.Handler {
	var last atomic.Int64
	last.Store(time.Now().UnixNano())
	go func() {
		for beat := range beats {
			last.Store(beat.LastHeartBeat.UnixNano())
		}
	}()
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) {
		if since := time.Since(time.Unix(0, last.Load())); since > patience {
			http.Error(w, fmt.Sprintf("no pass over the policies for %s", since.Round(time.Second)), http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ok"))
	})
	return mux
}

// newController waits until it may read the API and the node has an address, and makes the controller.
func newController(ctx context.Context, config *options.KubeRouterConfig) (*netpol.NetworkPolicyController, error) {
	rest, err := clientcmd.BuildConfigFromFlags("", config.Kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("read the kubeconfig: %w", err)
	}
	client, err := kubernetes.NewForConfig(rest)
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	err = wait.PollUntilContextCancel(ctx, time.Second, true, func(ctx context.Context) (bool, error) {
		node, err := client.CoreV1().Nodes().Get(ctx, config.HostnameOverride, metav1.GetOptions{})
		if err != nil {
			klog.Infof("Waiting for node %s: %v", config.HostnameOverride, err)
		}
		return err == nil && len(node.Status.Addresses) > 0, nil
	})
	if err != nil {
		return nil, fmt.Errorf("wait for node %s: %w", config.HostnameOverride, err)
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	pods := factory.Core().V1().Pods().Informer()
	namespaces := factory.Core().V1().Namespaces().Informer()
	policies := factory.Networking().V1().NetworkPolicies().Informer()
	factory.Start(ctx.Done())
	for kind, synced := range factory.WaitForCacheSync(ctx.Done()) {
		if !synced {
			return nil, fmt.Errorf("list %s: %w", kind, context.Cause(ctx))
		}
	}
	iptables, ipsets, err := netpol.NewIPTablesHandlers(config)
	if err != nil {
		return nil, fmt.Errorf("find iptables and ipset: %w", err)
	}
	controller, err := netpol.NewNetworkPolicyController(client, config, pods, policies, namespaces, &sync.Mutex{}, iptables, ipsets)
	if err != nil {
		return nil, fmt.Errorf("make the controller: %w", err)
	}
	for _, watch := range []struct {
		informer cache.SharedIndexInformer
		handler  cache.ResourceEventHandler
	}{{pods, controller.PodEventHandler}, {namespaces, controller.NamespaceEventHandler}, {policies, controller.NetworkPolicyEventHandler}} {
		if _, err := watch.informer.AddEventHandler(watch.handler); err != nil {
			return nil, fmt.Errorf("watch the API: %w", err)
		}
	}
	return controller, nil
}
