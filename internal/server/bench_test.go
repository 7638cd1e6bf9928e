package server

import (
	"io"
	"net/http"
	"testing"
)

// BenchmarkRequest is one request over loopback with each sort of credential, the client included.
func BenchmarkRequest(b *testing.B) {
	f, _ := filled(b)
	ada := user("ada", "payments:developers")
	browser := f.signIn(ada)
	token := f.with(f.apiToken(f.t, ada, "viewer"))
	for name, c := range map[string]*caller{"session": browser, "API token": token, "provider's token": f.as(ada)} {
		for _, path := range []string{"/api/v1/me", "/api/v1/catalog/entities"} {
			b.Run(name+" "+path, func(b *testing.B) {
				for b.Loop() {
					r, err := http.NewRequest("GET", f.url+path, nil)
					if err != nil {
						b.Fatal(err)
					}
					r.Header = c.header.Clone()
					response, err := c.client.Do(r)
					if err != nil || response.StatusCode != http.StatusOK {
						b.Fatal(response, err)
					}
					_, _ = io.Copy(io.Discard, response.Body)
					_ = response.Body.Close()
				}
			})
		}
	}
}
