//go:build e2e

package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/slipway-dev/slipway/internal/endpoint"
)

// settle is how long something may take to happen after it was asked for; it only ends what hangs.
const settle = 3 * time.Minute

func testHealthy(t *testing.T, p *platform) {
	s := decode[struct {
		Health       string
		Capabilities []struct{ Capability, Tool, Version, Health, Message string }
		Memory       struct{ Total, Slipway int64 }
	}](t, p.run(t, "status", "--name", p.name, "-o", "json"))
	if s.Health != "healthy" || len(s.Capabilities) < 9 {
		t.Errorf("health %q, %d capabilities", s.Health, len(s.Capabilities))
	}
	for _, c := range s.Capabilities {
		if c.Health != "healthy" {
			t.Errorf("%s by %s %s is %s: %s", c.Capability, c.Tool, c.Version, c.Health, c.Message)
		}
	}
	if s.Memory.Total == 0 || s.Memory.Slipway == 0 {
		t.Errorf("memory is not measured: %+v", s.Memory)
	}
	if out := p.run(t, "why", "--name", p.name); strings.TrimSpace(out) != "nothing is wrong" {
		t.Errorf("why says %q", out)
	}
	for _, u := range decode[[]struct{ Name, URL string }](t, p.run(t, "get", "urls", "--name", p.name, "-o", "json")) {
		// What asks for a login has answered, too.
		res, err := p.client(t).Get(u.URL)
		if err != nil {
			t.Errorf("%s: %v", u.Name, err)
			continue
		}
		res.Body.Close()
		if res.StatusCode >= 500 {
			t.Errorf("%s: %s: %s", u.Name, u.URL, res.Status)
		}
	}
	_, err := (&http.Client{Transport: endpoint.Transport(p.domain, "127.0.0.1", nil)}).Get(p.url(t, "gitea"))
	if err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("without the platform's CA its certificate must not be trusted; got %v", err)
	}
}
