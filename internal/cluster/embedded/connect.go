package embedded

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/slipway-dev/slipway/internal/cluster/embedded/hostnet"
	"github.com/slipway-dev/slipway/internal/cluster/embedded/nodeconf"
	"github.com/slipway-dev/slipway/internal/supply/store"
)

// connect joins the node's network to the host's, and serves its name lookups and images.
func (o *outer) connect(ctx context.Context, pid int) error {
	s := o.spec
	if err := hostnet.Join(s.Name, s.HostIP, s.Subnet, pid); err != nil {
		return err
	}
	if err := hostnet.Allow(ctx, s.Name, s.Subnet); err != nil {
		return err
	}
	address := net.JoinHostPort(s.HostIP.String(), "53")
	packets, err := net.ListenPacket("udp", address)
	if err != nil {
		return fmt.Errorf("serve the node's name lookups: %w", err)
	}
	streams, err := net.Listen("tcp", address)
	if err != nil {
		packets.Close()
		return fmt.Errorf("serve the node's name lookups: %w", err)
	}
	if err := o.serveStore(ctx, pid); err != nil {
		packets.Close()
		streams.Close()
		return err
	}
	names := &hostnet.NameServer{Domain: s.Domain, Gateway: s.GatewayIP, ResolvConf: "/etc/resolv.conf"}
	go names.Serve(ctx, packets, streams)
	return nil
}

// serveStore serves the image store as a read-only registry on the node's own loopback, so that
// only containerd reaches it. It is this process that reads the store, which belongs to the host.
func (o *outer) serveStore(ctx context.Context, pid int) error {
	images, err := store.Open(o.spec.Store)
	if err != nil {
		return fmt.Errorf("open the image store: %w", err)
	}
	var listener net.Listener
	err = hostnet.Inside(fmt.Sprintf("/proc/%d/ns/net", pid), func() (err error) {
		if err = hostnet.LoopbackUp(); err == nil {
			listener, err = net.Listen("tcp", nodeconf.RegistryAddress)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("serve the image store in the node: %w", err)
	}
	server := &http.Server{Handler: images.Handler(), ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { server.Close() })
	go func() { _ = server.Serve(listener) }()
	return nil
}
