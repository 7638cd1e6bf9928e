package server

import (
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
)

// interfaceFiles are a web interface.
var interfaceFiles = fstest.MapFS{
	"index.html":              {Data: []byte(`<!doctype html><script nonce="__CSP_NONCE__" src="/assets/app-1234.js"></script>`)},
	"assets/app-1234.js":      {Data: []byte("console.log(1)")},
	"assets/app-1234.js.br":   {Data: []byte("brotli")},
	"assets/app-1234.js.gz":   {Data: []byte("gzip")},
	"favicon.svg":             {Data: []byte("<svg/>")},
	"assets/no-type.unknown1": {Data: []byte{0, 1}},
}

func withWeb(t *testing.T) *fixture {
	return start(t, func(o *Options) { o.Web = interfaceFiles })
}

func TestWeb_FilesPagesAndWhatIsMissing(t *testing.T) {
	f := withWeb(t)
	const forever = "public, max-age=31536000, immutable"
	tests := []struct {
		path, accept string
		status       int
		kind, cache  string
		body         string
	}{
		{"/", "", 200, "text/html; charset=utf-8", "no-store", "<!doctype html>"},
		{"/catalog/default/orders", "", 200, "text/html; charset=utf-8", "no-store", "<!doctype html>"},
		{"/device?code=BBBB-CCCC", "", 200, "text/html; charset=utf-8", "no-store", "<!doctype html>"},
		{"/index.html", "", 200, "text/html; charset=utf-8", "no-store", "<!doctype html>"},
		{"/assets/app-1234.js", "", 200, "text/javascript; charset=utf-8", forever, "console.log(1)"},
		{"/assets/app-1234.js", "gzip, br", 200, "text/javascript; charset=utf-8", forever, "brotli"},
		{"/assets/app-1234.js", "gzip, br;q=0", 200, "text/javascript; charset=utf-8", forever, "gzip"},
		{"/favicon.svg", "br", 200, "image/svg+xml", "no-cache", "<svg/>"},
		{"/assets/no-type.unknown1", "", 200, "application/octet-stream", forever, "\x00\x01"},
		{"/assets/app-9999.js", "", 404, "application/problem+json", "no-store", "{"},
		{"/.env", "", 404, "application/problem+json", "no-store", "{"},
		{"/%2e%2e/%2e%2e/etc/passwd.txt", "", 404, "application/problem+json", "no-store", "{"},
	}
	for _, tt := range tests {
		a := f.anonymous().do("GET", tt.path, nil, "Accept-Encoding", tt.accept)
		if a.status != tt.status || a.header.Get("Content-Type") != tt.kind || a.header.Get("Cache-Control") != tt.cache ||
			!strings.HasPrefix(string(a.body), tt.body) {
			t.Errorf("%s: %d %s %s %.40q", tt.path, a.status, a.header.Get("Content-Type"), a.header.Get("Cache-Control"),
				a.body)
		}
	}
	f.anonymous().want(http.StatusMethodNotAllowed, "POST", "/", nil).problem(t)
}

func TestWeb_FilesAreAskedForAgainOnlyWhereChanged(t *testing.T) {
	f := withWeb(t)
	tags := map[string]bool{}
	for _, accept := range []string{"identity", "br", "gzip"} {
		a := f.anonymous().do("GET", "/assets/app-1234.js", nil, "Accept-Encoding", accept)
		tag := a.header.Get("ETag")
		if tag == "" || tags[tag] || a.header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s: %q %q", accept, tag, a.header.Get("Vary"))
		}
		tags[tag] = true
		again := f.anonymous().do("GET", "/assets/app-1234.js", nil, "Accept-Encoding", accept, "If-None-Match", tag)
		if again.status != http.StatusNotModified || len(again.body) != 0 {
			t.Errorf("%s: %d", accept, again.status)
		}
	}
	tag := f.anonymous().get("/api/openapi.json").header.Get("ETag")
	if a := f.anonymous().do("GET", "/api/openapi.json", nil, "If-None-Match", tag); a.status != http.StatusNotModified {
		t.Errorf("%d", a.status)
	}
}

func TestWeb_PolicyAllowsNothingInlineButTheNonce(t *testing.T) {
	f := withWeb(t)
	a, b := f.anonymous().get("/"), f.anonymous().get("/")
	policy := a.header.Get("Content-Security-Policy")
	_, after, _ := strings.Cut(policy, "script-src 'self' 'nonce-")
	nonce, _, ok := strings.Cut(after, "'")
	if !ok || len(nonce) < 43 || !strings.Contains(string(a.body), `nonce="`+nonce+`"`) {
		t.Errorf("%s\n%s", policy, a.body)
	}
	if strings.Contains(string(b.body), nonce) {
		t.Error("two pages share a nonce")
	}
	if strings.Contains(policy, "unsafe") || !strings.Contains(policy, "default-src 'none'") ||
		!strings.Contains(policy, "frame-ancestors 'none'") ||
		!strings.Contains(policy, "base-uri 'none'") || !strings.Contains(policy, "form-action 'self'") {
		t.Error(policy)
	}
	plain := start(t, func(o *Options) { o.Web = fstest.MapFS{"index.html": {Data: []byte("<p>")}} })
	if policy := plain.anonymous().get("/").header.Get("Content-Security-Policy"); strings.Contains(policy, "nonce") ||
		!strings.Contains(policy, "script-src 'self';") {
		t.Error(policy)
	}
}

func TestWeb_HeadersAreOnEveryAnswer(t *testing.T) {
	f := start(t, func(o *Options) {
		o.Web = interfaceFiles
		o.Config.PublicURL = "https://slipway.example.test"
	})
	want := map[string]string{
		"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin",
		"Strict-Transport-Security": "max-age=63072000; includeSubDomains", "Cross-Origin-Opener-Policy": "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
	}
	for _, path := range []string{"/", "/assets/app-1234.js", "/none.js", "/api/v1/me", "/api/none",
		"/api/openapi.json", "/auth/callback", "/healthz"} {
		h := f.anonymous().do("GET", path, nil, "Accept-Encoding", "identity").header
		for name, value := range want {
			if h.Get(name) != value {
				t.Errorf("%s: %s is %q", path, name, h.Get(name))
			}
		}
		if policy := h.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") ||
			!strings.Contains(policy, "frame-ancestors 'none'") {
			t.Errorf("%s: %q", path, policy)
		}
		if len(h.Get("X-Request-Id")) < 16 || h.Get("Permissions-Policy") == "" {
			t.Errorf("%s: %v", path, h)
		}
		if h.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s may be read by other sites", path)
		}
	}
	if h := start(t).anonymous().get("/healthz").header; h.Get("Strict-Transport-Security") != "" {
		t.Error("plain HTTP on loopback promises HTTPS")
	}
}

func TestWeb_BrokenInterfacesDoNotStart(t *testing.T) {
	for _, files := range []fstest.MapFS{{}, {"app.js": {Data: []byte("x")}}} {
		f := start(t)
		o := f.options
		o.Config.DataDir = t.TempDir()
		o.Web = files
		if _, err := New(t.Context(), o); err == nil || !strings.Contains(err.Error(), "index.html") {
			t.Errorf("%v: %v", files, err)
		}
	}
}
