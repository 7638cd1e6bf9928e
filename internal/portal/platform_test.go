package portal

import (
	"log/slog"
	"testing"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/portal/config"
)

func TestBelow_PagesOfToolsAndOfWhatTheyDeliver(t *testing.T) {
	tool := func(name, url, page string) v1alpha1.Tool {
		return v1alpha1.Tool{Metadata: v1alpha1.Metadata{Name: name},
			Spec: v1alpha1.ToolSpec{URL: url, Delivery: &v1alpha1.Delivery{Page: page}}}
	}
	for name, test := range map[string]struct{ url, page, root, of string }{
		"both":          {"${platform.scheme}://cd.${platform.domain}${platform.portSuffix}", "/apps/${unit.name}", "https://cd.dev.localhost:8443", "https://cd.dev.localhost:8443/apps/dev.orders"},
		"no page":       {"https://cd.dev.localhost", "", "https://cd.dev.localhost", ""},
		"no interface":  {"", "", "", ""},
		"cannot be had": {"${values.nothing}", "/apps/${unit.nothing}", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			cd := tool("cd", test.url, test.page)
			o := Options{Config: config.Platform{Domain: "dev.localhost", PortSuffix: ":8443"}, Tools: map[string]v1alpha1.Tool{"cd": cd}}
			b, err := newBelow(&delivery{tool: config.Tool{Tool: "cd"}, log: slog.New(slog.DiscardHandler)}, o)
			if err != nil {
				t.Fatal(err)
			}
			if got := b.page(cd); got != test.root {
				t.Errorf("page: got %q, want %q", got, test.root)
			}
			for range 2 { // the second time it is remembered
				if got := b.pageOf("dev.orders"); got != test.of {
					t.Errorf("page of a workload: got %q, want %q", got, test.of)
				}
			}
		})
	}
}
