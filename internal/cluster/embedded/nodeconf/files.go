package nodeconf

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// File is a generated file.
type File struct {
	Path string
	Data string
}

// Files are all generated files that hold no secret and no key.
func (s Spec) Files() []File {
	return append(s.registryFiles(), []File{
		{s.Dir.Config("kubeadm.yaml"), s.kubeadm()},
		{s.Dir.Config("kubelet.yaml"), s.kubelet()},
		{s.Dir.Config("kube-proxy.yaml"), s.kubeProxy()},
		{s.Dir.Config("kube-scheduler.yaml"), s.scheduler()},
		{s.Dir.Config("audit-policy.yaml"), auditPolicy()},
		{s.Dir.Config("admission.yaml"), s.admission()},
		{s.Dir.Config("containerd.toml"), s.containerd()},
		{s.Dir.Config("cni", "10-slipway.conflist"), s.cni()},
		{s.Dir.Config("resolv.conf"), "nameserver " + s.HostIP.String() + "\noptions edns0\n"},
	}...)
}

// object is a YAML document with a Kubernetes-style header.
type object = map[string]any

// document prints objects as one YAML stream; keys are sorted, so the text is deterministic.
func document(objects ...object) string {
	var out string
	for i, o := range objects {
		b, err := yaml.Marshal(o)
		if err != nil {
			panic(err) // maps of plain values always marshal
		}
		if i > 0 {
			out += "---\n"
		}
		out += string(b)
	}
	return out
}

func (s Spec) kubeadm() string {
	return document(object{
		"apiVersion":       "kubeadm.k8s.io/v1beta4",
		"kind":             "InitConfiguration",
		"localAPIEndpoint": object{"advertiseAddress": s.NodeIP.String(), "bindPort": 6443},
		"nodeRegistration": object{"name": s.Name, "criSocket": "unix://" + ContainerdSocket},
	}, object{
		"apiVersion":           "kubeadm.k8s.io/v1beta4",
		"kind":                 "ClusterConfiguration",
		"clusterName":          s.Name,
		"kubernetesVersion":    s.Version,
		"encryptionAlgorithm":  "ECDSA-P256",
		"certificatesDir":      s.Dir.PKI(),
		"controlPlaneEndpoint": s.NodeIP.String() + ":6443",
		"networking": object{
			"dnsDomain": "cluster.local", "podSubnet": s.PodCIDR.String(), "serviceSubnet": s.ServiceCIDR.String(),
		},
		"apiServer": object{"certSANs": []string{"127.0.0.1", "localhost", s.NodeIP.String()}},
		"etcd":      object{"local": object{"dataDir": s.Dir.Etcd(), "serverCertSANs": []string{"127.0.0.1"}}},
	})
}

func (s Spec) kubelet() string {
	config := object{
		"apiVersion": "kubelet.config.k8s.io/v1beta1",
		"kind":       "KubeletConfiguration",
		"authentication": object{
			"anonymous": object{"enabled": false},
			"webhook":   object{"enabled": true},
			"x509":      object{"clientCAFile": s.Dir.PKI("ca.crt")},
		},
		"authorization":            object{"mode": "Webhook"},
		"tlsCertFile":              s.Dir.PKI("kubelet.crt"),
		"tlsPrivateKeyFile":        s.Dir.PKI("kubelet.key"),
		"readOnlyPort":             0,
		"healthzBindAddress":       "127.0.0.1",
		"healthzPort":              10248,
		"address":                  "0.0.0.0",
		"containerRuntimeEndpoint": "unix://" + ContainerdSocket,
		"clusterDomain":            "cluster.local",
		"clusterDNS":               []string{s.DNSIP.String()},
		"resolvConf":               s.Dir.Config("resolv.conf"),
		// The host may be of either cgroup version, without systemd, and with swap.
		"cgroupDriver":   "cgroupfs",
		"cgroupRoot":     s.CgroupRoot(),
		"failCgroupV1":   false,
		"failSwapOn":     false,
		"seccompDefault": true,
		"podPidsLimit":   8192,
		// The store on the same machine answers at once; a queue would only add waiting.
		"serializeImagePulls":    false,
		"maxParallelImagePulls":  4,
		"registryPullQPS":        0,
		"eventRecordQPS":         50,
		"makeIPTablesUtilChains": false,
		// A shared disk fills for reasons of its own: act on what is left, not on percentages.
		"evictionHard": object{
			"memory.available": "100Mi", "nodefs.available": "1Gi", "imagefs.available": "1Gi",
			"nodefs.inodesFree": "2%",
		},
		"imageGCHighThresholdPercent": 97,
		"imageGCLowThresholdPercent":  95,
		"containerLogMaxSize":         "10Mi",
		"containerLogMaxFiles":        3,
		"volumePluginDir":             KubeletRoot + "/volume-plugins",
		"staticPodPath":               "",
		"rotateCertificates":          false,
		"logging":                     object{"verbosity": 0},
		"nodeStatusMaxImages":         10,
	}
	if s.RestrictOOMScore {
		config["oomScoreAdj"] = 0
	}
	return document(config)
}

