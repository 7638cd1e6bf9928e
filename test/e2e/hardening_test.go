//go:build e2e

package e2e

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
)

// testHardened proves what the platform's security rests on.
func testHardened(t *testing.T, p *platform) {
	t.Run("anonymous-requests-are-refused", func(t *testing.T) { testAnonymous(t, p) })
	t.Run("secrets-are-encrypted-and-audited", func(t *testing.T) { testSecretsAtRest(t, p) })
	t.Run("pods-are-restricted", func(t *testing.T) { testPodsRestricted(t, p) })
	t.Run("no-process-of-a-pod-is-root", func(t *testing.T) { testPodsNotRoot(t, p) })
	t.Run("nothing-listens-beyond-loopback", func(t *testing.T) { testListeners(t, p) })
}

func testAnonymous(t *testing.T, p *platform) {
	file := strings.TrimSpace(p.run(t, "get", "kubeconfig", "--path", "--name", p.name))
	config, err := clientcmd.BuildConfigFromFlags("", file)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(config.CAData)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	for _, path := range []string{"/api", "/version", "/healthz", "/api/v1/namespaces/kube-system/secrets"} {
		res, err := (&http.Client{Transport: transport}).Get(config.Host + path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		res.Body.Close()
		if res.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: %s; want 401", path, res.Status)
		}
	}
}

// testSecretsAtRest writes the same kind of text into a Secret and a ConfigMap: the second must be
// found in etcd's files, else looking for the first there proves nothing.
func testSecretsAtRest(t *testing.T, p *platform) {
	secret, open := rand.Text(), rand.Text()
	p.run(t, "kubectl", "-n", "default", "create", "secret", "generic", "e2e-at-rest", "--from-literal=value="+secret)
	p.run(t, "kubectl", "-n", "default", "create", "configmap", "e2e-at-rest", "--from-literal=value="+open)
	defer p.run(t, "kubectl", "-n", "default", "delete", "secret/e2e-at-rest", "configmap/e2e-at-rest")

	state := filepath.Join(p.home, p.name)
	if !contained(t, filepath.Join(state, "etcd"), open) {
		t.Error("a ConfigMap's text is not found in etcd's files, so that a Secret's would not be either")
	}
	if contained(t, filepath.Join(state, "etcd"), secret) {
		t.Error("a Secret's value stands readable in etcd's files")
	}
	if contained(t, filepath.Join(state, "logs"), secret) {
		t.Error("a Secret's value stands in a log")
	}
	for _, e := range auditLog(t, filepath.Join(state, "logs/audit.log")) {
		if e.Verb == "create" && e.ObjectRef.Resource == "secrets" && e.ObjectRef.Name == "e2e-at-rest" && e.User.Username != "" {
			return
		}
	}
	t.Error("the audit log has no entry of the Secret's creation")
}

type auditEvent struct {
	Verb      string
	User      struct{ Username string }
	ObjectRef struct{ Resource, Name string }
}

func auditLog(t *testing.T, file string) []auditEvent {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var events []auditEvent
	for r := bufio.NewReader(f); ; {
		line, err := r.ReadBytes('\n')
		if err != nil {
			return events // the last line may be half written
		}
		var e auditEvent
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatalf("audit log: %v: %s", err, line)
		}
		events = append(events, e)
	}
}

