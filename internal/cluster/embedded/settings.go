package embedded

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/slipway-dev/slipway/internal/cluster/embedded/hostnet"
	"github.com/slipway-dev/slipway/internal/cluster/embedded/nodeconf"
	"github.com/slipway-dev/slipway/internal/cluster/pki"
	"github.com/slipway-dev/slipway/internal/fault"
)

// settings are what is chosen once for a node and kept, so that its URLs and addresses stay.
type settings struct {
	Name string `json:"name"`
	// Port of the gateway on the host, and the port asked for when it was chosen (0: any).
	Port  int `json:"port"`
	Asked int `json:"asked,omitempty"`
	// Listen is the address it was chosen for.
	Listen string       `json:"listen"`
	Subnet netip.Prefix `json:"subnet"`
}

// settings reads what was chosen, and chooses what is missing or no longer possible.
func (n *Node) settings(ctx context.Context) (settings, error) {
	if err := ctx.Err(); err != nil {
		return settings{}, err
	}
	s, err := readSettings(n.dir)
	if err != nil {
		return s, err
	}
	if s.Name != "" && s.Name != n.opts.Name {
		return s, fault.Invalid(fmt.Errorf("%s holds the platform %q, not %q", n.dir.Root(), s.Name, n.opts.Name),
			"give the platform its former name, or remove it first: slipway down --purge")
	}
	before := s
	s.Name = n.opts.Name
	c := n.opts.Cluster
	if s.Port == 0 || s.Asked != c.HTTPSPort || s.Listen != c.Listen {
		s.Asked, s.Listen = c.HTTPSPort, c.Listen
		if s.Port, err = choosePort(c.Listen, c.HTTPSPort, n.neighbours(), portFree); err != nil {
			return s, err
		}
	}
	taken, err := hostnet.HostNetworks(hostnet.LinkName(n.opts.Name))
	if err != nil {
		return s, err
	}
	if !s.Subnet.IsValid() || hostnet.Meets(s.Subnet, taken) {
		for _, other := range n.neighbours() {
			if other.Subnet.IsValid() {
				taken = append(taken, other.Subnet)
			}
		}
		if s.Subnet, err = hostnet.PickSubnet(n.opts.Name, taken); err != nil {
			return s, err
		}
	}
	if s == before {
		return s, nil
	}
	if _, err := os.Stat(n.dir.Root()); errors.Is(err, fs.ErrNotExist) {
		return s, nil // nothing of this platform is kept yet, and a look at it keeps nothing
	}
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return s, err
	}
	return s, pki.WriteFile(n.dir.Settings(), append(b, '\n'), 0o644)
}

func readSettings(dir nodeconf.Layout) (settings, error) {
	var s settings
	b, err := os.ReadFile(dir.Settings())
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return s, fault.Hint(fmt.Errorf("read %s: %w", dir.Settings(), err), "remove that file: its ports and addresses are chosen again")
	}
	return s, nil
}

// neighbours are the settings of the platforms whose state directories lie beside this one,
// running or not: what they chose is not chosen again.
func (n *Node) neighbours() []settings {
	files, _ := filepath.Glob(filepath.Join(filepath.Dir(n.dir.Root()), "*", filepath.Base(n.dir.Settings())))
	var all []settings
	for _, f := range files {
		dir := nodeconf.Layout(filepath.Dir(f))
		if dir == n.dir {
			continue
		}
		if s, err := readSettings(dir); err == nil && s.Name != "" {
			all = append(all, s)
		}
	}
	return all
}

// choosePort takes the port asked for, or the first free one of 443, 8443, 8444...
func choosePort(listen string, asked int, others []settings, free func(string, int) error) (int, error) {
	usable := func(port int) error {
		for _, o := range others {
			if o.Port == port && o.Listen == listen {
				return fmt.Errorf("it belongs to the platform %s", o.Name)
			}
		}
		return free(listen, port)
	}
	if asked != 0 {
		if err := usable(asked); err != nil {
			return 0, fault.Invalid(fmt.Errorf("spec.cluster.embedded.httpsPort: port %d of %s can't be used: %w", asked, listen, err),
				"choose another port, or leave httpsPort out to have a free one chosen")
		}
		return asked, nil
	}
	var last error
	for _, port := range append([]int{443}, portRange(8443, 8643)...) {
		if last = usable(port); last == nil {
			return port, nil
		}
	}
	return 0, fault.Hint(fmt.Errorf("no free port on %s among 443 and 8443 to 8642: %w", listen, last),
		"set spec.cluster.embedded.httpsPort to a free one")
}

func portRange(from, to int) []int {
	all := make([]int, 0, to-from)
	for p := from; p < to; p++ {
		all = append(all, p)
	}
	return all
}

func portFree(listen string, port int) error {
	l, err := net.Listen("tcp", net.JoinHostPort(listen, fmt.Sprint(port)))
	if err != nil {
		return err
	}
	return l.Close()
}
