package embedded

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/slipway-dev/slipway/internal/cluster/embedded/nodeconf"
)

// readiness is how to ask each part, from inside the node, whether it does its work.
func readiness(s nodeconf.Spec) map[string]func(context.Context) error {
	kubernetes := identity{ca: s.Dir.PKI("ca.crt"), cert: s.Dir.PKI("apiserver-kubelet-client.crt"), key: s.Dir.PKI("apiserver-kubelet-client.key")}
	etcd := identity{ca: s.Dir.PKI("etcd", "ca.crt"), cert: s.Dir.PKI("etcd", "healthcheck-client.crt"), key: s.Dir.PKI("etcd", "healthcheck-client.key")}
	return map[string]func(context.Context) error{
		nodeconf.Etcd: etcd.get("https://127.0.0.1:2379/readyz"),
		// Ready includes the roles that every other part needs.
		nodeconf.APIServer:         kubernetes.get(s.APIServer() + "/readyz"),
		nodeconf.ControllerManager: kubernetes.get("https://127.0.0.1:10257/healthz"),
		nodeconf.Scheduler:         kubernetes.get("https://127.0.0.1:10259/readyz"),
		nodeconf.Containerd:        dial("unix", nodeconf.ContainerdSocket),
		nodeconf.Kubelet:           identity{}.get("http://127.0.0.1:10248/healthz"),
		nodeconf.Proxy:             identity{}.get("http://127.0.0.1:10256/healthz"),
		nodeconf.NetworkPolicy:     identity{}.get("http://127.0.0.1:20244/healthz"),
	}
}

func dial(network, address string) func(context.Context) error {
	return func(ctx context.Context) error {
		var d net.Dialer
		conn, err := d.DialContext(ctx, network, address)
		if err != nil {
			return fmt.Errorf("%s does not answer yet", address)
		}
		return conn.Close()
	}
}

// identity is who asks over TLS, by files; the files are read when first needed.
type identity struct{ ca, cert, key string }

// get asks url and wants 200.
func (i identity) get(url string) func(context.Context) error {
	var client *http.Client
	return func(ctx context.Context) error {
		if client == nil {
			c, err := i.client()
			if err != nil {
				return err
			}
			client = c
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err != nil {
			return fmt.Errorf("%s: %w", url, plain(err))
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(io.LimitReader(response.Body, 4096))
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s answers %s%s", url, response.Status, failedChecks(string(body)))
		}
		return nil
	}
}

func (i identity) client() (*http.Client, error) {
	transport := &http.Transport{MaxIdleConns: 1, IdleConnTimeout: 15 * time.Second}
	if i.ca != "" {
		caPEM, err := os.ReadFile(i.ca)
		if err != nil {
			return nil, err
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(caPEM)
		pair, err := tls.LoadX509KeyPair(i.cert, i.key)
		if err != nil {
			return nil, err
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	return &http.Client{Transport: transport}, nil
}

// plain leaves out what the caller says anyway.
func plain(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}

// failedChecks picks the failed lines ("[-]name failed: ...") out of a health answer.
func failedChecks(body string) string {
	var failed []string
	for line := range strings.Lines(body) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "[-]"); ok {
			failed = append(failed, name)
		}
	}
	if len(failed) == 0 {
		return ""
	}
	return ": " + strings.Join(failed, "; ")
}
