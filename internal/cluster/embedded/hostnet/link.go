package hostnet

import (
	"fmt"
	"hash/fnv"
	"net/netip"

	"github.com/vishvananda/netlink"
)

// NodeLink is the name of the link inside the node.
const NodeLink = "eth0"

// LinkName is the name of the host's end of the link. Names of links hold 15 characters at most.
func LinkName(platform string) string {
	h := fnv.New32a()
	h.Write([]byte(platform))
	return fmt.Sprintf("slipway%08x", h.Sum32())
}

func linkAlias(platform string) string { return "slipway platform " + platform }

// Join makes the pair of links, its far end inside the network namespace of process pid under the
// name NodeLink, and gives the near end its address.
func Join(platform string, host netip.Addr, subnet netip.Prefix, pid int) error {
	if err := Leave(platform); err != nil {
		return err
	}
	name := LinkName(platform)
	attrs := netlink.NewLinkAttrs()
	attrs.Name = name
	pair := &netlink.Veth{LinkAttrs: attrs, PeerName: NodeLink, PeerNamespace: netlink.NsPid(pid)}
	if err := netlink.LinkAdd(pair); err != nil {
		return fmt.Errorf("make link %s: %w", name, err)
	}
	link, err := netlink.LinkByName(name)
	if err != nil {
		return fmt.Errorf("find link %s: %w", name, err)
	}
	if err := netlink.LinkSetAlias(link, linkAlias(platform)); err != nil {
		return fmt.Errorf("name link %s: %w", name, err)
	}
	if err := setAddress(link, host, subnet.Bits()); err != nil {
		return err
	}
	return nil
}

// Leave removes the host's end of the link, and with it the node's; a missing link is no error.
func Leave(platform string) error {
	name := LinkName(platform)
	link, err := netlink.LinkByName(name)
	if isMissingLink(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("find link %s: %w", name, err)
	}
	// A link that lost its alias half way is still ours: nobody else uses such a name.
	if alias := link.Attrs().Alias; alias != "" && alias != linkAlias(platform) {
		return fmt.Errorf("link %s belongs to something else (%q); it is left alone", name, alias)
	}
	if err := netlink.LinkDel(link); err != nil && !isMissingLink(err) {
		return fmt.Errorf("remove link %s: %w", name, err)
	}
	return nil
}

// SetUp configures the node's side, from inside its network namespace: loopback, the link's
// address and the way out.
func SetUp(node, gateway netip.Addr, bits int) error {
	if err := LoopbackUp(); err != nil {
		return err
	}
	link, err := netlink.LinkByName(NodeLink)
	if err != nil {
		return fmt.Errorf("find link %s: %w", NodeLink, err)
	}
	if err := setAddress(link, node, bits); err != nil {
		return err
	}
	if err := netlink.RouteReplace(&netlink.Route{LinkIndex: link.Attrs().Index, Gw: gateway.AsSlice()}); err != nil {
		return fmt.Errorf("set the default route by %s: %w", gateway, err)
	}
	return nil
}

// LoopbackUp brings up loopback in the current network namespace.
func LoopbackUp() error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("find loopback: %w", err)
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return fmt.Errorf("bring up loopback: %w", err)
	}
	return nil
}

func setAddress(link netlink.Link, a netip.Addr, bits int) error {
	address, err := netlink.ParseAddr(netip.PrefixFrom(a, bits).String())
	if err != nil {
		return err
	}
	if err := netlink.AddrReplace(link, address); err != nil {
		return fmt.Errorf("give %s the address %s: %w", link.Attrs().Name, address, err)
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return fmt.Errorf("bring up %s: %w", link.Attrs().Name, err)
	}
	return nil
}
