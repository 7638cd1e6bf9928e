package endpoint_test

import (
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/slipway-dev/slipway/internal/endpoint"
)

// httptest's certificate is valid for example.com, whose real address is somewhere else.
func TestTransport_DialsThePlatformsHostsAtTheGatewayAndVerifiesTheirNames(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Host)
	}))
	defer server.Close()
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})

	tests := []struct {
		name, domain, addr, url string
		ca                      []byte
		want                    string
	}{
		{"the domain itself, address with port", "example.com", u.Host, "https://example.com/", ca, "example.com"},
		{"address without port takes the URL's", "example.com", u.Hostname(), "https://example.com:" + u.Port() + "/", ca, "example.com:" + u.Port()},
		{"a host below the domain", "com", u.Host, "https://example.com/", ca, "example.com"},
		{"an unknown certificate is refused", "example.com", u.Host, "https://example.com/", nil, ""},
		{"a name the certificate lacks is refused", "example.org", u.Host, "https://git.example.org/", ca, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client := &http.Client{Transport: endpoint.Transport(tt.domain, tt.addr, tt.ca)}
			res, err := client.Get(tt.url)
			if tt.want == "" {
				if err == nil {
					t.Fatal("the call succeeded; want a TLS error")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if got, _ := io.ReadAll(res.Body); string(got) != tt.want {
				t.Errorf("host seen by the server = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestBelow(t *testing.T) {
	tests := []struct {
		domain, host string
		want         bool
	}{
		{"a.localhost", "git.a.localhost", true},
		{"a.localhost", "A.Localhost.", true},
		{"a.localhost", "ba.localhost", false},
		{"a.localhost", "localhost", false},
		{"", "anything", false},
	}
	for _, tt := range tests {
		if got := endpoint.Below(tt.domain, tt.host); got != tt.want {
			t.Errorf("Below(%q, %q) = %v, want %v", tt.domain, tt.host, got, tt.want)
		}
	}
}
