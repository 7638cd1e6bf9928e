//go:build integration

package embedded

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/slipway-dev/slipway/internal/cluster/embedded/hostshare"
	"github.com/slipway-dev/slipway/internal/cluster/embedded/nodeconf"
	"github.com/slipway-dev/slipway/internal/fault"
)

// TestNode takes one node through its life, from the first start to the purge.
func TestNode(t *testing.T) {
	n := testNode(t, "inttest", imageStore(t))
	forwarding, besideOthers := forwardingNow(t), othersRun(t)
	up(t, n)
	t.Run("anonymous requests are refused", func(t *testing.T) { anonymousRefused(t, n) })
	t.Run("pods run from the store, with logs, exec and services", func(t *testing.T) { podsRun(t, n) })
	t.Run("network policies hold", func(t *testing.T) { policiesHold(t, n) })
	t.Run("an image that has changed under its tag is taken by the next pod", func(t *testing.T) { changedImages(t, n) })
	t.Run("images come from the platform's own registry, verified", func(t *testing.T) { ownRegistry(t, n) })
	t.Run("secrets are encrypted at rest and audited without their content", func(t *testing.T) { secretsSafe(t, n) })
	t.Run("a running node is left alone", func(t *testing.T) {
		before := partNamed(t, n, "supervisor").PID
		up(t, n)
		if after := partNamed(t, n, "supervisor").PID; after != before {
			t.Errorf("supervisor is process %d, was %d", after, before)
		}
	})
	t.Run("what dies is started again", func(t *testing.T) { partsRestart(t, n) })
	t.Run("certificates are renewed under running pods", func(t *testing.T) { certificatesRenewed(t, n) })
	t.Run("down and up keep data", func(t *testing.T) { dataStays(t, n) })
	t.Run("an interrupted up goes on", func(t *testing.T) { interruptedUp(t, n) })
	t.Run("killed supervisors are replaced", func(t *testing.T) { supervisorsReplaced(t, n) })
	t.Run("a second platform runs beside it", func(t *testing.T) { secondPlatform(t, n) })
	t.Run("purge leaves nothing", func(t *testing.T) {
		if err := n.Purge(context.Background()); err != nil {
			t.Fatal(err)
		}
		if left := leftovers(t, n); len(left) > 0 {
			t.Errorf("left: %s", strings.Join(left, "\n"))
		}
		// The first platform on the host switches forwarding on and the last one puts it back: with a neighbour at either
		// end, what it was before this node says nothing.
		if now := forwardingNow(t); now != forwarding && !besideOthers && !othersRun(t) {
			t.Errorf("forwarding is %q, was %q", now, forwarding)
		}
	})
}

