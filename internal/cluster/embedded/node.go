package embedded

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/cluster/embedded/nodeconf"
	"github.com/slipway-dev/slipway/internal/plan"
	"github.com/slipway-dev/slipway/internal/progress"
)

// Options says which node is meant and how it is to be.
type Options struct {
	// Name is the platform's name; the node, its link and its firewall table are named after it.
	Name string
	// Domain is the platform's domain; NAME.localhost where empty. The node resolves names below
	// it to the gateway, so that images can be pulled from the platform's own registry.
	Domain string
	// StateDir holds everything the node keeps: data, keys, configuration, logs.
	StateDir string
	// BinDir holds the programs of the kubernetes component.
	BinDir string
	// Store is the directory of the image store, served to containerd.
	Store string
	// Cluster is the node's section of the Platform file.
	Cluster v1alpha1.EmbeddedCluster
	// Proxy is what containerd pulls through; may be empty.
	Proxy v1alpha1.Proxy
	// Mirrors maps a registry's host to the host, and optional path, from which containerd pulls
	// what the store lacks.
	Mirrors map[string]string
	// Report takes progress; nil discards it.
	Report progress.Reporter
}

// Node is one embedded node. Its methods may be called from any process: what they share is in
// the state directory and behind the node's control socket.
type Node struct {
	opts Options
	dir  nodeconf.Layout
}

// New names a node; it touches nothing.
func New(o Options) *Node {
	if o.Report == nil {
		o.Report = progress.Discard
	}
	if o.Domain == "" {
		o.Domain = o.Name + ".localhost"
	}
	if o.Cluster.Listen == "" {
		o.Cluster.Listen = "127.0.0.1"
	}
	if o.Cluster.PodCIDR == "" {
		o.Cluster.PodCIDR = "10.244.0.0/16"
	}
	if o.Cluster.ServiceCIDR == "" {
		o.Cluster.ServiceCIDR = "10.96.0.0/16"
	}
	if abs, err := filepath.Abs(o.StateDir); err == nil {
		o.StateDir = abs
	}
	return &Node{opts: o, dir: nodeconf.Layout(o.StateDir)}
}

// Kubeconfig is the path of the administrator's kubeconfig; the file exists once Up got that far.
func (n *Node) Kubeconfig() string { return n.dir.Kubeconfig("admin") }

// Logs is the directory of the parts' logs.
func (n *Node) Logs() string { return n.dir.Logs() }

// Environment tells what the node contributes to expressions. Ports and addresses are chosen on
// the first call and kept in the state directory, if that exists.
func (n *Node) Environment(ctx context.Context) (plan.Environment, error) {
	s, err := n.settings(ctx)
	if err != nil {
		return plan.Environment{}, err
	}
	spec, err := n.spec(s)
	if err != nil {
		return plan.Environment{}, err
	}
	return plan.Environment{
		Provider:        v1alpha1.ProviderEmbedded,
		Port:            spec.Port,
		GatewayIP:       spec.GatewayIP.String(),
		DNSIP:           spec.DNSIP.String(),
		PodCIDR:         spec.PodCIDR.String(),
		ServiceCIDR:     spec.ServiceCIDR.String(),
		GatewayNodePort: spec.NodePort,
		Nameservers:     []string{spec.HostIP.String()},
		VolumesDir:      nodeconf.VolumesRoot,
	}, nil
}

// spec is the node's whole configuration, but for what is found out about the host.
func (n *Node) spec(s settings) (nodeconf.Spec, error) {
	o := n.opts
	pods, err := netip.ParsePrefix(o.Cluster.PodCIDR)
	if err != nil || !pods.Addr().Is4() {
		return nodeconf.Spec{}, fmt.Errorf("spec.cluster.embedded.podCIDR: %q is not an IPv4 network", o.Cluster.PodCIDR)
	}
	services, err := netip.ParsePrefix(o.Cluster.ServiceCIDR)
	if err != nil || !services.Addr().Is4() || services.Bits() > 24 {
		return nodeconf.Spec{}, fmt.Errorf("spec.cluster.embedded.serviceCIDR: %q is not an IPv4 network of /24 or larger", o.Cluster.ServiceCIDR)
	}
	if pods.Overlaps(services) || pods.Overlaps(s.Subnet) || services.Overlaps(s.Subnet) {
		return nodeconf.Spec{}, fmt.Errorf("the networks of pods %s, services %s and the node %s overlap", pods, services, s.Subnet)
	}
	hostIP := s.Subnet.Masked().Addr().Next()
	return nodeconf.Spec{
		Name: o.Name, Domain: o.Domain,
		Dir: n.dir, BinDir: o.BinDir, Store: o.Store,
		Listen: o.Cluster.Listen, Port: s.Port, NodePort: gatewayNodePort,
		Subnet: s.Subnet, HostIP: hostIP, NodeIP: hostIP.Next(),
		PodCIDR: pods.Masked(), ServiceCIDR: services.Masked(),
		DNSIP: nth(services, 10), GatewayIP: nth(services, 20),
		LoopbackGateway: o.Cluster.LoopbackGateway == nil || *o.Cluster.LoopbackGateway,
		Proxy:           o.Proxy, Mirrors: o.Mirrors,
	}, nil
}

// gatewayNodePort is where the node takes what the host's port is forwarded to.
const gatewayNodePort = 30443

// nth is the n-th address of a network (n ≤ 255).
func nth(p netip.Prefix, n byte) netip.Addr {
	a := p.Masked().Addr().As4()
	a[3] += n
	return netip.AddrFrom4(a)
}
