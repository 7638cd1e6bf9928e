package nodeconf

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Names of the parts.
const (
	Etcd              = "etcd"
	APIServer         = "kube-apiserver"
	ControllerManager = "kube-controller-manager"
	Scheduler         = "kube-scheduler"
	Containerd        = "containerd"
	Kubelet           = "kubelet"
	Proxy             = "kube-proxy"
	NetworkPolicy     = "kube-network-policy"
)

// Command is how one part is started.
type Command struct {
	Name string
	// After are the parts that must be ready before this one starts, and that stop after it.
	After []string
	Path  string
	Args  []string
	Env   []string
	// Grace is how long the part may take to stop.
	Grace time.Duration
}

// Commands are the node's parts.
func (s Spec) Commands() []Command {
	return []Command{
		{Name: Etcd, Path: s.Program("etcd"), Args: s.etcdArgs(), Env: goMemory("192MiB"), Grace: 3 * time.Second},
		{Name: APIServer, After: []string{Etcd}, Path: s.Program("kube-apiserver"), Args: s.apiServerArgs(), Env: goMemory("512MiB"), Grace: 2 * time.Second},
		{Name: ControllerManager, After: []string{APIServer}, Path: s.Program("kube-controller-manager"), Args: s.controllerManagerArgs(), Env: goMemory("160MiB"), Grace: time.Second},
		{Name: Scheduler, After: []string{APIServer}, Path: s.Program("kube-scheduler"), Args: []string{
			"--config=" + s.Dir.Config("kube-scheduler.yaml"),
			"--authentication-kubeconfig=" + s.Dir.Kubeconfig("scheduler"),
			"--authorization-kubeconfig=" + s.Dir.Kubeconfig("scheduler"),
			"--bind-address=127.0.0.1",
			"--tls-cert-file=" + s.Dir.PKI("component.crt"),
			"--tls-private-key-file=" + s.Dir.PKI("component.key"),
		}, Env: goMemory("96MiB"), Grace: time.Second},
		{Name: Containerd, Path: "containerd", Args: []string{"--config", s.Dir.Config("containerd.toml")},
			Env: append(goMemory("192MiB"), s.proxyEnv()...), Grace: 2 * time.Second},
		{Name: Kubelet, After: []string{APIServer, Containerd}, Path: s.Program("kubelet"), Args: []string{
			"--config=" + s.Dir.Config("kubelet.yaml"),
			"--kubeconfig=" + s.Dir.Kubeconfig("kubelet"),
			"--root-dir=" + KubeletRoot,
			"--hostname-override=" + s.Name,
			"--node-ip=" + s.NodeIP.String(),
			"--runtime-cgroups=" + s.CgroupRoot() + "/node",
		}, Env: goMemory("128MiB"), Grace: 2 * time.Second},
		{Name: Proxy, After: []string{APIServer}, Path: s.Program("kube-proxy"),
			Args: []string{"--config=" + s.Dir.Config("kube-proxy.yaml")}, Env: goMemory("96MiB"), Grace: time.Second},
		{Name: NetworkPolicy, After: []string{APIServer}, Path: s.Program("kube-network-policy"), Args: []string{
			"--kubeconfig=" + s.Dir.Kubeconfig(NetworkPolicy),
			"--hostname-override=" + s.Name,
			"--service-cluster-ip-range=" + s.ServiceCIDR.String(),
			"--healthz-bind-address=127.0.0.1:20244",
		}, Env: goMemory("96MiB"), Grace: time.Second},
	}
}

// goMemory trades a little processor time for memory: an idle node is mostly garbage not yet
// collected. The limit is soft: beyond it the collector works harder, nothing fails.
func goMemory(limit string) []string { return []string{"GOGC=40", "GOMEMLIMIT=" + limit} }

func (s Spec) proxyEnv() []string {
	if s.Proxy.HTTP == "" && s.Proxy.HTTPS == "" {
		return nil
	}
	no := append(slices.Clone(s.Proxy.No), "127.0.0.1", "localhost", "."+s.Domain, s.Domain,
		s.ServiceCIDR.String(), s.PodCIDR.String(), s.Subnet.String(), ".svc", ".cluster.local")
	return []string{"HTTP_PROXY=" + s.Proxy.HTTP, "HTTPS_PROXY=" + s.Proxy.HTTPS, "NO_PROXY=" + strings.Join(no, ",")}
}