// TestUp_NamesThePartThatDoesNotStart breaks etcd.
func TestUp_NamesThePartThatDoesNotStart(t *testing.T) {
	n := testNode(t, "inttest-broken", t.TempDir())
	etcd := filepath.Join(n.opts.BinDir, "etcd")
	if err := os.Remove(etcd); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(etcd, []byte("#!/bin/sh\necho the disk is on fire\nexit 7\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	err := n.Up(context.Background())
	if err == nil {
		t.Fatal("no error")
	}
	hint, _ := fault.Of(err)
	for _, want := range []string{"etcd does not stay up (exit status 7", "the disk is on fire"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q lacks %q", err, want)
		}
	}
	if hint != "see "+n.dir.Logs("etcd.log") {
		t.Errorf("next step %q", hint)
	}
}

// othersRun says whether nodes share the host now.
func othersRun(t *testing.T) bool {
	t.Helper()
	sockets, err := filepath.Glob(filepath.Join(hostshare.Directory, "*.sock"))
	if err != nil {
		t.Fatal(err)
	}
	return len(sockets) > 0
}

func forwardingNow(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_forward")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

func specOf(t *testing.T, n *Node) nodeconf.Spec {
	t.Helper()
	s, err := readSpec(n.dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func anonymousRefused(t *testing.T, n *Node) {
	s := specOf(t, n)
	ca, err := os.ReadFile(s.Dir.PKI("ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	anonymous := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	for _, url := range []string{s.APIServer() + "/version", s.APIServer() + "/healthz", "https://" + s.NodeIP.String() + ":10250/pods"} {
		response, err := anonymous.Get(url)
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		response.Body.Close()
		if response.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s answers %s to nobody", url, response.Status)
		}
	}
}

func secretsSafe(t *testing.T, n *Node) {
	ctx := context.Background()
	c := client(t, n).CoreV1()
	const hidden, open = "hidden-9f3b61c07a", "open-51d2e8a94c"
	if _, err := c.Secrets("default").Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "s"}, StringData: map[string]string{"key": hidden}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.ConfigMaps("default").Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "c"}, Data: map[string]string{"key": open}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if !contains(t, n.dir.Etcd(), open) {
		t.Error("etcd's files don't show an unencrypted value: the search finds nothing at all")
	}
	if contains(t, n.dir.Etcd(), hidden) {
		t.Error("etcd's files show a Secret's value")
	}
	audit, err := os.ReadFile(n.dir.Logs("audit.log"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(audit, []byte(`"resource":"secrets","namespace":"default","name":"s"`)) || bytes.Contains(audit, []byte(hidden)) {
		t.Errorf("the audit log must tell of the Secret and not what is in it")
	}
}

// contains searches all files below dir for a text.
func contains(t *testing.T, dir, text string) bool {
	t.Helper()
	found := false
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		found = found || bytes.Contains(data, []byte(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func partsRestart(t *testing.T, n *Node) {
	for _, c := range specOf(t, n).Commands() {
		before := partNamed(t, n, c.Name)
		if err := syscall.Kill(before.PID, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		eventually(t, c.Name, func(ctx context.Context) error {
			after := partNamed(t, n, c.Name)
			if after.PID == before.PID || after.Restarts <= before.Restarts {
				return fmt.Errorf("%+v, was %+v", after, before)
			}
			return nil
		})
	}
	up(t, n)
	pod(t, n, "after-restarts", nil, "pause")
}

func certificatesRenewed(t *testing.T, n *Node) {
	s := specOf(t, n)
	pod(t, n, "undisturbed", nil, "pause")
	before := partNamed(t, n, nodeconf.APIServer)
	if err := os.Remove(s.Dir.PKI("apiserver.crt")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(partNamed(t, n, "supervisor").PID, syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "API server with another certificate", func(ctx context.Context) error {
		if after := partNamed(t, n, nodeconf.APIServer); after.PID == before.PID {
			return errors.New("not started anew")
		}
		return nil
	})
	up(t, n)
	for _, name := range kubeconfigs {
		if _, err := os.Stat(s.Dir.Kubeconfig(name)); err != nil {
			t.Error(err)
		}
	}
	p, err := client(t, n).CoreV1().Pods("default").Get(context.Background(), "undisturbed", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if c := p.Status.ContainerStatuses[0]; !c.Ready || c.RestartCount != 0 {
		t.Errorf("the pod's container: %+v", c)
	}
}

func dataStays(t *testing.T, n *Node) {
	ctx := context.Background()
	if err := n.Down(ctx); err != nil {
		t.Fatal(err)
	}
	if left := leftovers(t, n); len(left) > 0 {
		t.Errorf("left after down: %s", strings.Join(left, "\n"))
	}
	up(t, n)
	if _, err := client(t, n).CoreV1().Secrets("default").Get(ctx, "s", metav1.GetOptions{}); err != nil {
		t.Error(err)
	}
}

func interruptedUp(t *testing.T, n *Node) {
	if err := n.Down(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, after := range []time.Duration{time.Millisecond, 50 * time.Millisecond, 400 * time.Millisecond, 2 * time.Second} {
		ctx, cancel := context.WithTimeout(context.Background(), after)
		if err := n.Up(ctx); err == nil {
			t.Logf("ready within %s", after)
		}
		cancel()
	}
	up(t, n)
	// And stopped while it starts.
	if err := n.Down(context.Background()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = n.Up(ctx)
	if err := n.Down(context.Background()); err != nil {
		t.Fatal(err)
	}
	if left := leftovers(t, n); len(left) > 0 {
		t.Errorf("left after down: %s", strings.Join(left, "\n"))
	}
	up(t, n)
}

func supervisorsReplaced(t *testing.T, n *Node) {
	kill := func(names ...string) {
		t.Helper()
		s, err := n.Status(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range s.Parts {
			if p.PID != 0 && (len(names) == 0 || slices.Contains(names, p.Name)) {
				_ = syscall.Kill(p.PID, syscall.SIGKILL)
			}
		}
	}
	pod(t, n, "stays", nil, "pause")
	for _, names := range [][]string{{"supervisor"}, {"init"}, {"supervisor", "init"}, nil} {
		kill(names...)
		up(t, n)
		eventually(t, fmt.Sprintf("pod after killing %q", names), func(ctx context.Context) error {
			p, err := client(t, n).CoreV1().Pods("default").Get(ctx, "stays", metav1.GetOptions{})
			if err != nil {
				return err
			}
			if len(p.Status.ContainerStatuses) == 0 || !p.Status.ContainerStatuses[0].Ready {
				return fmt.Errorf("%+v", p.Status)
			}
			return nil
		})
	}
}

func secondPlatform(t *testing.T, first *Node) {
	second := testNode(t, "inttest-two", first.opts.Store)
	up(t, second)
	a, b := specOf(t, first), specOf(t, second)
	if a.Port == b.Port || a.Subnet == b.Subnet {
		t.Errorf("both use port %d and %d, subnet %s and %s", a.Port, b.Port, a.Subnet, b.Subnet)
	}
	pod(t, second, "beside", nil, "pause")
	if err := second.Purge(context.Background()); err != nil {
		t.Fatal(err)
	}
	if left := leftovers(t, second); len(left) > 0 {
		t.Errorf("left of the second: %s", strings.Join(left, "\n"))
	}
	if forwardingNow(t) != "1" {
		t.Error("the second platform's end took forwarding from the first")
	}
	if err := first.verify(context.Background(), a); err != nil {
		t.Error(err)
	}
}
