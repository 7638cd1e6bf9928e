package embedded

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"

	"github.com/slipway-dev/slipway/internal/cluster/embedded/hostnet"
)

// fewInstances is less than the number of inotify instances that kernels allow by default.
const fewInstances = 128

// warnings are what does not keep the node from running here, but may trouble what runs in it.
func (n *Node) warnings(ctx context.Context) string {
	var all []string
	if text, err := os.ReadFile("/proc/sys/fs/inotify/max_user_instances"); err == nil {
		if limit, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && limit < fewInstances {
			all = append(all, fmt.Sprintf("only %d inotify instances are allowed; if pods say \"too many open files\": sysctl -w fs.inotify.max_user_instances=%d", limit, 4*fewInstances))
		}
	}
	if out, err := exec.CommandContext(ctx, "nft", "list", "chains").Output(); err == nil {
		if table := droppingTable(string(out)); table != "" {
			all = append(all, fmt.Sprintf("the firewall table %q drops forwarded packets, so pods may not reach beyond this machine; allow the link %s there", table, hostnet.LinkName(n.opts.Name)))
		}
	}
	return strings.Join(all, "; ")
}

var forwardDrop = regexp.MustCompile(`hook forward\b.*policy drop`)

// droppingTable finds the table with a chain that drops what is forwarded unless a rule allows it
// (Docker makes one), in the output of `nft list chains`.
func droppingTable(chains string) string {
	table := ""
	for line := range strings.Lines(chains) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "table "); ok {
			table = strings.TrimSpace(strings.TrimSuffix(name, "{"))
		}
		if forwardDrop.MatchString(line) {
			return table
		}
	}
	return ""
}
