//go:build integration

package embedded

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/slipway-dev/slipway/internal/cluster/pki"
	"github.com/slipway-dev/slipway/internal/supply/store"
)

func podsRun(t *testing.T, n *Node) {
	ctx := context.Background()
	s := specOf(t, n)
	pod(t, n, "server", nil, "serve", fmt.Sprintf(":%d", s.Port))
	pod(t, n, "client", nil, "pause")
	pod(t, n, "host-client", func(p *corev1.Pod) { p.Spec.HostNetwork, p.Spec.DNSPolicy = true, corev1.DNSDefault }, "pause")

	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "gateway"}, Spec: corev1.ServiceSpec{
		Type: corev1.ServiceTypeNodePort, ClusterIP: s.GatewayIP.String(), Selector: map[string]string{"app": "server"},
		Ports: []corev1.ServicePort{{Port: int32(s.Port), TargetPort: intstr.FromInt32(int32(s.Port)), NodePort: int32(s.NodePort)}},
	}}
	if _, err := client(t, n).CoreV1().Services("default").Create(ctx, service, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := client(t, n).CoreV1().Services("default").Delete(ctx, "gateway", metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	}()
	want := "server answers /x\n"
	fromPod := func(pod, host string) func(context.Context) error {
		return func(context.Context) error {
			if got := kubectl(t, n, "exec", pod, "--", "/payload", "get", fmt.Sprintf("http://%s:%d/x", host, s.Port)); got != want {
				return fmt.Errorf("got %q", got)
			}
			return nil
		}
	}
	eventually(t, "gateway from the host", func(context.Context) error {
		response, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/x", s.Port))
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if body, _ := io.ReadAll(response.Body); string(body) != want {
			return fmt.Errorf("got %q", body)
		}
		return nil
	})
	eventually(t, "gateway by its ClusterIP", fromPod("client", s.GatewayIP.String()))
	eventually(t, "gateway on a pod's loopback", fromPod("client", "127.0.0.1"))
	eventually(t, "gateway by a name of the platform, on the node", fromPod("host-client", "git."+s.Domain))
	portForward(t, n, "server", s.Port, want)
	if logs := kubectl(t, n, "logs", "server"); !strings.Contains(logs, "serves on") {
		t.Errorf("logs: %q", logs)
	}
}

// portForward asks a pod by kubectl port-forward, on a port that kubectl chooses.
func portForward(t *testing.T, n *Node, pod string, port int, want string) {
	t.Helper()
	cmd := exec.Command(filepath.Join(n.opts.BinDir, "kubectl"), "--kubeconfig", n.Kubeconfig(), "port-forward", "pod/"+pod, fmt.Sprintf(":%d", port))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	var local int
	if _, err := fmt.Fscanf(out, "Forwarding from 127.0.0.1:%d ->", &local); err != nil {
		t.Fatal(err)
	}
	response, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/x", local))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, _ := io.ReadAll(response.Body); string(body) != want {
		t.Errorf("port-forward gives %q", body)
	}
}

// ownRegistry runs a pod from a registry behind the gateway, under a name of the platform's domain
// and with a certificate of the platform's authority.
func ownRegistry(t *testing.T, n *Node) {
	ctx := context.Background()
	s := specOf(t, n)
	images, err := store.Open(s.Store)
	if err != nil {
		t.Fatal(err)
	}
	image, err := images.Image(payloadImage)
	if err != nil {
		t.Fatal(err)
	}
	host := "git." + s.Domain
	if err := pki.EnsureServing(s.Dir.PKI("platform"), "ca", "test", pki.Leaf{CommonName: host, DNSNames: []string{host}}); err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(s.Dir.PKI("platform", "test.crt"), s.Dir.PKI("platform", "test.key"))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := tls.Listen("tcp", s.HostIP.String()+":0", &tls.Config{Certificates: []tls.Certificate{pair}})
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: registry.New(registry.Logger(log.New(io.Discard, "", 0)))}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { server.Close() })
	port := listener.Addr().(*net.TCPAddr).Port

	c := client(t, n)
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "registry"}, Spec: corev1.ServiceSpec{
		ClusterIP: s.GatewayIP.String(), Ports: []corev1.ServicePort{{Port: int32(s.Port)}}}}
	eventually(t, "make the service", func(ctx context.Context) error {
		_, err := c.CoreV1().Services("default").Create(ctx, service, metav1.CreateOptions{}) // the address is freed a moment later
		return err
	})
	t.Cleanup(func() { _ = c.CoreV1().Services("default").Delete(ctx, "registry", metav1.DeleteOptions{}) })
	number := int32(port)
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Name: "registry", Labels: map[string]string{discoveryv1.LabelServiceName: "registry"}},
		AddressType: discoveryv1.AddressTypeIPv4, Endpoints: []discoveryv1.Endpoint{{Addresses: []string{s.HostIP.String()}}},
		Ports: []discoveryv1.EndpointPort{{Port: &number}},
	}
	if _, err := c.DiscoveryV1().EndpointSlices("default").Create(ctx, slice, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	root := x509.NewCertPool()
	ca, err := os.ReadFile(s.Dir.PKI("platform", "ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	root.AppendCertsFromPEM(ca)
	direct := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: root}, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, listener.Addr().String())
	}}
	ref := fmt.Sprintf("%s:%d/team/app:1", host, s.Port)
	tag, err := name.NewTag(ref)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(tag, image, remote.WithTransport(direct)); err != nil {
		t.Fatal(err)
	}
	pod(t, n, "own-image", func(p *corev1.Pod) { p.Spec.Containers[0].Image = ref }, "pause")
}
