// Package hostnet joins a node's network namespace to the host: the link, the firewall table,
// the forwarded port and the name server. What it makes carries the platform's name, and it
// removes only what carries it. The node's outer supervisor calls it.
package hostnet

import (
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"

	"github.com/slipway-dev/slipway/internal/fault"
)

// pool is where nodes' link networks come from.
var pool = netip.MustParsePrefix("10.231.0.0/16")

// PickSubnet picks the /30 that joins the node called name to the host: the same one every time,
// unless it meets one of taken.
func PickSubnet(name string, taken []netip.Prefix) (netip.Prefix, error) {
	h := fnv.New32a()
	h.Write([]byte(name))
	const count = 1 << 14 // networks of four addresses in a /16
	for i := range uint32(count) {
		n := (h.Sum32()%count + i) % count
		a := pool.Addr().As4()
		a[2], a[3] = byte(n>>6), byte(n<<2)
		p := netip.PrefixFrom(netip.AddrFrom4(a), 30)
		if !Meets(p, taken) {
			return p, nil
		}
	}
	return netip.Prefix{}, fault.Hint(fmt.Errorf("no free network in %s for the node's link", pool),
		"something on this machine has a route to all of it: see `ip route`")
}

// Meets says whether p overlaps any of taken.
func Meets(p netip.Prefix, taken []netip.Prefix) bool {
	for _, t := range taken {
		if t.Bits() > 0 && p.Overlaps(t) {
			return true
		}
	}
	return false
}

// HostNetworks lists the IPv4 networks that the host has a route or an address for, besides those
// of the link called except.
func HostNetworks(except string) ([]netip.Prefix, error) {
	skip := -1
	if l, err := netlink.LinkByName(except); err == nil {
		skip = l.Attrs().Index
	}
	routes, err := netlink.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{}, netlink.RT_FILTER_TABLE)
	if err != nil {
		return nil, fmt.Errorf("list the host's routes: %w", err)
	}
	var all []netip.Prefix
	for _, r := range routes {
		if r.Dst == nil || r.LinkIndex == skip {
			continue
		}
		if p, ok := prefix(r.Dst); ok && p.Bits() > 0 {
			all = append(all, p)
		}
	}
	addresses, err := netlink.AddrList(nil, netlink.FAMILY_V4)
	if err != nil {
		return nil, fmt.Errorf("list the host's addresses: %w", err)
	}
	for _, a := range addresses {
		if p, ok := prefix(a.IPNet); ok && a.LinkIndex != skip {
			all = append(all, p)
		}
	}
	return all, nil
}

func prefix(n *net.IPNet) (netip.Prefix, bool) {
	a, ok := netip.AddrFromSlice(n.IP)
	bits, size := n.Mask.Size()
	if !ok || size == 0 {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(a.Unmap(), bits).Masked(), true
}

func isMissingLink(err error) bool {
	var missing netlink.LinkNotFoundError
	return errors.As(err, &missing)
}
