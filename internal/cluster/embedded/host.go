package embedded

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/slipway-dev/slipway/internal/cluster/embedded/cgroups"
	"github.com/slipway-dev/slipway/internal/fault"
)

// HostPackages says which command the node needs from the host, and which Debian package has it.
// Commands with a slash are files that must be executable, the others are looked up in PATH.
func HostPackages() map[string]string {
	return map[string]string{
		"containerd":              "containerd",
		"containerd-shim-runc-v2": "containerd",
		"ctr":                     "containerd",
		"runc":                    "runc",
		"nft":                     "nftables",
		"iptables":                "iptables",
		"ipset":                   "ipset",
		"mount":                   "mount",
		"nsenter":                 "util-linux",
		"/usr/lib/cni/ptp":        "containernetworking-plugins",
		"/usr/lib/cni/host-local": "containernetworking-plugins",
		"/usr/lib/cni/portmap":    "containernetworking-plugins",
		"/usr/lib/cni/loopback":   "containernetworking-plugins",
	}
}

// lowDisk is less free space than a platform's images and data need to begin with.
const lowDisk = 3 << 30

// checkHost finds all that keeps the node from running here, at once.
func (n *Node) checkHost(ctx context.Context) error {
	if os.Geteuid() != 0 {
		return fault.Hint(errors.New("the embedded node needs root: it makes namespaces, mounts and links"),
			"run it with sudo, or use a cluster you have: slipway up --provider kubeconfig")
	}
	checks := []func() error{
		checkCommands, checkFileSystems, n.checkDisk, n.checkPrograms,
		func() error { _, err := cgroups.Host(); return err },
		func() error { return checkFirewall(ctx) },
	}
	var problems []error
	for _, check := range checks {
		if err := check(); err != nil {
			problems = append(problems, err)
		}
	}
	if len(problems) == 1 {
		return problems[0]
	}
	var hints []string
	for _, p := range problems {
		if hint, _ := fault.Of(p); hint != "" {
			hints = append(hints, hint)
		}
	}
	return fault.Hint(errors.Join(problems...), strings.Join(hints, "\n"))
}

func checkCommands() error {
	var missing, packages []string
	for command, pkg := range HostPackages() {
		if _, err := exec.LookPath(command); err != nil {
			missing, packages = append(missing, command), append(packages, pkg)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	slices.Sort(missing)
	slices.Sort(packages)
	return fault.Hint(fmt.Errorf("not installed: %s", strings.Join(missing, ", ")),
		"apt-get install --no-install-recommends "+strings.Join(slices.Compact(packages), " "))
}

// checkFileSystems asks for overlayfs, loading its module where it is one.
func checkFileSystems() error {
	if hasFileSystem("overlay") {
		return nil
	}
	_ = exec.Command("modprobe", "overlay").Run() // what follows says whether it helped
	if hasFileSystem("overlay") {
		return nil
	}
	return fault.Hint(errors.New("this kernel has no overlay file system, which containers' images are mounted with"),
		"load it: modprobe overlay; inside a container, load it on the machine that runs the container")
}

func hasFileSystem(name string) bool {
	f, err := os.Open("/proc/filesystems")
	if err != nil {
		return false
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) > 0 && fields[len(fields)-1] == name {
			return true
		}
	}
	return false
}

func (n *Node) checkDisk() error {
	if strings.HasPrefix(n.dir.Root()+"/", "/run/") || strings.HasPrefix(n.dir.Root()+"/", "/var/log/") {
		return fault.Invalid(fmt.Errorf("%s can't hold a node's state: the node has a %s of its own", n.dir.Root(), "/run and /var/log"),
			"set SLIPWAY_HOME to a directory elsewhere")
	}
	if err := os.MkdirAll(n.dir.Root(), 0o711); err != nil {
		return err
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(n.dir.Root(), &fs); err != nil {
		return fmt.Errorf("look at the disk of %s: %w", n.dir.Root(), err)
	}
	switch fs.Type {
	case unix.OVERLAYFS_SUPER_MAGIC:
		return fault.Hint(fmt.Errorf("%s lies on an overlay file system, on which images can't be mounted", n.dir.Root()),
			"this looks like a container: give it a volume, and set SLIPWAY_HOME to a directory there")
	case unix.NFS_SUPER_MAGIC, unix.SMB_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC:
		return fault.Hint(fmt.Errorf("%s lies on a network file system, on which images can't be mounted", n.dir.Root()),
			"set SLIPWAY_HOME to a directory on a local disk")
	}
	if free := fs.Bavail * uint64(fs.Bsize); free < lowDisk {
		return fault.Hint(fmt.Errorf("only %.1f GiB are free at %s; a platform needs at least %d GiB", float64(free)/(1<<30), n.dir.Root(), lowDisk>>30),
			"make room, or set SLIPWAY_HOME to a directory on a larger disk")
	}
	return nil
}

func (n *Node) checkPrograms() error {
	for _, name := range []string{"etcd", "kube-apiserver", "kubelet", "kubeadm"} {
		if _, err := exec.LookPath(n.opts.BinDir + "/" + name); err != nil {
			return fmt.Errorf("the node's programs: %w", err)
		}
	}
	return nil
}

// checkFirewall asks the kernel for nftables, which Kubernetes' proxy needs, and for IP sets, which NetworkPolicies need.
func checkFirewall(ctx context.Context) error {
	for _, need := range []struct {
		what, hint, command string
		args                []string
	}{
		{"nftables does", "load it: modprobe nf_tables; Kubernetes' proxy needs kernel 5.13 or newer", "nft", []string{"list", "tables"}},
		{"IP sets do", "load them: modprobe ip_set; network policies are enforced by them", "ipset", []string{"list", "-name"}},
	} {
		if _, err := exec.LookPath(need.command); err != nil {
			continue // named among the missing commands
		}
		if out, err := exec.CommandContext(ctx, need.command, need.args...).CombinedOutput(); err != nil {
			return fault.Hint(fmt.Errorf("%s not work here: %w: %s", need.what, err, strings.TrimSpace(string(out))), need.hint)
		}
	}
	return nil
}

// mayLowerOOMScores says whether the process has CAP_SYS_RESOURCE, without which runc fails to
// give containers the scores that Kubernetes asks for.
func mayLowerOOMScores() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return false
	}
	return data[0].Effective&(1<<unix.CAP_SYS_RESOURCE) != 0
}