func (s Spec) etcdArgs() []string {
	return []string{
		"--name=" + s.Name,
		"--data-dir=" + s.Dir.Etcd(),
		"--listen-client-urls=https://127.0.0.1:2379",
		"--advertise-client-urls=https://127.0.0.1:2379",
		"--listen-peer-urls=https://127.0.0.1:2380",
		"--initial-advertise-peer-urls=https://127.0.0.1:2380",
		"--initial-cluster=" + s.Name + "=https://127.0.0.1:2380",
		"--client-cert-auth=true",
		"--trusted-ca-file=" + s.Dir.PKI("etcd", "ca.crt"),
		"--cert-file=" + s.Dir.PKI("etcd", "server.crt"),
		"--key-file=" + s.Dir.PKI("etcd", "server.key"),
		"--peer-client-cert-auth=true",
		"--peer-trusted-ca-file=" + s.Dir.PKI("etcd", "ca.crt"),
		"--peer-cert-file=" + s.Dir.PKI("etcd", "peer.crt"),
		"--peer-key-file=" + s.Dir.PKI("etcd", "peer.key"),
		"--quota-backend-bytes=2147483648",
		"--snapshot-count=10000",
		"--log-level=warn",
	}
}

func (s Spec) apiServerArgs() []string {
	return []string{
		"--advertise-address=" + s.NodeIP.String(),
		"--bind-address=" + s.NodeIP.String(),
		"--secure-port=6443",
		"--tls-cert-file=" + s.Dir.PKI("apiserver.crt"),
		"--tls-private-key-file=" + s.Dir.PKI("apiserver.key"),
		"--tls-min-version=VersionTLS12",
		"--client-ca-file=" + s.Dir.PKI("ca.crt"),
		"--anonymous-auth=false",
		"--authorization-mode=Node,RBAC",
		"--enable-admission-plugins=NodeRestriction",
		"--admission-control-config-file=" + s.Dir.Config("admission.yaml"),
		"--encryption-provider-config=" + s.Dir.PKI("encryption.yaml"),
		"--audit-policy-file=" + s.Dir.Config("audit-policy.yaml"),
		"--audit-log-path=" + s.Dir.Logs("audit.log"),
		"--audit-log-maxsize=20",
		"--audit-log-maxbackup=4",
		"--audit-log-maxage=90",
		"--etcd-servers=https://127.0.0.1:2379",
		"--etcd-cafile=" + s.Dir.PKI("etcd", "ca.crt"),
		"--etcd-certfile=" + s.Dir.PKI("apiserver-etcd-client.crt"),
		"--etcd-keyfile=" + s.Dir.PKI("apiserver-etcd-client.key"),
		"--kubelet-certificate-authority=" + s.Dir.PKI("ca.crt"),
		"--kubelet-client-certificate=" + s.Dir.PKI("apiserver-kubelet-client.crt"),
		"--kubelet-client-key=" + s.Dir.PKI("apiserver-kubelet-client.key"),
		"--kubelet-preferred-address-types=InternalIP",
		"--proxy-client-cert-file=" + s.Dir.PKI("front-proxy-client.crt"),
		"--proxy-client-key-file=" + s.Dir.PKI("front-proxy-client.key"),
		"--requestheader-client-ca-file=" + s.Dir.PKI("front-proxy-ca.crt"),
		"--requestheader-allowed-names=front-proxy-client",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--requestheader-group-headers=X-Remote-Group",
		"--requestheader-username-headers=X-Remote-User",
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + s.Dir.PKI("sa.pub"),
		"--service-account-signing-key-file=" + s.Dir.PKI("sa.key"),
		"--service-cluster-ip-range=" + s.ServiceCIDR.String(),
		"--profiling=false",
		"--allow-privileged=true",
	}
}

func (s Spec) controllerManagerArgs() []string {
	kubeconfig := s.Dir.Kubeconfig("controller-manager")
	return []string{
		"--kubeconfig=" + kubeconfig,
		"--authentication-kubeconfig=" + kubeconfig,
		"--authorization-kubeconfig=" + kubeconfig,
		"--bind-address=127.0.0.1",
		"--tls-cert-file=" + s.Dir.PKI("component.crt"),
		"--tls-private-key-file=" + s.Dir.PKI("component.key"),
		"--client-ca-file=" + s.Dir.PKI("ca.crt"),
		"--requestheader-client-ca-file=" + s.Dir.PKI("front-proxy-ca.crt"),
		"--root-ca-file=" + s.Dir.PKI("ca.crt"),
		"--cluster-name=" + s.Name,
		"--cluster-signing-cert-file=" + s.Dir.PKI("ca.crt"),
		"--cluster-signing-key-file=" + s.Dir.PKI("ca.key"),
		"--service-account-private-key-file=" + s.Dir.PKI("sa.key"),
		"--use-service-account-credentials=true",
		"--leader-elect=false",
		"--allocate-node-cidrs=true",
		"--cluster-cidr=" + s.PodCIDR.String(),
		fmt.Sprintf("--node-cidr-mask-size=%d", s.PodCIDR.Bits()),
		"--service-cluster-ip-range=" + s.ServiceCIDR.String(),
		"--controllers=*,-cloud-node-lifecycle-controller,-node-route-controller,-service-lb-controller,-bootstrap-signer-controller,-token-cleaner-controller",
		"--kube-api-qps=100",
		"--kube-api-burst=200",
		"--profiling=false",
	}
}
