package nodeconf

import "path/filepath"

// Layout is a node's state directory; its methods are the paths in it. Nobody else puts them together.
type Layout string

func (l Layout) join(p ...string) string { return filepath.Join(append([]string{string(l)}, p...)...) }

// Root is the state directory itself.
func (l Layout) Root() string { return string(l) }

// Settings is the file of what was chosen once for this node: ports and addresses.
func (l Layout) Settings() string { return l.join("settings.json") }

// Spec is the file that the supervisors read the node's configuration from.
func (l Layout) Spec() string { return l.join("node.json") }

// InitLock is held by process 1 of the node as long as it lives.
func (l Layout) InitLock() string { return l.join("init.lock") }

// UpLock is held by the command that changes the node.
func (l Layout) UpLock() string { return l.join("up.lock") }

// PKI holds keys and certificates, in kubeadm's order.
func (l Layout) PKI(name ...string) string { return l.join(append([]string{"pki"}, name...)...) }

// Kubeconfig is a component's kubeconfig.
func (l Layout) Kubeconfig(component string) string {
	return l.join("kubeconfig", component+".conf")
}

// Config holds what is generated on every start.
func (l Layout) Config(name ...string) string { return l.join(append([]string{"config"}, name...)...) }

// Logs holds one log for each part and the audit log.
func (l Layout) Logs(name ...string) string { return l.join(append([]string{"logs"}, name...)...) }

// Bin holds the node's copy of the slipway executable.
func (l Layout) Bin(name ...string) string { return l.join(append([]string{"bin"}, name...)...) }

// Etcd is etcd's data.
func (l Layout) Etcd() string { return l.join("etcd") }

// Containerd is containerd's root: images and containers.
func (l Layout) Containerd() string { return l.join("containerd") }

// Kubelet is the kubelet's root, seen inside the node as KubeletRoot.
func (l Layout) Kubelet() string { return l.join("kubelet") }

// Volumes holds the local volumes, seen inside the node as VolumesRoot.
func (l Layout) Volumes() string { return l.join("volumes") }

// VarLog is seen inside the node as /var/log: the pods' logs.
func (l Layout) VarLog() string { return l.join("varlog") }

// CNI is seen inside the node as /var/lib/cni.
func (l Layout) CNI() string { return l.join("cni") }

// All lists every file and directory that the node keeps: what a purge removes.
func (l Layout) All() []string {
	return []string{
		l.Etcd(), l.Containerd(), l.Kubelet(), l.Volumes(), l.VarLog(), l.CNI(), l.Logs(), l.Bin(), l.Config(), l.PKI(),
		filepath.Dir(l.Kubeconfig("")), l.Spec(), l.InitLock(), l.Settings(), l.UpLock(),
	}
}

// Places inside the node's mount namespace. /run is a memory file system of the node's own, so
// what lies there ends with the node and never meets the host's.
const (
	ContainerdSocket = "/run/containerd/containerd.sock"
	KubeletRoot      = "/var/lib/kubelet"
	CNIRoot          = "/var/lib/cni"
	VolumesRoot      = "/run/slipway/volumes"
	RegistryAddress  = "127.0.0.1:5000"
	hostCNIBin       = "/usr/lib/cni"
)
