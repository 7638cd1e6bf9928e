package hostnet

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
)

// tableName is the nftables table of a platform on the host.
func tableName(platform string) string { return "slipway_" + platform }

// Runner runs a command with the text as its standard input.
type Runner func(ctx context.Context, stdin string, argv ...string) error

// Command is the Runner of an ordinary process.
func Command(ctx context.Context, stdin string, argv ...string) error {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdin = strings.NewReader(stdin)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, strings.TrimSpace(out.String()))
	}
	return nil
}

// HostRules is the host's table in nft's language: what leaves the node gets the host's address,
// nothing but the host itself opens connections into the node, and nothing but node and host
// reaches the host's end of the link, where the node's name server answers. Declaring and deleting the
// table first makes loading it twice the same as once.
func HostRules(platform string, subnet netip.Prefix) string {
	host := subnet.Masked().Addr().Next()
	table, link := tableName(platform), LinkName(platform)
	return fmt.Sprintf(`table inet %[1]s {}
delete table inet %[1]s
table inet %[1]s {
	chain input {
		type filter hook input priority filter; policy accept;
		ip daddr %[4]s iifname != { %[2]q, "lo" } drop
	}
	chain forward {
		type filter hook forward priority filter; policy accept;
		oifname %[2]q ct state established,related accept
		oifname %[2]q drop
	}
	chain postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		ip saddr %[3]s oifname != %[2]q masquerade
	}
}
`, table, link, subnet.Masked(), host)
}

// NodeRules is the table inside the node: pods get the node's address when they leave it, and
// keep their own among themselves. A service's address never leaves the node: where kube-proxy
// does not know the service (yet), the connection is refused at once, instead of reaching
// whoever has that address outside and staying there.
func NodeRules(pods, services netip.Prefix) string {
	return fmt.Sprintf(`table ip slipway {}
delete table ip slipway
table ip slipway {
	chain unknown_service {
		meta l4proto tcp reject with tcp reset
		reject
	}
	chain output {
		type filter hook output priority filter; policy accept;
		ip daddr %[3]s oifname %[2]q jump unknown_service
	}
	chain forward {
		type filter hook forward priority filter; policy accept;
		ip daddr %[3]s oifname %[2]q jump unknown_service
	}
	chain postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		ip saddr %[1]s ip daddr != %[1]s oifname %[2]q masquerade
	}
}
`, pods.Masked(), NodeLink, services.Masked())
}

// Allow loads the host's table.
func Allow(ctx context.Context, platform string, subnet netip.Prefix) error {
	return Command(ctx, HostRules(platform, subnet), "nft", "-f", "-")
}

// Forbid removes the host's table; a missing one is no error.
func Forbid(ctx context.Context, platform string) error {
	table := tableName(platform)
	return Command(ctx, fmt.Sprintf("table inet %[1]s {}\ndelete table inet %[1]s\n", table), "nft", "-f", "-")
}
