package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/slipway-dev/slipway/internal/cluster/embedded/nodeconf"
)

// arrangeMounts gives the node its own view of the file system, from inside its mount namespace.
// Mounts of the host still arrive, none of the node's leave, and what pods mount is shared among
// them as Kubernetes' mount propagation asks. /sys is left as it is: a fresh one would lack the
// control groups.
func arrangeMounts(s nodeconf.Spec) error {
	for _, flags := range []uintptr{unix.MS_REC | unix.MS_SLAVE, unix.MS_REC | unix.MS_SHARED} {
		if err := unix.Mount("", "/", "", flags, ""); err != nil {
			return fmt.Errorf("separate the node's mounts: %w", err)
		}
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	resolvConf, err := filepath.EvalSymlinks("/etc/resolv.conf")
	if err != nil {
		resolvConf, _ = os.Readlink("/etc/resolv.conf") // a link to nowhere yet
	}
	if err := unix.Mount("tmpfs", "/run", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755"); err != nil {
		return fmt.Errorf("mount /run: %w", err)
	}
	for _, b := range []struct{ from, to string }{
		{s.Dir.Kubelet(), nodeconf.KubeletRoot},
		{s.Dir.CNI(), nodeconf.CNIRoot},
		{s.Dir.Volumes(), nodeconf.VolumesRoot},
		{s.Dir.VarLog(), "/var/log"},
	} {
		if err := bind(b.from, b.to); err != nil {
			return err
		}
	}
	if err := arrangeResolver(s.Dir.Config("resolv.conf"), resolvConf); err != nil {
		return err
	}
	return maskTunables("/run/slipway/sysctl")
}

// bind shows directory from at to. Where to lies in the node's own /run it is made.
func bind(from, to string) error {
	if err := os.MkdirAll(from, 0o755); err != nil {
		return err
	}
	if strings.HasPrefix(to, "/run/") {
		if err := os.MkdirAll(to, 0o755); err != nil {
			return err
		}
	}
	if err := unix.Mount(from, to, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("show %s at %s: %w", from, to, err)
	}
	return nil
}

// arrangeResolver makes the node's programs ask the node's name server: the host's may answer on
// the host's loopback only. target is the real path of /etc/resolv.conf, "" where there is none.
func arrangeResolver(ours, target string) error {
	if target == "" {
		return nil
	}
	if !filepath.IsAbs(target) {
		target = filepath.Join("/etc", target)
	}
	if strings.HasPrefix(target, "/run/") || strings.HasPrefix(target, "/var/run/") {
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(target, nil, 0o644); err != nil {
			return err
		}
	}
	if err := unix.Mount(ours, target, "", unix.MS_BIND, ""); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("show the node's resolv.conf: %w", err)
	}
	return nil
}

// tunables are settings of the whole machine that the kubelet sets if it finds them different,
// with the values it wants (setupKernelTunables in pkg/kubelet/cm/container_manager_linux.go,
// Kubernetes 1.34). The host's owner decides about them, so the kubelet is shown what it wants to see.
var tunables = map[string]string{
	"vm/overcommit_memory":      "1",
	"vm/panic_on_oom":           "0",
	"kernel/panic":              "10",
	"kernel/panic_on_oops":      "1",
	"kernel/keys/root_maxkeys":  "1000000",
	"kernel/keys/root_maxbytes": "25000000",
}

func maskTunables(dir string) error {
	for name, value := range tunables {
		file := filepath.Join(dir, strings.ReplaceAll(name, "/", "."))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte(value+"\n"), 0o644); err != nil {
			return err
		}
		if err := unix.Mount(file, "/proc/sys/"+name, "", unix.MS_BIND, ""); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("mask %s: %w", name, err)
		}
	}
	return nil
}
