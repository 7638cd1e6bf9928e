// Package endpoint reaches what the platform serves, from this host: the platform's domain
// often cannot be resolved here (*.localhost, or a domain that only the cluster's DNS knows),
// so every host of that domain is dialled at the gateway's own address, while TLS is verified
// against the name. Used by delivery, health probes and the command line.
package endpoint

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Transport returns a transport that dials domain and every host below it at addr, a host or
// host:port; without a port the URL's port is taken, and with an empty addr names are resolved
// as usual. It trusts the system's roots and the certificates in caPEM.
func Transport(domain, addr string, caPEM []byte) *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	dial := func(ctx context.Context, network, target string) (net.Conn, error) {
		return dialer.DialContext(ctx, network, reroute(domain, addr, target))
	}
	t := &http.Transport{
		DialContext:         dial,
		ForceAttemptHTTP2:   true,
		TLSClientConfig:     &tls.Config{RootCAs: Roots(caPEM), MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: 10 * time.Second,
		IdleConnTimeout:     30 * time.Second,
		MaxIdleConnsPerHost: 8,
	}
	t.Proxy = func(r *http.Request) (*url.URL, error) {
		if addr != "" && Below(domain, r.URL.Hostname()) {
			return nil, nil
		}
		return http.ProxyFromEnvironment(r)
	}
	return t
}

// Roots are the system's trusted roots and the certificates in caPEM.
func Roots(caPEM []byte) *x509.CertPool {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	pool.AppendCertsFromPEM(caPEM)
	return pool
}

// Below says whether host is domain itself or a name below it.
func Below(domain, host string) bool {
	domain, host = strings.ToLower(domain), strings.TrimSuffix(strings.ToLower(host), ".")
	return domain != "" && (host == domain || strings.HasSuffix(host, "."+domain))
}

// reroute gives the address to dial for target, a host:port.
func reroute(domain, addr, target string) string {
	host, port, err := net.SplitHostPort(target)
	if err != nil || addr == "" || !Below(domain, host) {
		return target
	}
	if _, _, err := net.SplitHostPort(addr); err == nil {
		return addr
	}
	return net.JoinHostPort(addr, port)
}