func (s Spec) kubeProxy() string {
	config := object{
		"apiVersion":         "kubeproxy.config.k8s.io/v1alpha1",
		"kind":               "KubeProxyConfiguration",
		"mode":               "nftables",
		"clusterCIDR":        s.PodCIDR.String(),
		"hostnameOverride":   s.Name,
		"bindAddress":        "0.0.0.0",
		"healthzBindAddress": "127.0.0.1:10256",
		"metricsBindAddress": "127.0.0.1:10249",
		"clientConnection":   object{"kubeconfig": s.Dir.Kubeconfig("kube-proxy")},
		// The host's connection tracking is the host's.
		"conntrack": object{"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
		"nftables":  object{"minSyncPeriod": "200ms"},
	}
	if s.RestrictOOMScore {
		config["oomScoreAdj"] = 0
	}
	return document(config)
}

func (s Spec) scheduler() string {
	return document(object{
		"apiVersion":       "kubescheduler.config.k8s.io/v1",
		"kind":             "KubeSchedulerConfiguration",
		"leaderElection":   object{"leaderElect": false},
		"clientConnection": object{"kubeconfig": s.Dir.Kubeconfig("scheduler"), "qps": 100, "burst": 200},
		"parallelism":      4,
		"enableProfiling":  false,
	})
}

func (s Spec) admission() string {
	return document(object{
		"apiVersion": "apiserver.config.k8s.io/v1",
		"kind":       "AdmissionConfiguration",
		"plugins": []object{{
			"name": "PodSecurity",
			"configuration": object{
				"apiVersion": "pod-security.admission.config.k8s.io/v1",
				"kind":       "PodSecurityConfiguration",
				"defaults": object{
					"enforce": "privileged", "enforce-version": "latest",
					"warn": "baseline", "warn-version": "latest",
					"audit": "baseline", "audit-version": "latest",
				},
			},
		}},
	})
}

// auditPolicy records who changed what, and every look at a Secret, without any body.
func auditPolicy() string {
	none := func(rule object) object { rule["level"] = "None"; return rule }
	return document(object{
		"apiVersion": "audit.k8s.io/v1",
		"kind":       "Policy",
		"omitStages": []string{"RequestReceived"},
		"rules": []object{
			none(object{"nonResourceURLs": []string{"/healthz*", "/livez*", "/readyz*", "/version", "/openapi/*", "/api", "/api/*", "/apis", "/apis/*"}}),
			{"level": "Metadata", "resources": []object{{"group": "", "resources": []string{"secrets", "serviceaccounts/token"}}}},
			none(object{"resources": []object{{"group": "coordination.k8s.io", "resources": []string{"leases"}}, {"group": "", "resources": []string{"events"}}, {"group": "events.k8s.io", "resources": []string{"events"}}}}),
			none(object{"verbs": []string{"get", "list", "watch"}}),
			none(object{"userGroups": []string{"system:nodes"}, "verbs": []string{"update", "patch"}, "resources": []object{{"group": "", "resources": []string{"nodes/status", "pods/status"}}}}),
			{"level": "Metadata"},
		},
	})
}

func (s Spec) cni() string {
	plugins := []object{{
		"type": "ptp",
		"ipam": object{
			"type":    "host-local",
			"ranges":  [][]object{{{"subnet": s.PodCIDR.String()}}},
			"routes":  []object{{"dst": "0.0.0.0/0"}},
			"dataDir": "/run/cni/networks",
		},
	}, {
		"type": "portmap", "capabilities": object{"portMappings": true}, "snat": true,
	}}
	if s.LoopbackGateway {
		plugins = append(plugins, object{"type": "slipway-gateway", "gateway": s.GatewayIP.String(), "port": s.Port})
	}
	b, err := json.MarshalIndent(object{"cniVersion": "1.0.0", "name": "slipway", "plugins": plugins}, "", "  ")
	if err != nil {
		panic(err) // maps of plain values always marshal
	}
	return string(b) + "\n"
}

// CNIPrograms maps the name of each CNI program in the node's own directory to what it links to.
func (s Spec) CNIPrograms() map[string]string {
	links := map[string]string{"slipway-gateway": s.Dir.Bin("slipway")}
	for _, name := range []string{"ptp", "host-local", "portmap", "loopback", "bridge", "bandwidth", "tuning"} {
		links[name] = hostCNIBin + "/" + name
	}
	return links
}

func (s Spec) containerd() string {
	return fmt.Sprintf(`version = 2
root = %q
state = "/run/containerd"
oom_score = 0
disabled_plugins = [
  "io.containerd.internal.v1.opt",
  "io.containerd.internal.v1.tracing",
  "io.containerd.tracing.processor.v1.otlp",
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
]

[grpc]
address = %q

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "registry.k8s.io/pause:3.10.1"
restrict_oom_score_adj = %t
max_concurrent_downloads = 4
enable_unprivileged_ports = true
enable_unprivileged_icmp = true
tolerate_missing_hugetlb_controller = true

[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "overlayfs"
discard_unpacked_layers = true

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
SystemdCgroup = false

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = %q
conf_dir = %q

[plugins."io.containerd.grpc.v1.cri".registry]
config_path = %q
`, s.Dir.Containerd(), ContainerdSocket, s.RestrictOOMScore,
		s.Dir.Config("cni-bin"), s.Dir.Config("cni"), s.Dir.Config("certs.d"))
}

// AnyRegistry is the folder of containerd's settings for registries without one of their own.
const AnyRegistry = "_default"

// registryFiles make the store the mirror of every registry, before the one that the platform
// names. What those lack is asked of the registry itself, whose certificate may also be of the
// platform's own authority. The format is containerd's hosts.toml
// (https://github.com/containerd/containerd/blob/main/docs/hosts.md).
func (s Spec) registryFiles() []File {
	store := fmt.Sprintf(`ca = %q

[host."http://%s"]
capabilities = ["pull", "resolve"]
`, s.Dir.PKI("platform", "ca.crt"), RegistryAddress)
	file := func(registry, text string) File { return File{s.Dir.Config("certs.d", registry, "hosts.toml"), text} }
	files := []File{file(AnyRegistry, store)}
	for _, registry := range slices.Sorted(maps.Keys(s.Mirrors)) {
		files = append(files, file(registry, store+mirrorHost(s.Mirrors[registry])))
	}
	return files
}

// LoginMark begins the file of a registry that the node signs in to. The file is not the Spec's: it holds a secret.
const LoginMark = "# a login"

// Login is the file by which containerd signs in to a registry, after it has asked the store, as it does for any.
func (s Spec) Login(registry, authorization string) File {
	return File{s.Dir.Config("certs.d", registry, "hosts.toml"), fmt.Sprintf(`%s
server = "https://%s"
ca = %q

[header]
Authorization = %q

[host."http://%s"]
capabilities = ["pull", "resolve"]
`, LoginMark, registry, s.Dir.PKI("platform", "ca.crt"), authorization, RegistryAddress)}
}

// mirrorHost is the section of a mirror, "host[:port][/path]". As everywhere, loopback is spoken
// to without TLS.
func mirrorHost(mirror string) string {
	host, path, _ := strings.Cut(strings.TrimSuffix(mirror, "/"), "/")
	scheme := "https"
	if name, _, _ := strings.Cut(host, ":"); name == "localhost" || name == "127.0.0.1" {
		scheme = "http"
	}
	if path == "" {
		return fmt.Sprintf("\n[host.\"%s://%s\"]\ncapabilities = [\"pull\", \"resolve\"]\n", scheme, host)
	}
	return fmt.Sprintf("\n[host.\"%s://%s/v2/%s\"]\ncapabilities = [\"pull\", \"resolve\"]\noverride_path = true\n", scheme, host, path)
}

// Encryption is the API server's file that says how Secrets are stored: encrypted with the key,
// in base64. What was stored unencrypted stays readable.
func Encryption(key string) string {
	return document(object{
		"apiVersion": "apiserver.config.k8s.io/v1",
		"kind":       "EncryptionConfiguration",
		"resources": []object{{
			"resources": []string{"secrets"},
			"providers": []object{
				{"secretbox": object{"keys": []object{{"name": "slipway1", "secret": key}}}},
				{"identity": object{}},
			},
		}},
	})
}
