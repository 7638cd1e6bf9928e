//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// testKubectl uses what needs the way from the API server to the node: logs, exec, port-forward,
// and the resource metrics.
func testKubectl(t *testing.T, p *platform) {
	if out := p.run(t, "kubectl", "-n", "hello", "exec", "deploy/hello", "--", "id", "-u"); strings.TrimSpace(out) != "65532" {
		t.Errorf("exec: got %q", out)
	}
	if out := p.run(t, "kubectl", "-n", "gitea", "logs", "deploy/gitea", "--tail=5"); strings.TrimSpace(out) == "" {
		t.Error("logs: nothing came")
	}
	for _, what := range [][]string{{"nodes", p.name}, {"pods", "-n", "gitea"}} {
		eventually(t, settle, "kubectl top "+what[0], func() error {
			out, err := p.try(t.Context(), append(append([]string{"kubectl", "top"}, what...), "--no-headers")...)
			if err == nil && !strings.Contains(out, "Mi") {
				err = errors.New(out)
			}
			return err
		})
	}
	base := p.forward(t, "hello", "svc/hello", "80")
	if text, err := get(http.DefaultClient, base+"/"); err != nil || !strings.Contains(text, "Hello") {
		t.Errorf("port-forward: got %q, error %v", text, err)
	}
}

// forward runs `kubectl port-forward` until the test ends, and gives the URL on this side.
func (p *platform) forward(t *testing.T, namespace, target, port string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	c := p.command(ctx, "kubectl", "-n", namespace, "port-forward", target, ":"+port)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = c.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("port-forward: %v", err)
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	match := regexp.MustCompile(`127\.0\.0\.1:(\d+)`).FindStringSubmatch(line)
	if match == nil {
		t.Fatalf("port-forward says %q", line)
	}
	return "http://127.0.0.1:" + match[1]
}

// testNames looks from inside a pod: a platform's host name is the gateway's address for programs
// that ask DNS, and for those that take every *.localhost for the loopback, loopback works.
func testNames(t *testing.T, p *platform) {
	gateway := strings.TrimSpace(p.run(t, "kubectl", "-n", "gateway", "get", "service", "traefik", "-o", "jsonpath={.spec.clusterIP}"))
	git := p.host(t, "git")
	name, port, err := net.SplitHostPort(git)
	if err != nil {
		name, port = git, "443"
	}
	inside := func(namespace, target string, command ...string) string {
		t.Helper()
		return p.run(t, append([]string{"kubectl", "-n", namespace, "exec", target, "--"}, command...)...)
	}
	if out := inside("hello", "deploy/hello", "nslookup", name); !strings.Contains(out, "Address: "+gateway+"\n") {
		t.Errorf("%s is not the gateway's %s inside a pod:\n%s", name, gateway, out)
	}
	if out := inside("hello", "deploy/hello", "nslookup", "any.thing."+p.domain); !strings.Contains(out, "Address: "+gateway+"\n") {
		t.Errorf("names below the domain are not all the gateway's:\n%s", out)
	}
	for _, host := range []string{name, "127.0.0.1"} {
		inside("hello", "deploy/hello", "sh", "-c", fmt.Sprintf("nc -w 5 %s %s </dev/null", host, port))
	}
	// git (by curl's library) takes *.localhost for the loopback, and verifies the certificate.
	out := inside("argocd", "deploy/argocd-repo-server", "git", "-c", "http.sslCAInfo=/app/config/tls/"+name,
		"ls-remote", "https://"+url.UserPassword(p.login(t, "gitea")).String()+"@"+git+"/slipway/hello.git", "main")
	if !strings.Contains(out, "refs/heads/main") {
		t.Errorf("git inside a pod sees %q", out)
	}
}