// contained says whether any file below dir has the text.
func contained(t *testing.T, dir, text string) bool {
	t.Helper()
	found := false
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || found {
			return err
		}
		content, err := os.ReadFile(path)
		found = bytes.Contains(content, []byte(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// unrestricted are the pods that may do what the restricted pod security standard forbids, by
// namespace and the beginning of their name.
var unrestricted = map[string]string{
	"local-path-storage/helper-pod-": "makes and removes volumes' directories on the node",
}

// isUnrestricted says whether a pod is allowed more than the others.
func isUnrestricted(namespace, name string) bool {
	for prefix := range unrestricted {
		if strings.HasPrefix(namespace+"/"+name, prefix) {
			return true
		}
	}
	return false
}

type securityContext struct {
	RunAsNonRoot             bool
	AllowPrivilegeEscalation *bool
	Privileged               bool
	SeccompProfile           *struct{ Type string }
	Capabilities             struct{ Add, Drop []string }
	ReadOnlyRootFilesystem   bool
}

type podItem struct {
	Metadata struct{ Namespace, Name, UID string }
	Spec     struct {
		HostNetwork, HostPID, HostIPC bool
		SecurityContext               securityContext
		Containers, InitContainers    []struct {
			Name            string
			SecurityContext securityContext
		}
		Volumes []map[string]any
	}
}

func (p *platform) pods(t *testing.T) []podItem {
	t.Helper()
	return decode[struct{ Items []podItem }](t, p.run(t, "kubectl", "get", "pods", "-A", "-o", "json")).Items
}

// testPodsRestricted holds every pod to the restricted pod security standard, and to a root file
// system that cannot be written.
func testPodsRestricted(t *testing.T, p *platform) {
	pods := p.pods(t)
	if len(pods) < 10 {
		t.Fatalf("%d pods; want a whole platform's", len(pods))
	}
	for _, pod := range pods {
		if isUnrestricted(pod.Metadata.Namespace, pod.Metadata.Name) {
			continue
		}
		complain := func(format string, args ...any) {
			t.Errorf("%s/%s: %s", pod.Metadata.Namespace, pod.Metadata.Name, fmt.Sprintf(format, args...))
		}
		if s := pod.Spec; s.HostNetwork || s.HostPID || s.HostIPC {
			complain("it shares a namespace with the node")
		}
		for _, v := range pod.Spec.Volumes {
			if v["hostPath"] != nil {
				complain("it mounts a directory of the node")
			}
		}
		of := pod.Spec.SecurityContext
		for _, c := range append(pod.Spec.InitContainers, pod.Spec.Containers...) {
			s := c.SecurityContext
			if !s.RunAsNonRoot && !of.RunAsNonRoot {
				complain("%s may run as root", c.Name)
			}
			if s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation || s.Privileged {
				complain("%s may gain privileges", c.Name)
			}
			if strings.Join(s.Capabilities.Drop, " ") != "ALL" || len(s.Capabilities.Add) > 0 {
				complain("%s has capabilities: %+v", c.Name, s.Capabilities)
			}
			if s.SeccompProfile == nil && of.SeccompProfile == nil {
				complain("%s has no seccomp profile", c.Name)
			}
			if !s.ReadOnlyRootFilesystem {
				complain("%s can write its root file system", c.Name)
			}
		}
	}
}

// testPodsNotRoot looks at the processes themselves: whatever a manifest says, none that runs in
// a pod's cgroup is the host's root.
func testPodsNotRoot(t *testing.T, p *platform) {
	names := map[string]podItem{}
	for _, pod := range p.pods(t) {
		names[pod.Metadata.UID] = pod
	}
	cgroup := regexp.MustCompile(`/` + regexp.QuoteMeta(p.name) + `/kubepods\S*/pod([0-9a-f-]{36})/`)
	seen := map[string]bool{}
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		groups, _ := os.ReadFile(dir + "/cgroup")
		match := cgroup.FindSubmatch(groups)
		status, err := os.ReadFile(dir + "/status")
		if match == nil || err != nil {
			continue
		}
		pod, known := names[string(match[1])]
		if !known {
			continue
		}
		seen[pod.Metadata.UID] = true
		uid := regexp.MustCompile(`(?m)^Uid:\s+\d+\s+(\d+)`).FindSubmatch(status)
		if uid != nil && string(uid[1]) == "0" && !isUnrestricted(pod.Metadata.Namespace, pod.Metadata.Name) {
			cmdline, _ := os.ReadFile(dir + "/cmdline")
			t.Errorf("%s/%s: runs as root: %s", pod.Metadata.Namespace, pod.Metadata.Name, bytes.ReplaceAll(cmdline, []byte{0}, []byte{' '}))
		}
	}
	if len(seen) < 10 {
		t.Errorf("processes of %d pods were found; want a whole platform's", len(seen))
	}
}

// address reads an IPv4 address of /proc/net/tcp, whose bytes stand in the machine's order.
func address(text string) net.IP {
	text, _, _ = strings.Cut(text, ":")
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != net.IPv4len {
		return nil
	}
	return net.IPv4(raw[3], raw[2], raw[1], raw[0])
}

// testListeners looks at the sockets of the platform's processes that are in the host's network.
func testListeners(t *testing.T, p *platform) {
	host, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	sockets := map[string]int{}
	for _, pid := range processesOf(p.home) {
		dir := filepath.Join("/proc", strconv.Itoa(pid))
		if network, _ := os.Readlink(dir + "/ns/net"); network != host {
			continue
		}
		files, _ := filepath.Glob(dir + "/fd/*")
		for _, f := range files {
			if target, _ := os.Readlink(f); strings.HasPrefix(target, "socket:[") {
				sockets[strings.Trim(target, "socket:[]")] = pid
			}
		}
	}
	rules, err := exec.CommandContext(t.Context(), "nft", "list", "table", "inet", "slipway_"+p.name).Output()
	if err != nil {
		t.Fatalf("nft list table: %v", err)
	}
	loopback := 0
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6", "/proc/net/udp", "/proc/net/udp6"} {
		f, err := os.Open(table)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(f)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(string(text), "\n") {
			fields := strings.Fields(line)
			const listening, unconnected = "0A", "07"
			if len(fields) < 10 || fields[3] != listening && fields[3] != unconnected || sockets[fields[9]] == 0 {
				continue
			}
			if strings.HasPrefix(fields[1], "0100007F:") || strings.HasPrefix(fields[1], "00000000000000000000000001000000:") {
				loopback++
				continue
			}
			// The node's way out: only the node itself gets there.
			if ip := address(fields[1]); ip == nil || !strings.Contains(string(rules), "ip daddr "+ip.String()+" iifname != {") {
				t.Errorf("process %d listens at %s (%s)", sockets[fields[9]], fields[1], table)
			}
		}
	}
	if loopback == 0 {
		t.Error("no listening socket of the platform was found; the gateway's must be there")
	}
}
