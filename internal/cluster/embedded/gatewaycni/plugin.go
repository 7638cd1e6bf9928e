// Package gatewaycni is a CNI plugin that makes the platform's gateway answer on 127.0.0.1 inside
// pods. curl, git and browsers resolve *.localhost to loopback without asking DNS (RFC 6761 6.3),
// so https://git.NAME.localhost would otherwise end in the pod itself. It is chained after the
// plugin that makes the pod's interface; containerd runs it under the name slipway-gateway.
package gatewaycni

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"

	"github.com/containernetworking/cni/pkg/skel"
	"github.com/containernetworking/cni/pkg/types"
	current "github.com/containernetworking/cni/pkg/types/100"
	"github.com/containernetworking/cni/pkg/version"

	"github.com/slipway-dev/slipway/internal/cluster/embedded/hostnet"
)

// config is the plugin's entry in the network's configuration.
type config struct {
	types.PluginConf
	// Gateway is the ClusterIP that connections go to, Port the port both there and on loopback.
	Gateway netip.Addr `json:"gateway"`
	Port    uint16     `json:"port"`
}

// Main serves one CNI command from the environment and standard input, as the CNI specification
// 1.0.0 wants it, and exits with 1 on an error.
func Main() {
	skel.PluginMainFuncs(skel.CNIFuncs{Add: add, Check: check, Del: remove}, version.All, "slipway-gateway: the platform's gateway on a pod's loopback")
}

func parse(stdin []byte) (config, error) {
	var c config
	if err := json.Unmarshal(stdin, &c); err != nil {
		return c, fmt.Errorf("read the network configuration: %w", err)
	}
	if !c.Gateway.Is4() || c.Port == 0 {
		return c, fmt.Errorf("gateway %q and port %d: want an IPv4 address and a port", c.Gateway, c.Port)
	}
	if err := version.ParsePrevResult(&c.PluginConf); err != nil {
		return c, fmt.Errorf("read the previous plugin's result: %w", err)
	}
	return c, nil
}

func add(args *skel.CmdArgs) error {
	c, err := parse(args.StdinData)
	if err != nil {
		return err
	}
	if c.PrevResult == nil {
		return fmt.Errorf("this plugin comes after one that makes the interface")
	}
	err = hostnet.Inside(args.Netns, func() error {
		for _, link := range []string{"all", args.IfName} {
			// The way back to loopback passes the pod's interface.
			if err := os.WriteFile("/proc/sys/net/ipv4/conf/"+link+"/route_localnet", []byte("1"), 0o644); err != nil {
				return fmt.Errorf("let loopback be routed: %w", err)
			}
		}
		return hostnet.Command(context.Background(), rules(c), "nft", "-f", "-")
	})
	if err != nil {
		return err
	}
	return types.PrintResult(c.PrevResult, c.CNIVersion)
}

// rules is the pod's table in nft's language.
func rules(c config) string {
	return fmt.Sprintf(`table ip slipway_gateway {}
delete table ip slipway_gateway
table ip slipway_gateway {
	chain output {
		type nat hook output priority -100; policy accept;
		ip daddr 127.0.0.1 tcp dport %[2]d dnat to %[1]s:%[2]d
	}
	chain postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		ip saddr 127.0.0.1 ip daddr %[1]s tcp dport %[2]d masquerade
	}
}
`, c.Gateway, c.Port)
}

func check(args *skel.CmdArgs) error {
	c, err := parse(args.StdinData)
	if err != nil {
		return err
	}
	if _, err := current.NewResultFromResult(c.PrevResult); err != nil {
		return err
	}
	return hostnet.Inside(args.Netns, func() error {
		return hostnet.Command(context.Background(), "", "nft", "list", "table", "ip", "slipway_gateway")
	})
}

// remove has nothing to do: the rules end with the pod's network namespace.
func remove(*skel.CmdArgs) error { return nil }
