package embedded

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/slipway-dev/slipway/internal/cluster/embedded/nodeconf"
	"github.com/slipway-dev/slipway/internal/cluster/pki"
)

// kubeconfigs that kubeadm writes by itself, and those of users that it is asked for.
var kubeconfigs = append([]string{"admin", "super-admin", "kubelet", "controller-manager", "scheduler"}, slices.Sorted(maps.Keys(users))...)

// users are who else reads the API from the node, by the name of their kubeconfig.
var users = map[string]string{nodeconf.Proxy: "system:kube-proxy", nodeconf.NetworkPolicy: networkPolicies}

// ensureAuthority brings all keys, certificates and kubeconfigs of the node up to date by
// kubeadm's own phases, and tells whether any changed. Authorities and the service accounts' key
// are made once and kept; the rest is made again when it expires soon or the node's address has changed.
func ensureAuthority(ctx context.Context, s nodeconf.Spec) (changed bool, err error) {
	if _, _, err := pki.EnsureCA(s.Dir.PKI("platform"), s.Name); err != nil {
		return false, err
	}
	if err := ensureEncryption(s.Dir.PKI("encryption.yaml")); err != nil {
		return false, err
	}
	if !authorityCurrent(s, time.Now()) {
		if err := makeAuthority(ctx, s); err != nil {
			return false, err
		}
		changed = true
	}
	// Serving certificates beyond kubeadm's, of the same age: the kubelet's by the cluster's authority, so that
	// nobody has to skip its verification, and one for the health ports on loopback.
	ip := net.IP(s.NodeIP.AsSlice())
	if err := pki.EnsureServing(s.Dir.PKI(), "ca", "kubelet", pki.Leaf{CommonName: "system:node:" + s.Name,
		Organization: []string{"system:nodes"}, DNSNames: []string{s.Name}, IPs: []net.IP{ip}}); err != nil {
		return false, err
	}
	return changed, pki.EnsureServing(s.Dir.PKI(), "ca", "component", pki.Leaf{CommonName: "component",
		DNSNames: []string{"localhost"}, IPs: []net.IP{net.IPv4(127, 0, 0, 1)}})
}

// authorityCurrent says that nothing has to be made.
func authorityCurrent(s nodeconf.Spec, now time.Time) bool {
	for _, leaf := range leaves(s) {
		certPEM, err := os.ReadFile(leaf + ".crt")
		if err != nil {
			return false
		}
		cert, err := pki.ParseCertificate(certPEM)
		if err != nil || pki.ExpiresSoon(cert, now) {
			return false
		}
		if filepath.Base(leaf) == "apiserver" && (cert.VerifyHostname(s.NodeIP.String()) != nil || cert.VerifyHostname(nthIP(s)) != nil) {
			return false
		}
	}
	for _, name := range kubeconfigs {
		config, err := clientcmd.LoadFromFile(s.Dir.Kubeconfig(name))
		if err != nil {
			return false
		}
		for _, cluster := range config.Clusters {
			if cluster.Server != s.APIServer() {
				return false
			}
		}
		for _, user := range config.AuthInfos {
			cert, err := pki.ParseCertificate(user.ClientCertificateData)
			if err != nil || pki.ExpiresSoon(cert, now) {
				return false
			}
		}
	}
	return true
}

// nthIP is the ClusterIP of the API's own Service: the first of the network.
func nthIP(s nodeconf.Spec) string { return nth(s.ServiceCIDR, 1).String() }

// leaves are the certificates that kubeadm makes below its authorities, without extension.
func leaves(s nodeconf.Spec) []string {
	return []string{
		s.Dir.PKI("apiserver"), s.Dir.PKI("apiserver-kubelet-client"), s.Dir.PKI("apiserver-etcd-client"),
		s.Dir.PKI("front-proxy-client"), s.Dir.PKI("etcd", "server"), s.Dir.PKI("etcd", "peer"),
		s.Dir.PKI("etcd", "healthcheck-client"),
	}
}

// makeAuthority removes what hangs below the authorities and lets kubeadm make what is missing.
func makeAuthority(ctx context.Context, s nodeconf.Spec) error {
	var old []string
	for _, leaf := range leaves(s) {
		old = append(old, leaf+".crt", leaf+".key")
	}
	for _, name := range kubeconfigs {
		old = append(old, s.Dir.Kubeconfig(name))
	}
	for _, file := range old {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	config := "--config=" + s.Dir.Config("kubeadm.yaml")
	dir := filepath.Dir(s.Dir.Kubeconfig("admin"))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if _, err := kubeadm(ctx, s, "init", "phase", "certs", "all", config); err != nil {
		return err
	}
	if _, err := kubeadm(ctx, s, "init", "phase", "kubeconfig", "all", config, "--kubeconfig-dir="+dir); err != nil {
		return err
	}
	for name, user := range users {
		kubeconfig, err := kubeadm(ctx, s, "kubeconfig", "user", config, "--client-name="+user)
		if err != nil {
			return err
		}
		if err := pki.WriteFile(s.Dir.Kubeconfig(name), kubeconfig, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func kubeadm(ctx context.Context, s nodeconf.Spec, args ...string) (stdout []byte, err error) {
	cmd := exec.CommandContext(ctx, s.Program("kubeadm"), args...)
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("kubeadm %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(problems.String()))
	}
	return out.Bytes(), nil
}

// ensureEncryption keeps the key that Secrets are encrypted with in etcd's data. It must never
// change while there is data: it is made once, and a damaged file is an error of the API server.
func ensureEncryption(file string) error {
	if _, err := os.Stat(file); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	key := make([]byte, 32) // secretbox takes 256 bits
	if _, err := rand.Read(key); err != nil {
		return err
	}
	return pki.WriteFile(file, []byte(nodeconf.Encryption(base64.StdEncoding.EncodeToString(key))), 0o600)
}
